"""Alarms as CloudWatch holds them: read from what a program declares, and the state that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from groundplan.alarms import page_name
from groundplan_devkit.bench.alarms.metric_math import Value, evaluate
from groundplan_devkit.bench.alarms.readings import Metric, Readings

if TYPE_CHECKING:  # the simulated cloud brings Pulumi's SDK along
    from groundplan.cloud import Resource

METRIC = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_TARGET_GROUP = re.compile(r"targetgroup/balancer-(?P<workload>.+)-[0-9a-f]{7}/")
_COUNTER = re.compile(r"DB_PERF_INSIGHTS\('RDS', '[^']+', '(?P<counter>[^']+)'\)")
_RULE = re.compile(r'ALARM\("([^"]+)"\)')


class State(Enum):
    OK = "OK"
    ALARM = "ALARM"
    UNKNOWN = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class Watched:
    """One metric alarm. ``period`` is in seconds."""

    name: str
    page: str
    metrics: Mapping[str, tuple[Metric, str]]
    """Metric and statistic by the id that the expression has for it."""
    expression: str
    """Empty: the only metric itself."""
    comparison: str
    threshold: float
    period: int
    periods: int
    datapoints: int
    missing: str

    def value(self, readings: Readings, start: float, end: float) -> Value:
        """What is compared, of the period from ``start`` to ``end``."""
        found = {id_: readings.statistic(metric, stat, start, end) for id_, (metric, stat) in self.metrics.items()}
        return evaluate(self.expression, found) if self.expression else next(iter(found.values()))

    def state(self, values: Sequence[Value]) -> State:
        """After these periods, the latest last; of those before the first nothing is known.

        A period without data counts as ``missing`` says. CloudWatch itself looks back over some more periods before
        it takes data as missing, so that it may ring later where nothing is reported:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarms-and-missing-data
        """
        breaches = [self.breaches(value) for value in values[-self.periods :]]
        if sum(breaches) >= self.datapoints:
            return State.ALARM
        return State.OK if len(breaches) - sum(breaches) > self.periods - self.datapoints else State.UNKNOWN

    def breaches(self, value: Value) -> bool:
        """Whether a period with this value counts against it."""
        if value is None:
            return self.missing == "breaching"
        return {
            "GreaterThanThreshold": value > self.threshold,
            "GreaterThanOrEqualToThreshold": value >= self.threshold,
            "LessThanThreshold": value < self.threshold,
        }[self.comparison]


@dataclass(frozen=True, slots=True)
class Composite:
    """Rings while all of ``parts`` do."""

    name: str
    page: str
    parts: tuple[str, ...]

    def state(self, states: Mapping[str, State]) -> State:
        parts = {states[part] for part in self.parts}
        return State.ALARM if parts == {State.ALARM} else State.OK if State.OK in parts else State.UNKNOWN


Alarms = Mapping[str, Watched | Composite]


def declared(resources: Iterable[Resource], system: str) -> Alarms:
    """The alarms among a program's resources by their logical names; those on a band, which CloudWatch learns, left
    out."""
    found: dict[str, Watched | Composite] = {}
    by_physical_name: dict[str, str] = {}
    composites = []
    for each in resources:
        if each.type == METRIC and "threshold" in each.inputs:
            found[each.name] = _watched(each.name, each.inputs, system)
            by_physical_name[str(each.outputs.get("name"))] = each.name
        elif each.type == COMPOSITE:
            composites.append(each)
    for each in composites:
        parts = tuple(by_physical_name[part] for part in _RULE.findall(str(each.inputs["alarmRule"])))
        found[each.name] = Composite(each.name, page_name(str(each.inputs["alarmDescription"])) or "", parts)
    return found


def _watched(name: str, inputs: Mapping[str, Any], system: str) -> Watched:
    periods = int(inputs["evaluationPeriods"])
    metrics, expression, period = _compared(name, inputs, system)
    return Watched(
        name=name,
        page=page_name(str(inputs["alarmDescription"])) or "",
        metrics=metrics,
        expression=expression,
        comparison=str(inputs["comparisonOperator"]),
        threshold=float(inputs["threshold"]),
        period=period,
        periods=periods,
        datapoints=int(inputs.get("datapointsToAlarm") or periods),
        missing=str(inputs["treatMissingData"]),
    )


def _compared(name: str, inputs: Mapping[str, Any], system: str) -> tuple[Mapping[str, tuple[Metric, str]], str, int]:
    """Metrics with their statistics, the expression, and the period."""
    if "metricName" in inputs:
        statistic = str(inputs.get("statistic") or inputs["extendedStatistic"])
        return {"value": (_metric(name, inputs, system), statistic)}, "", int(inputs["period"])
    metrics, expression, period = {}, "", 0
    for query in inputs["metricQueries"]:
        if "metric" in query:
            of = query["metric"]
            metrics[str(query["id"])] = _metric(name, of, system), str(of["stat"])
            period = int(of["period"])
        elif counter := _COUNTER.fullmatch(str(query["expression"])):
            return {"value": (Metric(counter["counter"], _instance(name)), "Average")}, "", int(query["period"])
        else:
            expression = str(query["expression"])
    return metrics, expression, period


def _metric(alarm: str, of: Mapping[str, Any], system: str) -> Metric:
    """Names of the cloud's resources are replaced by what they have here, too."""
    dimensions = {str(key): str(value) for key, value in (of.get("dimensions") or {}).items()}
    subject = ""
    match str(of["namespace"]):
        case "AWS/ApplicationELB":
            group = _TARGET_GROUP.match(dimensions.get("TargetGroup", ""))
            subject = group["workload"] if group else ""
        case "AWS/Kafka" if "Topic" in dimensions:
            of_group = dimensions["Consumer Group"].removeprefix(f"{system}.")
            subject = f"{of_group} {dimensions['Topic'].removeprefix(f'{system}.')}"
        case "AWS/RDS":
            subject = _instance(alarm)
        case _:
            subject = dimensions.get("service", "")
    return Metric(str(of["metricName"]), subject)


def _instance(alarm: str) -> str:
    """`primary`, `replica-1`: of the alarm's name, which begins with the instance's."""
    found = re.search(r"-(primary|replica-\d+)-", alarm)
    return found[1] if found else ""
