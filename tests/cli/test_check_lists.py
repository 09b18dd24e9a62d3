"""`groundplan check` refuses lists that no index serves, of projects from before that rule (h5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundplan.cli._lists import list_problems
from tests.projects import reference_project

FIELDS = {
    "subject": None,
    "email": "no personal field",
    "display_name": "no personal field",
    "status": None,
    "updated_at": "a declared field",
    "created_at": None,
    "id": None,
}
"""Of the reference system's users: what is wrong with a list that goes by them."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = reference_project(tmp_path / "shop")
    for service in ("user", "order"):
        package = made / "services" / service / f"{service}_service"
        package.mkdir(parents=True)
        (package / "__main__.py").touch()
    return made


def write(project: Path, service: str, path: str, filters: list[str], sorts: list[str]) -> None:
    choices = [sign + name for name in sorts for sign in ("", "-")]
    parameters = [
        {"$ref": "#/components/parameters/Page"},
        {"name": "sort", "in": "query", "schema": {"type": "array", "items": {"enum": choices}}},
        *({"name": name, "in": "query"} for name in filters),
    ]
    document = {"paths": {path: {"get": {"parameters": parameters}}}}
    (project / "services" / service / "openapi.json").write_text(json.dumps(document))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", ["filter", "sort"])
def test_by_each_field(project: Path, kind: str, field: str) -> None:
    lists = {"filter": ([field], ["created_at"]), "sort": ([], [field])}[kind]
    write(project, "user", "/api/v1/users", *lists)
    found = list_problems(project)
    expected = FIELDS[field]
    assert [(expected or "nothing") in problem.expected for problem in found] == ([] if expected is None else [True])
    for problem in found:
        assert field in problem.path
        assert f"`{kind}s` in services/user/user_service/api/users.py" in problem.remedy


def test_the_index_to_declare_is_named(project: Path) -> None:
    write(project, "order", "/api/v1/orders", ["customer_id", "currency"], ["status"])
    (problem,) = list_problems(project)
    assert problem.path == "services.order.resources.order.fields.currency"
    assert problem.remedy.startswith("add `indexed: true`")


def test_what_is_not_there_yet_is_nothing_wrong(project: Path) -> None:
    (project / "services" / "user" / "openapi.json").write_text('{"openapi": "Filled in by `make setup`."}')
    assert list_problems(project) == []
