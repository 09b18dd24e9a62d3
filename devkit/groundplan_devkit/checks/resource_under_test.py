"""A resource under test: what is declared of it, and the sample rows that its service's `seed.py` makes (S4, T1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import Erasure, FieldType, Operation, Resource, Service, System
from groundplan.document.names import joined, quoted
from groundplan_devkit.checks.own_rows import own_alone, private_parents
from groundplan_devkit.deployed import Caller, DeployedService
from groundplan_devkit.state import PROJECT

STRANGER = "00000000-0000-4000-8000-ffffffffffff"
"""A subject that owns no rows."""
METHODS: dict[Operation, str] = {"list": "GET", "get": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
CREATIONS = 5
"""Rows that tests create of every resource; each field that needs a test of its own takes one more."""
_COMPARED = {FieldType.STRING, FieldType.ENUM, FieldType.BOOLEAN, FieldType.INTEGER, FieldType.DATE, FieldType.UUID}


@dataclass(frozen=True)
class ResourceUnderTest:
    """``seed``: the service's module of that name. ``rows``: how many of its rows a seeded database has. ``owners``:
    whose they are, where these are fewer than rows. ``created``: the event that its creation publishes, if any.
    ``creates``: whether its rows are made by its API alone."""

    service: str
    name: str
    seed: ModuleType
    rows: int
    owners: int | None = None
    created: str = ""
    creates: bool = True

    @cached_property
    def declared(self) -> Service:
        return _system().services[self.service]

    @cached_property
    def resource(self) -> Resource:
        return self.declared.resources[self.name]

    @cached_property
    def collection(self) -> str:
        """Its path: `/api/v1/orders`."""
        return self.resource.collection(self.name)

    @cached_property
    def table(self) -> str:
        return quoted(self.resource.table(self.name))

    @cached_property
    def history(self) -> str:
        """Its event table."""
        return joined(self.name, "events")

    @cached_property
    def stream(self) -> str:
        """The topic of its service's read models (A4)."""
        return f"{self.service.replace('-', '_')}.read_model"

    @property
    def is_person(self) -> bool:
        """Whether its DELETE asks for a person's erasure (S8)."""
        return self.resource.erasure == Erasure.PERSON and self.does("delete")

    def does(self, operation: Operation) -> bool:
        return operation in self.resource.operations

    def check_declared(self) -> None:
        """Raises LookupError where system.yaml declares no such resource."""
        service = _system().services.get(self.service)
        if service is None or self.name not in service.resources:
            said = f"system.yaml declares no resource {self.name} of the service {self.service}"
            raise LookupError(f"{said}: delete its tests, or name another in the class that has them")

    # Sample rows.

    def identifier(self, number: int) -> UUID:
        return self.identifier_of(self.name, number)

    def identifier_of(self, resource: str, number: int) -> UUID:
        found: UUID = self.seed.identifier_of(resource, number)
        return found

    def path(self, number: int) -> str:
        """Of a seeded sample."""
        return f"{self.collection}/{self.identifier(number)}"

    def path_for(self, operation: Operation) -> str:
        """Where the operation is answered; of those on one row, for a seeded one."""
        return self.collection if operation in ("list", "create") else self.path(0)

    @property
    def changed(self) -> int:
        """The seeded sample that tests of updates change."""
        return min(1, self.rows - 1)

    def another(self, number: int) -> int:
        """A sample of another owner than this one's."""
        return (number + 1) % self.owners if self.owners else 0

    def content(self, number: int) -> dict[str, Any]:
        """The sample as it is sent and answered, without what the service itself sets."""
        sample = getattr(self.seed, f"sample_{self.name}")
        return {name: value for name, value in msgspec.to_builtins(sample(number)).items() if value is not None}

    def subject(self, number: int) -> str:
        """Whose the sample is: of the owner of what it refers to, where that may be read by its owner alone."""
        found: str = self.seed.subject(number % self.owners if self.owners else number)
        return found

    # Who calls.

    def caller(self, service: DeployedService, operation: Operation, number: int) -> Caller:
        """The first that the operation is granted to; the sample is theirs where own rows alone are."""
        first = self.resource.operations[operation][0]
        return service.anyone() if first == "anyone" else service.caller(first, self.subject(number))

    def own(self, operation: Operation) -> str | None:
        """A role that does the operation to its own rows alone; None where there is none."""
        return next((role for role in self._roles(operation) if own_alone(self.resource, operation, role)), None)

    def guarded(self) -> list[Operation]:
        """Operations that need a token."""
        return [kind for kind, entries in self.resource.operations.items() if "anyone" not in entries]

    def refused(self) -> list[tuple[Operation, str]]:
        """Operations with each role that may not do them."""
        roles = _system().identity.roles
        return [(kind, role) for kind in self.guarded() for role in roles if role not in self._roles(kind)]

    def _roles(self, operation: Operation) -> tuple[str, ...]:
        access = self.resource.access(operation)
        return access.roles if access else ()

    # What its fields are.

    @cached_property
    def given(self) -> list[str]:
        """Fields whose value is the one that was sent, whoever sent it."""
        fields = self.resource.fields.items()
        return [
            name
            for name, field in fields
            if not field.computed and field.default is None and not field.written_by and not field.transitions
        ]

    @cached_property
    def filtered(self) -> tuple[str, Any, Any] | None:
        """A field that lists are filtered by, with a value that is the same in every form; the first sample's value,
        and one of another sample."""
        owner = self.resource.owner
        # Of the owner last: callers may have no rows but those of one.
        for name in sorted(self.given, key=lambda name: name == owner):
            field = self.resource.fields[name]
            if field.required and not field.personal and field.type in _COMPARED and self.resource.has_index(name):
                first, *others = [self.content(number).get(name) for number in range(self.rows)]
                other = next((value for value in others if value not in (first, None)), None)
                if first is not None and other is not None:
                    return name, first, other
        return None

    @cached_property
    def unique(self) -> list[str]:
        return [name for name, field in self.resource.fields.items() if field.unique]

    @cached_property
    def caseless(self) -> list[str]:
        return [name for name in self.unique if self.resource.fields[name].caseless]

    @cached_property
    def single(self) -> list[str]:
        """Unique fields of which a new row may have the first sample's value, and nothing else of it."""
        kept = {self.resource.owner, *self.references}
        return [name for name in self.unique if name not in kept and name in self.content(0)]

    @cached_property
    def cased(self) -> list[str]:
        """Caseless fields of which the first sample's value has letters."""
        first = self.content(0)
        values = {name: str(first[name]) for name in self.caseless if name in first}
        return [name for name, value in values.items() if value.swapcase() != value]

    @cached_property
    def needed(self) -> list[str]:
        """What a body must have."""
        return [name for name, needed in self.resource.written().items() if needed]

    @cached_property
    def references(self) -> dict[str, str]:
        """Fields that refer to rows of the same service, and to which."""
        return {name: field.to for name, field in self.resource.fields.items() if field.to in self.declared.resources}

    def private(self, operation: Operation) -> dict[str, str]:
        """References to rows that their owners alone may read, with a role that does the operation and may read its own
        alone of them."""
        found: dict[str, str] = {}
        for role in self._roles(operation):
            for name, *_ in private_parents(self.declared.resources, self.resource, role):
                if self.owners is None or (self.owners > 1 and name in self.content(0)):
                    found.setdefault(name, role)
        return found

    def moved(self) -> dict[str, str]:
        """Of these, the ones that an update of `changed` may point at another owner's row."""
        if not self.does("update") or self.another(self.changed) == self.changed:
            return {}
        fields = self.resource.fields
        return {name: role for name, role in self.private("update").items() if not fields[name].restricted}

    @cached_property
    def referred(self) -> bool:
        """Whether sample rows refer to its own."""
        return any(
            field.to == self.name and _stored(self.seed, name).get(field_name) is not None
            for name, resource in self.declared.resources.items()
            for field_name, field in resource.fields.items()
        )

    @cached_property
    def creatable(self) -> bool:
        """Whether there are as many samples beyond the seeded ones as tests create, with all that a body must have and
        no unique value twice."""
        if not self.creates or "create" not in self.resource.operations:
            return False
        of_fields = len(self.references) + len(self.private("create")) + len(self.single) + len(self.cased)
        count = self.rows + CREATIONS + of_fields
        contents = [self.content(number) for number in range(count)]
        if any(name not in content for content in contents for name in self.needed):
            return False
        return all(_differ([content[name] for content in contents if name in content]) for name in self.unique)

    @property
    def deleted(self) -> int:
        """The seeded sample that a test deletes where it can create none; the last one is for the end of its days."""
        return self.rows - (2 if self.resource.retention_days else 1)

    def replaced(self, number: int) -> dict[str, Any]:
        """A sample's content, with the values of another one where these are not its own."""
        kept = {self.resource.owner, *self.unique, *self.references}
        fields = self.resource.fields
        free = [name for name in self.given if name not in kept and not fields[name].set_once]
        content, other = self.content(number), self.content(number + 1)
        return content | {name: other[name] for name in free if name in content and name in other}

    @cached_property
    def varies(self) -> bool:
        """Whether one sample of an owner differs from another."""
        first, second = (self.content(self.rows + number) for number in range(2))
        return any(first.get(name) != second.get(name) for name in self.given if name != self.resource.owner)


def _differ(values: list[object]) -> bool:
    # As caseless fields compare.
    return len({str(value).casefold() for value in values}) == len(values)


def _stored(seed: ModuleType, resource: str) -> dict[str, Any]:
    """The first sample row of a resource, with what others than its creator write where some do."""
    make = getattr(seed, f"stored_{resource}", None) or getattr(seed, f"sample_{resource}")
    row: dict[str, Any] = msgspec.to_builtins(make(0))
    return row


@cache
def _system() -> System:
    return load_system(PROJECT / "system.yaml")
