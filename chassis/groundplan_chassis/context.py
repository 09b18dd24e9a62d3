"""The objects that a service's code uses at run time: created for the role at the start, closed in reverse order at the
end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from groundplan_chassis.caching.valkey import Valkey
    from groundplan_chassis.client_address import ClientAddress
    from groundplan_chassis.clock import Clock
    from groundplan_chassis.database.database import Database
    from groundplan_chassis.health import Health
    from groundplan_chassis.observe.metrics import Metrics
    from groundplan_chassis.observe.requests import RequestLog
    from groundplan_chassis.observe.statements import StatementLog
    from groundplan_chassis.ratelimit import RateLimiter
    from groundplan_chassis.secrets import Secrets
    from groundplan_chassis.settings import Settings
    from groundplan_chassis.tokens import TokenVerifier

Changed = Callable[[str, UUID, int], Awaitable[None]]
"""Called for a row that an event has changed: resource, id, version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One object for handlers, consumers and projectors, so that a test can give them others."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    requests: RequestLog
    statements: StatementLog
    secrets: Secrets
    health: Health
    database: Database
    cache: Valkey | None
    """None: nothing is cached."""
    tokens: TokenVerifier
    limiter: RateLimiter
    client_address: ClientAddress
    changed: Changed | None = None
    """Called by consumers and projectors for each row that they have changed: drops cached copies of resources with
    event invalidation (C3). None: no resource has it."""
