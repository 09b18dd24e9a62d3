"""Names that alarms, dashboards and saved queries read.

They are those of `groundplan_components.shared.metrics`, which services may not import; a test holds both together.
"""

from __future__ import annotations

from typing import Final

SERVICE_DIMENSION: Final = "service"

REQUESTS: Final = "requests"
"""Requests answered; count."""
REQUEST_ERRORS: Final = "request_errors"
"""Requests answered with a status of 500 or more; count."""
REQUEST_DURATION_MS: Final = "request_duration_ms"
"""From the request's arrival to its last byte, in milliseconds (T1)."""
QUERY_DURATION_MS: Final = "query_duration_ms"
"""One database statement, in milliseconds (T2)."""
CACHE_HITS: Final = "cache_hits"
CACHE_MISSES: Final = "cache_misses"
RATE_LIMITED: Final = "rate_limited"
"""Requests refused by the token bucket with status 429 (S7); count."""
ACCESS_DENIED: Final = "access_denied"
"""Requests refused for want of a role or of ownership (S4); count."""
OUTBOX_AGE_SECONDS: Final = "outbox_age_seconds"
"""Age of the oldest event that is committed and not yet published, in seconds (A3)."""
READ_MODEL_LAG_SECONDS: Final = "read_model_lag_seconds"
"""From a change until queries see it, in seconds (A4)."""
EVENTS_CONSUMED: Final = "events_consumed"
EVENTS_DEAD_LETTERED: Final = "events_dead_lettered"
"""Dead-lettered events; count (A3)."""
EVENTS_BEHIND: Final = "events_behind"
"""Events that a consumer's partitions hold and that it has not read; count (A3)."""
CONSUMER_RECONNECTS: Final = "consumer_reconnects"
"""Consumers that read nothing although there were events, and were replaced; count (A3)."""

UNITS: Final = {
    REQUEST_DURATION_MS: "Milliseconds",
    QUERY_DURATION_MS: "Milliseconds",
    OUTBOX_AGE_SECONDS: "Seconds",
    READ_MODEL_LAG_SECONDS: "Seconds",
}
"""CloudWatch's units; all others are counts."""

LOG_LEVEL: Final = "level"
LOG_EVENT: Final = "event"
"""The field that says what kind of line it is; its values follow."""
LOG_SLOW_QUERY: Final = "slow_query"
LOG_ACCESS_DENIED: Final = "access_denied"
LOG_AUDIT: Final = "audit"
LOG_REQUEST: Final = "request"
"""One line for each request answered."""
