"""What a campaign over APIs counts, and what it takes for a fault."""

from __future__ import annotations

import json

import pytest

from groundplan.declaration.model import Resource
from groundplan_devkit.checks.campaign.found import Found, items
from groundplan_devkit.checks.campaign.generated import BY_FORMAT
from groundplan_devkit.checks.own_rows import own_alone, private_parents

NOTES = Resource.model_validate(
    {
        "owner": "holder",
        "fields": {"holder": {"type": "string"}},
        "operations": {"get": ["customer:own", "support"], "list": ["anyone"], "update": ["customer:own", "customer"]},
    }
)


def test_what_is_documented_and_reached() -> None:
    found = Found()
    answers: dict[str, object] = {"200": {}, "404": {}, "500": {}, "503": {}}
    found.document("note", {"paths": {"/notes/{id}": {"get": {"responses": answers}}}})
    for status in (200, 200, 503, 418):
        found.answered("note", "GET /notes/{id}", status)
    assert found.missing == [("note", "GET /notes/{id}", "404")]
    assert (found.cases, round(found.share, 2), found.wrong) == (4, 0.67, {})
    found.answered("note", "GET /notes/{id}", 500, "first")
    found.answered("note", "GET /notes/{id}", 500, "second")
    assert found.wrong == {"note GET /notes/{id} 500": "first"}


@pytest.mark.parametrize(
    ("operation", "role", "expected"),
    [
        ("get", "customer", True),
        ("get", "support", False),
        ("get", "stranger", False),
        ("list", "customer", False),
        # One grant is for all rows.
        ("update", "customer", False),
        ("delete", "customer", False),
    ],
)
def test_who_may_read_their_own_alone(operation: str, role: str, expected: bool) -> None:
    assert own_alone(NOTES, operation, role) is expected  # type: ignore[arg-type]


def test_references_to_rows_that_are_their_owners() -> None:
    fields = {
        "note": {"type": "reference", "to": "note"},
        "card": {"type": "reference", "to": "card"},
        "elsewhere": {"type": "reference", "to": "other.note"},
    }
    page = Resource.model_validate({"fields": fields, "operations": {"create": ["customer"]}})
    card = Resource.model_validate({"fields": {"name": {"type": "string"}}, "operations": {"get": ["customer"]}})
    resources = {"note": NOTES, "card": card, "page": page}
    assert list(private_parents(resources, page, "customer")) == [("note", "note", NOTES)]
    assert list(private_parents(resources, page, "support")) == []


def test_items_of_answers() -> None:
    one, two = {"id": "1"}, {"id": "2"}
    assert items(json.dumps({"data": one}).encode()) == [one]
    assert items(json.dumps({"data": [one, two, 7]}).encode()) == [one, two]
    assert items(b"") == items(b"[]") == items(b'{"error": {}}') == []


def test_a_format_alone_is_no_fault() -> None:
    said = "Invalid data should have been rejected\nExpected: 400, 422\nInvalid component: in body - site: Value not"
    assert BY_FORMAT.search(f"{said} matching the 'uri' format")
    assert not BY_FORMAT.search(f"{said} matching the pattern")
