"""What a publisher changes is held against what consumers read of its events (issue 14)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest

from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.schema import PayloadSchema, converted
from groundplan_devkit.checks.consumers import read_by, unreadable
from infra.tests.following.samples import changed, system_of, values


class Status(StrEnum):
    DRAFT = "draft"
    LISTED = "listed"
    SOLD = "sold"


class Item(msgspec.Struct, frozen=True):
    """What the journal uses."""

    name: Annotated[str, msgspec.Meta(max_length=100)]
    price: Decimal
    quantity: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    status: Status
    active: bool
    due_on: date | None = None
    supplier_id: UUID | None = None


async def on_item_created(transaction: Any, event: Event, context: Any) -> None:
    del transaction, context
    event.payload_as(Item)


def broken(**places: Any) -> list[str]:
    remove = places.pop("remove", [])
    system = system_of(changed(values(), {"set": places, "remove": remove}))
    return unreadable("journal", "item.created", Handler(on_item_created, reads=Item), system)


def test_what_a_consumer_reads_as_it_is_declared_is_fine() -> None:
    assert broken() == []


HARMLESS: dict[str, dict[str, Any]] = {
    "a field more": {"f/colour": {"type": "string"}},
    "a field less that it does not read": {"remove": ["f/notes"]},
    "an optional field less": {"remove": ["f/due_on"]},
    "a shorter text": {"f/name/max_length": 50},
    "narrower bounds": {"f/quantity/minimum": 1, "f/quantity/maximum": 10},
    "a value less": {"f/status/values": ["draft", "listed"]},
    "more digits": {"f/price/scale": 4},
    "an optional field that is required": {"f/code/required": True},
}
BREAKING: dict[str, tuple[dict[str, Any], str]] = {
    "a field less": ({"remove": ["f/quantity"]}, "missing required field `quantity`"),
    "a required field that is optional": ({"f/quantity/required": False}, "$.quantity"),
    "a field that is personal": ({"f/name/personal": True, "remove": ["f/name/indexed"]}, "`name`"),
    "a longer text": ({"f/name/max_length": 200}, "with `name` of"),
    "wider bounds": ({"f/quantity/maximum": 2000}, "with `quantity` 2000"),
    "a value more": ({"f/status/values": ["draft", "listed", "sold", "gone"]}, 'with `status` "gone"'),
    "another type": ({"f/due_on/type": "timestamp"}, "$.due_on"),
    "another number": ({"f/price": {"type": "text", "required": True}}, "$.price"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_the_consumer_does_not_notice(name: str) -> None:
    assert broken(**HARMLESS[name]) == []


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_the_consumer_is_named(name: str) -> None:
    change, says = BREAKING[name]
    found = broken(**change)
    assert found
    assert all("`item.created` of the service catalogue" in line and "by journal" in line for line in found)
    assert any(says in line for line in found), found


FIRST = {
    "r/item/event_version": 2,
    "r/item/earlier_events": [
        {"version": 1, "renamed": {"title": "name"}, "without": ["active"], "fields": {"active": {"type": "string"}}}
    ],
    "f/active/default": True,
}


def upcast(payload: dict[str, Any]) -> dict[str, Any]:
    return converted(payload, renamed={"title": "name"}, removed=["active"], added={"active": True})


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (PayloadSchema(2, {1: upcast}), None),
        (PayloadSchema(2, {1: lambda old: converted(old, renamed={"title": "name"})}), "in version 1 without optional"),
        (PayloadSchema(2, {1: lambda old: converted(old, removed=["active"], added={"active": True})}), "`name`"),
        (PayloadSchema(2), "unknown schema version 1"),
        (PayloadSchema(1), "deploy a reader that knows it"),
    ],
    ids=["upcast", "another type", "another name", "no upcaster", "not taught"],
)
def test_earlier_versions_are_read_by_way_of_upcasters(schema: PayloadSchema, says: str | None) -> None:
    """What the event log holds is read as well (ADR 24)."""
    system = system_of(changed(values(), {"set": FIRST}))
    found = unreadable("journal", "item.created", Handler(on_item_created, schema=schema, reads=Item), system)
    assert bool(found) is bool(says)
    assert says is None or any(says in line for line in found), found


def test_what_is_read_is_found_in_code_that_does_not_say_it() -> None:
    assert read_by(Handler(on_item_created)) == [Item]
    assert read_by(Handler(on_item_created, reads=Item)) == [Item]
