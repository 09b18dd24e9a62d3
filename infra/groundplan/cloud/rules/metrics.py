"""CloudWatch alarms and dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.registry import Broken, between, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_EXTENDED = r"(p|tm|wm|tc|ts)(100|\d{1,2}(\.\d{1,10})?)|IQM|(PR|TC|TM|TS|WM)\([\d.%]*:[\d.%]*\)"
_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_DAY = 86_400


@rule(ALARM)
def one_source(item: Item, _: Cloud) -> Iterator[Broken]:
    """An alarm watches one metric, or queries of which one returns data (beside the band of an anomaly detection);
    not both.

    Source: CloudWatch API, PutMetricAlarm.
    """
    queries = item.objects("metricQueries")
    if queries or item.get("metricQueries"):
        for name in ("metricName", "namespace", "period", "statistic", "extendedStatistic", "dimensions", "unit"):
            if item.get(name) is not None:
                yield Broken(name, "nothing, as there are metric queries", f"move {name} into a query")
        yield from _queries(item)
        return
    if item.get("evaluationCriteria") is not None:
        return
    for name in ("metricName", "namespace", "period"):
        if item.get(name) is None:
            yield Broken(name, "a value, as there are no metric queries", f"set {name}")
    given = [name for name in ("statistic", "extendedStatistic") if item.get(name) is not None]
    if len(given) != 1:
        yield Broken("statistic", "one of statistic and extendedStatistic", "set one")


def _queries(item: Item) -> Iterator[Broken]:
    queries = item.objects("metricQueries")
    if len(queries) > 20:
        yield Broken("metricQueries", "at most 20 queries", "combine them in expressions", len(queries))
    ids: set[object] = set()
    for index, query in enumerate(queries):
        path = f"metricQueries[{index}]"
        name = query.get("id")
        if isinstance(name, str) and re.fullmatch(r"[a-z]\w{0,254}", name) is None:
            yield Broken(f"{path}.id", "letters, digits and underscores, a lower-case letter first", "rename it")
        if name in ids:
            yield Broken(f"{path}.id", "an id that no other query has", "rename one")
        ids.add(name)
        if (query.get("expression") is None) == (query.get("metric") is None):
            yield Broken(path, "an expression or a metric, one of the two", "set one", name)
        metric = query.get("metric") or {}
        period, stat = metric.get("period"), metric.get("stat")
        if isinstance(period, int) and not _period(period):
            yield Broken(f"{path}.metric.period", "10, 20, 30 or a multiple of 60 seconds", "correct the period")
        if isinstance(stat, str) and stat not in _STATISTICS and re.fullmatch(_EXTENDED, stat) is None:
            yield Broken(
                f"{path}.metric.stat", f"{', '.join(_STATISTICS)} or a percentile such as p95", "correct the statistic"
            )
    for index, query in enumerate(queries):
        expression = query.get("expression")
        for used in re.findall(
            r"(?<![\w'\".])([a-z]\w*)\b(?!\s*\()",
            re.sub(r"'[^']*'|\"[^\"]*\"", "", expression) if isinstance(expression, str) else "",
        ):
            if used not in ids and not str(expression).lstrip().upper().startswith("SELECT"):
                yield Broken(
                    f"metricQueries[{index}].expression",
                    f"only ids of the alarm's queries; {used} is none",
                    "declare the query, or correct the id",
                )
    band = 0 if item.get("thresholdMetricId") is None else 1
    returning = sum(look_up(query, "returnData") is True for query in queries)
    if returning != 1 + band:
        yield Broken(
            "metricQueries",
            f"one query with returnData true{' beside the band' if band else ''}; {returning} have it",
            "set return_data on the query that the alarm watches",
            sorted(map(str, ids)),
        )


def _period(seconds: int) -> bool:
    return seconds in (1, 5, 10, 20, 30) or (seconds > 0 and seconds % 60 == 0)


@rule(ALARM)
def figures(item: Item, _: Cloud) -> Iterator[Broken]:
    """Periods are 10, 20, 30 or whole minutes; all periods make at most a day (a week from an hour on); points to
    alarm fit in the periods.

    Source: CloudWatch API, PutMetricAlarm, Period, EvaluationPeriods, DatapointsToAlarm.
    """
    yield from one_of(item, "comparisonOperator", *_OPERATORS)
    yield from one_of(item, "statistic", *_STATISTICS)
    yield from one_of(item, "treatMissingData", "breaching", "notBreaching", "ignore", "missing")
    extended = item.known("extendedStatistic")
    if isinstance(extended, str) and re.fullmatch(_EXTENDED, extended) is None:
        yield Broken("extendedStatistic", "a percentile such as p95, or a trimmed statistic", "correct it")
    period, count, needed = item.known("period"), item.known("evaluationPeriods"), item.known("datapointsToAlarm")
    if item.get("evaluationCriteria") is None and item.get("evaluationPeriods") is None:
        yield Broken("evaluationPeriods", "a number of periods", "set evaluation_periods")
    if isinstance(count, int) and count < 1:
        yield Broken("evaluationPeriods", "at least 1", "raise it")
    if isinstance(needed, int) and isinstance(count, int) and not 1 <= needed <= count:
        yield Broken("datapointsToAlarm", f"1 to evaluationPeriods, {count}", "lower it")
    if isinstance(period, int) and not _period(period):
        yield Broken("period", "10, 20, 30 or a multiple of 60 seconds", "correct the period")
    periods = (
        [period]
        if isinstance(period, int)
        else [
            metric.get("metric", {}).get("period")
            for metric in item.objects("metricQueries")
            if isinstance(metric.get("metric"), dict)
        ]
    )
    longest = max((each for each in periods if isinstance(each, int)), default=0)
    if isinstance(count, int) and longest and longest * count > (7 * _DAY if longest >= 3600 else _DAY):
        yield Broken(
            "evaluationPeriods",
            "at most a day in all, or a week when the period is an hour or more",
            "use longer periods or fewer of them",
        )
    if (
        item.get("threshold") is None
        and item.get("thresholdMetricId") is None
        and item.get("evaluationCriteria") is None
    ):
        yield Broken("threshold", "a threshold", "set threshold")


@rule(ALARM, "aws:cloudwatch/compositeAlarm:CompositeAlarm")
def notifications(item: Item, _: Cloud) -> Iterator[Broken]:
    """Up to five actions for each state, named by ARN.

    Source: CloudWatch API, PutMetricAlarm, AlarmActions.
    """
    for name in ("alarmActions", "okActions", "insufficientDataActions"):
        actions = item.each(name)
        if len(actions) > 5:
            yield Broken(name, "at most five actions", "send to one topic", len(actions))
        for index, action in enumerate(actions):
            if isinstance(action, str) and not action.startswith("arn:"):
                yield Broken(f"{name}[{index}]", "an ARN", "pass the topic's arn")


@rule(ALARM)
def bands(item: Item, _: Cloud) -> Iterator[Broken]:
    """Only what is compared with a band of expected values is compared with its bounds.

    Source: CloudWatch API, PutMetricAlarm, ThresholdMetricId.
    """
    operator = item.known("comparisonOperator")
    banded = isinstance(operator, str) and ("UpperThreshold" in operator or "LowerThreshold" in operator)
    if isinstance(operator, str) and banded != (item.get("thresholdMetricId") is not None):
        expected = "thresholdMetricId, as it compares with a band" if banded else "an operator of a band"
        yield Broken("comparisonOperator", expected, "set threshold_metric_id, or choose another operator")


@rule("aws:cloudwatch/compositeAlarm:CompositeAlarm")
def alarm_rule(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A composite alarm combines alarms that exist by AND, OR and NOT.

    Source: CloudWatch API, PutCompositeAlarm, AlarmRule.
    """
    text = item.known("alarmRule")
    if not isinstance(text, str):
        return
    names = re.findall(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*\"?([^\")]+?)\"?\s*\)", text)
    if not names and not re.search(r"\b(TRUE|FALSE)\b", text):
        yield Broken(
            "alarmRule", 'states of alarms such as ALARM("name"), combined by AND, OR and NOT', "correct the rule"
        )
    if text.count("(") != text.count(")"):
        yield Broken("alarmRule", "as many closing as opening parentheses", "correct the rule")
    for name in names:
        if not any(each.type.startswith("aws:cloudwatch/") for each in cloud.named(name)):
            yield Broken(
                "alarmRule",
                f"alarms that exist; {name} doesn't",
                "build the rule from the alarms' name outputs",
                absent=True,
            )
    yield from between(item, "actionsSuppressor.waitPeriod", 0, _DAY)


@rule("aws:cloudwatch/dashboard:Dashboard")
def dashboard(item: Item, _: Cloud) -> Iterator[Broken]:
    """A dashboard's body is JSON with up to 500 widgets on a grid 24 wide, each of a known type.

    Source: CloudWatch API, Dashboard Body Structure and Syntax.
    """
    text = item.known("dashboardBody")
    if not isinstance(text, str):
        return
    try:
        body = json.loads(text)
    except ValueError as wrong:
        yield Broken("dashboardBody", "JSON", f"build it with json.dumps: {wrong}", text[:60])
        return
    widgets = body.get("widgets") if isinstance(body, dict) else None
    if not isinstance(widgets, list):
        yield Broken("dashboardBody", "an object with a list of widgets", "add widgets", text[:60])
        return
    if len(widgets) > 500:
        yield Broken("dashboardBody", "at most 500 widgets", "make another dashboard", len(widgets))
    for index, widget in enumerate(widgets):
        yield from _widget(widget, f"widget {index + 1}")


def _widget(widget: object, where: str) -> Iterator[Broken]:
    if not isinstance(widget, dict) or widget.get("type") not in (
        "metric",
        "text",
        "log",
        "alarm",
        "explorer",
        "custom",
    ):
        yield Broken(
            "dashboardBody",
            f"a type metric, text, log, alarm, explorer or custom in {where}",
            "correct it",
            widget.get("type") if isinstance(widget, dict) else widget,
        )
        return
    properties = widget.get("properties")
    if not isinstance(properties, dict):
        yield Broken("dashboardBody", f"properties in {where}", "add them", "")
        return
    left, width = widget.get("x", 0), widget.get("width", 6)
    if (
        isinstance(left, int)
        and isinstance(width, int)
        and not (0 <= left <= 23 and 1 <= width <= 24 and left + width <= 24)
    ):
        yield Broken(
            "dashboardBody",
            f"a place inside the 24 columns in {where}",
            "correct x and width",
            f"x={left}, width={width}",
        )
    height = widget.get("height", 6)
    if isinstance(height, int | float) and not 1 <= height <= 1_000:
        yield Broken("dashboardBody", f"a height from 1 to 1000 in {where}", "correct it", height)
    view = properties.get("view", "timeSeries")
    if widget["type"] == "metric" and view not in ("timeSeries", "singleValue", "gauge", "bar", "pie", "table"):
        yield Broken("dashboardBody", f"a view such as timeSeries in {where}", "correct it", view)
    if widget["type"] == "metric" and "metrics" not in properties and "annotations" not in properties:
        yield Broken("dashboardBody", f"metrics or annotations in {where}", "add them", "")
    if widget["type"] == "metric" and "region" not in properties:
        yield Broken("dashboardBody", f"a region in {where}", "add region to its properties", "")
    if widget["type"] == "text" and "markdown" not in properties:
        yield Broken("dashboardBody", f"markdown in {where}", "add it", "")
