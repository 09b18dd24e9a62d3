"""The services' code and `system.yaml` say the same: whoever changes one is told what the other still lacks.

What only the code has is a mistake as much: the gateway, the plan and the documents come from the declaration.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType

import msgspec
import pytest

from chassis.access import Access
from chassis.http.operations import ResourceApi
from chassis.service import Service
from infra.commands.openapi import coded, package_of
from infra.system import model
from infra.system.loader import load_system
from infra.system.model import FieldType, Resource
from local.state import PROJECT

SYSTEM = load_system(PROJECT / "system.yaml")
SERVICES = [service for service, _ in coded(PROJECT)]
OF_ITSELF = {"id", "version", "created_at", "updated_at"}


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def declared(name: str) -> model.Service:
    return SYSTEM.services[name]


@pytest.fixture
def code(name: str) -> Service:
    module: ModuleType = importlib.import_module(f"{package_of(name)}.service")
    found: Service = module.service
    return found


def resources(declared: model.Service, code: Service) -> Iterator[tuple[str, Resource, ResourceApi]]:
    """Every declared resource and how the code has it."""
    known = {operation.resource.name: operation.resource for operation in code.operations}
    assert known.keys() == declared.resources.keys(), "add or remove a folder's worth of files for the resource"
    for name, resource in declared.resources.items():
        yield name, resource, known[name]


def test_a_service_is_called_as_it_is_declared(name: str, code: Service) -> None:
    assert code.name == name
    assert code.package == package_of(name)


def test_operations_and_who_may_do_them(declared: model.Service, code: Service) -> None:
    """S4: roles are those of the declaration, in `api/`."""
    written = {(each.resource.name, each.kind): each.access for each in code.operations}
    wanted = {
        (name, kind): Access.of(*entries)
        for name, resource in declared.resources.items()
        for kind, entries in resource.operations.items()
    }
    assert written == wanted


def test_paths_and_owners(declared: model.Service, code: Service) -> None:
    for name, resource, written in resources(declared, code):
        assert written.path == f"/api/v1/{resource.path(name)}"
        assert written.owner == resource.owner, name


def test_fields(declared: model.Service, code: Service) -> None:
    """What a client may say, and what it is answered: in `domain/`."""
    for name, resource, written in resources(declared, code):
        body = {field.encode_name: field.required for field in msgspec.structs.fields(written.body)}
        wanted = {each: field.required and each != resource.owner for each, field in resource.fields.items()}
        assert body == wanted, f"what is required of {name}"
        item = {field.encode_name: field.required for field in msgspec.structs.fields(written.item)}
        wanted = {each: field.required for each, field in resource.fields.items()} | dict.fromkeys(OF_ITSELF, True)
        assert item == wanted, name


def test_lists_are_filtered_and_sorted_by_what_is_declared(declared: model.Service, code: Service) -> None:
    """R2: filters are fields with a value of their own, sorts go by an index (D1); in `api/`."""
    for name, resource, written in resources(declared, code):
        indexed = {
            each
            for each, field in resource.fields.items()
            if field.indexed or field.unique or field.type is FieldType.REFERENCE or each == resource.owner
        }
        plain = {each for each, field in resource.fields.items() if field.type not in (FieldType.JSON, FieldType.TEXT)}
        assert set(written.filters or ()) == plain | indexed, name
        assert set(written.sorts or ()) == indexed, name


def test_events(declared: model.Service, code: Service) -> None:
    """A3: what the service says and hears."""
    assert code.publishes == frozenset(declared.publishes)
    assert set(code.consumers) == set(declared.consumes), "each has a file in `consumers/`"


def test_read_models(declared: model.Service, code: Service) -> None:
    """A4: every resource of a service with CQRS has one."""
    projected = {projection.resource: projection.table for projection in code.projections}
    wanted = {name: resource.table(name) for name, resource in declared.resources.items()} if declared.cqrs else {}
    assert projected == wanted


def test_caches(declared: model.Service, code: Service) -> None:
    """C2, C3: in `adapters/caches.py`."""
    written = {cache.resource: (cache.invalidation, cache.seconds) for cache in code.caches}
    wanted = {
        name: (str(resource.cache.invalidation), resource.cache.seconds)
        for name, resource in declared.resources.items()
        if resource.cache
    }
    assert written == wanted


def test_personal_data_is_known_as_such(declared: model.Service, code: Service) -> None:
    """What is declared personal is kept out of logs: in `service.py`."""
    personal = {
        each for resource in declared.resources.values() for each, field in resource.fields.items() if field.personal
    }
    assert code.personal_fields == personal
