"""Authorisation (S4): roles by operation (RBAC), rules about caller and row (ABAC). The default is refusal.

Refusals raised from here are answered and audited by `groundplan_chassis.http` in one place, with the subject and
nothing else of the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol

import msgspec

from groundplan_chassis.http.errors import Forbidden, OwnedByAnother
from groundplan_chassis.http.values import Refused, ValueType

ANYONE: Final = "anyone"
"""Role name in `Access.of`: the operation needs no role and no token."""
_OWN: Final = ":own"


class Caller(msgspec.Struct, frozen=True):
    """The subject of a verified access token."""

    subject: str
    """The user's or client's id at the identity provider; empty without a token."""
    roles: frozenset[str]
    scopes: frozenset[str]
    client_id: str
    """The application that the token was given to."""
    expires_at: int
    """Expiry of the token, in seconds since the epoch."""
    tenant: str = ""
    """The tenant that the subject belongs to; empty where tokens don't say."""


ANONYMOUS: Final = Caller("", frozenset(), frozenset(), "", 0)
"""The caller of a request without a token."""


def owner_of(caller: Caller, owner_type: ValueType) -> object:
    """The caller as a value of the owner's field. Raises Forbidden for a subject that can't be one."""
    try:
        return owner_type.from_json(caller.subject)
    except Refused:
        raise Forbidden("The caller's subject can't own one of these") from None


class Decision(Enum):
    """What a caller's roles allow in one operation."""

    REFUSED = "refused"
    ALL = "all"
    """Every row."""
    OWN = "own"
    """Only rows whose owner is the caller."""


# A member that is looked up in its enumeration costs as much as all else that decides (Python 3.11).
REFUSED: Final = Decision.REFUSED
ALL: Final = Decision.ALL
OWN: Final = Decision.OWN


class Grant(msgspec.Struct, frozen=True):
    """A role that is allowed an operation; ``own``: only on rows whose owner is the caller."""

    role: str
    own: bool


class Access(msgspec.Struct, frozen=True):
    """Who may perform one operation: anyone, or callers with one of these grants. Without both: no caller."""

    anyone: bool
    grants: tuple[Grant, ...]

    @classmethod
    def of(cls, *entries: str) -> Access:
        """As system.yaml writes it: ``Access.of("customer:own", "admin")``. Raises ValueError for an empty role."""
        grants = tuple(
            Grant(entry.removesuffix(_OWN), entry.endswith(_OWN)) for entry in dict.fromkeys(entries) if entry != ANYONE
        )
        for grant in grants:
            if not grant.role:
                raise ValueError("a role is empty: expected `role`, `role:own` or `anyone`")
        return cls(ANYONE in entries, grants)


def decide(access: Access, caller: Caller) -> Decision:
    """What the caller's roles allow; a role with all rows outdoes one with own rows."""
    if access.anyone:
        return ALL
    decision = REFUSED
    for grant in access.grants:
        if grant.role in caller.roles:
            if not grant.own:
                return ALL
            # A caller without a subject owns nothing, also with a role.
            if caller.subject:
                decision = OWN
    return decision


def hides(access: Access, caller: Caller, owner: str | None) -> bool:
    """Whether the caller may read their own rows alone, and this row is another's. ``access``: who may read such rows.

    False for a caller who has no role in it: then the operation that is being done decides alone.
    """
    return decide(access, caller) is OWN and owner != caller.subject


class Rule(Protocol):
    """A condition on a caller and on attributes of the row."""

    @property
    def reason(self) -> str:
        """The reason for the audit trail; names no person."""

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool: ...


class Owner(msgspec.Struct, frozen=True):
    """The row's owner is the caller."""

    field: str = "owner"
    reason: str = "not the owner"

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool:
        # A row without an owner belongs to no caller.
        return bool(caller.subject) and attributes.get(self.field) == caller.subject


class Tenant(msgspec.Struct, frozen=True):
    """The row belongs to the caller's tenant."""

    field: str = "tenant"
    reason: str = "of another tenant"

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool:
        return bool(caller.tenant) and attributes.get(self.field) == caller.tenant


class Role(msgspec.Struct, frozen=True):
    """The caller has the role."""

    role: str
    reason: str = "not in the role"

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool:
        del attributes
        return self.role in caller.roles


class AllOf(msgspec.Struct, frozen=True):
    """All of the rules hold. Without rules: refused."""

    rules: tuple[Rule, ...]
    reason: str = "not all conditions hold"

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool:
        return bool(self.rules) and all(rule.permits(caller, attributes) for rule in self.rules)


class AnyOf(msgspec.Struct, frozen=True):
    """At least one of the rules holds: ``AnyOf((Owner(), Role("support")))``."""

    rules: tuple[Rule, ...]
    reason: str = "no condition holds"

    def permits(self, caller: Caller, attributes: Mapping[str, Any]) -> bool:
        return any(rule.permits(caller, attributes) for rule in self.rules)


class AccessDenied(Forbidden):
    """A rule does not hold. The client gets no reason; the audit trail gets ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def require(rule: Rule, caller: Caller, attributes: Mapping[str, Any], *, hidden: bool = True) -> None:
    """Raises unless the rule permits the caller.

    ``hidden``: the row's existence isn't told: raises OwnedByAnother (404). Else AccessDenied (403).
    """
    if not rule.permits(caller, attributes):
        if hidden:
            raise OwnedByAnother
        raise AccessDenied(rule.reason)
