"""Who may write which field, and from which state to which (S9).

    AUTHORITY = FieldAuthority(
        OrderBody,
        OrderFields,
        {
            "total": FieldRule(computed=True, default=Decimal(0)),
            "currency": FieldRule(set_once=True),
            "status": FieldRule(
                default=OrderStatus.OPEN,
                transitions={OrderStatus.OPEN: {OrderStatus.PLACED: ("customer:own",)}},
            ),
        },
        owner="customer_id",
    )

A body has no computed fields, and may leave out those that have a default or that others write: a new row gets the
default, an updated one keeps what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from groundplan_chassis.access import Access, Caller, Decision, decide, owner_of
from groundplan_chassis.http.errors import Detail, Forbidden, ValidationFailed
from groundplan_chassis.http.operations import Call
from groundplan_chassis.http.values import value_type

B = TypeVar("B", bound=msgspec.Struct)
S = TypeVar("S", bound=msgspec.Struct)


class FieldRule(msgspec.Struct, frozen=True, kw_only=True):
    """The declared rule of one field; without one a field is written with every create and update."""

    computed: bool = False
    """Only the service's own code sets it."""
    set_once: bool = False
    """It keeps its first value."""
    default: Any = None
    """Of a new row whose creator says nothing."""
    written_by: tuple[str, ...] | None = None
    """`role` or `role:own`; None: every caller who may do the operation."""
    transitions: Mapping[Any, Mapping[Any, tuple[str, ...]]] | None = None
    """Value, next value, and the roles that may take the step; none: only the service's own code. A new row has the
    default."""

    def described(self) -> dict[str, object]:
        """The rule in plain values, as a declaration has it."""
        return {
            "computed": self.computed,
            "set_once": self.set_once,
            "default": None if self.default is None else str(self.default),
            "written_by": None if self.written_by is None else list(self.written_by),
            "transitions": None
            if self.transitions is None
            else {
                str(now): {str(then): list(who) for then, who in steps.items()}
                for now, steps in self.transitions.items()
            },
        }

    def in_words(self) -> str:
        """For readers of the API, each rule on a line."""
        lines = []
        if self.default is not None:
            lines.append(f"Default: `{_shown(self.default)}`.")
        if self.set_once:
            lines.append("Stays as it is once it is set.")
        if self.written_by is not None:
            lines.append(f"Written by: {', '.join(self.written_by)}.")
        for now, steps in (self.transitions or {}).items():
            who = (f"`{_shown(then)}` ({', '.join(roles) or 'the service'})" for then, roles in steps.items())
            lines.append(f"`{_shown(now)}` becomes {', '.join(who)}." if steps else f"`{_shown(now)}` stays.")
        return "\n".join(lines)


_NO_RULE: Final = FieldRule()


class FieldAuthority(Generic[B, S]):
    """Turns what a caller wrote into what is stored, or refuses it."""

    def __init__(
        self, body: type[B], stored: type[S], rules: Mapping[str, FieldRule], *, owner: str | None = None
    ) -> None:
        """``stored`` has every field of the row. Raises ValueError for rules on fields that are none."""
        self._stored = stored
        self._names = [field.name for field in msgspec.structs.fields(stored)]
        self._written = {field.name for field in msgspec.structs.fields(body)}
        self._owner = owner
        self.rules: Final = dict(rules)
        for name, rule in rules.items():
            if name not in self._names or rule.computed is (name in self._written):
                raise ValueError(f"{name}: expected a field of {stored.__name__}, and a computed one not in the body")
        types = {field.name: field.type for field in msgspec.structs.fields(stored)}
        self._owner_type = None if owner is None else value_type(types[owner])

    def initial(self, body: B, **values: Any) -> S:  # noqa: ANN401 - of each field's own type
        """What is stored of a new row, without a caller: the body, ``values`` and defaults."""
        return self._stored(**{name: values.get(name, self._first(body, name)) for name in self._names})

    def created(self, call: Call, **values: Any) -> S:  # noqa: ANN401
        """What is stored of the call's new row; ``values``: what the service computes.

        Raises ValidationFailed for another state than the first, Forbidden for a field that others write.
        """
        body = call.body
        wrong, forbidden = [], []
        for name, rule in self.rules.items():
            given = getattr(body, name, None)
            if rule.computed or given is None or given == rule.default:
                continue
            if rule.transitions is not None:
                wrong.append(Detail(name, f"A new one is {_shown(rule.default)}"))
            elif not _allowed(rule.written_by, call.caller, self._owner_of(body, call.caller)):
                forbidden.append(_only(name, rule.written_by))
        _refuse(wrong, forbidden)
        if self._owner is not None and self._owner not in self._written:
            assert self._owner_type is not None
            values.setdefault(self._owner, owner_of(call.caller, self._owner_type))
        return self.initial(body, **values)

    def updated(self, call: Call, before: msgspec.Struct, **values: Any) -> S:  # noqa: ANN401
        """What is stored of the call's row, which was ``before``; ``values``: what the service computes.

        Raises ValidationFailed for a step that there is not and a value that stays, Forbidden for what others do.
        """
        wrong, forbidden = [], []
        body = call.body_on(before)
        found: dict[str, Any] = {}
        owner = None if self._owner is None else getattr(before, self._owner)
        for name in self._names:
            rule = self.rules.get(name, _NO_RULE)
            now = getattr(before, name)
            given = getattr(body, name, None)
            kept = given is None and (rule is not _NO_RULE or name == self._owner)
            if kept and rule.written_by is not None and rule.default is None:
                # An update replaces the row: who may write the field takes its value away by leaving it out.
                kept = not _allowed(rule.written_by, call.caller, owner)
            if rule.computed or kept or given == now:
                found[name] = now
                continue
            found[name] = given
            if rule.set_once and now is not None:
                wrong.append(Detail(name, "It stays as it is once it is set"))
            elif rule.transitions is not None:
                roles = rule.transitions.get(now, {}).get(given)
                if roles is None:
                    wrong.append(Detail(name, f"What is {_shown(now)} can't become {_shown(given)}"))
                elif not _allowed(roles, call.caller, owner):
                    forbidden.append(_only(name, roles))
            elif not _allowed(rule.written_by, call.caller, owner):
                forbidden.append(_only(name, rule.written_by))
        _refuse(wrong, forbidden)
        return self._stored(**{**found, **values})

    def can_transition(self, field: str, now: object, then: object) -> bool:
        """Whether there is such a step, for any caller."""
        transitions = self.rules[field].transitions or {}
        return then in transitions.get(now, {})

    def kept(self, before: msgspec.Struct, **values: Any) -> S:  # noqa: ANN401
        """What is stored where the service itself changes ``values`` only."""
        return self._stored(**{name: values.get(name, getattr(before, name)) for name in self._names})

    def _first(self, body: B, name: str) -> object:
        given = getattr(body, name, None)
        return self.rules.get(name, _NO_RULE).default if given is None else given

    def _owner_of(self, body: object, caller: Caller) -> object:
        """The owner of a row that is being created: the one that the body names, else its creator."""
        given = None if self._owner is None else getattr(body, self._owner, None)
        return caller.subject if given is None else given


def _allowed(roles: tuple[str, ...] | None, caller: Caller, owner: object) -> bool:
    if roles is None:
        return True
    decision = decide(Access.of(*roles), caller)
    return decision is Decision.ALL or (decision is Decision.OWN and str(owner) == caller.subject)


def _only(name: str, roles: tuple[str, ...] | None) -> Detail:
    who = " or ".join(roles or ()) or "the service itself"
    return Detail(name, f"Only {who} may do that")


def _refuse(wrong: list[Detail], forbidden: list[Detail]) -> None:
    if forbidden:
        raise Forbidden("A field is not the caller's to write", forbidden)
    if wrong:
        raise ValidationFailed(details=wrong)


def _shown(value: object) -> str:
    return str(getattr(value, "value", value))
