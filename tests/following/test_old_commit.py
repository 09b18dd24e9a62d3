"""A project of a commit far back, with its owner's edits: updated, followed, its rows migrated, nothing lost (U7)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from groundplan.cli import follow
from groundplan.declaration.loader import load_system
from groundplan.document.data_model import ddl_of
from groundplan.following.agreement import disagreements
from groundplan.following.revisions import VERSIONS
from groundplan_devkit.servers import Postgres
from infra.tests.following.databases import Connection, catalogue, contents, emptied, fresh, insert
from infra.tests.following.samples import changes, values
from tests.following.edits import PACKAGE, check_code, declare, older_tables
from tests.following.revisions import revisions_of, run
from tests.projects import ROOT, commit_all, commit_project, git, make_project, overridden

pytestmark = pytest.mark.skipif(
    not os.environ.get("PROVE"), reason="copies and an update of a project, minutes: `make prove WHAT=old-projects`"
)

BACK = 200
"""Commits."""
LIBRARIES = ("infra", "components", "chassis", "devkit")
SERVICE = "catalogue"
FOLDER = f"services/{SERVICE}"
OURS = """\
\"\"\"Ours.\"\"\"

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("COMMENT ON TABLE items IS 'ours'")


def downgrade() -> None:
    op.execute("COMMENT ON TABLE items IS NULL")
"""
EDITS = (
    ("domain/item.py", r"^    version: int$", "    # Ours: what every row has follows.\n    version: int"),
    ("domain/item.py", r"\Z", "\n\ndef ours(number: int) -> int:\n    return number\n"),
    ("api/items.py", r"\A(\"\"\".*\"\"\"\n)", r"\1# Ours: the API.\n"),
    ("seed.py", r"quantity=number,", "quantity=number + 7,"),
)
"""Beside generated lines, as the older template wrote them."""
SIGNS = ("# Ours: what every row has follows.", "def ours(number: int)", "# Ours: the API.", "quantity=number + 7,")
UPDATE = "import sys; sys.path[:0] = sys.argv[1:]; from groundplan.cli.update import main; sys.exit(main([]))"
"""The code that a project has updates it; commands that it starts then are those of the newer libraries."""


@pytest.fixture(scope="module")
def old() -> str:
    """The newest commit of this line that has so many after it."""
    if git(ROOT, "rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip(f"a shallow clone has no commit {BACK} back")
    line = git(ROOT, "rev-list", "--first-parent", "HEAD").split()
    place = bisect_left(line, BACK, key=lambda each: int(git(ROOT, "rev-list", "--count", f"{each}..HEAD")))
    if place == len(line):
        pytest.skip(f"the history has no commit {BACK} back")
    return line[place]


@pytest.fixture(scope="module")
def made(old: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the old commit, with its owner's edits and a migration of their own; read only."""
    folder = tmp_path_factory.mktemp("old")
    # Without tags the newest version is the last commit.
    git(folder, "clone", "--quiet", "--no-tags", str(ROOT), "groundplan")
    services = [{"name": name, **service} for name, service in values()["services"].items()]
    project = make_project(folder / "groundplan", folder / "lab", {"name": "lab", "services": services}, ref=old)
    for path, before, after in EDITS:
        file = project / PACKAGE / path
        text, count = re.subn(before, after, file.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, (path, before)
        file.write_text(text)
    (project / PACKAGE / "domain/ours.py").write_text('"""Ours."""\n')
    (project / FOLDER / VERSIONS / "0002_ours.py").write_text(OURS)
    return commit_project(project)


@pytest.fixture(scope="module")
def own_code(old: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Places of the libraries as they were."""
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(
        ["git", "archive", "--output", str(folder / "old.tar"), old, *LIBRARIES],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    with tarfile.open(folder / "old.tar") as members:
        members.extractall(folder, filter="data")
    return [str(folder / name) for name in LIBRARIES]


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in overridden().items():
        monkeypatch.setenv(name, value)
    project = Path(shutil.copytree(made, tmp_path / "lab", symlinks=True))
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def connection(postgres_server: Postgres) -> Iterator[Connection]:
    with fresh(postgres_server) as made:
        yield made


def require_edits(project: Path) -> None:
    code = "\n".join(path.read_text() for path in sorted((project / PACKAGE).rglob("*.py")))
    assert [sign for sign in SIGNS if sign not in code] == []
    assert (project / PACKAGE / "domain/ours.py").is_file()
    assert (project / FOLDER / VERSIONS / "0002_ours.py").read_text() == OURS


def update(project: Path, code: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", UPDATE, *code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not up to date yet" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("tables", ["as they were", "older still"])
def test_a_project_of_long_ago_comes_after(
    tables: str, project: Path, own_code: Sequence[str], connection: Connection
) -> None:
    """With its own code, which may know nothing of tables; older ones are written by today's."""
    older = tables == "older still"
    if older:
        older_tables(project)
        commit_all(project, "Made by an older template still")
    ran = revisions_of(project, SERVICE)
    run(connection, project, SERVICE, ran)
    service = load_system(project / "system.yaml").services[SERVICE]
    for number in range(3):
        insert(connection, service, number)
    item = service.resources["item"]
    rows = contents(connection, item, "item", list(item.fields))

    said = update(project, () if older else own_code)
    require_edits(project)
    assert ("_tables.py" in said) is older
    commit_all(project, "Updated")

    names = ("a longer string", "an optional field more", "a field that gets an index")
    declare(project, *(each for each in changes() if each["is"] in names))
    assert follow.main([]) == 0
    require_edits(project)
    check_code(project, SERVICE)
    declared = load_system(project / "system.yaml")
    assert disagreements(project, declared) == []

    run(connection, project, SERVICE, [path for path in revisions_of(project, SERVICE) if path not in ran])
    migrated = catalogue(connection)
    assert contents(connection, item, "item", list(item.fields)) == rows
    insert(connection, declared.services[SERVICE], 4)
    emptied(connection)
    connection.execute(ddl_of(SERVICE, declared.services[SERVICE]))
    assert migrated == catalogue(connection)
