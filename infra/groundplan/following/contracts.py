"""What a change of a contract means for those who rely on it: clients of an API here, consumers of events in `events`.

Documents are those that services' code writes (`openapi.json`). Of requests nothing more may be asked, and answers and
events may promise no less.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from groundplan.declaration.model import FieldType, Resource, ResourceField
from groundplan.following.fields import SCALE, STRING_LENGTH

Json = Mapping[str, Any]
Side = Literal["request", "answer"]
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_LOWER, _UPPER = (
    ("minimum", "exclusiveMinimum", "minLength", "minItems"),
    ("maximum", "exclusiveMaximum", "maxLength", "maxItems"),
)


@dataclass(frozen=True, slots=True)
class ContractChange:
    contract: str
    """`order` for the API of a service, `order.placed` for an event."""
    place: str
    what: str
    breaks: bool


def today() -> datetime.date:
    """In UTC, as sunsets are."""
    return datetime.datetime.now(datetime.UTC).date()


def may_be_gone(sunset: datetime.date | str | None, now: datetime.date) -> bool:
    """Whether clients were told that it is gone by now."""
    return sunset is not None and str(sunset) <= now.isoformat()


def api_differences(
    contract: str, before: Json, after: Json, now: datetime.date | None = None
) -> tuple[ContractChange, ...]:
    """Differences of two OpenAPI documents; descriptions are none.

    ``now``: what had its sunset by then may be gone. Default: today.
    """
    return tuple(_Api(contract, before, after, now or today()).differences())


class _Api:
    def __init__(self, contract: str, before: Json, after: Json, now: datetime.date) -> None:
        self.contract, self.before, self.after, self.now = contract, before, after, now

    def differences(self) -> Iterator[ContractChange]:
        older, newer = dict(_operations(self.before)), dict(_operations(self.after))
        for place, operation in older.items():
            if place not in newer:
                sunset = operation.get("x-sunset")
                said = "" if sunset is None else f"; its sunset {_was(sunset, self.now)}"
                yield self._change(place, f"answered no more{said}", breaks=not may_be_gone(sunset, self.now))
            else:
                yield from self._operation(place, operation, newer[place])
        for place in newer:
            if place not in older:
                yield self._change(place, "answered from now on", breaks=False)

    def _operation(self, place: str, before: Json, after: Json) -> Iterator[ContractChange]:
        yield from self._ending(place, before, after)
        older, newer = (
            {(each["in"], each["name"]): each for each in map(resolve, operation.get("parameters", ()))}
            for operation, resolve in ((before, self._old), (after, self._new))
        )
        for key, parameter in older.items():
            where = f"{place} ?{key[1]}"
            if key not in newer:
                yield self._change(where, "taken no more", breaks=True)
                continue
            if newer[key].get("required") and not parameter.get("required"):
                yield self._change(where, "required from now on", breaks=True)
            yield from self._schemas(where, parameter.get("schema", {}), newer[key].get("schema", {}), "request")
        for key, parameter in newer.items():
            if key not in older:
                needed = bool(parameter.get("required"))
                yield self._change(f"{place} ?{key[1]}", "required from now on" if needed else "taken", breaks=needed)
        yield from self._bodies(place, before, after)
        yield from self._answers(place, before, after)

    def _ending(self, place: str, before: Json, after: Json) -> Iterator[ContractChange]:
        older, newer = before.get("x-sunset"), after.get("x-sunset")
        if bool(before.get("deprecated")) != bool(after.get("deprecated")):
            yield self._change(place, "deprecated" if after.get("deprecated") else "no longer deprecated", breaks=False)
        if older != newer:
            # Clients plan by the day that they were told.
            sooner = older is not None and newer is not None and newer < older
            yield self._change(place, f"sunset {newer or 'none'}, before {older or 'none'}", breaks=sooner)

    def _bodies(self, place: str, before: Json, after: Json) -> Iterator[ContractChange]:
        older, newer = self._old(before.get("requestBody", {})), self._new(after.get("requestBody", {}))
        if newer.get("required") and not older.get("required"):
            yield self._change(f"{place} body", "required from now on", breaks=True)
        for kind, content in older.get("content", {}).items():
            if kind not in newer.get("content", {}):
                yield self._change(f"{place} body", f"{kind} taken no more", breaks=True)
            else:
                yield from self._schemas(
                    f"{place} body", content.get("schema", {}), newer["content"][kind].get("schema", {}), "request"
                )

    def _answers(self, place: str, before: Json, after: Json) -> Iterator[ContractChange]:
        older, newer = before.get("responses", {}), after.get("responses", {})
        for status, answer in older.items():
            where = f"{place} {status}"
            if status not in newer:
                # Clients wait for a success; an error that no longer occurs is missed by none.
                yield self._change(where, "answered no more", breaks=status.startswith("2"))
                continue
            known, next_answer = self._old(answer), self._new(newer[status])
            for kind, content in known.get("content", {}).items():
                if kind not in next_answer.get("content", {}):
                    yield self._change(where, f"{kind} answered no more", breaks=True)
                else:
                    schema = next_answer["content"][kind].get("schema", {})
                    yield from self._schemas(where, content.get("schema", {}), schema, "answer")
        for status in newer:
            if status not in older:
                yield self._change(f"{place} {status}", "answered from now on", breaks=False)

    def _schemas(self, place: str, before: Json, after: Json, side: Side) -> Iterator[ContractChange]:
        yield from schema_differences(self.contract, place, before, after, side, (self.before, self.after))

    def _old(self, value: Json) -> Json:
        return _resolved(value, self.before)

    def _new(self, value: Json) -> Json:
        return _resolved(value, self.after)

    def _change(self, place: str, what: str, *, breaks: bool) -> ContractChange:
        return ContractChange(self.contract, place, what, breaks)


def _was(sunset: str, now: datetime.date) -> str:
    return f"was {sunset}" if may_be_gone(sunset, now) else f"is {sunset}, keep it until then"


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                own = item[method]
                yield (
                    f"{method.upper()} {path}",
                    {**own, "parameters": [*item.get("parameters", ()), *own.get("parameters", ())]},
                )


def _resolved(value: Json, document: Json) -> Json:
    seen = 0
    while "$ref" in value and seen < 20:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found.get(part, {})
        value, seen = found, seen + 1
    return value


def schema_differences(
    contract: str,
    place: str,
    before: Json,
    after: Json,
    side: Side,
    documents: tuple[Json, Json] = ({}, {}),
    depth: int = 0,
) -> Iterator[ContractChange]:
    """Of two JSON schemas; on the side of requests less may be taken by none, on that of answers more by none."""
    before, after = _resolved(before, documents[0]), _resolved(after, documents[1])
    if before == after or depth > 12:
        return

    def change(what: str, *, narrower: bool, wider: bool = False, at: str = place) -> ContractChange:
        return ContractChange(contract, at, what, narrower if side == "request" else wider)

    older, newer = _types(before), _types(after)
    if older != newer:
        gone, new = sorted(older - newer), sorted(newer - older)
        said = " or ".join(sorted(newer)) or "anything"
        yield change(
            f"is {said}, before {' or '.join(sorted(older)) or 'anything'}", narrower=bool(gone), wider=bool(new)
        )
    if before.get("enum") != after.get("enum"):
        known, values = before.get("enum"), after.get("enum")
        gone = sorted(map(str, set(known or ()) - set(values or ()))) if values is not None else []
        new = sorted(map(str, set(values or ()) - set(known or ()))) if known is not None else []
        if gone or (known is None and values is not None):
            yield change(f"values less: {', '.join(gone) or 'a list of values'}", narrower=True)
        if new or (values is None and known is not None):
            # A reader has to take a value that it does not know, as a service is asked to for an event.
            yield change(f"values more: {', '.join(new) or 'any'}", narrower=False)
    for keyword in (*_LOWER, *_UPPER):
        one, other = before.get(keyword), after.get(keyword)
        if one != other:
            tighter = other is not None and (one is None or (other > one) == (keyword in _LOWER))
            yield change(
                f"{keyword} {other if other is not None else 'none'}, before {one if one is not None else 'none'}",
                narrower=tighter,
            )
    for keyword in ("pattern", "format"):
        if before.get(keyword) != after.get(keyword):
            given = after.get(keyword) is not None
            yield change(
                f"{keyword} {after.get(keyword, 'none')}, before {before.get(keyword, 'none')}", narrower=given
            )
    yield from _properties(contract, place, before, after, side, documents, depth)
    if "items" in before or "items" in after:
        yield from schema_differences(
            contract, f"{place}[]", before.get("items", {}), after.get("items", {}), side, documents, depth + 1
        )


def _properties(
    contract: str, place: str, before: Json, after: Json, side: Side, documents: tuple[Json, Json], depth: int
) -> Iterator[ContractChange]:
    older, newer = before.get("properties", {}), after.get("properties", {})
    needed, needs = set(before.get("required", ())), set(after.get("required", ()))
    for name, schema in older.items():
        where = f"{place}.{name}"
        if name not in newer:
            # Readers miss it; senders are refused where unknown fields are.
            closed = after.get("additionalProperties") is False
            yield ContractChange(contract, where, "gone", side == "answer" or closed)
            continue
        if name in needs - needed:
            yield ContractChange(contract, where, "required from now on", side == "request")
        if name in needed - needs:
            yield ContractChange(contract, where, "may be absent", side == "answer")
        yield from schema_differences(contract, where, schema, newer[name], side, documents, depth + 1)
    for name in newer:
        if name not in older:
            yield ContractChange(
                contract,
                f"{place}.{name}",
                "new, and required" if name in needs else "new",
                side == "request" and name in needs,
            )


def _types(schema: Json) -> set[str]:
    kind = schema.get("type")
    found = set(kind) if isinstance(kind, list) else {kind} if kind else set()
    # Every whole number is a number.
    return found | ({"integer"} if "number" in found else set())


_SHAPES: Mapping[FieldType, Json] = {
    FieldType.STRING: {"type": "string", "maxLength": STRING_LENGTH},
    FieldType.TEXT: {"type": "string"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.DECIMAL: {"type": "string", "format": "decimal"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.TIMESTAMP: {"type": "string", "format": "date-time"},
    FieldType.UUID: {"type": "string", "format": "uuid"},
    FieldType.ENUM: {"type": "string"},
    FieldType.JSON: {"type": "object"},
    FieldType.REFERENCE: {"type": "string", "format": "uuid"},
}


def field_schema(field: ResourceField) -> dict[str, Any]:
    """The schema of its values, in answers and in events."""
    shape = dict(_SHAPES[field.type])
    if field.max_length is not None:
        shape["maxLength"] = field.max_length
    if field.values is not None:
        shape["enum"] = list(field.values)
    if field.type is FieldType.INTEGER:
        bounds = (("minimum", field.minimum), ("maximum", field.maximum))
        shape |= {key: value for key, value in bounds if value is not None}
    if field.type is FieldType.DECIMAL:
        shape["description"] = f"{SCALE if field.scale is None else field.scale} digits after the point"
    if not field.required:
        shape["type"] = [shape["type"], "null"]
    if field.description:
        shape["description"] = field.description
    return shape


def version_differences(contract: str, before: Resource, after: Resource) -> tuple[ContractChange, ...]:
    """Of one version of a resource's API, by what is declared: bodies and answers."""
    sides: tuple[tuple[Side, str], ...] = (("request", "body"), ("answer", "answer"))
    return tuple(
        change
        for side, place in sides
        for change in schema_differences(contract, place, _wire(before, side), _wire(after, side), side)
    )


def _wire(resource: Resource, side: Side) -> dict[str, Any]:
    names = resource.written() if side == "request" else {name: each.required for name, each in resource.fields.items()}
    return {
        "type": "object",
        "properties": {name: field_schema(resource.fields[name]) for name in names},
        "required": [name for name, needed in names.items() if needed],
        "additionalProperties": False,
    }
