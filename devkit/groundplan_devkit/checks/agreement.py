"""The services' code and `system.yaml` agree: after a change of one, a failure names what the other lacks.

What only the code has is a mistake as much: the gateway, the plan and the documents come from the declaration.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from groundplan.declaration import model
from groundplan.declaration.model import FieldType, Resource
from groundplan_chassis.access import Access
from groundplan_chassis.http.openapi import openapi_text
from groundplan_chassis.http.operations import ResourceApi
from groundplan_chassis.service import Service
from groundplan_devkit.services import folder_of, package_of
from groundplan_devkit.state import PROJECT

OF_ITSELF = {"id", "version", "created_at", "updated_at"}


def code_of(service: str) -> Service:
    """The service's composition root."""
    found = importlib.import_module(f"{package_of(service)}.service").service
    assert isinstance(found, Service)
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


def in_words(access: Access) -> str:
    """As `system.yaml` writes it: `[customer:own, admin]`."""
    roles = sorted(f"{grant.role}:own" if grant.own else grant.role for grant in access.grants)
    return f"[{', '.join(['anyone'] * access.anyone + roles)}]"


def presence(required: bool) -> str:
    return "required" if required else "optional"


def file_of(service: str, layer: str, resource: str) -> str:
    """Where a layer's file of a resource is, as it was generated; or the layer's folder, where it has another name."""
    folder = f"services/{service}/{package_of(service)}/{layer}"
    return f"{folder}/{resource}.py" if (PROJECT / folder / f"{resource}.py").exists() else folder


def indexed_of(resource: Resource) -> set[str]:
    """What lists go by (D1): a value without an index would have the database read every row."""
    return {each for each, field in resource.fields.items() if resource.has_index(each) and not field.personal}


def projected_of(resource: Resource) -> set[str]:
    plain = {each for each, field in resource.fields.items() if field.type not in (FieldType.JSON, FieldType.TEXT)}
    return plain | {each for each in resource.fields if resource.has_index(each)}


@dataclass(frozen=True)
class Agreement:
    """One service: as `system.yaml` declares it, and as its code has it."""

    service: str
    declared: model.Service
    code: Service

    @classmethod
    def of(cls, service: str, system: model.System) -> Agreement:
        return cls(service, system.services[service], code_of(service))

    def resources(self) -> Iterator[tuple[str, Resource, ResourceApi]]:
        """Every declared resource and how the code has it."""
        known = {operation.resource.name: operation.resource for operation in self.code.operations}
        place = (
            f"services/{self.service} (a file in each layer, as the other resources have; README.md there, Changing it)"
        )
        agree(marked(known, "a resource"), marked(self.declared.resources, "a resource"), place)
        for name, resource in self.declared.resources.items():
            yield name, resource, known[name]

    def check_name_and_package(self) -> None:
        said = {"name": self.code.name, "package": self.code.package}
        wanted = {"name": self.service, "package": package_of(self.service)}
        agree(said, wanted, f"services/{self.service}/{package_of(self.service)}/service.py")

    def check_document(self) -> None:
        """`openapi.json` is valid, and what the code answers."""
        text = (folder_of(self.service) / "openapi.json").read_text(encoding="utf-8")
        assert text == openapi_text(self.code), "run `make openapi`, and look at what changes"
        validate(json.loads(text))

    def check_operations(self) -> None:
        """S4: roles are those of the declaration, in `api/`."""
        for resource_name, resource in self.declared.resources.items():
            there = [each for each in self.code.operations if each.resource.name == resource_name]
            written = {each.kind: in_words(each.access) for each in there}
            wanted = {kind: in_words(Access.of(*entries)) for kind, entries in resource.operations.items()}
            agree(written, wanted, f"{file_of(self.service, 'api', resource.table(resource_name))} (operations)")

    def check_paths_and_owners(self) -> None:
        for name, resource, written in self.resources():
            place = file_of(self.service, "api", resource.table(name))
            said = {"path": written.path, "owner": written.owner or "none"}
            wanted = {"path": f"/api/v1/{resource.path(name)}", "owner": resource.owner or "none"}
            agree(said, wanted, f"{place} ({name})")

    def check_fields(self) -> None:
        """What a client may say, and what it is answered: in `domain/`."""
        for each, resource, written in self.resources():
            place = file_of(self.service, "domain", each)
            body = {field.encode_name: presence(field.required) for field in msgspec.structs.fields(written.body)}
            wanted = {key: presence(needed) for key, needed in resource.written().items()}
            agree(body, wanted, f"{place} ({written.body.__name__})")
            item = {field.encode_name: presence(field.required) for field in msgspec.structs.fields(written.item)}
            wanted = {key: presence(field.required) for key, field in resource.fields.items()}
            wanted |= marked(OF_ITSELF, "required")
            agree(item, wanted, f"{place} ({written.item.__name__})")

    def check_authority(self) -> None:
        """S9: defaults, computed fields, fields that stay, writers, and steps from state to state: in `domain/`."""
        for each, resource, written in self.resources():
            rules = written.authority.rules if written.authority is not None else {}
            there = {key: rule.described() for key, rule in rules.items()}
            wanted = {key: field.authority() for key, field in resource.fields.items() if field.restricted}
            agree(there, wanted, f"{file_of(self.service, 'domain', each)} (AUTHORITY)")

    def check_filters_and_sorts(self) -> None:
        """R2: fields with an index, none of them personal: filters stand in URLs, sorts in cursors; in `api/`."""
        for each, resource, written in self.resources():
            place = file_of(self.service, "api", resource.table(each))
            indexed = indexed_of(resource)
            agree(marked(written.filters or (), "a filter"), marked(indexed, "a filter"), f"{place} (filters)")
            agree(marked(written.sorts or (), "a sort"), marked(indexed, "a sort"), f"{place} (sorts)")

    def check_samples(self) -> None:
        """The service's own tests send, store, read and compare what a sample says; what it lacks is in none."""
        seed = importlib.import_module(f"{package_of(self.service)}.seed")
        for each, resource in self.declared.resources.items():
            sampled = msgspec.to_builtins(getattr(seed, f"sample_{each}")(0))
            said = [key for key, value in sampled.items() if value is not None]
            # A row that is made before what it could refer to leaves the reference out.
            wanted = [
                key
                for key, needed in resource.written().items()
                if needed or not (resource.fields[key].restricted or resource.fields[key].to in self.declared.resources)
            ]
            place = f"services/{self.service}/{package_of(self.service)}/seed.py (sample_{each})"
            agree(marked(said, "a value"), marked([*wanted, *said], "a value"), place)

    def check_events(self) -> None:
        """A3: what the service says and hears."""
        package = f"services/{self.service}/{package_of(self.service)}"
        published, consumed = marked(self.code.publishes, "an event"), marked(self.code.consumers, "an event")
        agree(published, marked(self.declared.publishes, "an event"), f"{package}/service.py (publishes)")
        agree(
            consumed, marked(self.declared.consumes, "an event"), f"{package}/service.py (consumers; a file for each)"
        )

    def check_read_models(self) -> None:
        """A4: every resource of a service with CQRS has one, with a column for each field that lists filter by."""
        projected = {projection.resource: projection.table for projection in self.code.projections}
        wanted = (
            {each: resource.table(each) for each, resource in self.declared.resources.items()}
            if self.declared.cqrs
            else {}
        )
        agree(projected, wanted, f"services/{self.service}/{package_of(self.service)}/read_model")
        for projection in self.code.projections:
            resource = self.declared.resources[projection.resource]
            place = f"{file_of(self.service, 'read_model', projection.table)} (columns)"
            agree(marked(projection.columns, "a column"), marked(projected_of(resource), "a column"), place)

    def check_caches(self) -> None:
        """C2, C3: in `adapters/caches.py`."""
        written = {cache.resource: f"{cache.invalidation}, {cache.seconds} s" for cache in self.code.caches}
        wanted = {
            name: f"{resource.cache.invalidation}, {resource.cache.seconds} s"
            for name, resource in self.declared.resources.items()
            if resource.cache
        }
        agree(written, wanted, f"services/{self.service}/{package_of(self.service)}/adapters/caches.py")

    def check_personal_fields(self) -> None:
        """What is declared personal is kept out of logs, and goes with the person: in `service.py`."""
        personal = {
            each
            for resource in self.declared.resources.values()
            for each, field in resource.fields.items()
            if field.personal
        }
        place = f"services/{self.service}/{package_of(self.service)}/service.py (personal_fields)"
        agree(marked(self.code.personal_fields, "personal"), marked(personal, "personal"), place)
        erased = {each.resource: (each.kind, each.owner, frozenset(each.erased)) for each in self.code.erasables}
        wanted = {
            name: (str(resource.erasure), resource.owner, frozenset(resource.personal()))
            for name, resource in self.declared.resources.items()
            if resource.erasure
        }
        agree(
            erased, wanted, f"services/{self.service}/{package_of(self.service)}/adapters (ERASABLE, in `service.py`)"
        )
