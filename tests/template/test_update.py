"""A project moves to a newer template and keeps what its user wrote (U4)."""

from __future__ import annotations

import shutil
from pathlib import Path

import copier
import pytest
import yaml

from infra.commands import update as update_command
from infra.commands.template import read_answers, update
from infra.problems import ProblemsFound
from tests.projects import commit_all, commit_project, git, make_project


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))


@pytest.fixture
def project(own_shop: Path) -> Path:
    """A project of the first release, edited where users edit."""
    replace(own_shop / "system.yaml", "requests_per_second: 1000", "requests_per_second: 2500 # since spring")
    replace(own_shop / "README.md", "## First commands", "## Whom to call\n\nThe shop team.\n\n## First commands")
    stack = own_shop / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text() + "  # ours\n")
    image = own_shop / "services" / "order" / "Dockerfile"
    image.write_text(image.read_text() + "# ours\n")
    (own_shop / "infra" / "ours.py").write_text("OURS = True\n")
    (own_shop / ".editorconfig").unlink()
    commit_all(own_shop, "Our edits")
    return own_shop


def release(template: Path, version: str) -> None:
    commit_all(template, f"Release {version}")
    git(template, "tag", version)


def test_edits_survive_a_newer_template(project: Path, releases: Path) -> None:
    replace(releases / "templates/project/system.yaml.jinja", "  mfa: optional", "  mfa: required")
    replace(releases / "templates/project/README.md.jinja", "## Limits", "## Known limits")
    (releases / "infra" / "newer.py").write_text("NEWER = True\n")
    release(releases, "v0.2.0")
    updated = update(project, read_answers(project), {}, newest=True)
    assert updated.conflicted == ()
    assert read_answers(project)["_commit"] == "v0.2.0"
    system = (project / "system.yaml").read_text()
    assert "requests_per_second: 2500 # since spring" in system
    assert "mfa: required" in system
    readme = (project / "README.md").read_text()
    assert "The shop team." in readme
    assert "## Known limits" in readme
    assert (project / "Pulumi.dev.yaml").read_text().endswith("  # ours\n")
    assert (project / "services" / "order" / "Dockerfile").read_text().endswith("\n# ours\n")
    assert (project / "infra/ours.py").is_file()
    assert (project / "infra/newer.py").is_file()
    assert not (project / ".editorconfig").exists(), "what the user deleted stays deleted"


def test_a_conflict_is_marked_and_listed(
    project: Path, releases: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(
        releases / "templates/project/system.yaml.jinja",
        "{{ line(2, 'requests_per_second', numbers.requests_per_second) -}}\n",
        "{{ line(2, 'requests_per_second', numbers.requests_per_second * 2) -}}\n",
    )
    release(releases, "v0.2.0")
    monkeypatch.chdir(project)
    assert update_command.main([]) == 2
    text = (project / "system.yaml").read_text()
    for expected in (
        "<<<<<<< before updating",
        "2500 # since spring",
        "requests_per_second: 2000",
        ">>>>>>> after updating",
    ):
        assert expected in text
    assert "system.yaml" in capsys.readouterr().err
    assert git(project, "diff", "--name-only", "--diff-filter=U").split() == ["system.yaml"]


def test_a_new_question_takes_its_default_and_is_told(
    project: Path, releases: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (releases / "copier.yml").open("a") as questions:
        questions.write("\nteam:\n  type: str\n  help: Who runs it\n  default: platform\n")
    release(releases, "v0.2.0")
    monkeypatch.chdir(project)
    assert update_command.main([]) == 0
    assert "team = 'platform'" in capsys.readouterr().out
    assert read_answers(project)["team"] == "platform"


def test_an_answer_that_the_newer_template_refuses_stops_the_update(project: Path, releases: Path) -> None:
    """Copier would put the default in its place without a word, and take the user's services away."""
    replace(
        releases / "copier.yml",
        "    {{ services_problem(services) }}",
        "    {{ services_problem(services) }}{% if 'payment' in services %}not any more{% endif %}",
    )
    replace(releases / "copier.yml", "  default: [user, order, payment]", "  default: [user]")
    release(releases, "v0.2.0")
    with pytest.raises(ProblemsFound, match="the template no longer takes the answer"):
        update(project, read_answers(project), {}, newest=True)
    assert git(project, "status", "--porcelain") == ""
    assert read_answers(project)["services"] == ["user", "order", "payment"]


def test_the_newest_version_is_nothing_to_do(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert update_command.main([]) == 0
    assert "v0.1.0 is the newest version" in capsys.readouterr().out


def test_services_change_without_a_newer_template_even_if_there_is_one(project: Path, releases: Path) -> None:
    replace(releases / "templates/project/README.md.jinja", "## Limits", "## Known limits")
    release(releases, "v0.2.0")
    update(project, read_answers(project), {"services": ["user", "order", "payment", "invoice"]})
    assert read_answers(project)["_commit"] == "v0.1.0"
    assert "## Limits" in (project / "README.md").read_text()
    assert "invoice" in yaml.safe_load((project / "system.yaml").read_text())["services"]


def test_a_template_without_tags_can_be_copied_and_updated_from(template: Path, tmp_path: Path) -> None:
    untagged = Path(shutil.copytree(template, tmp_path / "groundplan", symlinks=True))
    project = commit_project(make_project(untagged, tmp_path / "shop"))
    replace(untagged / "templates/project/README.md.jinja", "## Limits", "## Known limits")
    commit_all(untagged)
    update(project, read_answers(project), {}, newest=True)
    assert "## Known limits" in (project / "README.md").read_text()
    assert read_answers(project)["_commit"] == git(untagged, "describe", "--tags", "--always").strip()


def test_copiers_own_update_works_as_well(project: Path, releases: Path) -> None:
    replace(releases / "templates/project/README.md.jinja", "## Limits", "## Known limits")
    release(releases, "v0.2.0")
    copier.run_update(project, defaults=True, overwrite=True, quiet=True, settings=copier.Settings())
    readme = (project / "README.md").read_text()
    assert "## Known limits" in readme
    assert "The shop team." in readme


def test_a_template_given_by_a_relative_path_is_found_later(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(template)
    copier.run_copy(".", tmp_path / "shop", defaults=True, quiet=True, vcs_ref="HEAD", settings=copier.Settings())
    assert read_answers(tmp_path / "shop")["_src_path"] == str(template.resolve())
    project = commit_project(tmp_path / "shop")
    monkeypatch.chdir(project)
    update(project, read_answers(project), {"services": ["user"]})
    assert read_answers(project)["services"] == ["user"]
