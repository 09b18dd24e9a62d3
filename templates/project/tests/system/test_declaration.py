"""The services' code and `system.yaml` agree: after a change of one, a failure names what the other lacks.

What only the code has is a mistake as much: the gateway, the plan and the documents come from the declaration.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import msgspec
import pytest

from groundplan.cli.openapi import coded, package_of
from groundplan.declaration import model
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import FieldType, Resource
from groundplan_chassis.access import Access
from groundplan_chassis.http.operations import ResourceApi
from groundplan_chassis.service import Service
from groundplan_devkit.state import PROJECT

SYSTEM = load_system(PROJECT / "system.yaml")
SERVICES = [service for service, _ in coded(PROJECT)]
OF_ITSELF = {"id", "version", "created_at", "updated_at"}


def test_what_differs_is_named_with_its_place() -> None:
    """What makes the tests below ones that can be followed."""
    agree({"a": 1}, {"a": 1}, "here")
    with pytest.raises(pytest.fail.Exception) as failure:
        agree({"a": 1, "b": 2, "d": 3}, {"a": 1, "c": 3, "d": 4}, "orders.py")
    assert str(failure.value).splitlines() == [
        "orders.py and system.yaml differ:",
        "  - `c` is declared (3), and missing there",
        "  - `d` is 3 there, and declared as 4",
        "  - `b` is there (2), and not declared",
    ]


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


def agree(written: Mapping[Any, object], declared: Mapping[Any, object], place: str) -> None:
    """Fails with a line for each name that the code has otherwise than `system.yaml`, and the place to mend."""
    lines = []
    for name in dict.fromkeys([*declared, *written]):
        if name not in written:
            lines.append(f"`{name}` is declared ({declared[name]}), and missing there")
        elif name not in declared:
            lines.append(f"`{name}` is there ({written[name]}), and not declared")
        elif written[name] != declared[name]:
            lines.append(f"`{name}` is {written[name]} there, and declared as {declared[name]}")
    if lines:
        listed = "\n".join(f"  - {line}" for line in lines)
        pytest.fail(f"{place} and system.yaml differ:\n{listed}", pytrace=False)


def marked(names: Iterable[str], word: str) -> dict[str, str]:
    return dict.fromkeys(sorted(names), word)


def presence(required: bool) -> str:
    return "required" if required else "optional"


def file_of(service: str, layer: str, resource: str) -> str:
    """Where a layer's file of a resource is, as it was generated; or the layer's folder, where it has another name."""
    folder = f"services/{service}/{package_of(service)}/{layer}"
    return f"{folder}/{resource}.py" if (PROJECT / folder / f"{resource}.py").exists() else folder


def resources(declared: model.Service, code: Service) -> Iterator[tuple[str, Resource, ResourceApi]]:
    """Every declared resource and how the code has it."""
    known = {operation.resource.name: operation.resource for operation in code.operations}
    place = f"services/{code.name} (a file in each layer, as the other resources have; README.md there, Changing it)"
    agree(marked(known, "a resource"), marked(declared.resources, "a resource"), place)
    for name, resource in declared.resources.items():
        yield name, resource, known[name]


def test_a_service_is_called_as_it_is_declared(name: str, code: Service) -> None:
    assert code.name == name
    assert code.package == package_of(name)


def test_operations_and_who_may_do_them(name: str, declared: model.Service, code: Service) -> None:
    """S4: roles are those of the declaration, in `api/`."""
    for resource_name, resource in declared.resources.items():
        written = {each.kind: each.access for each in code.operations if each.resource.name == resource_name}
        wanted = {kind: Access.of(*entries) for kind, entries in resource.operations.items()}
        agree(written, wanted, f"{file_of(name, 'api', resource.table(resource_name))} (operations)")


def test_paths_and_owners(declared: model.Service, code: Service) -> None:
    for name, resource, written in resources(declared, code):
        assert written.path == f"/api/v1/{resource.path(name)}"
        assert written.owner == resource.owner, name


def test_fields(name: str, declared: model.Service, code: Service) -> None:
    """What a client may say, and what it is answered: in `domain/`."""
    for each, resource, written in resources(declared, code):
        place = file_of(name, "domain", each)
        body = {field.encode_name: presence(field.required) for field in msgspec.structs.fields(written.body)}
        wanted = {key: presence(needed) for key, needed in resource.written().items()}
        agree(body, wanted, f"{place} ({written.body.__name__})")
        item = {field.encode_name: presence(field.required) for field in msgspec.structs.fields(written.item)}
        wanted = {key: presence(field.required) for key, field in resource.fields.items()}
        wanted |= marked(OF_ITSELF, "required")
        agree(item, wanted, f"{place} ({written.item.__name__})")


def test_who_may_write_which_field(name: str, declared: model.Service, code: Service) -> None:
    """S9: defaults, computed fields, fields that stay, their writers, and steps from state to state: in `domain/`."""
    for each, resource, written in resources(declared, code):
        rules = written.authority.rules if written.authority is not None else {}
        there = {key: rule.described() for key, rule in rules.items()}
        wanted = {key: field.authority() for key, field in resource.fields.items() if field.restricted}
        agree(there, wanted, f"{file_of(name, 'domain', each)} (AUTHORITY)")


def indexed_of(resource: Resource) -> set[str]:
    """What lists go by (D1): a value without an index would have the database read every row."""
    return {each for each, field in resource.fields.items() if resource.has_index(each) and not field.personal}


def projected_of(resource: Resource) -> set[str]:
    plain = {each for each, field in resource.fields.items() if field.type not in (FieldType.JSON, FieldType.TEXT)}
    return plain | {each for each in resource.fields if resource.has_index(each)}


def test_lists_are_filtered_and_sorted_by_what_is_declared(name: str, declared: model.Service, code: Service) -> None:
    """R2: by fields with an index, none of them personal: filters stand in URLs, and sorts in cursors; in `api/`."""
    for each, resource, written in resources(declared, code):
        place = file_of(name, "api", resource.table(each))
        indexed = indexed_of(resource)
        agree(marked(written.filters or (), "a filter"), marked(indexed, "a filter"), f"{place} (filters)")
        agree(marked(written.sorts or (), "a sort"), marked(indexed, "a sort"), f"{place} (sorts)")


def test_samples_have_every_field(name: str, declared: model.Service) -> None:
    """What a sample says is sent, stored, read and compared by the service's own tests; what it lacks is in none."""
    seed = importlib.import_module(f"{package_of(name)}.seed")
    for each, resource in declared.resources.items():
        sampled = msgspec.to_builtins(getattr(seed, f"sample_{each}")(0))
        said = [key for key, value in sampled.items() if value is not None]
        # A row that is made before what it could refer to leaves the reference out.
        wanted = [
            key
            for key, needed in resource.written().items()
            if needed or not (resource.fields[key].restricted or resource.fields[key].to in declared.resources)
        ]
        place = f"services/{name}/{package_of(name)}/seed.py (sample_{each})"
        agree(marked(said, "a value"), marked([*wanted, *said], "a value"), place)


def test_events(declared: model.Service, code: Service) -> None:
    """A3: what the service says and hears."""
    assert code.publishes == frozenset(declared.publishes)
    assert set(code.consumers) == set(declared.consumes), "each has a file in `consumers/`"


def test_read_models(name: str, declared: model.Service, code: Service) -> None:
    """A4: every resource of a service with CQRS has one, with a column for each field that lists filter by."""
    projected = {projection.resource: projection.table for projection in code.projections}
    wanted = {each: resource.table(each) for each, resource in declared.resources.items()} if declared.cqrs else {}
    agree(projected, wanted, f"services/{name}/{package_of(name)}/read_model")
    for projection in code.projections:
        resource = declared.resources[projection.resource]
        place = f"{file_of(name, 'read_model', projection.table)} (columns)"
        agree(marked(projection.columns, "a column"), marked(projected_of(resource), "a column"), place)


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
