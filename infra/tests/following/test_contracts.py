"""Changes of APIs and events: what breaks those who rely on them, and what does not (U7)."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from groundplan.following.contracts import api_differences
from groundplan.following.events import asyncapi, event_differences
from groundplan.following.services import differences
from infra.tests.following.samples import changed, changes, system_of, values

Json = dict[str, Any]
ITEM: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string", "maxLength": 100},
        "notes": {"type": ["string", "null"]},
        "size": {"type": "integer", "minimum": 0, "maximum": 9},
        "status": {"type": "string", "enum": ["draft", "sold"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 10}},
    },
    "required": ["id", "name", "status"],
    "additionalProperties": False,
}
BODY = {
    **ITEM,
    "properties": {k: v for k, v in ITEM["properties"].items() if k != "id"},
    "required": ["name", "status"],
}


def document() -> Json:
    def answer(name: str) -> Json:
        return {
            "description": "…",
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }

    body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ItemBody"}}}}
    page = {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}
    # Through text, so that no two parts of it are one.
    made: Json = json.loads(
        json.dumps(
            {
                "openapi": "3.1.0",
                "paths": {
                    "/items": {
                        "get": {
                            "parameters": [{"$ref": "#/components/parameters/Page"}],
                            "responses": {"200": answer("Item"), "400": answer("Error")},
                        },
                        "post": {"requestBody": body, "responses": {"201": answer("Item")}},
                    },
                    "/items/{id}": {"delete": {"responses": {"204": {"description": "Gone"}}}},
                },
                "components": {
                    "parameters": {"Page": page},
                    "schemas": {"Item": ITEM, "ItemBody": BODY, "Error": {"type": "object"}},
                },
            }
        )
    )
    return made


def put(*path: str, to: object = None) -> Callable[[Json], None]:
    """Sets what stands at a place; without a value it goes."""

    def change(found: Json) -> None:
        above = found
        for part in path[:-1]:
            above = above[part]
        if to is None:
            del above[path[-1]]
        else:
            above[path[-1]] = to

    return change


def a_field_more(found: Json) -> None:
    body = found["components"]["schemas"]["ItemBody"]
    body["properties"]["colour"] = {"type": "string"}
    body["required"] = [*body["required"], "colour"]


SCHEMAS = ("components", "schemas")
OF_BODY, OF_ITEM = (*SCHEMAS, "ItemBody"), (*SCHEMAS, "Item")
BREAKING: dict[str, Callable[[Json], None]] = {
    "a path less": put("paths", "/items/{id}"),
    "a method less": put("paths", "/items", "post"),
    "a parameter less": put("paths", "/items", "get", "parameters", to=[]),
    "a parameter that must be there": put(
        "paths", "/items", "get", "parameters", to=[{"name": "q", "in": "query", "required": True, "schema": {}}]
    ),
    "a parameter with less room": put("components", "parameters", "Page", "schema", "maximum", to=50),
    "a field of requests less": put(*OF_BODY, "properties", "notes"),
    "a field of answers less": put(*OF_ITEM, "properties", "notes"),
    "a field that requests must have": put(*OF_BODY, "required", to=["name", "status", "size"]),
    "a new field that requests must have": a_field_more,
    "a field that answers may lack": put(*OF_ITEM, "required", to=["id", "name"]),
    "a field of another type": put(*OF_BODY, "properties", "size", to={"type": "string"}),
    "shorter text": put(*OF_BODY, "properties", "name", "maxLength", to=50),
    "a value less in requests": put(*OF_BODY, "properties", "status", "enum", to=["draft"]),
    "a higher minimum": put(*OF_BODY, "properties", "size", "minimum", to=1),
    "entries of lists that are shorter": put(*OF_BODY, "properties", "tags", "items", "maxLength", to=5),
    "a value of answers that may be nothing": put(*OF_ITEM, "properties", "name", "type", to=["string", "null"]),
    "another status": put("paths", "/items", "post", "responses", to={"200": {"description": "…"}}),
    "a pattern for text": put(*OF_BODY, "properties", "name", "pattern", to="^[a-z]*$"),
}
HARMLESS: dict[str, Callable[[Json], None]] = {
    "a path more": put("paths", "/parts", to={"get": {"responses": {}}}),
    "a method more": put("paths", "/items/{id}", "get", to={"responses": {}}),
    "a parameter more": put(
        "paths",
        "/items",
        "get",
        "parameters",
        to=[{"$ref": "#/components/parameters/Page"}, {"name": "q", "in": "query"}],
    ),
    "a parameter with more room": put("components", "parameters", "Page", "schema", "maximum", to=500),
    "a field of requests more": put(*OF_BODY, "properties", "colour", to={"type": "string"}),
    "a field of answers more": put(*OF_ITEM, "properties", "colour", to={"type": "string"}),
    "a field that requests may lack": put(*OF_BODY, "required", to=["name"]),
    "a field that answers always have": put(*OF_ITEM, "required", to=["id", "name", "status", "size"]),
    "longer text": put(*OF_BODY, "properties", "name", "maxLength", to=200),
    "shorter text in answers": put(*OF_ITEM, "properties", "name", "maxLength", to=50),
    "a value more in requests": put(*OF_BODY, "properties", "status", "enum", to=["draft", "sold", "new"]),
    "a lower minimum": put(*OF_BODY, "properties", "size", "minimum", to=-1),
    "no pattern": put(*OF_BODY, "properties", "name", "maxLength"),
    "a status of an error more": put("paths", "/items", "post", "responses", "409", to={"description": "…"}),
    "a status of an error less": put("paths", "/items", "get", "responses", "400"),
    "numbers where whole numbers were taken": put(
        *OF_BODY, "properties", "size", to={"type": "number", "minimum": 0, "maximum": 9}
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_clients(name: str) -> None:
    after = document()
    BREAKING[name](after)
    assert any(change.breaks for change in api_differences("items", document(), after)), name


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_not(name: str) -> None:
    after = document()
    HARMLESS[name](after)
    found = api_differences("items", document(), after)
    assert found, "it is told all the same"
    assert not [change for change in found if change.breaks]


def ending(found: Json, sunset: str | None) -> Json:
    found["paths"]["/items"]["get"] |= {"deprecated": True, **({"x-sunset": sunset} if sunset else {})}
    return found


@pytest.mark.parametrize(
    ("sunset", "breaks"), [(None, True), ("2026-12-02", True), ("2026-12-01", False), ("2026-01-31", False)]
)
def test_what_was_announced_to_end_may_go_from_its_sunset_on(sunset: str | None, breaks: bool) -> None:
    before, after = ending(document(), sunset), document()
    del after["paths"]["/items"]["get"]
    [change] = api_differences("items", before, after, datetime.date(2026, 12, 1))
    assert change.breaks is breaks
    assert (sunset or "answered no more") in change.what


def test_the_end_of_an_api_is_told_and_an_earlier_one_breaks() -> None:
    announced = ending(document(), "2027-06-01")
    told = api_differences("items", document(), announced)
    assert [(each.what, each.breaks) for each in told] == [
        ("deprecated", False),
        ("sunset 2027-06-01, before none", False),
    ]
    for sunset, breaks in (("2027-05-31", True), ("2027-12-01", False), (None, False)):
        [change] = api_differences("items", announced, ending(document(), sunset))
        assert change.breaks is breaks


@pytest.mark.parametrize(("sunset", "breaks"), [("2027-06-01", True), ("2026-11-01", False), (None, True)])
def test_a_version_of_an_api_goes_from_its_sunset_on(
    sunset: str | None, breaks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundplan.following.services.today", lambda: datetime.date(2026, 12, 1))
    ends = {"since": "2026-01-31", **({"sunset": sunset} if sunset else {})}
    both = {"r/item/api_version": 2, "r/item/earlier_versions": [{"version": 1, "deprecated": ends}]}
    before, after = (
        system_of(changed(values(), {"set": places})) for places in (both, {**both, "r/item/earlier_versions": []})
    )
    [change] = differences(before.services, after.services)
    assert bool(change.breaks) is breaks
    assert bool(change.steps) is breaks


def test_words_for_people_are_no_difference() -> None:
    after = document()
    after["components"]["schemas"]["Item"]["description"] = "Another text"
    after["paths"]["/items"]["get"]["summary"] = "Another text"
    assert api_differences("items", document(), after) == ()


def test_a_document_that_refers_to_itself_ends() -> None:
    before, after = document(), document()
    for found, length in ((before, 5), (after, 4)):
        found["components"]["schemas"]["Item"]["properties"]["parent"] = {"$ref": "#/components/schemas/Item"}
        found["components"]["schemas"]["Item"]["properties"]["name"]["maxLength"] = length
    assert len(api_differences("items", before, after)) < 100


def test_events_are_judged_as_the_declaration_is() -> None:
    """Of each single change in the table: consumers of events break where it says so, and nowhere else."""
    breaking, harmless = 0, 0
    for change in changes():
        if change["takes"] == "refused":
            continue
        before, after = system_of(values()), system_of(changed(values(), change))
        found = event_differences(before.services, after.services)
        breaks = any(each.breaks for each in found)
        assert breaks == ("events" in change.get("breaks", ())), (change["is"], found)
        breaking, harmless = breaking + breaks, harmless + (not breaks)
    assert breaking >= 12
    assert harmless >= 12


def test_events_as_asyncapi() -> None:
    found = asyncapi(system_of(values()))
    # AsyncAPI's own schema of a document, of the package @asyncapi/specs (Apache-2.0).
    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
    problems = [f"{list(each.path)}: {each.message}" for each in Draft7Validator(schema).iter_errors(found)]
    assert problems == []
    assert found["asyncapi"] == "3.0.0"
    assert found["channels"]["item_created"]["address"] == "lab.item.created"
    assert found["operations"]["journal_receives_item_created"]["action"] == "receive"
    payload = found["components"]["messages"]["item_created"]["payload"]["properties"]["payload"]["contentSchema"]
    assert "contact" not in payload["properties"], "what is personal is in no event (S8)"
    assert payload["properties"]["status"]["enum"] == ["draft", "listed", "sold"]
    references = [each["channel"]["$ref"].rpartition("/")[2] for each in found["operations"].values()]
    assert set(references) <= set(found["channels"])
