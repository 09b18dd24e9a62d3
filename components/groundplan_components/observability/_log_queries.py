"""Saved Logs Insights queries (D2, S4, T2).

Syntax: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from groundplan_components.shared import metrics

LONGEST_ANSWER = 200


def service_queries() -> dict[str, str]:
    """Queries by name, for the services' JSON logs."""
    event = metrics.LOG_EVENT
    return {
        "errors": (
            f"fields @timestamp, service, message, error, correlation_id\n"
            f'| filter {metrics.LOG_LEVEL} = "error"\n| sort @timestamp desc\n| limit {LONGEST_ANSWER}'
        ),
        "error-counts": (
            f'filter {metrics.LOG_LEVEL} = "error"\n'
            "| stats count(*) as errors by service, error, bin(15m)\n| sort errors desc"
        ),
        "slow-queries": (
            f'filter {event} = "{metrics.LOG_SLOW_QUERY}"\n'
            "| stats count(*) as times, pct(duration_ms, 95) as p95_ms, max(duration_ms) as max_ms\n"
            "  by service, statement\n"
            f"| sort p95_ms desc\n| limit {LONGEST_ANSWER}"
        ),
        "denied": (
            f'filter {event} = "{metrics.LOG_ACCESS_DENIED}"\n'
            "| stats count(*) as times, latest(@timestamp) as last by service, subject, operation, reason\n"
            f"| sort times desc\n| limit {LONGEST_ANSWER}"
        ),
        "audit": (
            f"fields @timestamp, service, subject, operation, aggregate_id, correlation_id\n"
            f'| filter {event} = "{metrics.LOG_AUDIT}"\n| sort @timestamp desc\n| limit {LONGEST_ANSWER}'
        ),
        "one-request": (
            "fields @timestamp, service, level, message\n"
            '| filter correlation_id = "put the id here"\n| sort @timestamp asc'
        ),
    }


def gateway_queries() -> dict[str, str]:
    """Queries by name, for the gateway's JSON access log."""
    status = metrics.ACCESS_LOG_STATUS
    return {
        "refused-clients": (
            f"filter {status} in [401, 403, 429]\n"
            f"| stats count(*) as requests by ip, {status}\n| sort requests desc\n| limit {LONGEST_ANSWER}"
        ),
        "failed-requests": (
            f"fields @timestamp, httpMethod, path, {status}, requestId\n"
            f"| filter {status} >= 500\n| sort @timestamp desc\n| limit {LONGEST_ANSWER}"
        ),
    }
