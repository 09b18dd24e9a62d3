"""Services' code belongs to its editor: newer templates, other answers and removed neighbours leave it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.cli import update as update_command
from groundplan.cli.template import read_answers, update
from tests.projects import commit_all, git, snapshot
from tests.template.test_update import release, replace

SERVICES = "templates/project/services"
PORT = SERVICES + "/{% yield service from code.pricing %}{{ service.at.domain }}catalogue{% endyield %}.py"
PACKAGES = SERVICES + "/{% yield package from code.packages %}{{ package }}__init__{% endyield %}.py"
FIRST = SERVICES + "/{% yield service from code.services %}{{ service.at.versions }}0001_initial{% endyield %}.py.jinja"
ORDER = "services/order/order_service"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with one release, and with services' code."""
    template = snapshot(tmp_path_factory.mktemp("released_code") / "groundplan")
    git(template, "tag", "v0.1.0")
    return template


@pytest.fixture
def project(own_shop: Path) -> Path:
    """A project whose user has worked on the order service."""
    replace(own_shop / ORDER / "domain/catalogue.py", "class Catalogue(", "LONGEST = 30\n\n\nclass Catalogue(")
    (own_shop / ORDER / "domain/gift.py").write_text('"""Ours."""\n')
    (own_shop / ORDER / "queries/list_orders.py").unlink()
    (own_shop / "services/order/migrations/versions/0002_gift.py").write_text('"""Gifts."""\n')
    (own_shop / "services/order/openapi.json").write_text('{"ours": true}\n')
    commit_all(own_shop, "Our edits")
    return own_shop


def edited(project: Path) -> None:
    """What the user did is still there."""
    assert "LONGEST = 30" in (project / ORDER / "domain/catalogue.py").read_text()
    assert (project / ORDER / "domain/gift.py").read_text() == '"""Ours."""\n'
    assert not (project / ORDER / "queries/list_orders.py").exists()
    assert (project / "services/order/migrations/versions/0002_gift.py").exists()
    assert (project / "services/order/openapi.json").read_text() == '{"ours": true}\n'


def test_edits_stay_and_what_is_new_arrives_beside_them(project: Path, releases: Path) -> None:
    port = releases / PORT
    ours = "The port to the catalogue of what is sold."
    replace(port, f'"""{ours}"""', f'"""{ours} And what it costs."""')
    for name in (PACKAGES, "templates/project/tests/__init__.py"):
        (releases / name).write_text((releases / name).read_text() + "\n# Newer.\n")
    release(releases, "v0.2.0")
    updated = update(project, read_answers(project), {}, newest=True)
    assert updated.conflicted == ()
    edited(project)
    assert "And what it costs" in (project / ORDER / "domain/catalogue.py").read_text(), "in the same file, elsewhere"
    for name in (
        f"{ORDER}/commands/__init__.py",
        "services/user/user_service/commands/__init__.py",
        "tests/__init__.py",
    ):
        assert (project / name).read_text().endswith("# Newer.\n")


def test_where_both_changed_a_line_the_file_is_told(
    project: Path, releases: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = releases / PORT
    replace(port, "class Catalogue(", "SHORTEST = 3\n\n\nclass Catalogue(")
    release(releases, "v0.2.0")
    monkeypatch.chdir(project)
    assert update_command.main([]) == 2
    text = (project / ORDER / "domain/catalogue.py").read_text()
    assert "<<<<<<< before updating" in text
    assert "LONGEST = 30" in text
    assert "SHORTEST = 3" in text
    said = capsys.readouterr().err
    assert f"    {ORDER}/domain/catalogue.py\n" in said
    assert "git add <file> && make plan" in said
    assert git(project, "diff", "--name-only", "--diff-filter=U").split() == [f"{ORDER}/domain/catalogue.py"]


def test_a_migration_that_may_have_run_is_never_written_anew(project: Path, releases: Path) -> None:
    first = releases / FIRST
    before = (project / "services/order/migrations/versions/0001_initial.py").read_text()
    first.write_text(first.read_text().replace("CREATE TABLE outbox", "CREATE TABLE outbox_of_today"))
    release(releases, "v0.2.0")
    update(project, read_answers(project), {}, newest=True)
    assert (project / "services/order/migrations/versions/0001_initial.py").read_text() == before
    commit_all(project)
    update(project, read_answers(project), {"services": ["user", "order", "payment", "invoice"]})
    assert "outbox_of_today" in (project / "services/invoice/migrations/versions/0001_initial.py").read_text()


def test_a_first_migration_that_was_replaced_stays_away(project: Path, releases: Path) -> None:
    """Two first migrations are two heads, with which Alembic does nothing."""
    versions = project / "services/order/migrations/versions"
    (versions / "0001_initial.py").rename(versions / "0001_squashed.py")
    commit_all(project, "Squashed")
    (releases / "templates/project/tests/__init__.py").write_text('"""Newer."""\n')
    release(releases, "v0.2.0")
    update(project, read_answers(project), {"services": ["user", "order", "payment", "invoice"]}, newest=True)
    assert (project / "tests/__init__.py").read_text() == '"""Newer."""\n'
    assert not (versions / "0001_initial.py").exists()
    assert (versions / "0001_squashed.py").exists()
    for service in ("user", "payment", "invoice"):
        assert (project / f"services/{service}/migrations/versions/0001_initial.py").exists()


def test_another_size_leaves_code_alone(project: Path) -> None:
    services = ["user", {"name": "order", "data_gb": 300, "read_share": 0.5}, "payment"]
    updated = update(project, read_answers(project), {"services": services})
    assert set(updated.changed) == {".copier-answers.yml", "system.yaml"}
    edited(project)


def test_a_service_that_goes_takes_all_its_files_and_no_others(project: Path) -> None:
    update(project, read_answers(project), {"services": ["user", "order"]})
    assert not (project / "services/payment").exists()
    edited(project)
    assert (project / "services/order/migrations/versions/0001_initial.py").exists()
    changed = {line[3:] for line in git(project, "status", "--porcelain").splitlines() if "services/" in line}
    assert not [name for name in changed if "user" in name or ("migrations/versions/0001" in name and "order" in name)]
