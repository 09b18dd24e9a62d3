"""One thing in the simulated account."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundplan.cloud.wire import UNKNOWN

ACCOUNT = "123456789012"
PARTITION = "aws"


@dataclass(slots=True, eq=False)
class Item:
    """A resource as the account holds it.

    ``place`` is what its names are unique in: an AWS region, or the API server of a Kubernetes cluster. ``generation``
    counts the times this URN has been created, so that a replacement gets another identity than what it replaces.
    """

    urn: str
    type: str
    name: str
    place: str
    inputs: dict[str, Any]
    secret_paths: frozenset[str] = frozenset()
    dependencies: frozenset[str] | None = None
    """URNs that it waits for; None where that isn't told (a provider never learns them)."""
    default_tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that its provider puts on everything."""
    generation: int = 0
    physical_name: str = ""
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    adopted: bool = False
    """It was there before: the program only names it, and nothing is known of it."""
    filled: bool = False
    """It isn't empty: a bucket or a repository that isn't empty."""
    unanswered: bool = False
    """It was made, and no one was told: the answer was lost. Who asks again gets this one."""
    waiting: dict[str, Any] = field(default_factory=dict)
    """What it has until the maintenance window passes, by property."""

    @property
    def arn(self) -> str:
        arn = self.outputs.get("arn")
        return arn if isinstance(arn, str) else ""

    @property
    def seed(self) -> str:
        return f"{self.urn}#{self.generation}"

    def hex(self, digits: int, purpose: str = "") -> str:
        """A number that is always the same for the same resource, in hexadecimal."""
        return hashlib.sha256(f"{self.seed}#{purpose}".encode()).hexdigest()[:digits]

    def uuid(self, purpose: str = "") -> str:
        return str(uuid.UUID(self.hex(32, purpose)))

    def get(self, path: str, default: Any = None) -> Any:  # noqa: ANN401
        """The input at a path such as ``metadata.labels`` or ``rules[0].action``; ``default`` when absent or null."""
        value = look_up(self.inputs, path)
        return default if value is None else value

    def known(self, path: str) -> Any:  # noqa: ANN401
        """The input at a path; None also when it is not known yet."""
        value = look_up(self.inputs, path)
        return None if value is UNKNOWN else value

    def each(self, path: str) -> list[Any]:
        """The elements of the list at a path that are known; empty when there is none."""
        value = look_up(self.inputs, path)
        if not isinstance(value, list):
            return []
        known = [one for one in value if one is not UNKNOWN]
        if len(known) < len(value):
            UNKNOWN.meet()
        return [one for one in known if one is not None]

    def objects(self, path: str) -> list[dict[str, Any]]:
        """The objects of the list at a path."""
        return [one for one in self.each(path) if isinstance(one, dict)]

    def is_secret(self, path: str) -> bool:
        return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in self.secret_paths)


def stack_of(urn: str) -> str:
    """The part of a URN that says whose a resource is: stack and project."""
    return "::".join(urn.split("::")[:2])


def look_up(value: Any, path: str) -> Any:  # noqa: ANN401  property values are any plain value
    for step in path.replace("[", ".[").split("."):
        if value is UNKNOWN:
            break
        if step.startswith("["):
            index = int(step[1:-1])
            value = value[index] if isinstance(value, list) and index < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    if value is UNKNOWN:
        UNKNOWN.meet()
    return value


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Every text inside a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
