"""CloudWatch alarms as data, and the function that declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pulumi
import pulumi_aws as aws

LONGEST_RANGE_SECONDS = 604_800
LONGEST_RANGE_SECONDS_OF_SHORT_PERIODS = 86_400
"""Period times periods is at most a week, and at most a day for periods under an hour.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""
_HOUR = 3600


class Comparison(Enum):
    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"
    BELOW_BAND = "LessThanLowerThreshold"
    ABOVE_BAND = "GreaterThanUpperThreshold"


class Missing(Enum):
    """What a period with no data means."""

    GOOD = "notBreaching"
    """Nothing happened: AWS doesn't send most counts when they are zero."""
    BAD = "breaching"
    """The reporting system is silent."""
    KEEP = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; ``statistic`` is a name (`Sum`) or a percentile (`p95`)."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Alarms when ``datapoints`` of the last ``periods`` periods of ``period`` seconds breach ``threshold``.

    ``page`` names what to do when it starts; see `page_named`. An alarm of a program's own may have none.

    With one metric and no ``expression``, CloudWatch compares the metric itself; otherwise the expression over
    ``metrics`` by their ids. A ``band`` (in standard deviations around the expected value that CloudWatch learnt)
    replaces ``threshold``.
    """

    description: str
    page: str = ""
    metrics: Mapping[str, Metric]
    threshold: float | None = None
    expression: str | None = None
    band: float | None = None
    comparison: Comparison = Comparison.ABOVE
    period: int = 60
    periods: int = 5
    datapoints: int | None = None
    missing: Missing = Missing.GOOD

    def __post_init__(self) -> None:
        longest = LONGEST_RANGE_SECONDS if self.period >= _HOUR else LONGEST_RANGE_SECONDS_OF_SHORT_PERIODS
        if self.period % 60 or self.period * self.periods > longest:
            raise ValueError(f"{self.periods} periods of {self.period} s: CloudWatch evaluates {longest} s at most")
        if (self.threshold is None) == (self.band is None):
            raise ValueError("an alarm has either a threshold or a band")
        if self.expression is None and len(self.metrics) != 1:
            raise ValueError("several metrics need an expression")


def page_named(description: str, page: str) -> str:
    """An alarm's description as its notification shows it, with the command that prints its page.

    A command, since a library doesn't know the address of its template, and an on-call engineer may have no way to it.
    """
    return f"{description}. What to do: groundplan alarm {page}" if page else description


def declare(
    name: str,
    alarm: Alarm,
    actions: Sequence[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Declare the alarm. It notifies ``actions`` when it starts and when it ends."""
    return aws.cloudwatch.MetricAlarm(
        name,
        alarm_description=page_named(alarm.description, alarm.page),
        comparison_operator=alarm.comparison.value,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.datapoints or alarm.periods,
        treat_missing_data=alarm.missing.value,
        alarm_actions=list(actions),
        ok_actions=list(actions),
        tags={"Name": name},
        opts=opts,
        **_compared(alarm),
    )


def _compared(alarm: Alarm) -> dict[str, Any]:
    if alarm.expression is None and alarm.band is None:
        (metric,) = alarm.metrics.values()
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": alarm.period,
            "threshold": alarm.threshold,
            **_statistic(metric.statistic),
        }
    queries = [
        {
            "id": id_,
            # An alarm on a band watches the metric itself, so the metric is returned as well as the band.
            "return_data": alarm.band is not None and alarm.expression is None,
            "metric": {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": dict(metric.dimensions),
                "period": alarm.period,
                "stat": metric.statistic,
            },
        }
        for id_, metric in alarm.metrics.items()
    ]
    if alarm.expression is not None:
        queries.append(
            {"id": "watched", "expression": alarm.expression, "label": alarm.description, "return_data": True}
        )
    if alarm.band is None:
        return {"metric_queries": queries, "threshold": alarm.threshold}
    watched = "watched" if alarm.expression is not None else next(iter(alarm.metrics))
    queries.append(
        {
            "id": "expected",
            "expression": f"ANOMALY_DETECTION_BAND({watched}, {alarm.band:g})",
            "label": "expected",
            "return_data": True,
        }
    )
    return {"metric_queries": queries, "threshold_metric_id": "expected"}


def _statistic(statistic: str) -> dict[str, Any]:
    if statistic.startswith("p"):
        # A percentile of a few samples means nothing: keep the state until there are enough.
        return {"extended_statistic": statistic, "evaluate_low_sample_count_percentiles": "ignore"}
    return {"statistic": statistic}
