"""Schema versions of payloads: a reader knows one version and upcasts older ones to it (ADR 24).

A field that is added, with a default for readers, needs no new version. A version is for what would break a reader:
the reader is taught it first, by an upcaster from the old one, and deployed before the sender.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.event import Event

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts a payload to the next version; it may change its argument."""


def converted(
    payload: Mapping[str, Any],
    *,
    renamed: Mapping[str, str] | None = None,
    removed: Collection[str] = (),
    added: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The payload with other fields: what most upcasters do.

    ``renamed``: the next version's names by this one's. ``removed``: fields that only this version has. ``added``:
    values of fields that only the next one has. Other fields stay.
    """
    names = renamed or {}
    kept = {names.get(name, name): value for name, value in payload.items() if name not in removed}
    return {**(added or {}), **kept}


@dataclass(frozen=True, slots=True)
class PayloadSchema:
    """The version of a payload that a reader understands."""

    version: int = 1
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    """By the version that each starts from; without gaps up to the current one."""

    def __post_init__(self) -> None:
        """Raises ValueError for upcasters that don't lead to ``version``."""
        expected = list(range(self.version - len(self.upcasters), self.version))
        if sorted(self.upcasters) != expected or (expected and expected[0] < 1):
            raise ValueError(
                f"upcasters start from {sorted(self.upcasters)}; to lead to version {self.version} without a gap, "
                f"these {len(self.upcasters)} start from {expected}"
            )

    def current(self, event: Event) -> Event:
        """The event with a payload of this version. Raises Unreadable where there is no way to it."""
        if event.schema_version == self.version:
            return event
        if event.schema_version > self.version:
            raise Unreadable(
                f"payload of {event.event_type} has schema version {event.schema_version}, newer than {self.version}: "
                "deploy a reader that knows it, then re-drive"
            )
        payload = event.data()
        for version in range(event.schema_version, self.version):
            upcaster = self.upcasters.get(version)
            if upcaster is None:
                raise Unreadable(f"payload of {event.event_type} has the unknown schema version {version}")
            try:
                payload = upcaster(payload)
            except Exception as error:
                raise Unreadable(
                    f"payload of {event.event_type} can't be brought from version {version} to {version + 1}: "
                    f"{type(error).__name__}"
                ) from error
        return msgspec.structs.replace(
            event, payload=msgspec.json.encode(payload).decode(), schema_version=self.version
        )


@dataclass(frozen=True, slots=True)
class AnyPayload(PayloadSchema):
    """Of a reader of fields that every version has, by one name: payloads come as they were sent."""

    def current(self, event: Event) -> Event:
        return event
