"""What the owner of the service in `infra/tests/following/declared.yaml` did to its code.

Each edit touches a line that the template wrote, and that a change of the declaration rewrites or adds one beside.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from infra.tests.following.samples import changed

PACKAGE = "services/catalogue/catalogue_service"

EDITS: tuple[tuple[str, str, str], ...] = (
    (
        "domain/item.py",
        '    SOLD = "sold"\n',
        '    SOLD = "sold"\n\n    @property\n    def final(self) -> bool:\n        return self is self.SOLD\n',
    ),
    (
        "domain/item.py",
        "    notes: ItemItemNotes | None = None\n    remarks: str | None = None\n    quantity: ItemItemQuantity\n"
        "    price: ItemItemPrice\n    active: bool\n    due_on: datetime.date | None = None\n"
        "    seen_at: Timestamp | None = None\n    external: UUID | None = None\n    status: ItemItemStatus\n"
        "    extra: JsonObject | None = None\n    contact: ItemItemContact | None = None\n"
        "    supplier_id: UUID | None = None\n    entry_id: UUID | None = None\n    version: int\n",
        "    notes: ItemItemNotes | None = None\n    # Ours: remarks are shown to support only.\n"
        "    remarks: str | None = None\n    quantity: ItemItemQuantity\n"
        "    price: ItemItemPrice\n    active: bool\n    due_on: datetime.date | None = None\n"
        "    seen_at: Timestamp | None = None\n    external: UUID | None = None\n    status: ItemItemStatus\n"
        "    extra: JsonObject | None = None\n    contact: ItemItemContact | None = None\n"
        "    supplier_id: UUID | None = None\n    entry_id: UUID | None = None\n"
        "    # Ours: what every row has follows.\n    version: int\n",
    ),
    (
        "domain/item.py",
        '        "entry_id": item.entry_id,\n    }\n',
        '        "entry_id": item.entry_id,\n        # Ours: nothing else leaves the service.\n    }\n',
    ),
    (
        "domain/item.py",
        '        events.append("item.deleted")\n    return events\n',
        '        events.append("item.deleted")\n    return events\n\n\n'
        'def worth(item: ItemItem) -> Decimal:\n    """Ours."""\n    return item.price * item.quantity\n',
    ),
    (
        "adapters/items.py",
        "    row = await transaction.fetchrow(\n        _INSERT,\n",
        "    # Ours: one statement.\n    row = await transaction.fetchrow(\n        _INSERT,\n",
    ),
    (
        "adapters/items.py",
        '        entry_id=row["entry_id"],\n',
        '        entry_id=row["entry_id"],\n        # Ours: what every row has follows.\n',
    ),
    (
        "api/items.py",
        '        "entry_id",\n    ],\n    sorts=[\n',
        '        "entry_id",\n        # Ours: no filter by remarks.\n    ],\n    sorts=[\n',
    ),
    ("seed.py", "        quantity=number,\n", "        quantity=number + 7,\n"),
    (
        "tests/unit/test_item.py",
        "def test_entry_id_has_its_bounds() -> None:\n",
        "def test_ours_what_it_is_worth() -> None:\n    assert worth(ITEM) == ITEM.price * ITEM.quantity\n\n\n"
        "def test_entry_id_has_its_bounds() -> None:\n",
    ),
    ("tests/unit/test_item.py", "event_payload, published\n", "event_payload, published, worth\n"),
)

OWN_FILE = (f"{PACKAGE}/domain/ours.py", '"""Ours."""\n')

SIGNS = (
    "def final(self)",
    "# Ours: remarks are shown to support only.",
    "# Ours: what every row has follows.",
    "# Ours: nothing else leaves the service.",
    "def worth(item: ItemItem)",
    "# Ours: one statement.",
    "# Ours: no filter by remarks.",
    "quantity=number + 7,",
    "def test_ours_what_it_is_worth()",
    ", worth\n",
)
"""What must be in the service's code after any change that leaves the edited lines' own fields alone."""


def edit(project: Path) -> None:
    for name, before, after in EDITS:
        path = project / PACKAGE / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} has {text.count(before)} of: {before}"
        path.write_text(text.replace(before, after), encoding="utf-8")
    path = project / OWN_FILE[0]
    path.write_text(OWN_FILE[1], encoding="utf-8")


def lost(project: Path) -> list[str]:
    """Signs of edits that are nowhere in the service's code any more."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((project / PACKAGE).rglob("*.py")))
    return [sign for sign in SIGNS if sign not in code] + ([] if (project / OWN_FILE[0]).is_file() else [OWN_FILE[0]])


def require_unit_tests(project: Path, *services: str) -> None:
    """Those of the services pass."""
    tests = [f"services/{name}/{name.replace('-', '_')}_service/tests/unit" for name in services]
    paths = [*(str(project / "services" / name) for name in services), *filter(None, sys.path)]
    # They need no server, and so none of the fixtures and plugins that take longer than they do.
    plainly = ["-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin", "--noconftest"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plainly, *tests],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def is_own(line: str) -> bool:
    """Whether the owner wrote this line of code."""
    own = {each.strip() for _, before, after in EDITS for each in after.splitlines() if each not in before.splitlines()}
    return line.strip() in own


def check_code(project: Path, *services: str) -> None:
    """It is as the formatter leaves it, imports what is there, and the services' unit tests pass."""
    check_format(project)
    require_unit_tests(project, *services)


def check_format(project: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for arguments in (["format", "--check"], ["check"]):
        done = subprocess.run([*ruff, *arguments, "services"], cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def declare(project: Path, *several: dict[str, Any]) -> None:
    path = project / "system.yaml"
    path.write_text(yaml.safe_dump(changed(yaml.safe_load(path.read_text()), *several), sort_keys=False))


def older_tables(project: Path) -> Path:
    """The service's migrations as an older template wrote them: without a table, a column and some indexes."""
    first = project / "services/catalogue/migrations/versions/0001_initial.py"
    text = first.read_text()
    for pattern, instead in (
        (r'    op\.execute\(\n        """\n        CREATE TABLE idempotency_keys.*?"""\n    \)\n', ""),
        (r"\n        CREATE INDEX (?:inbox_handled_at|outbox_unsent)\w+\n.*?;\n", ""),
        (r",\n            sent_at timestamptz", ""),
        (r",\n            idempotency_keys", ""),
    ):
        text, count = re.subn(pattern, instead, text, flags=re.DOTALL)
        assert count, pattern
    first.write_text(text)
    return first
