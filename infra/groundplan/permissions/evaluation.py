"""IAM's decision on one request: identity policies, a permissions boundary, conditions.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators". Policies of
resources, organizations and sessions are left out: they take away from what these allow, or are another account's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One call: the action, the ARN that it works on (`*` where there is none), and what IAM knows besides."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is which statement decided, or what was missing."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def decide(request: Request, identity: Iterable[Document], boundary: Document | None = None) -> Decision:
    """Denied by any statement that denies; else allowed where the identity's policies and the boundary both allow."""
    policies = list(identity)
    everything = policies if boundary is None else [*policies, boundary]
    for statement in _statements(everything):
        if statement.get("Effect") == "Deny" and matches(statement, request):
            return Decision(False, f"denied by {_name(statement)}")
    allowing = _allowing(policies, request)
    if allowing is None:
        return Decision(False, "no statement allows it")
    if boundary is not None and _allowing([boundary], request) is None:
        return Decision(False, "outside of the permissions boundary")
    return Decision(True, f"allowed by {_name(allowing)}")


def _allowing(policies: Iterable[Document], request: Request) -> Mapping[str, Any] | None:
    for statement in _statements(policies):
        if statement.get("Effect") == "Allow" and matches(statement, request):
            return statement
    return None


def matches(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement speaks of this request."""
    return (
        _covers(statement, "Action", request.action, request.context, fold=True)
        and _covers(statement, "Resource", request.resource, request.context, fold=False)
        and _conditions(statement.get("Condition") or {}, request.context)
    )


def _statements(policies: Iterable[Document]) -> Iterable[Mapping[str, Any]]:
    for policy in policies:
        found = policy.get("Statement") or []
        yield from found if isinstance(found, list) else [found]


def _name(statement: Mapping[str, Any]) -> str:
    return str(statement.get("Sid") or "a statement without a name")


def _listed(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [_text(each) for each in value]
    return [] if value is None else [_text(value)]


def _text(value: object) -> str:
    """Booleans and numbers stand in policies as they do in JSON, and in requests as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _covers(statement: Mapping[str, Any], element: str, value: str, context: Context, *, fold: bool) -> bool:
    if f"Not{element}" in statement:
        return not any(_like(value, _filled(each, context), fold) for each in _listed(statement[f"Not{element}"]))
    return any(_like(value, _filled(each, context), fold) for each in _listed(statement.get(element)))


def _filled(pattern: str, context: Context) -> str:
    """A pattern with its policy variables; one that the request doesn't know matches nothing."""

    def value(match: re.Match[str]) -> str:
        if match[1] in ("*", "?", "$"):
            return f"[{match[1]}]"
        known = _listed(context.get(match[1])) if match[1] in context else []
        return known[0] if len(known) == 1 else "\0"

    return re.sub(r"\$\{([^}]+)\}", value, pattern)


@cache
def _pattern(text: str, fold: bool) -> re.Pattern[str]:
    parts = re.split(r"(\[[*?$]\]|[*?])", text)
    form = "".join(
        {"*": ".*", "?": "."}.get(part, re.escape(part.strip("[]") if _literal(part) else part)) for part in parts
    )
    return re.compile(form, re.DOTALL | (re.IGNORECASE if fold else 0))


def _literal(part: str) -> bool:
    return re.fullmatch(r"\[[*?$]\]", part) is not None


def _like(value: str, pattern: str, fold: bool = False) -> bool:
    return _pattern(pattern, fold).fullmatch(value) is not None


def _conditions(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    lowered = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, _listed(lowered[key.lower()]) if key.lower() in lowered else None, _listed(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, found: list[str] | None, wanted: list[str], context: Context) -> bool:
    name, lenient = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    for prefix, every in (("ForAllValues:", True), ("ForAnyValue:", False)):
        if name.startswith(prefix):
            values = found or []
            results = [_one(name.removeprefix(prefix), value, wanted, context) for value in values]
            return all(results) if every else any(results)
    if name == "Null":
        return (found is None) == (wanted == ["true"])
    if found is None:
        # A key that isn't there matches no comparison, but every negated one.
        return lenient or "Not" in name
    return len(found) == 1 and _one(name, found[0], wanted, context)


def _one(name: str, value: str, wanted: list[str], context: Context) -> bool:
    negated = "Not" in name
    compare = _COMPARISONS.get(name.replace("Not", "") if not name.startswith("NotIp") else "IpAddress")
    if compare is None:
        raise ValueError(f"{name} is no condition operator that is known here")
    hit = any(compare(value, _filled(each, context)) for each in wanted)
    return hit != negated


def _number(compare: Any) -> Any:  # noqa: ANN401  a comparison of two numbers as one of two texts
    return lambda value, wanted: compare(float(value), float(wanted))


def _arn(value: str, wanted: str) -> bool:
    """ARNs are compared part by part: a `*` doesn't reach over a colon."""
    ours, theirs = value.split(":", 5), wanted.split(":", 5)
    return len(ours) == len(theirs) == 6 and all(_like(one, other) for one, other in zip(ours, theirs, strict=True))


_COMPARISONS: Mapping[str, Any] = {
    "StringEquals": lambda value, wanted: value == wanted.replace("[*]", "*").replace("[?]", "?"),
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": _number(lambda one, other: one == other),
    "NumericLessThan": _number(lambda one, other: one < other),
    "NumericLessThanEquals": _number(lambda one, other: one <= other),
    "NumericGreaterThan": _number(lambda one, other: one > other),
    "NumericGreaterThanEquals": _number(lambda one, other: one >= other),
    "DateLessThan": lambda value, wanted: value < wanted,
    "DateGreaterThan": lambda value, wanted: value > wanted,
    "IpAddress": lambda value, wanted: ipaddress.ip_address(value) in ipaddress.ip_network(wanted),
}
