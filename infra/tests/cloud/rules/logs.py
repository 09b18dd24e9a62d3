"""Logs, alarms and dashboards (T1 to T4)."""

from __future__ import annotations

import json

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_LOGS = "aws:cloudwatch/logGroup:LogGroup"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


def logs(world: World) -> Inputs:
    return {"retentionInDays": 30, "kmsKeyId": world.key().arn}


def alarm(world: World) -> Inputs:
    topic = world.make("aws:sns/topic:Topic", "alarms", {})
    return {
        "metricName": "CPUUtilization",
        "namespace": "AWS/RDS",
        "statistic": "Average",
        "period": 60,
        "evaluationPeriods": 5,
        "datapointsToAlarm": 3,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 80,
        "treatMissingData": "breaching",
        "alarmActions": [topic.arn],
    }


def burn_rate(_: World) -> Inputs:
    metric = {"metricName": "5XXError", "namespace": "AWS/ApiGateway", "period": 300, "stat": "Sum"}
    return {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "threshold": 0.0144,
        "metricQueries": [
            {"id": "errors", "metric": metric},
            {"id": "all", "metric": {**metric, "metricName": "Count", "stat": "p95"}},
            {"id": "rate", "expression": "IF(all > 0, errors / all, 0)", "returnData": True},
        ],
    }


def composite(world: World) -> Inputs:
    part = world.make(_ALARM, "cpu", alarm(world))
    return {"alarmName": "overall", "alarmRule": f'ALARM("{part.physical_name}") AND NOT OK("{part.physical_name}")'}


def body(**changes: object) -> str:
    properties = {"metrics": [["AWS/RDS", "CPUUtilization"]], "region": "eu-central-1"}
    widget = {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties, **changes}
    return json.dumps({"widgets": [widget]})


def dashboard(_: World) -> Inputs:
    return {"dashboardName": "shop-prod", "dashboardBody": body()}


CASES = (
    Case("logs.retention", _LOGS, logs, {"retentionInDays": 10}, "retentionInDays", "1, 3, 5, 7, 14, 30"),
    Case(
        "logs.encryption_key",
        _LOGS,
        logs,
        lambda world: {"kmsKeyId": world.key("closed", ()).arn},
        "kmsKeyId",
        "logs.eu-central-1.amazonaws.com use it",
    ),
    Case("logs.encryption_key", _LOGS, logs, lambda world: {"kmsKeyId": world.key().id}, "kmsKeyId", "the key's ARN"),
    Case(
        "metrics.one_source",
        _ALARM,
        alarm,
        {"extendedStatistic": "p95"},
        "statistic",
        "one of statistic and extendedStatistic",
    ),
    Case("metrics.one_source", _ALARM, burn_rate, {"period": 60}, "period", "there are metric queries"),
    Case(
        "metrics.one_source",
        _ALARM,
        burn_rate,
        {"metricQueries[2].returnData": False},
        "metricQueries",
        "one query with returnData true; 0",
    ),
    Case(
        "metrics.one_source",
        _ALARM,
        burn_rate,
        {"metricQueries[2].expression": "errors / total"},
        "metricQueries[2].expression",
        "total is none",
    ),
    Case(
        "metrics.one_source",
        _ALARM,
        burn_rate,
        {"metricQueries[1].id": "errors"},
        "metricQueries[1].id",
        "no other query has",
    ),
    Case("metrics.figures", _ALARM, alarm, {"period": 45}, "period", "a multiple of 60"),
    Case("metrics.figures", _ALARM, alarm, {"datapointsToAlarm": 6}, "datapointsToAlarm", "1 to evaluationPeriods, 5"),
    Case(
        "metrics.figures",
        _ALARM,
        alarm,
        {"period": 600, "evaluationPeriods": 200},
        "evaluationPeriods",
        "at most a day",
    ),
    Case(
        "metrics.figures",
        _ALARM,
        alarm,
        {"comparisonOperator": "MoreThan"},
        "comparisonOperator",
        "GreaterThanThreshold",
    ),
    Case("metrics.figures", _ALARM, alarm, {"threshold": ABSENT}, "threshold", "a threshold"),
    Case("metrics.notifications", _ALARM, alarm, {"alarmActions[0]": "alarms"}, "alarmActions[0]", "an ARN"),
    Case("metrics.alarm_rule", _COMPOSITE, composite, {"alarmRule": 'ALARM("gone")'}, "alarmRule", "gone doesn't"),
    Case("metrics.alarm_rule", _COMPOSITE, composite, {"alarmRule": "cpu is high"}, "alarmRule", "states of alarms"),
    Case("metrics.dashboard", _DASHBOARD, dashboard, {"dashboardBody": "{"}, "dashboardBody", "JSON"),
    Case(
        "metrics.dashboard",
        _DASHBOARD,
        dashboard,
        {"dashboardBody": body(x=20)},
        "dashboardBody",
        "inside the 24 columns",
    ),
    Case(
        "metrics.dashboard",
        _DASHBOARD,
        dashboard,
        {"dashboardBody": body(type="chart")},
        "dashboardBody",
        "a type metric",
    ),
    Case(
        "metrics.dashboard",
        _DASHBOARD,
        dashboard,
        {"dashboardBody": body(properties={"metrics": []})},
        "dashboardBody",
        "a region",
    ),
)
