"""Lists that go by fields without an index, or by personal ones: found in the services' `openapi.json`.

Projects whose code was written while every field was a filter are told which index to declare. A filter without an
index has the database read every row of the table for a single request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundplan.cli.openapi import coded, package_of
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import FieldType, Resource
from groundplan.problems import Problem

_OF_EVERY_LIST = frozenset({"page", "limit", "sort", "cursor"})
_ALWAYS_INDEXED = frozenset({"id", "created_at"})


def list_problems(project: Path) -> list[Problem]:
    """What lists must not go by, each with what to do about it. Raises ProblemsFound for a wrong declaration."""
    system = load_system(project / "system.yaml")
    found: list[Problem] = []
    for service, folder in coded(project):
        document = _read(folder / "openapi.json")
        for name, resource in system.services[service].resources.items():
            parameters = (
                document.get("paths", {}).get(resource.collection(name), {}).get("get", {}).get("parameters", [])
            )
            api = f"services/{service}/{package_of(service)}/api/{resource.table(name)}.py"
            where = f"services.{service}.resources.{name}.fields"
            for kind, field in _goes_by(parameters):
                problem = _problem(api, where, kind, field, resource)
                if problem is not None:
                    found.append(problem)
    return found


def _read(file: Path) -> dict[str, Any]:
    """An empty document where none has been written yet."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("paths"), dict) else {}


def _goes_by(parameters: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """`filter` or `sort`, and the field."""
    for parameter in parameters:
        name = parameter.get("name")
        if name == "sort":
            choices = parameter.get("schema", {}).get("items", {}).get("enum", [])
            yield from (("sort", choice) for choice in choices if not choice.startswith("-"))
        elif name is not None and parameter.get("in") == "query" and name not in _OF_EVERY_LIST:
            yield "filter", name


def _problem(api: str, where: str, kind: str, name: str, resource: Resource) -> Problem | None:
    field = resource.fields.get(name)
    written = f"{kind}s lists by it ({api})"
    remove = f"take `{name}` out of `{kind}s` in {api}, then `make openapi`"
    if field is None:
        if name in _ALWAYS_INDEXED:
            return None
        expected = "a declared field with an index: the database would read every row of the table"
        return Problem("system.yaml", f"{where}.{name}", written, expected, remove)
    if field.personal:
        expected = "no personal field: its values would stand in URLs, which are kept in histories and logs"
        return Problem("system.yaml", f"{where}.{name}", written, expected, remove)
    if resource.has_index(name):
        return None
    expected = "an index: without one the database reads every row of the table"
    if field.type is FieldType.JSON:
        return Problem("system.yaml", f"{where}.{name}", written, expected, remove)
    remedy = f"add `indexed: true` and a migration (`make test` names it); or {remove}"
    return Problem("system.yaml", f"{where}.{name}", written, expected, remedy)
