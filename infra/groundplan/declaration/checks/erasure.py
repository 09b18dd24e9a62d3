"""Erasure of a person: whose a row is, what it may keep, and how the request reaches each service (S8)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.erased import erased_value
from groundplan.declaration.model import ERASED, Erasure, Resource, Service, System
from groundplan.problems import Finding, Path, listed

_TABLE = "erasures"


def check_erasure(system: System) -> list[Finding]:
    findings: list[Finding] = []
    for service_name, service in system.services.items():
        for name, resource in service.resources.items():
            path = ("services", service_name, "resources", name)
            if resource.erasure is not None:
                findings += _resource(path, resource)
            if resource.forgets:
                findings += _values(path, resource)
            if service.erases and resource.table(name) == _TABLE:
                expected = f"another name: erasure requests stand in the table `{_TABLE}`"
                findings.append(Finding(path, name, expected, "rename the resource, or give it a `plural`"))
        findings += _reached(system, service_name, service)
    return findings


def _resource(path: Path, resource: Resource) -> Iterator[Finding]:
    here, kind = (*path, "erasure"), resource.erasure
    if resource.owner is None:
        expected = "an `owner` beside it: the field that tells whose a row is"
        yield Finding(here, str(kind), expected, "add `owner: <field>` to the resource, or remove `erasure`")
    if kind is Erasure.ANONYMISE and not resource.personal():
        expected = "a field with `personal: true`: nothing else is taken out of a row that stays"
        yield Finding(here, str(kind), expected, "declare what is personal, or remove `erasure`")
    if kind is not Erasure.ANONYMISE and "delete" not in resource.operations:
        expected = "an operation `delete`: without it no row is ever deleted"
        remedy = "add `delete:` with its roles to the operations"
        if kind is Erasure.DELETE:
            remedy += ", or write `erasure: anonymise`"
        yield Finding(here, str(kind), expected, remedy)


def _values(path: Path, resource: Resource) -> Iterator[Finding]:
    for name, field in resource.personal().items():
        if erased_value(field) is None:
            expected = "a value that says nothing once the row is erased; none has the form that is declared"
            yield Finding((*path, "fields", name), "required and personal", expected, "remove `required`")


def _reached(system: System, name: str, service: Service) -> Iterator[Finding]:
    """Each service that erases has the person itself, or hears of the erasure."""
    kinds = [resource.erasure for resource in service.resources.values()]
    if not service.erases or Erasure.PERSON in kinds:
        return
    told = system.erasure_events()
    if set(service.consumes) & set(told):
        return
    persons = [
        f"{each}{ERASED}"
        for other in system.services.values()
        for each, resource in other.resources.items()
        if resource.erasure is Erasure.PERSON
    ]
    if not persons:
        expected = "a resource with `erasure: person` in the system: its DELETE is how an erasure begins"
        remedy = "declare it on the resource whose rows are the persons"
    elif told:
        expected = f"one of {listed(told)} in `consumes`: else no erasure reaches this service"
        remedy = f"add `consumes: [{next(iter(told))}]`"
    else:
        expected = f"one of {listed(persons)} published and consumed: else no erasure reaches this service"
        remedy = f"add `{persons[0]}` to `publishes` of the person's service and to `consumes` here"
    yield Finding(("services", name, "consumes"), listed(service.consumes) or "empty", expected, remedy)
