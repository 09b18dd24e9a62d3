"""Names of metrics and log fields: the contract between services, which publish them, and alarms, dashboards and saved
queries, which read them.

Services write CloudWatch's embedded metric format to their logs, with `service` as the only dimension: each further
dimension creates a separate, charged metric, which alarms would have to name.
"""

from typing import Final

SERVICE_DIMENSION: Final = "service"

REQUESTS: Final = "requests"
"""Answered requests; count."""
REQUEST_ERRORS: Final = "request_errors"
"""Requests with a status of 500 or more; count."""
REQUEST_DURATION_MS: Final = "request_duration_ms"
"""From the request's arrival to its last byte, in milliseconds (T1)."""
QUERY_DURATION_MS: Final = "query_duration_ms"
"""One database statement, in milliseconds (T2)."""
CACHE_HITS: Final = "cache_hits"
CACHE_MISSES: Final = "cache_misses"
RATE_LIMITED: Final = "rate_limited"
"""Requests that the token bucket refused with status 429 (S7); count."""
ACCESS_DENIED: Final = "access_denied"
"""Requests refused because the caller lacks the role or doesn't own the row (S4); count."""
OUTBOX_AGE_SECONDS: Final = "outbox_age_seconds"
"""Age of the oldest event that is committed but not yet published, in seconds (A3)."""
READ_MODEL_LAG_SECONDS: Final = "read_model_lag_seconds"
"""Delay between a change and its visibility to queries, in seconds (A4)."""
EVENTS_CONSUMED: Final = "events_consumed"
EVENTS_DEAD_LETTERED: Final = "events_dead_lettered"
"""Events that a consumer moved to its dead letters; count (A3)."""
EVENTS_BEHIND: Final = "events_behind"
"""Events that a consumer's partitions hold and that it has not read; count (A3)."""
CONSUMER_RECONNECTS: Final = "consumer_reconnects"
"""Consumers that read nothing although there were events, and were replaced; count (A3)."""

ACCESS_LOG_STATUS: Final = "status"
"""The field of the gateway's JSON access log that holds the response's status."""

LOG_LEVEL: Final = "level"
LOG_EVENT: Final = "event"
"""The field that names the kind of a log line; its values follow."""
LOG_SLOW_QUERY: Final = "slow_query"
LOG_ACCESS_DENIED: Final = "access_denied"
LOG_AUDIT: Final = "audit"


def namespace(scope: str) -> str:
    """The CloudWatch namespace of all services of ``scope``: one system in one environment (`shop-prod`).

    Metric names aren't unique in an account, so two environments in one account need different scopes.
    """
    return f"{scope}/services"


def gateway_refusals(status: int) -> str:
    """Requests that the gateway refused with the given status; count, from its access log."""
    return f"gateway_{status}"
