"""Whether declaration, code, migrations and documents say the same, told from files alone: no code runs (ADR 14).

The gateway closes what the declaration does not name, and services answer what their code names. So what the code's
document has and the declaration lacks is refused to clients as soon as that is deployed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.declaration.model import FieldType, Resource, Service, System
from groundplan.following.catalogue import catalogue_of
from groundplan.following.fields import STRING_LENGTH
from groundplan.following.following import coded
from groundplan.following.revisions import head, waiting
from groundplan.following.services import differences
from groundplan.following.stamps import stamped
from groundplan.following.statements import bare
from groundplan.problems import Problem, ProblemsFound, did_you_mean

_DOCUMENT = "openapi.json"
_DECLARATION = "system.yaml"
_FOLLOW = "run `make follow`"
_WRITES = ("create", "update")
# What the plan and the infrastructure follow by themselves; the code holds nothing of it.
_NOT_IN_CODE = frozenset(
    {"traffic_weight", "read_share", "repeat_share", "data_gb", "data_growth_gb_per_month", "shard_map", "exposure"}
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    problem: Problem
    breaks: bool
    """Whether deploying the declaration as it is refuses clients what the code takes from them now."""


def disagreements(project: Path, system: System) -> list[Disagreement]:
    """Everything that services' code, migrations and documents have otherwise than the declaration."""
    found: list[Disagreement] = []
    services = coded(project)
    for name in services:
        if name not in system.services:
            found.append(Disagreement(_undeclared(project, name, system), breaks=True))
            continue
        declared = system.services[name]
        try:
            head(project / "services" / name)
            followed = stamped(project, name)
        except ProblemsFound as problems:
            found += [Disagreement(problem, breaks=False) for problem in problems.problems]
            continue
        if followed is not None:
            found += [Disagreement(problem, breaks=False) for problem in _unfollowed(name, followed, declared)]
        found += _documented(project, name, declared)
        found += _tables(project, name, declared)
    return found


def waiting_migrations(project: Path) -> list[str]:
    """Paths of migrations that wait for a second release."""
    found = [path for name in coded(project) for path in waiting(project / "services" / name)]
    return [path.relative_to(project).as_posix() for path in found]


def _undeclared(project: Path, name: str, system: System) -> Problem:
    heirs = [each for each, service in system.services.items() if service.renamed_from == name]
    fresh = [each for each in system.services if not (project / "services" / each).is_dir()]
    if heirs:
        remedy = f"move its code and rows to `{heirs[0]}` first: `make follow` lists the steps"
    elif fresh:
        remedy = (
            f"was it renamed? call `{fresh[0]}` `{name}` again; its database, topics and image have that name. "
            f"To move them, say `renamed_from: {name}` in `{fresh[0]}`, then `make follow`"
        )
    else:
        remedy = f"declare it again, commit, then `make remove-service NAME={name}`; or delete the folder"
        remedy = did_you_mean(name, system.services, remedy) if not fresh else remedy
    return Problem(f"services/{name}", "", f"not in {_DECLARATION}", "code of a declared service", remedy)


def _unfollowed(name: str, followed: Service, declared: Service) -> Iterator[Problem]:
    for change in differences({name: followed}, {name: declared}):
        if change.path not in _NOT_IN_CODE:
            yield Problem(_DECLARATION, change.place, f"{change.what} ({change.label})", "code that follows", _FOLLOW)


def _documented(project: Path, name: str, declared: Service) -> Iterator[Disagreement]:
    where = f"services/{name}/{_DOCUMENT}"
    try:
        document = json.loads((project / where).read_text(encoding="utf-8"))
        paths: Mapping[str, Any] = document["paths"]
    except (OSError, ValueError, KeyError, TypeError):
        # Not written yet, or damaged: `make openapi` and its test say so.
        return
    answered = {path.removeprefix("/api/"): each for path, each in paths.items() if _VERSIONED.match(path)}
    known = {
        version.collection(each).removeprefix("/api/"): (each, version)
        for each, resource in declared.resources.items()
        for version in resource.versions()
    }
    for path, (resource_name, resource) in known.items():
        place = f"services.{name}.resources.{resource_name}"
        yield from _operations(where, place, path, resource, answered)
        body = _body(document, answered, path)
        if body is not None and any(kind in resource.operations for kind in _WRITES):
            yield from _fields(where, f"{place}.fields", resource, body)
    for path in answered:
        if path.removesuffix("/{id}") not in known and path.count("/") <= 2:
            expected = "a path of a declared resource; the gateway routes no other"
            problem = Problem(where, f"/api/{path}", "answered, not declared", expected, _FOLLOW)
            yield Disagreement(problem, breaks=True)


def _tables(project: Path, name: str, declared: Service) -> Iterator[Disagreement]:
    """What the chassis works with has its tables and their indexes.

    One that came with a newer template has not in the migrations of before: updates change none that may have run.
    """
    folder = project / "services" / name / "migrations"
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in _texts(folder)]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    tables = catalogue_of(name, declared)
    of_resources = {resource.table(each) for each, resource in declared.resources.items()}
    if not words & of_resources:
        # Tables are made in a way that no text shows; the project's test of migrations looks at a database.
        return
    missing = [each for each in tables if bare(each) in _OF_CHASSIS and bare(each) not in words]
    indexes = [
        each
        for table, found in tables.items()
        if bare(table) in _OF_CHASSIS and table not in missing
        for each in found.indexes
        if each not in words
    ]
    for kind, names in (("table", missing), ("index", indexes)):
        for each in names:
            where = f"services/{name}/migrations/versions"
            remedy = f"{_FOLLOW}, which adds a migration"
            problem = Problem(where, "", f"without the {kind} `{each}`", f"the {kind}, as services have it now", remedy)
            yield Disagreement(problem, breaks=kind == "table")


def _texts(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".sql") and path.is_file()]


_OF_CHASSIS = ("outbox", "inbox", "idempotency_keys", "erasures", "read_model_positions")


_VERSIONED = re.compile("/api/v[0-9]+/")
_METHODS = {
    "list": ("", "get"),
    "create": ("", "post"),
    "get": ("/{id}", "get"),
    "update": ("/{id}", "put"),
    "delete": ("/{id}", "delete"),
}


def _operations(
    where: str, place: str, path: str, resource: Resource, answered: Mapping[str, Any]
) -> Iterator[Disagreement]:
    for kind, (ending, method) in _METHODS.items():
        answers = method in answered.get(f"{path}{ending}", {})
        if answers and kind not in resource.operations:
            problem = Problem(where, f"{place}.operations", f"`{kind}` answered, not declared", "both or none", _FOLLOW)
            yield Disagreement(problem, breaks=True)
        elif not answers and kind in resource.operations:
            problem = Problem(where, f"{place}.operations", f"`{kind}` declared, not answered", "both or none", _FOLLOW)
            yield Disagreement(problem, breaks=False)


def _body(document: Mapping[str, Any], answered: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    for place, method in ((path, "post"), (f"{path}/{{id}}", "put")):
        try:
            schema = answered[place][method]["requestBody"]["content"]["application/json"]["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            if isinstance(schema.get("properties"), dict):
                return dict(schema)
        except (KeyError, TypeError, AttributeError):
            continue
    return None


def _fields(where: str, place: str, resource: Resource, body: Mapping[str, Any]) -> Iterator[Disagreement]:
    taken: Mapping[str, Any] = body["properties"]
    required = set(body.get("required", ()))
    written = resource.written()
    for name, schema in taken.items():
        if name not in resource.fields:
            expected = "a declared field; the gateway refuses bodies with any other"
            yield Disagreement(Problem(where, f"{place}.{name}", "taken, not declared", expected, _FOLLOW), breaks=True)
        elif name not in written:
            expected = "no field that only the service's own code sets; the gateway refuses bodies with it"
            problem = Problem(where, f"{place}.{name}", "taken, declared as computed", expected, _FOLLOW)
            yield Disagreement(problem, breaks=True)
        else:
            yield from _values(where, f"{place}.{name}", resource, name, schema)
    for name, mandatory in written.items():
        if name not in taken:
            problem = Problem(where, f"{place}.{name}", "declared, not taken", "a field that the code knows", _FOLLOW)
            yield Disagreement(problem, breaks=mandatory)
        elif mandatory and name not in required:
            problem = Problem(
                where, f"{place}.{name}", "required, and optional in the code", "the same in both", _FOLLOW
            )
            yield Disagreement(problem, breaks=True)
        elif name in required and not mandatory:
            problem = Problem(
                where, f"{place}.{name}", "optional, and required by the code", "the same in both", _FOLLOW
            )
            yield Disagreement(problem, breaks=False)


_BIGINT = (-(2**63), 2**63 - 1)
"""Bounds that a code's document gives where none are declared."""
_JSON_TYPES = {FieldType.INTEGER: "integer", FieldType.BOOLEAN: "boolean", FieldType.JSON: "object"}
"""Everything else is text."""


def _values(where: str, place: str, resource: Resource, name: str, schema: Any) -> Iterator[Disagreement]:  # noqa: ANN401
    """Where a value is of another type or length, within other bounds, or of other words."""
    field = resource.fields[name]
    kind, written = _JSON_TYPES.get(field.type, "string"), _found(schema, "type")
    known = [each for each in (written if isinstance(written, list) else [written]) if each not in (None, "null")]
    if known and kind not in known:
        value = f"`{field.type}`, and {known[0]} in the code"
        yield Disagreement(Problem(where, place, value, "one type", _FOLLOW), breaks=True)
        return
    if field.type is FieldType.ENUM:
        values = {each for each in _found(schema, "enum") or [] if each is not None}
        lost, new = sorted(values - set(field.values or ())), sorted(set(field.values or ()) - values)
        if lost or new:
            value = f"without {', '.join(lost)}" if lost else f"with {', '.join(new)}, which the code does not know"
            yield Disagreement(Problem(where, place, value, "the same values in both", _FOLLOW), breaks=bool(lost))
        return
    limits: list[tuple[str, float | None]] = []
    if field.type in (FieldType.STRING, FieldType.TEXT):
        limits = [("maxLength", field.max_length or (STRING_LENGTH if field.type is FieldType.STRING else None))]
    elif field.type is FieldType.INTEGER:
        limits = [("minimum", field.minimum), ("maximum", field.maximum)]
    for keyword, declared in limits:
        coded_limit = _found(schema, keyword)
        if keyword == "maxLength" and (words := _found(schema, "enum")):
            coded_limit = max(len(word) for word in words if word is not None)
        if coded_limit in _BIGINT:
            coded_limit = None
        if declared == coded_limit:
            continue
        higher = declared is not None and coded_limit is not None and declared > coded_limit
        tighter = declared is not None and (coded_limit is None or higher is (keyword == "minimum"))
        value = f"{keyword} {'none' if declared is None else declared}, {coded_limit or 'none'} in the code"
        yield Disagreement(Problem(where, place, value, "the same in both", _FOLLOW), breaks=tighter)


def _found(schema: Any, key: str) -> Any:  # noqa: ANN401  # any JSON
    """The keyword in the schema or in a member of its union."""
    if isinstance(schema, dict):
        if key in schema:
            return schema[key]
        for members in ("anyOf", "oneOf", "allOf"):
            for member in schema.get(members, ()):
                if (found := _found(member, key)) is not None:
                    return found
    return None
