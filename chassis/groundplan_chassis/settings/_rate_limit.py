"""The rate limit of each client."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan_chassis.environment import Environment


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """A token bucket that holds ``requests`` and fills up in ``seconds`` (S7)."""

    requests: int
    seconds: int


def read_rate_limit(environment: Environment) -> RateLimitSettings:
    return RateLimitSettings(
        environment.whole("RATE_LIMIT_REQUESTS", 1, 2_000_000),
        environment.whole("RATE_LIMIT_SECONDS", 1, 3600, unit="seconds"),
    )
