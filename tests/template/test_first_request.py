"""The README's first request is one that this project answers, or it says why there is none (U1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from groundplan.capacity import plan
from groundplan.cli.stacks import read_project
from groundplan.declaration.loader import load_system
from groundplan.program.routes import public_resources
from tests.projects import make_project


def service(name: str, exposure: str = "public", **operations: list[str]) -> dict[str, Any]:
    fields = {"whose": {"type": "string", "max_length": 36, "indexed": True}}
    resource = {"fields": fields, "owner": "whose", "operations": operations}
    return {"name": name, "exposure": exposure, "resources": {name: resource}}


# Services, and the role, subject and path of the first request; None: no role is needed.
FIRST = {
    "the samples": (["user", "order", "payment"], ("support", False, "users")),
    "one generic service": (["invoice"], ("support", False, "invoices")),
    "the first is internal": ([service("bill", "internal", list=["admin"]), "order"], ("support", False, "orders")),
    "the first has no list": (
        [service("bill", get=["admin"]), service("note", list=["admin"])],
        ("admin", False, "notes"),
    ),
    "admin isn't granted": ([service("bill", list=["support"])], ("support", False, "bills")),
    "own rows before all rows": ([service("bill", list=["customer:own", "support"])], ("support", False, "bills")),
    "own rows alone": ([service("bill", list=["customer:own"])], ("customer", True, "bills")),
    "anyone": ([service("bill", list=["anyone"])], (None, False, "bills")),
}


def readme(template: Path, into: Path, services: list[Any]) -> tuple[Path, str]:
    project = make_project(template, into, {"services": services})
    return project, (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("services", "expected"), FIRST.values(), ids=FIRST.keys())
def test_it_can_be_asked(
    template: Path, tmp_path: Path, services: list[Any], expected: tuple[str | None, bool, str]
) -> None:
    project, text = readme(template, tmp_path / "shop", services)
    role, owns, path = expected
    [curl] = re.findall("^curl .*$", text, re.MULTILINE)
    assert curl.endswith(f"http://127.0.0.1:8080/api/v1/{path}")
    asked = re.search(r"make --silent token ROLE=(\w+)( SUBJECT=\S+)?\)", curl)
    assert (asked.group(1) if asked else None) == role
    assert bool(asked and asked.group(2)) == owns
    system = load_system(project / "system.yaml")
    resources = public_resources(system, plan(system, read_project(project).environments["dev"]))
    access = {each.path: each.resource.access("list") for each in resources}[f"/api/v1/{path}"]
    assert access is not None
    assert access.anyone if role is None else any(grant.role == role and grant.own == owns for grant in access.grants)


@pytest.mark.parametrize(
    "services",
    [[service("bill", "internal", list=["admin"])], [service("bill", create=["admin"], get=["admin"])]],
    ids=["all internal", "no list"],
)
def test_where_there_is_none_it_says_so(template: Path, tmp_path: Path, services: list[Any]) -> None:
    _, text = readme(template, tmp_path / "shop", services)
    assert not re.findall("^curl ", text, re.MULTILINE)
    assert "No public resource can be listed" in text
    assert "make token ROLE=admin" in text
