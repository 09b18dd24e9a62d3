"""Declared alarms held against their pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from groundplan.alarms import names, page, page_name, used
from groundplan.cloud import Resource

METRIC = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_COUNTER = "DB_PERF_INSIGHTS"


def without_page(resources: Iterable[Resource]) -> list[str]:
    """What is wrong, a line for each alarm that has no page or whose page speaks of something else."""
    return [f"{each.name}: {wrong}" for each in resources if each.type in (METRIC, COMPOSITE) for wrong in _wrong(each)]


def _wrong(alarm: Resource) -> Iterator[str]:
    name = page_name(str(alarm.inputs["alarmDescription"]))
    if name not in names():
        yield f"names the page {name}"
        return
    assert name is not None
    text = page(name).text
    for metric in _metrics(alarm):
        if metric not in text:
            yield f"the page {name} says nothing of {metric}"
    if alarm.type == METRIC:
        dimensions = _dimensions(alarm)
        for variable in used(name, text):
            if variable.dimension and variable.dimension not in dimensions:
                yield f"${variable.name} of the page {name} is the dimension {variable.dimension}, of {dimensions}"


def _queries(alarm: Resource) -> list[dict[str, Any]]:
    return list(alarm.inputs.get("metricQueries") or [])


def _metrics(alarm: Resource) -> Iterator[str]:
    if "metricName" in alarm.inputs:
        yield str(alarm.inputs["metricName"])
    for query in _queries(alarm):
        if "metric" in query:
            yield str(query["metric"]["metricName"])
        elif _COUNTER in str(query.get("expression")):
            yield str(query["expression"]).split("'")[5]


def _dimensions(alarm: Resource) -> set[str]:
    own = set(alarm.inputs.get("dimensions") or {})
    return own.union(*(set(each["metric"].get("dimensions") or {}) for each in _queries(alarm) if "metric" in each))
