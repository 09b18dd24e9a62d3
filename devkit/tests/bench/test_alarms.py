"""Alarms as CloudWatch evaluates them: values of periods, metric math, states, and what a program declares of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from groundplan.cloud.model import Resource
from groundplan_components.gateway._gateway_args import TIMEOUT_MS
from groundplan_devkit.bench.alarms.metric_math import evaluate
from groundplan_devkit.bench.alarms.readings import Metric, Readings
from groundplan_devkit.bench.alarms.run import Watch
from groundplan_devkit.bench.alarms.sources import Sources, denials, embedded
from groundplan_devkit.bench.alarms.traffic import ANSWER_SECONDS, send
from groundplan_devkit.bench.alarms.watched import COMPOSITE, METRIC, Composite, State, Watched, declared
from groundplan_devkit.services import RunningService

LATENCY = Metric("request_duration_ms", "order")


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("user + system", {"user": 30.0, "system": 40.0}, 70.0),
        ("user + system", {"user": 30.0, "system": None}, None),
        ("IF(open > 0, 100 * pinned / open, 0)", {"open": 4.0, "pinned": 3.0}, 75.0),
        ("IF(open > 0, 100 * pinned / open, 0)", {"open": 0.0, "pinned": 3.0}, 0.0),
        ("IF(errors >= 10, errors / requests, 0)", {"errors": 10.0, "requests": 1000.0}, 0.01),
        ("IF(errors >= 10, errors / requests, 0)", {"errors": 9.0, "requests": 9.0}, 0.0),
        ("IF(errors >= 10, errors / requests, 0)", {"errors": None, "requests": 9.0}, None),
        ("FILL(a, 0) + FILL(b, 0)", {"a": None, "b": 2.0}, 2.0),
        ("a / b", {"a": 1.0, "b": 0.0}, None),
    ],
)
def test_expressions(expression: str, values: dict[str, float | None], expected: float | None) -> None:
    assert evaluate(expression, values) == expected


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(a, 4)", "a ** 2", "a if b else c", "("])
def test_an_expression_that_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not known here"):
        evaluate(expression, {"a": 1.0, "b": 1.0, "c": 1.0})


def test_statistics_of_a_period() -> None:
    readings = Readings()
    for at, value, count in ((0.0, 10.0, 90), (59.9, 500.0, 10), (60.0, 7.0, 1)):
        readings.add(LATENCY, at, value, count)
    found = {
        name: readings.statistic(LATENCY, name, 0, 60)
        for name in ("Sum", "Average", "Minimum", "Maximum", "p90", "p95", "p50")
    }
    assert found == {
        "Sum": 5900.0,
        "Average": 59.0,
        "Minimum": 10.0,
        "Maximum": 500.0,
        "p90": 10.0,
        "p95": 500.0,
        "p50": 10.0,
    }
    assert readings.statistic(LATENCY, "Sum", 61, 120) is None
    assert readings.statistic(Metric("request_duration_ms", "payment"), "Sum", 0, 60) is None


def test_lines_of_the_embedded_metric_format() -> None:
    distribution = {"Values": [1.5, 20.0], "Counts": [3, 1], "Count": 4, "Sum": 24.5, "Min": 1.5, "Max": 20.0}
    line = {
        "_aws": {
            "Timestamp": 1_700_000_000_500,
            "CloudWatchMetrics": [{"Metrics": [{"Name": "requests"}, {"Name": "request_duration_ms"}]}],
        },
        "service": "order",
        "requests": 4,
        "request_duration_ms": distribution,
    }
    assert list(embedded(json.dumps(line))) == [
        ("requests", "order", 1_700_000_000.5, 4.0, 1),
        ("request_duration_ms", "order", 1_700_000_000.5, 1.5, 3),
        ("request_duration_ms", "order", 1_700_000_000.5, 20.0, 1),
    ]
    assert list(embedded('{"message": "no metric"}')) == []
    assert list(embedded('cut off, "_aws"')) == []


def test_refusals_of_the_cache_are_counted_by_their_reason() -> None:
    log = "count\n3\nreason\nauth\ncontext\ntoplevel\ncount\n2\nreason\nkey\ncontext\nlua\ncount\n1\nreason\nauth"
    assert denials(log) == {"auth": 4, "key": 2}
    assert denials("") == {}


def alarm(missing: str = "notBreaching", periods: int = 3, datapoints: int = 2) -> Watched:
    return Watched(
        name="latency",
        page="service-latency",
        metrics={"value": (LATENCY, "Maximum")},
        expression="",
        comparison="GreaterThanThreshold",
        threshold=200.0,
        period=60,
        periods=periods,
        datapoints=datapoints,
        missing=missing,
    )


@pytest.mark.parametrize(
    ("missing", "values", "state"),
    [
        ("notBreaching", [], State.UNKNOWN),
        ("notBreaching", [10.0], State.UNKNOWN),
        ("notBreaching", [10.0, 20.0], State.OK),
        ("notBreaching", [300.0, 300.0], State.ALARM),
        ("notBreaching", [300.0, 10.0, 300.0], State.ALARM),
        ("notBreaching", [300.0, 300.0, 10.0, 300.0, 10.0], State.OK),
        ("notBreaching", [200.0, 200.0, 200.0], State.OK),
        ("notBreaching", [None, None, None], State.OK),
        ("breaching", [10.0, None, None], State.ALARM),
        ("breaching", [None, 10.0, 10.0], State.OK),
    ],
)
def test_the_state_after_periods(missing: str, values: list[float | None], state: State) -> None:
    assert alarm(missing).state(values) is state


def test_an_alarm_rings_and_ends_at_its_pace() -> None:
    readings, clock = Readings(), [0.0]
    watch = Watch({"latency": alarm()}, readings, pace=6, now=lambda: clock[0])
    for second in range(120):
        readings.add(LATENCY, second, 500.0 if 30 <= second < 60 else 10.0)
    states = {}
    for second in range(0, 121, 10):
        clock[0] = float(second)
        states[second] = watch.state("latency")
    assert {second for second, state in states.items() if state is State.ALARM} == {50, 60, 70}
    assert (states[0], states[10], states[20], states[80]) == (State.UNKNOWN, State.UNKNOWN, State.OK, State.OK)
    assert watch.longest("latency") == 40


def resource(kind: str, name: str, **inputs: Any) -> Resource:
    common = {"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 3, "treatMissingData": "missing"}
    outputs = {"name": f"{name}-1a2b3c4"}
    return Resource(name, kind, name, name, common | inputs, outputs, "", custom=True)


def test_alarms_are_read_as_a_program_declares_them() -> None:
    def query(id_: str, metric: str) -> dict[str, Any]:
        of = {"namespace": "AWS/ApiGateway", "metricName": metric, "stat": "Sum", "period": 300}
        return {"id": id_, "metric": of | {"dimensions": {"ApiName": "shop", "Stage": "live"}}}

    said = "It is wrong. What to do: groundplan alarm"
    balancer = {"TargetGroup": "targetgroup/balancer-order-command-2e33b20/77", "LoadBalancer": "app/balancer/bf"}
    group = {"Cluster Name": "kafka-0bd", "Consumer Group": "shop.order-projector", "Topic": "shop.order.read_model"}
    counter = "DB_PERF_INSIGHTS('RDS', 'db-F2', 'db.Concurrency.deadlocks.avg')"
    errors = [query("errors", "5XXError"), query("requests", "Count"), {"id": "w", "expression": "errors / requests"}]
    burn: dict[str, Any] = {"threshold": 0.01, "metricQueries": errors, "alarmDescription": f"{said} error-budget"}
    plain: dict[str, Any] = {"period": 60, "statistic": "Sum", "threshold": 1}
    found = declared(
        [
            resource(
                METRIC,
                "latency",
                **plain | {"statistic": None, "extendedStatistic": "p95", "datapointsToAlarm": 2},
                namespace="shop-prod/services",
                metricName="request_duration_ms",
                dimensions={"service": "order"},
                alarmDescription=f"{said} service-latency",
            ),
            resource(
                METRIC,
                "none-healthy",
                **plain,
                namespace="AWS/ApplicationELB",
                metricName="HealthyHostCount",
                dimensions=balancer,
                alarmDescription=f"{said} pods-none-healthy",
            ),
            resource(
                METRIC,
                "lag",
                **plain,
                namespace="AWS/Kafka",
                metricName="SumOffsetLag",
                dimensions=group,
                alarmDescription=f"{said} consumer-lag",
            ),
            resource(
                METRIC,
                "db-order-primary-deadlocks",
                threshold=0,
                metricQueries=[{"id": "counter", "expression": counter, "period": 300}],
                alarmDescription=f"{said} database-deadlocks",
            ),
            resource(METRIC, "burn-long", **burn),
            resource(METRIC, "burn-short", **burn),
            resource(
                COMPOSITE,
                "burn",
                alarmRule='ALARM("burn-long-1a2b3c4") AND ALARM("burn-short-1a2b3c4")',
                alarmDescription=f"{said} error-budget",
            ),
            resource(METRIC, "drop", metricQueries=[], alarmDescription="On a band, which CloudWatch learns"),
        ],
        "shop",
    )
    metrics = {
        name: [(metric.name, metric.subject, statistic) for metric, statistic in each.metrics.values()]
        for name, each in found.items()
        if isinstance(each, Watched)
    }
    assert metrics == {
        "latency": [("request_duration_ms", "order", "p95")],
        "none-healthy": [("HealthyHostCount", "order-command", "Sum")],
        "lag": [("SumOffsetLag", "order-projector order.read_model", "Sum")],
        "db-order-primary-deadlocks": [("db.Concurrency.deadlocks.avg", "primary", "Average")],
        "burn-long": [("5XXError", "", "Sum"), ("Count", "", "Sum")],
        "burn-short": [("5XXError", "", "Sum"), ("Count", "", "Sum")],
    }
    assert found["burn"] == Composite("burn", "error-budget", ("burn-long", "burn-short"))
    assert found["latency"].page == "service-latency"
    states = {"burn-long": State.ALARM, "burn-short": State.OK}
    assert found["burn"].state(states) is State.OK
    assert found["burn"].state(dict.fromkeys(states, State.ALARM)) is State.ALARM


def broken(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("", request=request)

    return answer


@pytest.mark.parametrize(
    ("answer", "gateway", "balancer", "target"),
    [
        (lambda _: httpx.Response(200), 0, None, None),
        (lambda _: httpx.Response(404), 0, None, None),
        (lambda _: httpx.Response(503), 1, None, 1),
        (lambda _: httpx.Response(504), 1, None, 1),
        (broken(httpx.ReadTimeout), 1, None, None),
        (broken(httpx.WriteTimeout), 1, None, None),
        (broken(httpx.ConnectTimeout), 1, 1, None),
        (broken(httpx.ConnectError), 1, 1, None),
        (broken(httpx.RemoteProtocolError), 1, 1, None),
    ],
)
@pytest.mark.parametrize("role", ["query", "command"])
async def test_a_failure_counts_where_it_was_made(
    answer: Callable[[httpx.Request], httpx.Response],
    gateway: int,
    balancer: int | None,
    target: int | None,
    role: str,
) -> None:
    readings = Readings()
    process = cast(RunningService, SimpleNamespace(service="order", role=role))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await send(Sources(cast(Any, None), cast(Any, None), readings), process, client.get("http://order/orders"))

    def counted(name: str, subject: str = "") -> float | None:
        return readings.statistic(Metric(name, subject), "Sum", 0, time.time() + 1)

    assert counted("Count") == 1
    assert counted("5XXError") == gateway
    assert counted("HTTPCode_ELB_5XX_Count") == balancer
    assert counted("HTTPCode_Target_5XX_Count", f"order-{role}") == target


def test_the_gateway_waits_as_long_as_it_is_declared_to() -> None:
    assert ANSWER_SECONDS * 1000 == TIMEOUT_MS
