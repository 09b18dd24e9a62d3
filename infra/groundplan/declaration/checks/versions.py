"""Versions of a resource's API and of its events: what an earlier one has otherwise, and that it can be mapped."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from groundplan.declaration.checks.authority import default_findings
from groundplan.declaration.checks.fields import field_findings
from groundplan.declaration.checks.tables import reserved_names
from groundplan.declaration.model import (
    Deprecation,
    Earlier,
    Erasure,
    FieldType,
    Resource,
    ResourceField,
    Service,
    System,
)
from groundplan.problems import Finding, Path, did_you_mean, listed

_OF_ROWS = ("unique", "caseless", "indexed", "computed", "set_once", "written_by", "transitions", "renamed_from")
"""Rules that only what is stored can have."""


def check_versions(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for name, resource in service.resources.items()
        for finding in (
            *_api(("services", service_name, "resources", name), resource),
            *_events(("services", service_name, "resources", name), service, name, resource),
        )
    ]


@dataclass(frozen=True, slots=True)
class _Newest:
    """What the earlier versions of an API, or of events, are compared with."""

    key: str
    """Where the newest version's number is declared."""
    number: int
    fields: Mapping[str, ResourceField]
    called: str
    """What one of them is called."""
    needed: Collection[str]
    """Those that an earlier version can't lack."""
    owner: str | None
    """The owner, where every version must have it by one name."""
    why_owner: str
    needs: str
    """What is expected of a field that an earlier version lacks."""
    default_for: str
    """Who gets the default of a field that an earlier version alone has."""


def _api(path: Path, resource: Resource) -> Iterator[Finding]:
    yield from _deprecation((*path, "deprecated"), resource.deprecated)
    newest = _Newest(
        "api_version",
        resource.api_version,
        resource.fields,
        "a field of the newest version",
        [name for name, field in resource.fields.items() if field.mandatory],
        resource.owner,
        "which says whose a row is (S4)",
        "a field that a row can be created without: clients of this version can't say it",
        "which clients are answered until the mapping says better",
    )
    yield from _each((*path, "earlier_versions"), newest, resource.earlier_versions)
    for position, earlier in enumerate(resource.earlier_versions):
        yield from _deprecation((*path, "earlier_versions", position, "deprecated"), earlier.deprecated)


def _events(path: Path, service: Service, name: str, resource: Resource) -> Iterator[Finding]:
    fields = resource.payloads()[resource.event_version]
    newest = _Newest(
        "event_version",
        resource.event_version,
        fields,
        "a field of the newest version that is not personal",
        [name for name, field in fields.items() if field.required and field.default is None],
        resource.owner if resource.erasure is Erasure.PERSON else None,
        "which says who is erased (S8)",
        "a field that has a value, or needs none, where an event of this version is read",
        "which is sent until the mapping says better",
    )
    yield from _published(path, service, name, resource)
    here = (*path, "earlier_events")
    yield from _each(here, newest, resource.earlier_events)
    for position, earlier in enumerate(resource.earlier_events):
        for field_name, field in earlier.fields.items():
            if field.personal:
                place = (*here, position, "fields", field_name, "personal")
                yield Finding(place, "true", "nothing personal: no event has it (S8)", "remove the field here")
    known = {each.version for each in resource.earlier_events}
    missing = sorted(set(range(min(known, default=resource.event_version), resource.event_version)) - known)
    if missing:
        expected = f"each version up to the newest, {resource.event_version}: one is upcast to the next"
        remedy = f"declare {'it' if len(missing) == 1 else 'them'} as well, or remove the versions before"
        yield Finding(here, f"without {listed(map(str, missing), last='and')}", expected, remedy)
    sent = resource.sent_event_version
    if sent is not None and sent not in (resource.event_version, *known):
        expected = f"the newest version, {resource.event_version}, or one of `earlier_events`"
        yield Finding((*path, "sent_event_version"), str(sent), expected, "remove it, so that the newest is sent")


def _published(path: Path, service: Service, name: str, resource: Resource) -> Iterator[Finding]:
    """Versions are of events that are published."""
    if any(event.partition(".")[0] == name for event in service.publishes):
        return
    for key in ("event_version", "sent_event_version", "earlier_events"):
        if getattr(resource, key) != Resource.model_fields[key].default:
            expected = f"an event of it, `{name}.…`, in the service's `publishes`"
            yield Finding((*path, key), "given", expected, "remove it, or publish an event")


def _each(path: Path, newest: _Newest, several: Sequence[Earlier]) -> Iterator[Finding]:
    seen: set[int] = set()
    for position, earlier in enumerate(several):
        here = (*path, position)
        if earlier.version >= newest.number:
            expected = f"a version before the newest, which is {newest.number} (`{newest.key}`)"
            remedy = f"raise `{newest.key}` to {earlier.version + 1}, or correct it"
            yield Finding((*here, "version"), str(earlier.version), expected, remedy)
        elif earlier.version in seen:
            yield Finding((*here, "version"), str(earlier.version), "each version once", "remove one of the two")
        seen.add(earlier.version)
        yield from _without(here, newest, earlier)
        yield from _renamed(here, newest, earlier)
        yield from _own(here, newest, earlier)


def _deprecation(path: Path, deprecated: Deprecation | None) -> Iterator[Finding]:
    if deprecated is None or deprecated.sunset is None or deprecated.sunset > deprecated.since:
        return
    expected = f"a day after {deprecated.since}, when clients are first asked to leave (RFC 9745)"
    yield Finding((*path, "sunset"), str(deprecated.sunset), expected, "choose a later day, or an earlier `since`")


def _without(path: Path, newest: _Newest, earlier: Earlier) -> Iterator[Finding]:
    for position, name in enumerate(earlier.without):
        here = (*path, "without", position)
        if name not in newest.fields:
            remedy = did_you_mean(name, list(newest.fields), "remove it")
            yield Finding(here, name, newest.called, remedy)
        elif name in earlier.without[:position]:
            yield Finding(here, name, "each field once", "remove one of the two")
        elif name == newest.owner:
            yield Finding(here, name, f"any field but the owner, {newest.why_owner}", "remove it")
        elif name in newest.needed:
            yield Finding(here, name, newest.needs, f"give `{name}` a `default`, or remove `required` from it")


def _renamed(path: Path, newest: _Newest, earlier: Earlier) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, later in earlier.renamed.items():
        here = (*path, "renamed", name)
        other = first.setdefault(later, name)
        if later not in newest.fields or later in earlier.without:
            known = [each for each in newest.fields if each not in earlier.without]
            remedy = did_you_mean(later, known, "correct it")
            yield Finding(here, later, f"{newest.called}, and that this version has", remedy)
        elif other != name:
            yield Finding(here, later, f"each field once; `{other}` is it already", "remove one of the two")
        elif later == newest.owner:
            yield Finding(here, later, f"any field but the owner, {newest.why_owner}", "remove it")
        elif name in newest.fields and name not in earlier.without and name not in earlier.renamed.values():
            expected = "a name that no other field of this version has"
            yield Finding(here, later, expected, f"add `{name}` to `without`, or choose another name")
    yield from reserved_names((*path, "renamed"), earlier.renamed)


def _own(path: Path, newest: _Newest, earlier: Earlier) -> Iterator[Finding]:
    shared = {
        name for name in newest.fields if name not in earlier.without and name not in earlier.renamed.values()
    } | set(earlier.renamed)
    yield from reserved_names((*path, "fields"), earlier.fields)
    for name, field in earlier.fields.items():
        here = (*path, "fields", name)
        yield from field_findings(here, field)
        yield from default_findings(here, field)
        if name in shared:
            expected = "a field that this version alone has; the newest has this one"
            yield Finding(here, "declared", expected, f"add `{name}` to `without` as well, or remove it here")
        wrong = [option for option in _OF_ROWS if getattr(field, option)]
        if wrong:
            expected = "no rule on stored values: this field is stored nowhere"
            yield Finding(here, listed(wrong), expected, "remove that")
        if field.type is FieldType.REFERENCE:
            yield Finding((*here, "type"), field.type, "another type: this field is stored nowhere", "write `uuid`")
        if field.required and field.default is None:
            yield Finding(
                here, "required", f"a `default`, {newest.default_for}", "add `default:`, or remove `required`"
            )
