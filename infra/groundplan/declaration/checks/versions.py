"""Versions of a resource's API: what an earlier one has otherwise, and that the newest can stand in for it (R1)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.checks.authority import default_findings
from groundplan.declaration.checks.fields import field_findings
from groundplan.declaration.checks.tables import reserved_names
from groundplan.declaration.model import Deprecation, EarlierVersion, FieldType, Resource, System
from groundplan.problems import Finding, Path, did_you_mean, listed

_OF_ROWS = ("unique", "caseless", "indexed", "computed", "set_once", "written_by", "transitions", "renamed_from")
"""Rules that only what is stored can have."""


def check_versions(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for name, resource in service.resources.items()
        for finding in _resource(("services", service_name, "resources", name), resource)
    ]


def _resource(path: Path, resource: Resource) -> Iterator[Finding]:
    yield from _deprecation((*path, "deprecated"), resource.deprecated)
    seen: set[int] = set()
    for position, earlier in enumerate(resource.earlier_versions):
        here = (*path, "earlier_versions", position)
        if earlier.version >= resource.api_version:
            expected = f"a version before the newest, which is {resource.api_version} (`api_version`)"
            remedy = f"raise `api_version` to {earlier.version + 1}, or correct it"
            yield Finding((*here, "version"), str(earlier.version), expected, remedy)
        elif earlier.version in seen:
            yield Finding((*here, "version"), str(earlier.version), "each version once", "remove one of the two")
        seen.add(earlier.version)
        yield from _deprecation((*here, "deprecated"), earlier.deprecated)
        yield from _without(here, resource, earlier)
        yield from _renamed(here, resource, earlier)
        yield from _own(here, resource, earlier)


def _deprecation(path: Path, deprecated: Deprecation | None) -> Iterator[Finding]:
    if deprecated is None or deprecated.sunset is None or deprecated.sunset > deprecated.since:
        return
    expected = f"a day after {deprecated.since}, when clients are first asked to leave (RFC 9745)"
    yield Finding((*path, "sunset"), str(deprecated.sunset), expected, "choose a later day, or an earlier `since`")


def _without(path: Path, resource: Resource, earlier: EarlierVersion) -> Iterator[Finding]:
    for position, name in enumerate(earlier.without):
        here = (*path, "without", position)
        if name not in resource.fields:
            remedy = did_you_mean(name, list(resource.fields), "remove it")
            yield Finding(here, name, "a field of the newest version", remedy)
        elif name in earlier.without[:position]:
            yield Finding(here, name, "each field once", "remove one of the two")
        elif name == resource.owner:
            yield Finding(here, name, "any field but the owner, which says whose a row is (S4)", "remove it")
        elif resource.fields[name].mandatory:
            expected = "a field that a row can be created without: clients of this version can't say it"
            yield Finding(here, name, expected, f"give `{name}` a `default`, or remove `required` from it")


def _renamed(path: Path, resource: Resource, earlier: EarlierVersion) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, newest in earlier.renamed.items():
        here = (*path, "renamed", name)
        other = first.setdefault(newest, name)
        if newest not in resource.fields or newest in earlier.without:
            known = [each for each in resource.fields if each not in earlier.without]
            yield Finding(
                here,
                newest,
                "a field of the newest version that this one has",
                did_you_mean(newest, known, "correct it"),
            )
        elif other != name:
            yield Finding(here, newest, f"each field once; `{other}` is it already", "remove one of the two")
        elif newest == resource.owner:
            expected = "any field but the owner, which says whose a row is (S4)"
            yield Finding(here, newest, expected, "remove it")
        elif name in resource.fields and name not in earlier.without and name not in earlier.renamed.values():
            expected = "a name that no other field of this version has"
            yield Finding(here, newest, expected, f"add `{name}` to `without`, or choose another name")
    yield from reserved_names((*path, "renamed"), earlier.renamed)


def _own(path: Path, resource: Resource, earlier: EarlierVersion) -> Iterator[Finding]:
    shared = {
        name for name in resource.fields if name not in earlier.without and name not in earlier.renamed.values()
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
            expected = "a `default`, which clients are answered until the mapping says better"
            yield Finding(here, "required", expected, "add `default:`, or remove `required`")
