"""What consumers read of events, against what their publishers declare (A3): a change that breaks a consumer is named.

A consumer says what it reads by a Struct: `Handler(on_order_placed, reads=Bill)`. Without that, the Structs count by
which its module reads payloads (`event.payload_as(Bill)`). Payloads as the publisher may send them are upcast by the
handler's schema, as far as they are of an earlier version, and decoded by it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from groundplan.declaration.model import FieldType, ResourceField, Service, System
from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handle, Handler

_STRING_LENGTH = 255
_BIGINT = 2**63
_WIDEST: dict[FieldType, tuple[Any, ...]] = {
    FieldType.STRING: ("", "x" * _STRING_LENGTH),
    FieldType.TEXT: ("", "x" * 10_000),
    FieldType.INTEGER: (-_BIGINT, 0, _BIGINT - 1),
    FieldType.DECIMAL: ("-1.5", "0", "100000000000000000.00"),
    FieldType.BOOLEAN: (True, False),
    FieldType.DATE: ("2026-01-31",),
    FieldType.TIMESTAMP: ("2026-01-31T12:00:00.000001Z",),
    FieldType.UUID: ("00000000-0000-4000-8000-000000000000",),
    FieldType.REFERENCE: ("00000000-0000-4000-8000-000000000000",),
    FieldType.JSON: ({}, {"any": [1, "x", None]}),
}


def unreadable(consumer: str, event: str, handler: Handler | Handle, system: System) -> list[str]:
    """What of a published event the consumer can't read, a line for each; empty where it reads nothing that may be
    otherwise."""
    publisher = system.published_events().get(event)
    found: list[str] = []
    if publisher is None or Handler.of(handler).handle.__module__.startswith("groundplan_chassis."):
        # What no service declares, and what the chassis sends and reads itself (erasures).
        return found
    schema = Handler.of(handler).schema
    for reads in read_by(Handler.of(handler)):
        for what, version, payload in payloads(system.services[publisher], event):
            try:
                schema.current(_event(event, payload, version)).payload_as(reads)
            except Unreadable as error:
                said = str(error).partition(": ")[2] or str(error)
                found.append(
                    f"`{event}` of the service {publisher}, {what}, can't be read by {consumer} "
                    f"({reads.__module__}.{reads.__qualname__}): {said}"
                )
    return list(dict.fromkeys(found))


def read_by(handler: Handler) -> list[type[msgspec.Struct]]:
    """The Structs by which a handler reads a payload: those that it declares, else those that its module uses."""
    if handler.reads is not None:
        return [handler.reads]
    module = sys.modules[handler.handle.__module__]
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError):
        return []
    names = {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "payload_as"
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Name)
    }
    known = [getattr(module, name, None) for name in sorted(names)]
    return [each for each in known if isinstance(each, type) and issubclass(each, msgspec.Struct)]


def payloads(publisher: Service, event: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Payloads that may come, what each is and of which version: without optional values, then with each field's
    ends. Earlier versions come from the event log."""
    resource = publisher.resources[event.partition(".")[0]]
    for version, shown in resource.payloads().items():
        said = f"in version {version} " if version != resource.event_version else ""
        least = {name: _values(field)[0] if field.required else None for name, field in shown.items()}
        yield f"{said}without optional values", version, least
        for name, field in shown.items():
            for value in _values(field):
                yield f"{said}with `{name}` {_short(value)}", version, {**least, name: value}


def _values(field: ResourceField) -> tuple[Any, ...]:
    """The ends of what the field may hold."""
    if field.type is FieldType.ENUM:
        return tuple(field.values or ())
    values = _WIDEST[field.type]
    if field.type in (FieldType.STRING, FieldType.TEXT) and field.max_length is not None:
        return ("x" * (field.min_length or 0), "x" * field.max_length)
    if field.type is FieldType.INTEGER:
        return tuple(
            int(end) if bound is None else int(bound)
            for end, bound in ((-_BIGINT, field.minimum), (_BIGINT - 1, field.maximum))
        )
    return values


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 40 else f"of {len(text)} characters"


def _event(event_type: str, payload: dict[str, Any], schema_version: int) -> Event:
    return Event(
        event_id=UUID(int=1),
        event_type=event_type,
        aggregate_type=event_type.partition(".")[0],
        aggregate_id=UUID(int=2),
        version=1,
        occurred_at=datetime(2026, 1, 31, tzinfo=UTC),
        payload=msgspec.json.encode(payload).decode(),
        schema_version=schema_version,
    )
