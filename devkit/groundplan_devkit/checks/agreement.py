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
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.schema import AnyPayload
from groundplan_chassis.http.openapi import openapi_text
from groundplan_chassis.http.operations import ResourceApi
from groundplan_chassis.http.schemas import struct_example
from groundplan_chassis.http.values import value_type
from groundplan_chassis.http.versions import EarlierVersion
from groundplan_chassis.service import Service
from groundplan_devkit.checks.consumers import unreadable
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


def _fields_of(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {field.encode_name: presence(field.required) for field in msgspec.structs.fields(struct)}


def _written(resource: Resource) -> dict[str, str]:
    return {key: presence(needed) for key, needed in resource.written().items()}


def _shown(resource: Resource) -> dict[str, str]:
    return {key: presence(field.required) for key, field in resource.fields.items()} | marked(OF_ITSELF, "required")


def _ending(resource: ResourceApi | Resource) -> list[str]:
    """When a version of an API ends, as its code or the declaration says."""
    ends = resource.deprecated
    return [] if ends is None else [f"since {ends.since}", f"sunset {ends.sunset}", f"link {ends.link}"]


def _example_item(resource: ResourceApi) -> Any:  # noqa: ANN401  # the service's own type
    """A row as it would be answered, with a value in every field."""
    examples = struct_example(resource.item)
    return resource.item(
        **{
            field.name: value_type(field.type).from_json(examples[field.encode_name])
            for field in msgspec.structs.fields(resource.item)
            if field.encode_name in examples
        }
    )


def _versions(newest: int, earlier: Iterable[int]) -> str:
    upcast = " and ".join(map(str, sorted(earlier)))
    return f"read in version {newest}" + (f", upcast from {upcast}" if upcast else "")


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
    system: model.System | None = None
    """The whole: what other services publish."""

    @classmethod
    def of(cls, service: str, system: model.System) -> Agreement:
        return cls(service, system.services[service], code_of(service), system)

    def resources(self) -> Iterator[tuple[str, Resource, ResourceApi]]:
        """Every declared resource and how the code has it."""
        known = {each.resource.name: each.resource for each in self.code.operations if each.resource.newest is None}
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
            there = [
                each
                for each in self.code.operations
                if each.resource.name == resource_name and each.resource.newest is None
            ]
            written = {each.kind: in_words(each.access) for each in there}
            wanted = {kind: in_words(Access.of(*entries)) for kind, entries in resource.operations.items()}
            agree(written, wanted, f"{file_of(self.service, 'api', resource.table(resource_name))} (operations)")

    def check_paths_and_owners(self) -> None:
        for name, resource, written in self.resources():
            place = file_of(self.service, "api", resource.table(name))
            said = {"path": written.path, "owner": written.owner or "none"}
            wanted = {"path": resource.collection(name), "owner": resource.owner or "none"}
            agree(said, wanted, f"{place} ({name})")
            agree(
                marked(_ending(written), "said"),
                marked(_ending(resource), "said"),
                f"{file_of(self.service, 'api', resource.table(name))} (deprecated)",
            )
            self._check_versions(name, resource)

    def _check_versions(self, name: str, resource: Resource) -> None:
        """Earlier versions: their fields and end, and that no mapping loses a value: `api/<table>_v<number>.py`."""
        operations = [each for each in self.code.operations if each.resource.name == name and each.resource.newest]
        known = {each.resource.version: each.resource for each in operations}
        declared = {each.api_version: each for each in resource.versions()[1:]}
        folder = f"services/{self.service}/{package_of(self.service)}/api"
        agree(marked(map(str, known), "a version"), marked(map(str, declared), "a version"), f"{folder} ({name})")
        for number, version in declared.items():
            place = f"{folder}/{resource.table(name)}_v{number}.py"
            written = known[number]
            kinds = [each.kind for each in operations if each.resource.version == number]
            agree(marked(kinds, "an operation"), marked(resource.operations, "an operation"), place)
            agree(_fields_of(written.body), _written(version), f"{place} ({written.body.__name__})")
            agree(_fields_of(written.item), _shown(version), f"{place} ({written.item.__name__})")
            agree(marked(_ending(written), "said"), marked(_ending(version), "said"), f"{place} (deprecated)")
            self._check_mapping(name, number, place)

    def _check_mapping(self, name: str, number: int, place: str) -> None:
        """What a client of an earlier version reads and sends back unchanged changes nothing."""
        module = importlib.import_module(f"{package_of(self.service)}.api.{place.rpartition('/')[2][:-3]}")
        version = getattr(module, f"V{number}")
        assert isinstance(version, EarlierVersion)
        newest = next(each.resource for each in self.code.operations if each.resource.name == name)
        newest = newest.newest or newest
        item = _example_item(newest)
        seen = msgspec.structs.asdict(version.earlier(item))
        sent = version.body(
            **{field.name: seen[field.name] for field in msgspec.structs.fields(version.body) if field.name in seen}
        )
        back = msgspec.structs.asdict(version.newest(sent, item))
        lost = [key for key, value in back.items() if value != getattr(item, key)]
        if lost:
            listed = "\n".join(f"  - `{key}` becomes {back[key]!r}, and was {getattr(item, key)!r}" for key in lost)
            pytest.fail(
                f"{place}: what version {number} answers, sent back unchanged, changes the row:\n{listed}",
                pytrace=False,
            )

    def check_fields(self) -> None:
        """What a client may say, and what it is answered: in `domain/`."""
        for each, resource, written in self.resources():
            place = file_of(self.service, "domain", each)
            agree(_fields_of(written.body), _written(resource), f"{place} ({written.body.__name__})")
            agree(_fields_of(written.item), _shown(resource), f"{place} ({written.item.__name__})")

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
        if self.system is not None:
            self._check_payload_versions(self.system)
            broken = [
                line
                for event, handler in self.code.consumers.items()
                for line in unreadable(self.service, event, handler, self.system)
            ]
            if broken:
                listed = "\n".join(f"  - {line}" for line in broken)
                pytest.fail(f"publishers send what consumers don't read:\n{listed}", pytrace=False)

    def _check_payload_versions(self, system: model.System) -> None:
        """What consumers read is the newest version of the payload, and they upcast each that may still come."""
        published = system.published_events()
        package = f"services/{self.service}/{package_of(self.service)}"
        written, declared = {}, {}
        for event, handler in self.code.consumers.items():
            schema = Handler.of(handler).schema
            if event not in published or isinstance(schema, AnyPayload):
                continue
            resource = system.services[published[event]].resources[event.partition(".")[0]]
            written[event] = _versions(schema.version, schema.upcasters)
            declared[event] = _versions(resource.event_version, [each.version for each in resource.earlier_events])
        agree(written, declared, f"{package}/consumers (schema=PayloadSchema(…))")

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
            for version in resource.versions()
            for each, field in version.fields.items()
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
