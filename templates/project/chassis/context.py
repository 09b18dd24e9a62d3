"""What the code of a running process may use: made for its role at the start, closed in reverse order at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from chassis.clock import Clock
    from chassis.health import Health
    from chassis.observe.metrics import Metrics
    from chassis.observe.requests import RequestLog
    from chassis.observe.statements import StatementLog
    from chassis.secrets import Secrets
    from chassis.settings import Settings


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
    database: Any
    cache: Any
    """None: nothing is cached."""
    tokens: Any
    limiter: Any
    client_address: Any
    changed: Callable[[str, UUID, int], Awaitable[None]] | None = None
    """Told by consumers and projectors of each row that an event has changed: resource, id, version. What the cache
    holds of it by event-based invalidation is dropped (C3)."""
