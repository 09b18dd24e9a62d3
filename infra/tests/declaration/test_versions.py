"""Versions of a resource's API: what each has, and what can't stand beside each other (R1)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import EarlierVersion, Resource
from infra.tests.following.samples import changed, system_of, values

V1: dict[str, Any] = {
    "version": 1,
    "renamed": {"cost": "price"},
    "without": ["notes", "remarks"],
    "fields": {"notes": {"type": "text", "max_length": 20}, "fax": {"type": "string"}},
    "deprecated": {"since": "2026-12-01", "sunset": "2027-06-01", "link": "https://lab.example.com/v2"},
}


def with_versions(**changes: Any) -> dict[str, Any]:
    places = {"r/item/api_version": 2, "r/item/earlier_versions": [{**V1, **changes}]}
    return changed(values(), {"set": places})


def item(declared: dict[str, Any]) -> Resource:
    return system_of(declared).services["catalogue"].resources["item"]


def test_a_resource_that_says_nothing_has_the_first_version() -> None:
    resource = item(values())
    assert resource.versions() == (resource,)
    assert resource.collection("item") == "/api/v1/items"


def test_an_earlier_version_has_the_newest_ones_fields_but_for_what_it_says() -> None:
    newest, first = item(with_versions()).versions()
    assert (newest.collection("item"), first.collection("item")) == ("/api/v2/items", "/api/v1/items")
    assert first.fields["cost"] == newest.fields["price"]
    assert "price" not in first.fields
    assert "remarks" not in first.fields
    assert (first.fields["notes"].max_length, newest.fields["notes"].max_length) == (20, 2000)
    assert first.fields["name"] == newest.fields["name"]
    assert first.deprecated is not None
    assert newest.deprecated is None
    assert first.versions() == (first,)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a later version": ({"version": 2}, "version", "a version before the newest, which is 2"),
    "an unknown field left out": ({"without": ["nots", "notes"]}, "without[0]", "a field of the newest version"),
    "a field left out twice": ({"without": ["notes", "notes"]}, "without[1]", "each field once"),
    "the owner left out": ({"without": ["notes", "holder_id"]}, "without[1]", "any field but the owner"),
    "a field left out that must be said": ({"without": ["notes", "name"]}, "without[1]", "created without"),
    "an unknown field renamed": ({"renamed": {"cost": "prize"}}, "renamed.cost", "a field of the newest version"),
    "a field renamed twice": ({"renamed": {"cost": "price", "fee": "price"}}, "renamed.fee", "each field once"),
    "the owner renamed": ({"renamed": {"who": "holder_id"}}, "renamed.who", "any field but the owner"),
    "a name that is taken": ({"renamed": {"name": "price"}}, "renamed.name", "no other field of this version"),
    "a reserved name": ({"renamed": {"id": "price"}}, "renamed.id", "has it of itself"),
    "a field that the newest has": (
        {"fields": {"name": {"type": "string"}}, "without": []},
        "fields.name",
        "that this version alone has",
    ),
    "a rule on rows": ({"fields": {"fax": {"type": "string", "unique": True}}}, "fields.fax", "stored nowhere"),
    "a reference": ({"fields": {"fax": {"type": "reference", "to": "supplier"}}}, "fields.fax.type", "another type"),
    "required without a default": ({"fields": {"fax": {"type": "string", "required": True}}}, "fields.fax", "default"),
    "a wrong default": ({"fields": {"fax": {"type": "integer", "default": 0.5}}}, "fields.fax.default", "whole"),
    "an end before the beginning": (
        {"deprecated": {"since": "2026-12-01", "sunset": "2026-12-01"}},
        "deprecated.sunset",
        "a day after 2026-12-01",
    ),
    "a link that is none": ({"deprecated": {"since": "2026-12-01", "link": "see there"}}, "deprecated.link", "address"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name: str) -> None:
    changes, path, expected = WRONG[name]
    found = judge_system(with_versions(**changes))
    said = [(".".join(map(str, each.path)).replace("[", ".").replace("]", ""), each.expected) for each in found]
    place = f"services.catalogue.resources.item.earlier_versions.0.{path.replace('[', '.').replace(']', '')}"
    assert [(where, expected in what) for where, what in said] == [(place, True)], said


def test_a_version_twice_is_refused() -> None:
    places = {"r/item/api_version": 2, "r/item/earlier_versions": [{"version": 1}, {"version": 1}]}
    assert [each.expected for each in judge_system(changed(values(), {"set": places}))] == ["each version once"]


def test_every_part_of_a_version_is_compared() -> None:
    """`Resource.versions` builds on them: a part more is to be looked at there, and in the template."""
    assert set(EarlierVersion.model_fields) == {"version", "deprecated", "renamed", "without", "fields"}
