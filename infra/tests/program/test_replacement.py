"""For every replacement: the old one and the new one never have the same name at the same time (U3).

AWS refuses the second holder of a name; where it doesn't, the deletion of the old one takes the new one away, because
both have one identity. So each resource has a name that Pulumi makes, or the old one is deleted first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundplan.cloud import Resource
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.changes import changes
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.holders import holdings
from groundplan.cloud.transitions import deleted_first, item_of
from infra.tests.program.graphs import STACKS, Graph, on

OTHER = "other"


def replacements(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each property whose change replaces the resource, and the inputs with another value there."""
    kind = kind_of(resource.type)
    for path in sorted({*kind.replaces, *resource.replace_on_changes} - set(resource.ignore_changes)):
        top, _, below = path.partition(".")
        for key in resource.inputs.keys() & (resource.inputs.keys() if path == "*" else {top}):
            inputs = {**resource.inputs, key: _other(resource.inputs[key], below)}
            if path in resource.replace_on_changes or any(
                each.replaces for each in changes(kind, resource.inputs, inputs)
            ):
                yield key, inputs


def _other(value: Any, below: str) -> Any:
    if not below or not isinstance(value, dict):
        return OTHER
    first, _, rest = below.partition(".")
    return {**value, first: _other(value.get(first), rest)}


def shared_names(resource: Resource) -> Iterator[str]:
    """What the resource and its replacement would both be called, each with the change that leads there."""
    cloud = Cloud()
    held = holdings(item_of(resource), cloud)
    for key, inputs in replacements(resource):
        if held.keys() & holdings(item_of(resource, inputs=inputs, generation=1), cloud).keys():
            yield f"{resource.type} {resource.name}: {key}"


@on(
    *STACKS, "queues", "queues in dev", "repository", "network firewall", "domain in dev", "existing cluster", "sharded"
)
def test_nothing_is_created_before_its_namesake_is_deleted(graph: Graph) -> None:
    declared = [each for each in graph.resources if each.custom and not each.type.startswith("pulumi:")]
    assert len(declared) > 300
    assert sum(bool(holdings(item_of(each), Cloud())) for each in declared) > 100
    clashes = [clash for each in declared if not deleted_first(each) for clash in shared_names(each)]
    assert clashes == []
