"""Who may write which field, over every rule, caller and value: against a second reading of the rules (h7, S9)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from groundplan_chassis.access import Caller
from groundplan_chassis.authority import FieldAuthority, FieldRule
from groundplan_chassis.http.errors import ApiError, Forbidden, ValidationFailed
from groundplan_chassis.http.operations import Call


class State(StrEnum):
    OPEN = "open"
    PLACED = "placed"
    PAID = "paid"


class Body(msgspec.Struct, frozen=True, kw_only=True):
    owner: str | None = None
    plain: int
    once: int | None = None
    staffed: int | None = None
    own: int | None = None
    defaulted: int | None = None
    state: State | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    owner: str
    plain: int
    once: int | None = None
    staffed: int | None = None
    own: int | None = None
    defaulted: int
    state: State
    computed: int


STEPS = {
    State.OPEN: {State.PLACED: ("customer:own", "staff"), State.PAID: ()},
    State.PLACED: {State.PAID: (), State.OPEN: ("staff",)},
}
AUTHORITY = FieldAuthority(
    Body,
    Stored,
    {
        "once": FieldRule(set_once=True),
        "staffed": FieldRule(written_by=("staff",)),
        "own": FieldRule(written_by=("customer:own", "staff")),
        "defaulted": FieldRule(default=7),
        "state": FieldRule(default=State.OPEN, transitions=STEPS),
        "computed": FieldRule(computed=True, default=0),
    },
    owner="owner",
)
CALLERS = [
    Caller(subject, frozenset(roles), frozenset(), "", 0)
    for subject, roles in (("anna", ["customer"]), ("bert", ["customer"]), ("anna", ["staff"]), ("anna", []), ("", []))
]
VALUES: dict[str, list[Any]] = {
    "once": [None, 1, 2],
    "staffed": [None, 1, 2],
    "own": [None, 1, 2],
    "defaulted": [None, 7, 8],
    "state": [None, *State],
}


def call(caller: Caller, body: msgspec.Struct) -> Call:
    return Call(None, caller, "request", False, UUID(int=1), body)  # type: ignore[arg-type]  # needs no context


def one_field_at_a_time() -> Iterator[tuple[str, Any]]:
    for name, values in VALUES.items():
        yield from ((name, value) for value in values)


def writes(name: str, caller: Caller) -> bool:
    staff = "staff" in caller.roles
    return {"staffed": staff, "own": staff or ("customer" in caller.roles and caller.subject == "anna")}.get(name, True)


@pytest.mark.parametrize("caller", CALLERS)
def test_a_new_row(caller: Caller) -> None:
    for name, given in one_field_at_a_time():
        body = Body(owner="anna", plain=1, **{name: given})
        expected: type[ApiError] | None = None
        if name == "state" and given not in (None, State.OPEN):
            expected = ValidationFailed
        elif name in ("staffed", "own") and given is not None and not writes(name, caller):
            expected = Forbidden
        found = outcome(lambda body=body: AUTHORITY.created(call(caller, body), computed=5))
        if expected is not None:
            assert found is expected, (name, given)
            continue
        assert isinstance(found, Stored), (name, given)
        defaults = {"defaulted": 7, "state": State.OPEN}
        assert getattr(found, name) == (defaults.get(name) if given is None else given)
        assert (found.computed, found.owner) == (5, "anna")


@pytest.mark.parametrize("caller", CALLERS)
def test_a_row_that_is_there(caller: Caller) -> None:
    """Every value beside every value before it: what is stored is what was there, but for what the caller may write."""
    for (name, given), now in itertools.product(one_field_at_a_time(), [None, 1, 2, *State]):
        if (name == "state") is not isinstance(now, State) or (name == "defaulted" and now is None):
            continue
        values = {"defaulted": 7, "state": State.OPEN, name: now}
        before = Stored(owner="anna", plain=1, computed=9, **values)
        body = Body(plain=2, **{name: given})
        found = outcome(lambda b=before, body=body: AUTHORITY.updated(call(caller, body), b))
        if given == now or (given is None and (name not in ("staffed", "own") or not writes(name, caller))):
            expected = now
        elif name == "once" and now is not None:
            assert found is ValidationFailed
            continue
        elif name == "state":
            roles = STEPS.get(now, {}).get(given)
            may = roles is not None and (
                ("staff" in roles and "staff" in caller.roles)
                or ("customer:own" in roles and "customer" in caller.roles and caller.subject == "anna")
            )
            if not may:
                assert found is (ValidationFailed if roles is None else Forbidden), (now, given)
                continue
            expected = given
        elif not writes(name, caller):
            assert found is Forbidden
            continue
        else:
            expected = given
        assert isinstance(found, Stored), (name, now, given)
        assert getattr(found, name) == expected, (name, now, given)
        assert (found.computed, found.owner, found.plain) == (9, "anna", 2), "a client never writes what is computed"


def outcome(work: Any) -> Any:
    try:
        return work()
    except ApiError as error:
        return type(error) if error.details else "a refusal that names no field"


def test_an_owner_that_is_computed_is_the_creator() -> None:
    body = msgspec.defstruct("Own", [("plain", int)], kw_only=True)
    own = FieldAuthority(body, Stored, {**AUTHORITY.rules, **_hidden()}, owner="owner")
    assert own.created(call(CALLERS[1], body(plain=1))).owner == "bert"


def _hidden() -> dict[str, FieldRule]:
    return {name: FieldRule(computed=True, default=0) for name in ("once", "staffed", "own", "defaulted", "owner")} | {
        "state": FieldRule(computed=True, default=State.OPEN)
    }


def test_a_rule_names_a_field() -> None:
    for rules in ({"other": FieldRule()}, {"plain": FieldRule(computed=True)}, {"computed": FieldRule()}):
        with pytest.raises(ValueError, match="expected a field of Stored"):
            FieldAuthority(Body, Stored, rules)
