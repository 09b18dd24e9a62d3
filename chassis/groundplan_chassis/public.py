"""The chassis's public names: what a service may import.

A public name stays, with its arguments and its behaviour, within a minor version. A name that is replaced works for one
minor version more and warns (`groundplan_chassis.deprecation`). Everything else is private and may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PUBLIC: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "groundplan_chassis.access": ("Access", "Caller", "hides"),
        "groundplan_chassis.authority": ("FieldAuthority", "FieldRule"),
        "groundplan_chassis.caching": ("CachedResource", "DocumentCache"),
        "groundplan_chassis.clock": ("Clock",),
        "groundplan_chassis.context": ("Context",),
        "groundplan_chassis.database.changes": ("Change", "ReadModelChange"),
        "groundplan_chassis.database.database": ("Database",),
        "groundplan_chassis.database.deadlines": ("Deadline",),
        "groundplan_chassis.database.idempotency": ("create_once",),
        "groundplan_chassis.database.listing": ("ListStatement",),
        "groundplan_chassis.database.migrations": ("downgrade", "migrate", "run"),
        "groundplan_chassis.database.transaction": ("Record", "Transaction"),
        "groundplan_chassis.deprecation": ("ChassisDeprecationWarning",),
        "groundplan_chassis.documents": ("Document", "Page"),
        "groundplan_chassis.erasure": ("Erasable", "erasure_handler", "request_erasure"),
        "groundplan_chassis.events.errors": ("Postponed", "Refused"),
        "groundplan_chassis.events.event": ("Event",),
        "groundplan_chassis.events.handler": ("Changed", "Handler"),
        "groundplan_chassis.events.projection": ("Projection",),
        "groundplan_chassis.events.schema": ("PayloadSchema", "converted"),
        "groundplan_chassis.fields": ("JsonObject", "Timestamp", "number", "text"),
        "groundplan_chassis.http.bodies": ("BodyType",),
        "groundplan_chassis.http.errors": (
            "ApiError",
            "BadRequest",
            "Conflict",
            "Detail",
            "Forbidden",
            "NotFound",
            "PreconditionFailed",
            "Unavailable",
            "ValidationFailed",
        ),
        "groundplan_chassis.http.openapi": ("openapi_text",),
        "groundplan_chassis.http.operations": ("Call", "ListQuery", "Operation", "ResourceApi"),
        "groundplan_chassis.http.versions": ("Deprecation", "EarlierVersion"),
        "groundplan_chassis.identifiers": ("derived_id", "new_id", "shard_of"),
        "groundplan_chassis.observe.names": ("LOG_AUDIT",),
        "groundplan_chassis.problems": ("Problem", "ProblemsFound"),
        "groundplan_chassis.process": ("run",),
        "groundplan_chassis.public": ("PUBLIC",),
        "groundplan_chassis.secrets": ("Secrets",),
        "groundplan_chassis.service": ("Service",),
        "groundplan_chassis.settings": ("READING", "ROLES", "Settings"),
    }
)
"""Public names by module."""
