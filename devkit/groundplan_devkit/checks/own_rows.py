"""Which rows a role may read of its own alone (S4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.declaration.model import Operation, Resource


def own_alone(resource: Resource, operation: Operation, role: str | None) -> bool:
    """Whether the caller may read their own rows and no others."""
    access = resource.access(operation)
    if access is None or access.anyone or resource.owner is None:
        return False
    grants = [grant for grant in access.grants if grant.role == role]
    return bool(grants) and all(grant.own for grant in grants)


def private_parents(
    resources: Mapping[str, Resource], resource: Resource, role: str | None
) -> Iterator[tuple[str, str, Resource]]:
    """The fields that refer to rows of which the role may read its own alone; with the name and resource of these."""
    for name, declared in resource.fields.items():
        parent = resources.get(declared.to or "")
        if parent is None or declared.to is None:
            continue
        reading: tuple[Operation, ...] = ("get", "list", "update", "delete")
        first = next((kind for kind in reading if kind in parent.operations), None)
        if first is not None and own_alone(parent, first, role):
            yield name, declared.to, parent
