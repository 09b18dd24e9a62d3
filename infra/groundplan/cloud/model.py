"""What a simulated deployment tells about the program that ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from groundplan.cloud.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource, as the engine would have recorded it.

    Property names are Pulumi's (camelCase). Values are plain Python: whole numbers are ``int``, secrets are unwrapped
    and their paths kept in ``secret_paths``; a path stands for everything below it (`ports[0]`, `tags.Name`).
    """

    urn: str
    type: str
    name: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    parent: str
    """URN of the parent; the stack's own for what has none."""
    custom: bool
    """False for components."""
    provider: str = ""
    """URN of the explicit provider; empty: the default one."""
    region: str = ""
    """AWS region that the resource lives in; empty for what isn't AWS's."""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    deleted_with: str = ""
    dependencies: frozenset[str] = frozenset()
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """URNs, or the names of aliases that are given by name."""
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    """`create`, `update`, `delete` as Pulumi writes durations (`20m`)."""
    secret_paths: frozenset[str] = frozenset()
    """Input property paths that were marked secret."""
    additional_secret_outputs: tuple[str, ...] = ()

    def is_secret(self, path: str) -> bool:
        """Whether the input at ``path``, or anything that contains it, was marked secret."""
        return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in self.secret_paths)


@dataclass(frozen=True, slots=True)
class Message:
    """What the program logged."""

    severity: Literal["debug", "info", "warning", "error"]
    text: str
    urn: str = ""


@dataclass(frozen=True)
class Simulation:
    """A program that ran in a simulated account."""

    project: str
    stack: str
    region: str
    resources: tuple[Resource, ...]
    """In registration order, without the stack itself."""
    outputs: Mapping[str, Any]
    """Stack outputs, secrets unwrapped."""
    secret_outputs: frozenset[str] = frozenset()
    """Paths of the stack outputs that are secret."""
    refusals: tuple[Refusal, ...] = ()
    messages: tuple[Message, ...] = ()
    invoked: frozenset[str] = frozenset()
    """Tokens of the functions that the program asked the cloud."""

    @property
    def stack_urn(self) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::pulumi:pulumi:Stack::{self.project}-{self.stack}"

    def of_type(self, token: str) -> tuple[Resource, ...]:
        return tuple(resource for resource in self.resources if resource.type == token)

    def named(self, name: str) -> Resource:
        """The resource with this logical name.

        Raises LookupError unless there is exactly one; of a component and its namesakes, ask `of_type` first.
        """
        found = [resource for resource in self.resources if resource.name == name]
        if len(found) != 1:
            kinds = ", ".join(resource.type for resource in found) or "none"
            raise LookupError(f"{len(found)} resources are named {name}: {kinds}")
        return found[0]

    def children(self, urn: str) -> tuple[Resource, ...]:
        return tuple(resource for resource in self.resources if resource.parent == urn)

    def by_urn(self, urn: str) -> Resource:
        """Raises LookupError when there is none."""
        for resource in self.resources:
            if resource.urn == urn:
                return resource
        raise LookupError(f"no resource has the URN {urn}")
