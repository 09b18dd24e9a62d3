"""Creations that a service accepts: as many as are asked for, each of an owner that its caller may name."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from groundplan.declaration.model import Resource
from groundplan_devkit.bench.mix import CALLERS, Target, Tokens, created, shots, subject
from groundplan_devkit.bench.rows import rows

OWNER: dict[str, Any] = {"type": "string", "max_length": 64, "required": True, "set_once": True}
ROLES = ["admin"]


def target(grants: list[str], **owner: object) -> Target:
    resource = Resource.model_validate(
        {
            "description": "A thing",
            "owner": "whose",
            "fields": {"whose": {**OWNER, **owner}, "label": {"type": "string", "required": True}},
            "operations": dict.fromkeys(("get", "list", "create"), grants),
        }
    )
    return Target("thing", resource, "/api/v1/things", ())


def owners(of: Target, count: int) -> list[object]:
    """Of creations by one caller after the other, as the services' `AUTHORITY` reads them."""
    return [
        created(of, row, number % CALLERS).get("whose", subject(number % CALLERS))
        for number, row in enumerate(islice(rows(of.resource), count))
    ]


def test_rows_of_unique_owners_are_created_for_different_owners() -> None:
    """A profile's owner is unique, so that more of them than there are callers are created for others."""
    found = owners(target(ROLES, unique=True), 3 * CALLERS)
    assert len(set(found)) == 3 * CALLERS


def test_who_may_only_own_creates_their_own() -> None:
    assert owners(target(["admin:own"]), CALLERS) == [subject(number) for number in range(CALLERS)]


def test_an_owner_that_the_service_fills_in_is_not_written() -> None:
    assert "whose" not in created(target(ROLES, computed=True), next(rows(target(ROLES).resource)), 1)


@pytest.mark.parametrize("unique", [False, True])
def test_the_mix_s_creations_are_those(unique: bool) -> None:
    of = target(ROLES, unique=unique)
    of = Target(of.name, of.resource, of.path, [None] * 10)  # type: ignore[list-item]  # any ten
    made = [shot for shot in islice(shots(of, Tokens(of, lambda *_, **__: "token")), 4000) if shot.name == "create"]
    bodies = [json.loads(shot.request.partition(b"\r\n\r\n")[2]) for shot in made]
    assert all("whose" in body for body in bodies)
    assert not unique or len({body["whose"] for body in bodies}) == len(bodies)
