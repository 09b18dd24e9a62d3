"""Revisions that would stop or break a system in use are refused, with the remedy; the right way is not (h19)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundplan.following.revisions import VERSIONS, WAITING, written
from groundplan.migrations import judged, squawk
from groundplan.migrations.rules import RULES
from groundplan.problems import Problem, ProblemsFound
from infra.tests.following.test_revisions import PLANS, put, service

SERVICE = "stock"
HEAD = """from alembic import op

revision = "{number}"
down_revision = "{before}"
{accepted}

def upgrade() -> None:
"""
REFUSED = {
    "require-concurrent-index-creation": "CREATE INDEX a ON items (name)",
    "require-concurrent-index-deletion": "DROP INDEX a",
    "require-concurrent-reindex": "REINDEX TABLE items",
    "require-concurrent-partition-detach": "ALTER TABLE items DETACH PARTITION items_2025",
    "ban-concurrent-index-creation-in-transaction": "DROP INDEX CONCURRENTLY IF EXISTS a; "
    "CREATE INDEX CONCURRENTLY a ON items (name)",
    "not-repeatable": "+CREATE INDEX CONCURRENTLY a ON items (name)",
    "constraint-missing-not-valid": "ALTER TABLE items ADD CONSTRAINT c CHECK (count > 0)",
    "disallowed-unique-constraint": "ALTER TABLE items ADD CONSTRAINT u UNIQUE (name)",
    "adding-serial-primary-key-field": "ALTER TABLE items ADD PRIMARY KEY (name)",
    "adding-not-nullable-field": "ALTER TABLE items ALTER COLUMN name SET NOT NULL",
    "adding-field-with-default": "ALTER TABLE items ADD COLUMN at timestamptz DEFAULT clock_timestamp()",
    "changing-column-type": "ALTER TABLE items ALTER COLUMN count TYPE bigint",
    "whole-table-lock": "TRUNCATE items",
    "rows-under-lock": "ALTER TABLE items ADD COLUMN x text; SELECT count(*) FROM items",
    "rows-in-one-transaction": "UPDATE items SET name = 'x'",
    "ban-drop-column": "ALTER TABLE items DROP COLUMN name",
    "ban-drop-table": "DROP TABLE items",
    "ban-drop-view": "DROP VIEW items_old",
    "ban-drop-schema": "DROP SCHEMA old",
    "renaming-column": "ALTER TABLE items RENAME COLUMN name TO title",
    "renaming-table": "ALTER TABLE items RENAME TO articles",
    "adding-required-field": "ALTER TABLE items ADD COLUMN x text NOT NULL",
    "syntax-error": "ALTER TABEL items ADD COLUMN x text",
    "needs-a-server": "",
}
"""A statement for each rule; with a plus sign in front, in no transaction."""
MORE = {
    "an index of another kind of statement": ("op.create_index('a', 'items', ['name'])", "require-concurrent-index"),
    "a foreign key": (
        "op.create_foreign_key('f', 'items', 'suppliers', ['supplier'], ['id'])",
        "constraint-missing-not-valid",
    ),
    "rows changed at once in a block": (
        "op.execute(\"DO $$ BEGIN UPDATE items SET name = 'x'; END $$\")",
        "rows-in-one-transaction",
    ),
    "batches in one transaction": (
        "op.execute(\"DO $$ BEGIN LOOP UPDATE items SET name = 'x'; COMMIT; END LOOP; END $$\")",
        "rows-in-one-transaction",
    ),
    "an own comment that silences squawk": (
        'op.execute("-- squawk-ignore require-concurrent-index-creation\\nCREATE INDEX a ON items (name)")',
        "require-concurrent-index-creation",
    ),
    "a constraint that is checked where it is added": (
        'op.execute("ALTER TABLE items ADD CONSTRAINT c CHECK (count > 0) NOT VALID")\n'
        '    op.execute("ALTER TABLE items VALIDATE CONSTRAINT c")',
        "constraint-missing-not-valid",
    ),
    "vacuum": ('op.execute("VACUUM FULL items")', "whole-table-lock"),
    "a copy of a table": (
        'op.execute("INSERT INTO items (name) SELECT name FROM suppliers")',
        "rows-in-one-transaction",
    ),
}
RIGHT = {
    "a column": 'op.execute("ALTER TABLE items ADD COLUMN x text")',
    "a column with a constant": "op.execute(\"ALTER TABLE items ADD COLUMN x text NOT NULL DEFAULT 'a'\")",
    "a table with its index, key and rows": 'op.execute("CREATE TABLE kinds (id uuid PRIMARY KEY, item uuid REFERENCES '
    "items (id), name text UNIQUE); CREATE INDEX a ON kinds (name); INSERT INTO kinds (name) VALUES ('x')\")",
    "an index": """with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS a")
        op.execute("CREATE INDEX CONCURRENTLY a ON items (name)")""",
    "an index once": """with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON items (name)")""",
    "a required column": """with op.get_context().autocommit_block():
        op.execute("ALTER TABLE items ADD CONSTRAINT present CHECK (name IS NOT NULL) NOT VALID")
        op.execute("ALTER TABLE items VALIDATE CONSTRAINT present")
        op.execute("ALTER TABLE items ALTER COLUMN name SET NOT NULL")
        op.execute("ALTER TABLE items DROP CONSTRAINT present")""",
    "batches": """with op.get_context().autocommit_block():
        op.execute("DO $$ BEGIN LOOP UPDATE items SET name = 'x' WHERE name = 'y'; EXIT WHEN NOT FOUND; COMMIT; "
            "END LOOP; END $$")""",
    "rows of texts that look like statements": "op.execute(\"COMMENT ON TABLE items IS 'UPDATE; TRUNCATE items'\")",
    "nothing": "pass",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = service(tmp_path / "services" / SERVICE)
    (folder / f"{SERVICE}_service").mkdir()
    (folder / f"{SERVICE}_service" / "__main__.py").touch()
    return tmp_path


def revise(
    project: Path, body: str, *, number: int = 2, accepted: str = "", name: str = "", waits: bool = False
) -> str:
    folder = WAITING if waits else VERSIONS
    path = project / "services" / SERVICE / folder / (name or f"{number:04}_change.py")
    path.parent.mkdir(exist_ok=True)
    head = HEAD.format(number=f"{number:04}", before=f"{number - 1:04}", accepted=accepted)
    path.write_text(f"{head}    {body}\n")
    return path.relative_to(project).as_posix()


def executing(statements: str) -> str:
    if not statements:
        return 'op.get_bind().execute("SELECT 1").scalar()'
    if statements.startswith("+"):
        return f'with op.get_context().autocommit_block():\n        op.execute("{statements[1:]}")'
    return f'op.execute("{statements}")'


def rules_of(problems: list[Problem]) -> list[str]:
    return [problem.path for problem in problems]


def test_each_rule_refuses_with_its_remedy(project: Path) -> None:
    assert REFUSED.keys() == RULES.keys()
    places = {
        rule: revise(project, executing(statements), number=number)
        for number, (rule, statements) in enumerate(REFUSED.items(), 2)
    }
    found = judged(project)
    for rule, place in places.items():
        of_place = [problem for problem in found if problem.where.startswith(place)]
        assert rules_of(of_place) == [rule], (rule, of_place)
        assert RULES[rule].remedy in of_place[0].remedy
        assert of_place[0].where.partition(":")[2], "it names the line"


def test_other_ways_to_say_the_same_are_refused(project: Path) -> None:
    places = {
        revise(project, body, number=number): (name, rule)
        for number, (name, (body, rule)) in enumerate(MORE.items(), 2)
    }
    found = judged(project)
    for place, (name, rule) in places.items():
        of_place = [problem.path for problem in found if problem.where.startswith(place)]
        assert [each for each in of_place if each.startswith(rule)], (name, of_place)


def test_the_right_way_is_not_refused(project: Path) -> None:
    for number, body in enumerate(RIGHT.values(), 2):
        revise(project, body, number=number)
    assert judged(project) == []


def test_nothing_that_follows_a_declaration_is_refused(tmp_path: Path) -> None:
    """Every change of the table, both releases, also once the second is in its place."""
    names = {}
    for number, (name, plan) in enumerate(PLANS.items()):
        folder = service(tmp_path / "services" / f"s{number}")
        put(folder, written(folder, plan, "a_change", name))
        names[f"s{number}"] = name
        for path in sorted((folder / WAITING).glob("*.py")):
            shutil.copy(path, folder / VERSIONS / f"0009{path.name}")
            text = (folder / VERSIONS / f"0009{path.name}").read_text()
            (folder / VERSIONS / f"0009{path.name}").write_text(
                text.replace("down_revision = None", 'down_revision = "0003"')
            )
    found = judged(tmp_path, list(names))
    assert [(names[problem.where.split("/")[1]], str(problem)) for problem in found] == []


def test_a_history_begins_with_empty_tables(project: Path) -> None:
    path = project / "services" / SERVICE / VERSIONS / "0001_initial.py"
    path.write_text(path.read_text() + "\n\ndef upgrade() -> None:\n    raise RuntimeError\n")
    assert judged(project) == []


def test_a_finding_is_accepted_with_a_reason(project: Path) -> None:
    body = executing(REFUSED["require-concurrent-index-creation"])
    wanted = {
        '{"require-concurrent-index-creation": "the table has twelve rows, and gets none"}': set(),
        '{"require-concurrent-index-creation": " "}': {"a reason"},
        '{"require-concurrent-index-creatoin": "the table has twelve rows"}': {
            "the name of a rule",
            f"no such statement, as {RULES['require-concurrent-index-creation'].why}",
        },
        '{"require-concurrent-index-creation": "it has twelve rows", "whole-table-lock": "it has twelve rows"}': {
            "a rule that this revision breaks"
        },
    }
    places = [
        revise(project, body, number=number, accepted=f"accepted = {accepted}")
        for number, accepted in enumerate(wanted, 2)
    ]
    found = judged(project)
    for place, says in zip(places, wanted.values(), strict=True):
        assert {problem.expected for problem in found if problem.where.startswith(place)} == says


def test_what_waits_may_break_the_release_before_but_stop_nobody(project: Path) -> None:
    for rule in ("ban-drop-column", "ban-drop-table", "require-concurrent-index-creation"):
        revise(project, executing(REFUSED[rule]), waits=True, name=f"01_{rule}_end.py")
        revise(project, executing(REFUSED[rule]), name=f"0002_{rule}_end.py")
    assert rules_of(judged(project)) == ["require-concurrent-index-creation"] * 2


def test_without_the_linter_it_says_what_to_do(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revise(project, "pass")
    monkeypatch.setattr("groundplan.migrations.squawk.sys.executable", str(project / "python"))
    monkeypatch.setattr("groundplan.migrations.squawk.shutil.which", lambda _: None)
    with pytest.raises(ProblemsFound, match="make setup"):
        squawk.found_in({"a": "SELECT 1"})
