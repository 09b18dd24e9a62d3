"""Retention of logs in CloudWatch."""

from groundplan_components.shared.checks import require

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
# Accepted (CloudWatch.16): 90 days by default, as logs hold addresses of people; `log_days` keeps them for a year.
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def require_log_days(component: str, days: int) -> None:
    """Refuse a retention that CloudWatch Logs doesn't offer. Raises ``pulumi.RunError``."""
    require(
        days in LOG_DAYS,
        component,
        "log_days",
        days,
        f"one of {', '.join(map(str, LOG_DAYS))}",
        "choose a number of days that CloudWatch Logs offers",
    )
