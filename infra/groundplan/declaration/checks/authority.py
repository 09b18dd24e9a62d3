"""Who may write which field, and from which state to which (S9)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from groundplan.declaration.checks.access import role_findings
from groundplan.declaration.checks.fields import wrong_text
from groundplan.declaration.model import ANYONE, FieldType, Resource, ResourceField, System, access_of
from groundplan.problems import Finding, Path, did_you_mean, listed, printable

_BIGINT = 2**63
_WITH_DEFAULT = (
    FieldType.STRING,
    FieldType.TEXT,
    FieldType.INTEGER,
    FieldType.DECIMAL,
    FieldType.BOOLEAN,
    FieldType.ENUM,
)


def check_authority(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for resource_name, resource in service.resources.items()
        for name, field in resource.fields.items()
        for finding in _field(
            ("services", service_name, "resources", resource_name, "fields", name),
            name,
            field,
            resource,
            system.identity.roles,
        )
    ]


def _field(path: Path, name: str, field: ResourceField, resource: Resource, roles: list[str]) -> Iterator[Finding]:
    yield from default_findings(path, field, owner=name == resource.owner)
    if field.computed:
        for option in ("set_once", "written_by", "transitions"):
            if getattr(field, option):
                expected = "no such rule on a computed field: no client writes it"
                yield Finding((*path, option), "given", expected, "remove it, or `computed`")
        if field.required and field.default is None and name != resource.owner:
            expected = "a `default`: a row has a value before the service's code has computed one"
            yield Finding(path, "computed and required", expected, "add `default:`, or remove `required`")
    if field.written_by is not None:
        yield from role_findings((*path, "written_by"), field.written_by, resource, roles)
        yield from _creators(path, field, resource)
    if field.transitions is not None:
        yield from _transitions(path, field, resource, roles)


def _creators(path: Path, field: ResourceField, resource: Resource) -> Iterator[Finding]:
    """A person who may create a row and not write a required field of it could create none."""
    entries = resource.operations.get("create")
    if entries is None or not field.required or field.default is not None:
        return
    writing = {grant.role for grant in access_of(field.written_by or []).grants}
    left = [entry for entry in entries if entry == ANYONE or entry.removesuffix(":own") not in writing]
    if left and ANYONE not in (field.written_by or []):
        expected = f"a `default`: {listed(left)} may create a row and not write this field of it"
        yield Finding(path, "required, and not written by all creators", expected, "add `default:`, or the roles")


def _transitions(path: Path, field: ResourceField, resource: Resource, roles: list[str]) -> Iterator[Finding]:
    here = (*path, "transitions")
    if field.type is not FieldType.ENUM:
        yield Finding(here, "given", f"`transitions` only with the type `enum`; this is `{field.type}`", "remove it")
        return
    if field.written_by is not None:
        expected = "no `written_by` beside `transitions`, which name the roles of each step"
        yield Finding((*path, "written_by"), "given", expected, "remove it")
    values = field.values or []
    if field.default is None:
        expected = f"a `default`, the state of a new row: one of {listed(values)}"
        yield Finding(path, "transitions without `default`", expected, f"add `default: {values[0] if values else ''}`")
    for value, steps in (field.transitions or {}).items():
        for position, state in [((*here, value), value), *(((*here, value, step), step) for step in steps)]:
            if state not in values:
                otherwise = "choose one of them, or add it to `values`"
                yield Finding(position, state, f"one of {listed(values)}", did_you_mean(state, values, otherwise))
        if value in steps:
            yield Finding((*here, value, value), value, "another value: it stays as it is anyway", "remove it")
        for step, entries in steps.items():
            yield from role_findings((*here, value, step), entries, resource, roles)


def default_findings(path: Path, field: ResourceField, *, owner: bool = False) -> Iterator[Finding]:
    """Whether the field's default is a value of it."""
    value, here = field.default, (*path, "default")
    if value is None:
        return
    if field.type not in _WITH_DEFAULT:
        expected = f"`default` only with the type {listed(_WITH_DEFAULT)}; this is `{field.type}`"
        yield Finding(here, printable(value), expected, "remove it, or change the type")
    elif owner:
        yield Finding(here, printable(value), "no default of the owner: it is the caller when left out", "remove it")
    elif field.unique:
        expected = "no `default` on a unique field: two rows could not have it"
        yield Finding(here, printable(value), expected, "remove one of the two")
    else:
        wanted = _wrong(field, value)
        if wanted is not None:
            yield Finding(here, printable(value), wanted, "write one that the field takes")


def _wrong(field: ResourceField, value: bool | float | str) -> str | None:
    """What was expected instead; None for a value of the field."""
    if field.type is FieldType.BOOLEAN:
        return None if isinstance(value, bool) else "true or false"
    if field.type is FieldType.ENUM:
        return None if value in (field.values or []) else f"one of {listed(field.values or [])}"
    if field.type in (FieldType.STRING, FieldType.TEXT):
        return wrong_text(field, value) if isinstance(value, str) else "a text, in quotes"
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    scale = 0 if field.type is FieldType.INTEGER else 2 if field.scale is None else field.scale
    if number.is_finite() and not -_BIGINT <= number < _BIGINT:
        return "a number of 64 bits, PostgreSQL's largest integer"
    # Rounding a number raises where its digits are more than the context has.
    if not number.is_finite() or number != round(number, scale):
        return f"a number with at most {scale} digits after the point" if scale else "a whole number"
    low, high = field.minimum, field.maximum
    if (low is not None and number < Decimal(str(low))) or (high is not None and number > Decimal(str(high))):
        bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        return " and ".join(bounds)
    return None
