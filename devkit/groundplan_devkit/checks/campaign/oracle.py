"""Whose rows answers hold, by the database and not by what the answers say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from groundplan.declaration.model import Operation, Resource
from groundplan_devkit.checks.campaign.found import Found, items
from groundplan_devkit.checks.own_rows import own_alone, private_parents
from groundplan_devkit.deployed import DeployedService


@dataclass(frozen=True)
class Person:
    """A caller of the campaign: a role and a subject, or no one known."""

    role: str | None
    subject: str


@dataclass(frozen=True)
class Oracle:
    service: DeployedService
    found: Found

    def look(self, name: str, resource: Resource, operation: Operation, person: Person, body: bytes) -> None:
        """A fault for each row of another one's in the answer."""
        if not own_alone(resource, operation, person.role):
            return
        ids = [str(item["id"]) for item in items(body)]
        self.found.looked_at += len(ids)
        for identifier, owner in self._owners(name, resource, ids):
            if owner != person.subject:
                what = f"{self.service.service} {operation} {name}: a row of another one's"
                self.found.fault(what, f"{identifier} of {owner!r}, to {person.subject!r} as {person.role}")

    def look_references(self, name: str, resource: Resource, person: Person, body: bytes) -> None:
        """A fault for each row of another one's that a new row refers to, and that the caller may not read."""
        resources = self.service.installation.system.services[self.service.service].resources
        for field, to, parent in private_parents(resources, resource, person.role):
            ids = [str(item[field]) for item in items(body) if item.get(field)]
            for identifier, owner in self._owners(to, parent, ids):
                if owner != person.subject:
                    what = f"{self.service.service} create {name}: refers to a {to} of another one's"
                    self.found.fault(what, f"{identifier} of {owner!r}, by {person.subject!r} as {person.role}")

    def of_others(self, name: str, resource: Resource, subject: str, most: int) -> list[str]:
        """Ids of living rows that are not the subject's."""
        living = "deleted_at IS NULL AND" if "delete" in resource.operations else ""
        statement = (
            f'SELECT id FROM "{resource.table(name)}" WHERE {living} '  # noqa: S608 - names of the declaration
            f'"{resource.owner}"::text IS DISTINCT FROM %s ORDER BY id LIMIT {most}'
        )
        return [str(row["id"]) for row in self.service.rows(statement, subject)]

    def _owners(self, name: str, resource: Resource, ids: Iterable[str]) -> list[tuple[str, str | None]]:
        statement = (
            f'SELECT id, "{resource.owner}"::text AS owner FROM "{resource.table(name)}" WHERE id = ANY(%s::uuid[])'  # noqa: S608
        )
        return [(str(row["id"]), row["owner"]) for row in self.service.rows(statement, list(ids))]
