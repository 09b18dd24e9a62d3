"""Versions of a resource's events: what each has, what can't stand beside each other, and how it is mended (A3)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import EarlierEvents, Resource
from infra.tests.following.samples import changed, system_of, values

V1: dict[str, Any] = {
    "version": 1,
    "renamed": {"cost": "price"},
    "without": ["notes", "remarks"],
    "fields": {"notes": {"type": "text", "max_length": 20}, "fax": {"type": "string"}},
}
PLACE = "services.catalogue.resources.item"


def with_events(**places: Any) -> dict[str, Any]:
    """Two versions of an item's events, with other attributes of it."""
    given = {"event_version": 2, "earlier_events": [V1], **places}
    return changed(values(), {"set": {f"r/item/{key}": value for key, value in given.items()}})


def first(**changes: Any) -> dict[str, Any]:
    return with_events(earlier_events=[{**V1, **changes}])


def item(declared: dict[str, Any]) -> Resource:
    return system_of(declared).services["catalogue"].resources["item"]


def said(declared: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Place below the resource, expectation and remedy of everything that is refused."""
    return [
        (".".join(map(str, each.path)).removeprefix(f"{PLACE}."), each.expected, each.remedy)
        for each in judge_system(declared)
    ]


def test_a_resource_that_says_nothing_sends_the_first_version() -> None:
    resource = item(values())
    assert (resource.sent_version, list(resource.payloads())) == (1, [1])
    assert "contact" not in resource.payloads()[1], "what is personal is in no event (S8)"


def test_each_version_has_the_newest_ones_fields_but_for_what_it_says() -> None:
    resource = item(with_events(sent_event_version=1))
    assert resource.sent_version == 1
    newest, earlier = resource.payloads().values()
    assert {*earlier} ^ {*newest} == {"cost", "price", "remarks", "fax"}
    assert (earlier["notes"].max_length, newest["notes"].max_length) == (20, 2000)
    assert item(with_events()).sent_version == 2


WRONG: dict[str, tuple[dict[str, Any], str, str, dict[str, Any]]] = {
    "a later version": (
        first(version=2),
        "earlier_events.0.version",
        "the newest, which is 2",
        with_events(event_version=3, earlier_events=[{**V1, "version": 2}]),
    ),
    "a version twice": (
        with_events(earlier_events=[V1, {"version": 1}]),
        "earlier_events.1.version",
        "each version once",
        with_events(),
    ),
    "a version left out": (
        with_events(event_version=4, earlier_events=[V1]),
        "earlier_events",
        "one is upcast to the next",
        with_events(event_version=4, earlier_events=[V1, {"version": 2}, {"version": 3}]),
    ),
    "all before left out": (
        with_events(event_version=3),
        "earlier_events",
        "one is upcast to the next",
        with_events(event_version=3, earlier_events=[]),
    ),
    "an unknown version sent": (
        with_events(sent_event_version=3),
        "sent_event_version",
        "the newest version, 2, or one of",
        with_events(),
    ),
    "a version sent that is gone": (
        with_events(earlier_events=[], sent_event_version=1),
        "sent_event_version",
        "or one of `earlier_events`",
        with_events(earlier_events=[]),
    ),
    "versions of what is not published": (
        changed(with_events(), {"set": {"catalogue/publishes": [], "journal/consumes": []}}),
        "event_version",
        "an event of it, `item.…`",
        values(),
    ),
    "an unknown field left out": (
        first(without=["nots", "notes"]),
        "earlier_events.0.without.0",
        "a field of the newest version",
        with_events(),
    ),
    "a personal field left out": (
        first(without=["contact", "notes"]),
        "earlier_events.0.without.0",
        "that is not personal",
        first(without=["notes"]),
    ),
    "a field left out twice": (
        first(without=["notes", "notes"]),
        "earlier_events.0.without.1",
        "each field once",
        first(without=["notes"]),
    ),
    "a field left out that is always read": (
        first(without=["notes", "quantity"]),
        "earlier_events.0.without.1",
        "a field that has a value, or needs none",
        changed(first(without=["notes", "quantity"]), {"set": {"f/quantity/default": 1}}),
    ),
    "an unknown field renamed": (
        first(renamed={"cost": "prize"}),
        "earlier_events.0.renamed.cost",
        "that this version has",
        with_events(),
    ),
    "a personal field renamed": (
        first(renamed={"phone": "contact"}),
        "earlier_events.0.renamed.phone",
        "that is not personal",
        first(renamed={}),
    ),
    "a field renamed twice": (
        first(renamed={"cost": "price", "fee": "price"}),
        "earlier_events.0.renamed.fee",
        "each field once",
        with_events(),
    ),
    "a name that is taken": (
        first(renamed={"name": "price"}),
        "earlier_events.0.renamed.name",
        "no other field of this version",
        with_events(),
    ),
    "a reserved name": (
        first(renamed={"id": "price"}),
        "earlier_events.0.renamed.id",
        "has it of itself",
        first(renamed={}),
    ),
    "a field that the newest has": (
        first(fields={"name": {"type": "string"}}, without=[]),
        "earlier_events.0.fields.name",
        "that this version alone has",
        first(fields={}, without=[]),
    ),
    "a rule on rows": (
        first(fields={"fax": {"type": "string", "unique": True}}),
        "earlier_events.0.fields.fax",
        "stored nowhere",
        first(fields={"fax": {"type": "string"}}),
    ),
    "a personal field": (
        first(fields={"fax": {"type": "string", "personal": True}}),
        "earlier_events.0.fields.fax.personal",
        "nothing personal",
        first(fields={}),
    ),
    "required without a default": (
        first(fields={"fax": {"type": "string", "required": True}}),
        "earlier_events.0.fields.fax",
        "which is sent until the mapping says better",
        first(fields={"fax": {"type": "string", "required": True, "default": "none"}}),
    ),
}
"""A declaration, where it is refused, what was expected, and the declaration after its remedy."""


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_and_its_remedy_works(name: str) -> None:
    declared, place, expected, mended = WRONG[name]
    found = said(declared)
    assert found[0][0] == place, found
    assert expected in found[0][1], found
    assert all(each[2] for each in found)
    assert said(mended) == []


def test_the_person_who_is_erased_has_one_name_in_every_version() -> None:
    """An erasure is done in any version of its event (S8)."""
    person = {"erasure": "person"}
    for change in ({"renamed": {"who": "holder_id"}}, {"renamed": {}, "without": ["holder_id"], "fields": {}}):
        declared = with_events(earlier_events=[{"version": 1, **change}], **person)
        assert any("which says who is erased (S8)" in each[1] for each in said(declared)), change
    renamed = with_events(earlier_events=[{"version": 1, "renamed": {"who": "holder_id"}}])
    assert said(renamed) == [], "another owner may have another name"


def test_every_part_of_a_version_is_compared() -> None:
    """`Resource.payloads` builds on them: a part more is to be looked at there, and in the template."""
    assert set(EarlierEvents.model_fields) == {"version", "renamed", "without", "fields"}
