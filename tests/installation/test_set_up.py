"""A project's libraries come from one commit, a folder or `vendor/`, never by their names from an index."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from copier._vcs import get_repo

from groundplan.installation import bootstrap
from tests.installation.index import OURS, Index
from tests.installation.places import MARK, Place, Template
from tests.projects import commit_all, git

pytestmark = pytest.mark.xdist_group("installation")  # one environment for all, in one process

VERSIONS = dict.fromkeys(OURS, "0.2.0")


def checkout(template: Template, into: Path) -> Path:
    git(into.parent, "clone", "--quiet", str(template.folder), str(into))
    return into


def by_commit(place: Place, template: Template, _: Path) -> None:
    place.answer(template.address, template.released)


def by_override(place: Place, template: Template, elsewhere: Path) -> None:
    place.options(libraries=str(checkout(template, elsewhere)))


def by_repository(place: Place, template: Template, _: Path) -> None:
    shutil.rmtree(place.project / "infra")
    for library in bootstrap.LIBRARIES:
        shutil.copytree(template.folder / library, place.project / library, symlinks=True)


def by_vendor(place: Place, template: Template, _: Path) -> None:
    by_commit(place, template, _)
    done = place.set_up()
    assert done.returncode == 0, done.stderr
    done = place.run("groundplan", "vendor")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("chosen", [by_commit, by_override, by_repository, by_vendor])
def test_an_index_is_never_asked_for_ours(
    place: Place, template: Template, tmp_path: Path, chosen: Callable[[Place, Template, Path], None]
) -> None:
    """It offers a higher version of each, which would end every command that imports it."""
    chosen(place, template, tmp_path / "elsewhere")
    done = place.set_up()
    assert done.returncode == 0, done.stderr
    assert place.installed() == ("release", VERSIONS)
    assert place.index.asked_for_ours() == set()


def test_a_teammate_gets_the_same_commit(alone: Place, template: Template, tmp_path: Path) -> None:
    """By a second clone on a machine that has neither packages nor caches; the commit is described, as copier does."""
    described = git(template.bare, "describe", "--tags", template.fix).strip()
    assert described.startswith("0.2.0-1-g")
    alone.answer(template.address, described)
    git(alone.project, "init", "--quiet", "--initial-branch=main")
    commit_all(alone.project)
    git(tmp_path, "clone", "--quiet", str(alone.project), "teammate")
    teammate = Place(tmp_path / "teammate", tmp_path / "teammate" / ".venv", tmp_path / "home", alone.index)
    done = teammate.set_up()
    assert done.returncode == 0, done.stderr
    assert teammate.installed() == ("fix", VERSIONS)
    state = json.loads((teammate.environment / bootstrap.STATE).read_text())
    assert state["commit"] == template.fix
    assert "PIP" not in json.dumps(state)


def test_nothing_is_done_twice(place: Place) -> None:
    assert place.set_up().returncode == 0
    again = place.set_up(PYTHON3="/nowhere/python")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), "no Python is needed to see that"
    (place.project / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "0.1.1"\n')
    edited = place.set_up()
    assert (edited.returncode, edited.stdout, edited.stderr) == (0, "", ""), "other options are no reason"


def test_an_update_brings_its_libraries(place: Place, template: Template) -> None:
    assert place.set_up().returncode == 0
    place.answer(template.address, template.fix)
    script = "from pathlib import Path; from groundplan.installation import contract; contract.renew(Path.cwd())"
    (place.project / "renewing.py").write_text(script)
    done = place.run("renewing")
    assert done.returncode == 0, done.stderr
    assert place.installed() == ("fix", VERSIONS)


def test_a_git_hook_can_set_up(place: Place, template: Template, tmp_path: Path) -> None:
    """git tells a hook its repository by variables, which would lead the set-up's own git there."""
    git(tmp_path, "init", "--quiet", "hooked")
    place.answer(template.address, template.fix[:10])
    variables = {"GIT_DIR": str(tmp_path / "hooked" / ".git"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    done = place.set_up(**variables)
    assert done.returncode == 0, done.stderr
    assert place.installed() == ("fix", VERSIONS)


def test_a_fix_is_taken_without_an_update(place: Place, template: Template) -> None:
    place.options(commit=template.fix)
    done = place.set_up()
    assert done.returncode == 0, done.stderr
    assert place.installed() == ("fix", VERSIONS)
    place.options(commit=template.next_minor)
    done = place.set_up()
    assert done.returncode == 1
    assert "0.3.0" in done.stderr
    assert "make update" in done.stderr
    assert place.installed() == ("fix", VERSIONS), "what was there is still there"
    assert place.set_up().returncode == 1, "and the next command says it again"


@pytest.mark.parametrize("line", ['commit = "main"', 'commit = "0.2"', "commit = 7", 'comit = "x"', 'libraries = ""'])
def test_an_option_that_says_nothing_is_refused(place: Place, line: str) -> None:
    (place.project / "pyproject.toml").write_text(f"[tool.groundplan]\n{line}\n")
    done = place.set_up()
    assert done.returncode == 1
    assert "pyproject.toml: tool.groundplan." in done.stderr
    assert "to do:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("address", "commit", "told"),
    [
        ("/nowhere/groundplan", "0.2.0", "make vendor"),
        ("git+file:///nowhere/groundplan.git", "0.2.0", "git ls-remote file:///nowhere/groundplan.git"),
        ("https://me:secret@127.0.0.1:9/groundplan.git", "0.2.0", "git can't read https://127.0.0.1:9/groundplan.git"),
        ("{template}", "f" * 40, "changes that are not committed"),
        ("{template}", "0.2.0-7-gfffffff", "0.2.0-7-gfffffff is not in"),
        ("{template}", "0.9.9", "0.9.9 is not in"),
        ("{template}", "--upload-pack=touch pwned", "is not in"),
        ("--upload-pack=touch pwned", "0.2.0", "is not there"),
    ],
)
def test_an_address_or_commit_that_is_not_there(
    place: Place, template: Template, address: str, commit: str, told: str
) -> None:
    place.answer(address.replace("{template}", template.address), commit)
    done = place.set_up()
    assert done.returncode == 1
    assert told in done.stderr
    assert "to do:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert not list(place.project.rglob("pwned"))


def test_a_commit_without_the_libraries(place: Place, tmp_path: Path) -> None:
    """As those before there were any."""
    old = tmp_path / "old"
    for library in bootstrap.LIBRARIES:
        (old / library).mkdir(parents=True)
        (old / library / "__init__.py").write_text("")
    git(old, "init", "--quiet", "--initial-branch=main")
    commit_all(old)
    place.answer(str(old), git(old, "rev-parse", "HEAD").strip())
    done = place.set_up()
    assert done.returncode == 1
    assert "holds no infra, components, chassis, devkit" in done.stderr


def test_each_way_to_name_a_commit(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for revision in ("0.2.0", template.released, template.released[:7], f"0.1.0-9-g{template.released[:9]}"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / revision))
        for address in (f"file://{template.bare}", str(template.bare), str(template.folder)):
            source = bootstrap.Committed(address, revision, "test")
            assert bootstrap.resolve(source) == template.released, (revision, address)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:owner/name", "https://github.com/owner/name.git"),
        ("gh:/owner/name.git", "https://github.com/owner/name.git"),
        ("gl:group/sub/name", "https://gitlab.com/group/sub/name.git"),
        ("https://github.com/owner/name", "https://github.com/owner/name.git"),
        ("git+https://git.example.com/name", "https://git.example.com/name"),
        ("git+ssh://git@git.example.com/name.git", "ssh://git@git.example.com/name.git"),
        ("git+file:///srv/name.git", "file:///srv/name.git"),
        ("git@github.com:owner/name.git", "git@github.com:owner/name.git"),
        ("git://git.example.com/name", "git://git.example.com/name"),
        ("https://git.example.com/name.git", "https://git.example.com/name.git"),
    ],
)
def test_an_address_is_what_copier_takes_it_for(source: str, address: str, tmp_path: Path) -> None:
    assert bootstrap.git_address(source, tmp_path) == address
    assert get_repo(source) == address


def test_a_folder_is_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "template").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for source in (str(tmp_path / "home" / "template"), "~/template", "../home/template"):
        assert bootstrap.git_address(source, tmp_path / "project") == str(tmp_path / "home" / "template")


@pytest.mark.parametrize("address", ["/a b/" + "long name " * 20, "it's", 'a "b"', "größe", "a: b", "#x"])
def test_answers_are_read_as_copier_writes_them(tmp_path: Path, address: str) -> None:
    answers = {"_commit": "1234567", "_src_path": address.strip(), "name": "shop"}
    (tmp_path / ".copier-answers.yml").write_text(yaml.safe_dump(answers))
    assert bootstrap.read_answers(tmp_path) == {"_commit": "1234567", "_src_path": address.strip()}


def test_a_patched_checkout_stands_in(place: Place, template: Template, tmp_path: Path) -> None:
    """At three in the morning: no commit, no release, no new set-up after each edit, and every command names it."""
    folder = checkout(template, tmp_path / "groundplan")
    head = template.released[:12]
    place.options(libraries="../groundplan")
    assert place.set_up().returncode == 0
    clean = place.run("groundplan", "compare")
    assert clean.returncode == 0, clean.stderr
    assert clean.stderr.splitlines()[0] == f"groundplan: libraries from {folder} ({head})"
    heading = clean.stdout.splitlines()[0]
    report = folder / "infra" / "groundplan" / "cli" / "compare.py"
    report.write_text(report.read_text().replace("print(comparison", 'print("patched"); print(comparison'))
    patched = place.run("groundplan", "compare")
    assert patched.stdout.splitlines()[:2] == ["patched", heading]
    named = f"groundplan: libraries from {folder} ({head}, with changes that are not committed)"
    assert patched.stderr.splitlines()[0] == named
    # Without the line the project is back at its commit.
    place.options()
    assert place.set_up().returncode == 0
    back = place.run("groundplan", "compare")
    assert back.stdout.splitlines()[0] == heading
    assert "libraries from" not in back.stderr


def test_a_fork_is_named_by_a_variable_too(place: Place, template: Template, tmp_path: Path) -> None:
    fork = checkout(template, tmp_path / "fork")
    (fork / MARK).write_text('MARK = "fork"\n')
    assert place.set_up(GROUNDPLAN_LIBRARIES=str(fork)).returncode == 0
    assert place.installed() == ("fork", VERSIONS)
    assert place.set_up().returncode == 0
    assert place.installed() == ("release", VERSIONS)
    done = place.set_up(GROUNDPLAN_LIBRARIES=str(tmp_path))
    assert done.returncode == 1
    assert "GROUNDPLAN_LIBRARIES" in done.stderr


def test_libraries_and_template_have_to_fit(place: Place, template: Template, tmp_path: Path) -> None:
    folder = checkout(template, tmp_path / "groundplan")
    place.options(libraries=str(folder))
    assert place.set_up().returncode == 0
    git(folder, "checkout", "--quiet", template.next_minor)
    done = place.run("groundplan", "compare")
    assert done.returncode == 1
    assert "the libraries' version is 0.3.0" in done.stderr
    assert "0.2.*" in done.stderr
    assert "make update" in done.stderr
    (place.environment / bootstrap.INPUTS).unlink()
    assert "version 0.3.0" in place.set_up().stderr, "the set-up says it, too"


def test_the_contract_is_the_version_of_all_four() -> None:
    root = Path(__file__).resolve().parents[2]
    versions = {library: root / library / "pyproject.toml" for library in bootstrap.LIBRARIES}
    found = {path.read_text().partition('version = "')[2].partition('"')[0] for path in versions.values()}
    assert len(found) == 1
    assert bootstrap.minor(found.pop()) == bootstrap.CONTRACT


@pytest.mark.parametrize(
    "command",
    [
        ("groundplan", "plan", "--check"),
        ("groundplan", "up", "dev"),
        ("groundplan", "deliver", "dev"),
        (
            "groundplan",
            "update",
        ),
        ("groundplan", "service", "add", "invoice"),
        ("groundplan_devkit.token",),
        ("pytest", "--quiet", "-p", "no:cacheprovider", "-p", "groundplan_devkit.testing", "tests"),
    ],
    ids=lambda command: command[0],
)
def test_every_command_names_a_checkout(overridden: Place, template: Template, command: tuple[str, ...]) -> None:
    (overridden.project / "tests").mkdir(exist_ok=True)
    done = overridden.run(*command)
    assert f"groundplan: libraries from {overridden.project.parent}/groundplan ({template.released[:12]})" in (
        done.stdout if command[0] == "pytest" else done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def overridden(tmp_path_factory: pytest.TempPathFactory, shared: Path, index: Index, template: Template) -> Place:
    folder = tmp_path_factory.mktemp("overridden")
    checkout(template, folder / "groundplan")
    place = Place(folder / "project", shared / "environment", shared / "home", index)
    place.make(template.address, template.release)
    place.options(libraries="../groundplan")
    assert place.set_up().returncode == 0
    return place


def test_every_command_looks_at_its_libraries_when_it_starts() -> None:
    root = Path(__file__).resolve().parents[2]
    modules = [*(root / "infra" / "groundplan" / "cli").glob("*.py"), *(root / "devkit").glob("groundplan_devkit/*.py")]
    modules += (root / "devkit").glob("groundplan_devkit/*/__main__.py")
    commands = {str(path.relative_to(root)): path.read_text() for path in modules}
    forgotten = {
        name
        for name, text in commands.items()
        if "\ndef main(" in text and not re.search(r"contract import (renew, )?start|_run import run", text)
    }
    assert forgotten - WITHOUT == set()


WITHOUT = {
    "infra/groundplan/cli/__init__.py",  # find the command, which looks for itself
    "infra/groundplan/cli/_commands.py",
    "infra/groundplan/cli/_ask_services.py",  # a process that other commands start
    "devkit/groundplan_devkit/identity/__main__.py",
}
