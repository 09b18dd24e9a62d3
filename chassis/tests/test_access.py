"""Roles and rules (S4): what nothing allows is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan_chassis.access import (
    ANONYMOUS,
    Access,
    AccessDenied,
    AllOf,
    AnyOf,
    Caller,
    Decision,
    Grant,
    Owner,
    Role,
    Rule,
    Tenant,
    decide,
    hides,
    require,
)
from groundplan_chassis.http.errors import OwnedByAnother

ROLES = ("customer", "support", "admin")
roles = st.frozensets(st.sampled_from(ROLES))
entries = st.lists(st.sampled_from([*ROLES, *(f"{role}:own" for role in ROLES), "anyone"]), unique=True)


def caller(*roles: str, subject: str = "s-1", tenant: str = "") -> Caller:
    return Caller(subject, frozenset(roles), frozenset(), "web", 2_000_000_000, tenant)


@pytest.mark.parametrize(
    ("access", "who", "decision"),
    [
        (Access.of(), caller("admin"), Decision.REFUSED),
        (Access.of("admin"), caller("admin"), Decision.ALL),
        (Access.of("admin"), caller("customer"), Decision.REFUSED),
        (Access.of("admin"), caller(), Decision.REFUSED),
        (Access.of("admin"), ANONYMOUS, Decision.REFUSED),
        (Access.of("customer:own"), caller("customer"), Decision.OWN),
        (Access.of("customer:own"), caller("customer", subject=""), Decision.REFUSED),
        (Access.of("customer:own", "admin"), caller("customer", "admin"), Decision.ALL),
        (Access.of("admin", "customer:own"), caller("customer", "admin"), Decision.ALL),
        (Access.of("anyone"), ANONYMOUS, Decision.ALL),
        (Access.of("anyone", "customer:own"), caller("customer"), Decision.ALL),
        # Names that look alike are not the same.
        (Access.of("admin"), caller("Admin", "admin ", "admin:own", "administrator"), Decision.REFUSED),
    ],
)
def test_s4_roles_decide(access: Access, who: Caller, decision: Decision) -> None:
    assert decide(access, who) is decision


@pytest.mark.parametrize(
    ("access", "who", "owner", "hidden"),
    [
        (Access.of("customer:own"), caller("customer"), "s-1", False),
        (Access.of("customer:own"), caller("customer"), "s-2", True),
        (Access.of("customer:own"), caller("customer"), None, True),
        (Access.of("customer:own", "admin"), caller("customer", "admin"), "s-2", False),
        (Access.of("customer:own", "admin"), caller("support"), "s-2", False),
        (Access.of("customer:own", "support:own"), caller("support"), "s-2", True),
        (Access.of("anyone", "customer:own"), caller("customer"), "s-2", False),
    ],
)
def test_what_a_caller_may_not_know_of(access: Access, who: Caller, owner: str | None, hidden: bool) -> None:
    """A row is referred to by those who may read it, and by those whose roles say nothing of it (S4)."""
    assert hides(access, who, owner) is hidden


@settings(deadline=None)
@given(entries, roles)
def test_s4_nothing_is_allowed_that_no_entry_says(listed: list[str], held: frozenset[str]) -> None:
    decision = decide(Access.of(*listed), caller(*held))
    whole = "anyone" in listed or bool(held & set(listed))
    own = bool({f"{role}:own" for role in held} & set(listed))
    assert decision is (Decision.ALL if whole else Decision.OWN if own else Decision.REFUSED)


@settings(deadline=None)
@given(entries, roles, st.sampled_from(ROLES))
def test_s4_a_further_role_never_takes_a_right_away(listed: list[str], held: frozenset[str], more: str) -> None:
    order = [Decision.REFUSED, Decision.OWN, Decision.ALL]
    access = Access.of(*listed)
    assert order.index(decide(access, caller(*held))) <= order.index(decide(access, caller(*held, more)))


def test_an_access_is_read_as_system_yaml_writes_it() -> None:
    assert Access.of("customer:own", "admin", "admin") == Access(
        False, (Grant("customer", True), Grant("admin", False))
    )
    for wrong in ("", ":own"):
        with pytest.raises(ValueError, match="empty"):
            Access.of(wrong)


@pytest.mark.parametrize(
    ("rule", "who", "row", "permitted"),
    [
        (Owner(), caller(), {"owner": "s-1"}, True),
        (Owner(), caller(), {"owner": "s-2"}, False),
        (Owner(), caller(), {"owner": None}, False),
        (Owner(), caller(), {}, False),
        # A caller without a subject owns no row, not even one without an owner.
        (Owner(), ANONYMOUS, {"owner": ""}, False),
        (Owner(), ANONYMOUS, {"owner": None}, False),
        (Owner("customer_id"), caller(), {"owner": "s-1", "customer_id": "s-2"}, False),
        (Tenant(), caller(tenant="t-1"), {"tenant": "t-1"}, True),
        (Tenant(), caller(tenant="t-1"), {"tenant": "t-2"}, False),
        (Tenant(), caller(), {"tenant": ""}, False),
        (Tenant(), caller(), {}, False),
        (Role("admin"), caller("admin"), {}, True),
        (Role("admin"), caller("customer"), {}, False),
        (AllOf((Tenant(), Owner())), caller(tenant="t-1"), {"tenant": "t-1", "owner": "s-1"}, True),
        (AllOf((Tenant(), Owner())), caller(tenant="t-1"), {"tenant": "t-2", "owner": "s-1"}, False),
        (AllOf(()), caller("admin"), {}, False),
        (AnyOf((Owner(), Role("admin"))), caller("admin"), {"owner": "s-2"}, True),
        (AnyOf((Owner(), Role("admin"))), caller("customer"), {"owner": "s-2"}, False),
        (AnyOf(()), caller("admin"), {}, False),
    ],
)
def test_s4_rules_look_at_caller_and_row(rule: Rule, who: Caller, row: dict[str, Any], permitted: bool) -> None:
    assert rule.permits(who, row) is permitted
    if permitted:
        require(rule, who, row)
        return
    with pytest.raises(OwnedByAnother):
        require(rule, who, row)
    with pytest.raises(AccessDenied) as refusal:
        require(rule, who, row, hidden=False)
    assert refusal.value.status == 403
    assert refusal.value.reason == rule.reason
    # The client is told neither the reason nor who it was.
    assert refusal.value.message == "Not allowed"
