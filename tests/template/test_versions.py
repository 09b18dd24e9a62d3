"""A project whose API has earlier versions: its code is formatted, and its own tests hold it to the declaration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from groundplan.cli.openapi import write_documents
from infra.tests.following.samples import changed, system_of, values
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


def test_code_of_earlier_versions_follows_the_declaration(whole_template: Path, tmp_path: Path) -> None:
    declared = changed(values(), {"set": VERSIONS})
    system_of(declared)
    services = [{"name": name, **service} for name, service in declared["services"].items()]
    project = commit_project(make_project(whole_template, tmp_path / "lab", {"name": "lab", "services": services}))
    write_documents(project)
    for arguments in (["ruff", "format", "--check"], ["ruff", "check"]):
        done = run(project, *arguments, "services")
        assert done.returncode == 0, done.stdout + done.stderr
    done = agreement(project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

    mapping = project / "services/catalogue/catalogue_service/api/items_v1.py"
    text = mapping.read_text()
    assert "remarks=body.remark," in text
    mapping.write_text(text.replace("remarks=body.remark,", "remarks=None,"))
    done = agreement(project)
    assert "`remarks` becomes None, and was " in done.stdout, "a mapping that loses a value is found"
