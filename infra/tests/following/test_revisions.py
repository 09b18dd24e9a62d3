"""Files of revisions: what they execute, how they follow each other, and which of them wait (U7)."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from alembic import command

from groundplan.document.data_model import ddl_of
from groundplan.following.revisions import VERSIONS, WAITING, finished, head, released, waiting, written
from groundplan.following.schema import Plan, Step, plan_of
from groundplan.following.services import resource_renames, targets
from groundplan.problems import ProblemsFound
from groundplan_chassis.database.migrations import configuration
from groundplan_devkit.testing import FreshDatabase
from infra.tests.following.databases import catalogue, emptied
from infra.tests.following.samples import apart, changed, changes, system_of, values

NAME = "catalogue"
POSTGRESQL = sqlalchemy.make_url("postgresql+psycopg://").get_dialect()()


def plan_for(*several: dict[str, Any]) -> Plan:
    before, after = system_of(values()).services, system_of(changed(values(), *several)).services
    renames = {**targets(before, after), **resource_renames(before[NAME], after[NAME])}
    return plan_of(NAME, before[NAME], after[NAME], renames)


PLANS = {each["is"]: plan_for(each) for each in changes() if each["takes"] != "refused"}


class Recorded:
    """Stands for `alembic.op`: what is executed, and whether that was in a transaction."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.alone = False

    def execute(self, statement: str) -> None:
        self.statements.append(statement)

    def get_context(self) -> Recorded:
        return self

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        self.alone = True
        yield


def executed(text: str, function: str) -> tuple[list[str], bool]:
    recorded = Recorded()
    fake = types.ModuleType("alembic")
    fake.op = recorded  # type: ignore[attr-defined]
    real = sys.modules["alembic"]
    sys.modules["alembic"] = fake
    try:
        space: dict[str, Any] = {}
        exec(compile(text, "revision.py", "exec"), space)  # noqa: S102  # what was just written
    finally:
        sys.modules["alembic"] = real
    space[function]()
    return [plain(each) for each in recorded.statements], recorded.alone


def plain(statement: str) -> str:
    return " ".join(str(sqlalchemy.text(statement).compile(dialect=POSTGRESQL)).split())


def service(folder: Path) -> Path:
    (folder / VERSIONS).mkdir(parents=True)
    (folder / VERSIONS / "0001_initial.py").write_text('revision = "0001"\ndown_revision = None\n')
    return folder


def put(folder: Path, files: dict[Path, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", PLANS)
def test_files_execute_what_is_planned(name: str, tmp_path: Path) -> None:
    plan, folder = PLANS[name], service(tmp_path)
    files = written(folder, plan, "a_change", name)
    phases = {
        "_a_change.py": (plan.first, False),
        "_a_change_online.py": (plan.online, True),
        "_a_change_end.py": (plan.last, False),
        "_a_change_end_online.py": (plan.last_online, True),
    }
    expected = {ending: steps for ending, (steps, _) in phases.items() if steps}
    assert {path.name.lstrip("0123456789") for path in files} == set(expected)
    for path, text in files.items():
        steps, online = phases[path.name.lstrip("0123456789")]
        up, alone = executed(text, "upgrade")
        assert up == [plain(each) for step in steps for each in step.up]
        assert alone is online
        down, _ = executed(text, "downgrade")
        assert down == [plain(each) for step in reversed(steps) for each in step.down]
        assert (path.parent == WAITING) == ("_end" in path.name)


def test_files_are_as_the_formatter_leaves_them(tmp_path: Path) -> None:
    for number, (name, plan) in enumerate(PLANS.items()):
        for path, text in written(service(tmp_path / str(number)), plan, "a_change", name).items():
            (tmp_path / f"{number}_{path.name}").write_text(text)
    for arguments in (("format", "--check"), ("check", "--select", "E,F,I,W")):
        options = ("--no-cache", "--line-length", "120", "--quiet", "--isolated")
        files = map(str, sorted(tmp_path.glob("*_change*.py")))
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, *options, *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE a SET b = 'x:y'",
        "SELECT 1::bigint",
        "ALTER TABLE a ADD CHECK (b ~ '^[a-z]{2}:\\d+$')",
        "SELECT 'a very long text that nothing may break in two, of any length, because it is a value itself: "
        + "x y " * 30
        + "'",
        'SELECT \'"""\'',
        "SELECT '100%'",
    ],
)
def test_no_text_is_changed_on_its_way_into_a_file(statement: str, database: FreshDatabase, tmp_path: Path) -> None:
    text = next(iter(written(service(tmp_path), Plan(first=[Step((statement,))]), "x", "x").values()))
    recorded = Recorded()
    fake = types.ModuleType("alembic")
    fake.op = recorded  # type: ignore[attr-defined]
    engine = sqlalchemy.create_engine(database.dsn.replace("postgresql://", "postgresql+psycopg://"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "alembic", fake)
        space: dict[str, Any] = {}
        exec(compile(text, "revision.py", "exec"), space)  # noqa: S102  # what was just written
        space["upgrade"]()
    if not statement.startswith("SELECT"):
        assert [" ".join(each.replace("\\:", ":").split()) for each in recorded.statements] == [statement]
        return
    with engine.connect() as connection, psycopg.connect(database.dsn) as plainly:
        through = connection.execute(sqlalchemy.text(recorded.statements[0])).scalar()
        directly = plainly.execute(statement).fetchone()
        assert directly is not None
        assert through == directly[0]
    engine.dispose()


def test_each_follows_the_newest_one(tmp_path: Path) -> None:
    folder = service(tmp_path)
    (folder / VERSIONS / "0007_ours.py").write_text('revision = "ours"\ndown_revision = "0001"\n')
    assert head(folder) == "ours"
    files = written(folder, PLANS["a required indexed field renamed"], "x", "x")
    assert [path.as_posix() for path in files] == [
        "migrations/versions/0008_x.py",
        "migrations/versions/0009_x_online.py",
        "migrations/waiting/01_x_end.py",
    ]
    put(folder, files)
    assert head(folder) == "0009"
    (folder / VERSIONS / "0010_ours.py").write_text('revision: str = "0010"\ndown_revision: str | None = "0009"\n')
    later, gone = released(folder)
    assert [path.as_posix() for path in later] == ["migrations/versions/0011_x_end.py"]
    assert gone == waiting(folder)
    assert 'down_revision = "0010"' in next(iter(later.values()))


def test_two_newest_ones_are_refused(tmp_path: Path) -> None:
    folder = service(tmp_path)
    for name in ("a", "b"):
        (folder / VERSIONS / f"0002_{name}.py").write_text(f'revision = "{name}"\ndown_revision = "0001"\n')
    with pytest.raises(ProblemsFound, match=r"0002_a\.py, 0002_b\.py"):
        written(folder, PLANS["a shorter string"], "x", "x")


def test_a_history_that_python_cannot_read_is_told(tmp_path: Path) -> None:
    folder = service(tmp_path)
    (folder / VERSIONS / "0002_a.py").write_text("<<<<<<< ours\n")
    with pytest.raises(ProblemsFound, match="a migration that Python can read"):
        head(folder)


def test_alembic_runs_them_up_and_down(tmp_path: Path, database: FreshDatabase) -> None:
    several = apart(10)
    before = system_of(values()).services[NAME]
    after = system_of(changed(values(), *several)).services[NAME]
    folder = service(tmp_path / "service")
    first = f'from alembic import op\nrevision = "0001"\ndown_revision = None\nDDL = """{ddl_of(NAME, before)}"""\n'
    (folder / VERSIONS / "0001_initial.py").write_text(
        f"{first}\ndef upgrade() -> None:\n    op.get_bind().exec_driver_sql(DDL)\n"
    )
    put(folder, written(folder, plan_for(*several), "ten", "ten changes"))
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(ddl_of(NAME, after))
        wanted = catalogue(connection)
        emptied(connection)
        connection.execute(ddl_of(NAME, before))
        start = catalogue(connection)
        emptied(connection)
        alembic(folder / "migrations", database, "upgrade", "head")
        assert catalogue_of(connection) != wanted, "a part waits"
        alembic(folder / "migrations", database, "downgrade", "0001")
        assert catalogue_of(connection) == start
        whole = finished(folder, tmp_path / "finished")
        alembic(whole, database, "upgrade", "head")
        assert catalogue_of(connection) == wanted
        alembic(whole, database, "downgrade", "0001")
        assert catalogue_of(connection) == start


def catalogue_of(connection: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    found = catalogue(connection)
    return {
        kind: {name: each for name, each in things.items() if not name.startswith("alembic_version")}
        for kind, things in found.items()
    }


def alembic(folder: Path, database: FreshDatabase, step: str, revision: str) -> None:
    config = configuration(folder)
    engine = sqlalchemy.create_engine(database.dsn.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, step)(config, revision)
    engine.dispose()
