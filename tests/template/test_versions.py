"""A project whose API and events have earlier versions: its code is formatted, and its own tests hold it to the
declaration."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundplan.cli.openapi import write_documents
from infra.tests.following.samples import changed, system_of, values
from tests.following.edits import require_unit_tests
from tests.projects import commit_project, make_project, overridden

ENDS = {"since": "2026-12-01", "sunset": "2027-06-01", "link": "https://lab.example.com/v2"}
OWN = {
    "notes": {"type": "text", "max_length": 20},
    "mood": {"type": "enum", "values": ["good", "bad"], "required": True, "default": "good"},
    "weight": {"type": "decimal", "scale": 3, "required": True, "default": "0.5", "description": "In kg"},
    "bought": {"type": "date"},
    "fax": {"type": "string", "personal": True, "blank": False},
    "ready": {"type": "boolean", "required": True, "default": False},
    "pages": {"type": "integer", "required": True, "default": 3},
}
VERSIONS = {
    "r/item/api_version": 3,
    "r/item/earlier_versions": [
        {"version": 2, "without": ["notes", "extra", "due_on"]},
        {
            "version": 1,
            "renamed": {"cost": "price", "remark": "remarks", "state": "status"},
            "without": ["notes", "contact"],
            "fields": OWN,
            "deprecated": ENDS,
        },
    ],
    "r/supplier/api_version": 2,
    "r/supplier/deprecated": ENDS,
    "r/supplier/earlier_versions": [{"version": 1, "renamed": {"title": "name"}}],
}
EVENTS = {
    "r/item/event_version": 3,
    "r/item/sent_event_version": 1,
    "r/item/earlier_events": [
        {"version": 2, "renamed": {"remark": "remarks"}, "without": ["due_on", "active"]},
        {
            "version": 1,
            "renamed": {"cost": "price", "state": "status"},
            "without": ["notes", "extra"],
            "fields": {name: field for name, field in OWN.items() if name != "fax"},
        },
    ],
    "f/active/default": True,
    "journal/resources/entry/event_version": 2,
    "catalogue/consumes": ["entry.created"],
}


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path)), **overridden()},
        capture_output=True,
        text=True,
        check=False,
    )


def agreement(project: Path) -> subprocess.CompletedProcess[str]:
    return run(project, "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/system/test_declaration.py")


def lab(template: Path, folder: Path, versions: Mapping[str, Any]) -> Path:
    """A project of the samples with these versions, whose code is formatted and without complaint."""
    declared = changed(values(), {"set": versions})
    system_of(declared)
    services = [{"name": name, **service} for name, service in declared["services"].items()]
    project = commit_project(make_project(template, folder / "lab", {"name": "lab", "services": services}))
    write_documents(project)
    for arguments in (["ruff", "format", "--check"], ["ruff", "check"]):
        done = run(project, *arguments, "services")
        assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_code_of_earlier_versions_follows_the_declaration(whole_template: Path, tmp_path: Path) -> None:
    project = lab(whole_template, tmp_path, VERSIONS)
    done = agreement(project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

    mapping = project / "services/catalogue/catalogue_service/api/items_v1.py"
    text = mapping.read_text()
    assert "remarks=body.remark," in text
    mapping.write_text(text.replace("remarks=body.remark,", "remarks=None,"))
    done = agreement(project)
    assert "`remarks` becomes None, and was " in done.stdout, "a mapping that loses a value is found"


READS = """
class Fields(Struct):
    price: Decimal
    active: bool
    due_on: date | None


"""


def test_consumers_read_each_version_of_events(whole_template: Path, tmp_path: Path) -> None:
    project = lab(whole_template, tmp_path, EVENTS)
    require_unit_tests(project, "catalogue", "journal")
    assert "def sent_payload" in (project / "services/catalogue/catalogue_service/domain/item.py").read_text()

    consumers = project / "services/journal/journal_service/consumers"
    handler = consumers / "on_item_created.py"
    text = handler.read_text().replace(
        "import logging\n",
        "import logging\nfrom datetime import date\nfrom decimal import Decimal\n\nfrom msgspec import Struct\n",
    )
    text = text.replace("\n\nasync def", f"\n{READS}async def", 1).replace(
        "schema=PAYLOAD", "schema=PAYLOAD, reads=Fields"
    )
    handler.write_text(text)
    done = agreement(project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

    upcasters = consumers / "versions_of_item.py"
    text = upcasters.read_text()
    known: dict[str, Any] = {}
    exec(text, known)  # noqa: S102  what the template has made
    first = {
        "cost": "2.50",
        "state": "sold",
        "remarks": "r",
        "active": False,
        "due_on": "2026-01-31",
        "notes": "n",
        "pages": 3,
    }
    newest = known["from_version_2"](known["from_version_1"](dict(first)))
    kept = {"price": "2.50", "status": "sold", "remarks": "r", "active": False, "due_on": "2026-01-31"}
    assert newest == {**kept, "notes": None, "extra": None}, "what version 2 lacks is not lost between 1 and 3"
    assert '"cost": "price",' in text
    upcasters.write_text(text.replace('"cost": "price",\n', ""))
    done = agreement(project)
    assert "`item.created` of the service catalogue, in version 1 without optional values, can't be read" in done.stdout
    upcasters.write_text(text.replace("        1: from_version_1,\n", ""))
    done = agreement(project)
    assert "`item.created` is read in version 3, upcast from 2 there, and declared as read in" in done.stdout
