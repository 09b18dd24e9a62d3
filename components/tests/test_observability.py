"""The dashboard and the saved queries (T1 to T4, D2)."""

import dataclasses
import json
from typing import Any

import pulumi
import pytest

from groundplan.cloud import Simulation, simulate
from groundplan_components.observability import Observability, ObservabilityArgs
from groundplan_components.observability._dashboard import (
    COLUMNS,
    LINES_PER_CHART,
    MOST_METRICS,
    MOST_WIDGETS,
    body,
    metric_count,
    widget_count,
)
from groundplan_components.observability._dashboard_rows import Facts, rows
from groundplan_components.observability._log_queries import gateway_queries, service_queries
from groundplan_components.shared import metrics

FACTS = Facts(
    region="eu-central-1",
    namespace="shop-prod/services",
    services=["order", "payment", "user"],
    availability_percent=99.9,
    latency_p95_ms=200,
    query_p95_ms=20,
    throttle_rps=10_000,
    api_name="shop",
    stage_name="v1",
    distribution_id="E1ABC",
    edge_web_acl="shop-edge",
    web_acl="shop",
    load_balancer="app/shop/1",
    target_groups={"order": "targetgroup/order/1"},
    databases={"order": "order-1a2b", "order replica 1": "order-replica-1a2b"},
    cache_nodes={"1": "shop-001"},
    kafka_cluster="events",
    kafka_brokers=3,
    kafka_consumers={"shop.payment": ["shop.order.placed"]},
    queues={"payment": "payment-1a2b"},
    log_streams={"order.placed": "log-order.placed"},
    alarm_arns=["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a"],
)
BIG = dataclasses.replace(
    FACTS,
    services=[f"service-{number}" for number in range(50)],
    target_groups={f"service-{number}": f"targetgroup/{number}/1" for number in range(50)},
    databases={f"service-{number} {copy}": f"db-{number}-{copy}" for number in range(50) for copy in range(3)},
    cache_nodes={str(number): f"cache-{number}" for number in range(18)},
    kafka_brokers=30,
    kafka_consumers={f"shop.service-{number}": ["shop.a.b", "shop.c.d"] for number in range(50)},
    log_streams={f"a{number}.b": f"log-{number}" for number in range(100)},
)


def args(**changes: Any) -> ObservabilityArgs:
    given: ObservabilityArgs = {
        "scope": "shop-prod",
        "region": "eu-central-1",
        "metrics_namespace": metrics.namespace("shop-prod"),
        "services": ["order", "payment"],
        "availability_percent": 99.9,
        "latency_p95_ms": 200,
        "query_p95_ms": 20,
        "throttle_rps": 10_000,
        "api_name": "shop",
        "stage_name": "v1",
        "database_identifiers": {"order": pulumi.Output.from_input("order-1a2b")},
        "kafka_cluster_name": pulumi.Output.from_input("events"),
        "kafka_brokers": 3,
        "kafka_consumers": {"shop.payment": ["shop.order.placed"]},
        "service_log_group_names": {"order": "shop-order", "payment": "shop-payment"},
        "access_log_group_name": "shop-access",
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(**changes: Any) -> Simulation:
    return simulate(lambda: Observability("watch", args(**changes)))


def drawn(simulation: Simulation) -> dict[str, Any]:
    (dashboard,) = simulation.of_type("aws:cloudwatch/dashboard:Dashboard")
    assert dashboard.inputs["dashboardName"] == "shop-prod"
    found: dict[str, Any] = json.loads(dashboard.inputs["dashboardBody"])
    return found


def widgets(facts: Facts) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(rows(facts), facts.region)["widgets"]
    return found


@pytest.mark.parametrize("facts", [FACTS, BIG], ids=["three services", "fifty services"])
def test_widgets_lie_on_the_grid_and_on_no_other(facts: Facts) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets(facts):
        assert widget["x"] >= 0
        assert widget["x"] + widget["width"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]
        taken |= cells


@pytest.mark.parametrize("facts", [FACTS, BIG], ids=["three services", "fifty services"])
def test_a_system_of_any_agreed_size_fits_one_dashboard(facts: Facts) -> None:
    charts = [widget for widget in widgets(facts) if widget["type"] == "metric"]
    lines = sum(len([each for each in chart["properties"]["metrics"] if len(each) > 1]) for chart in charts)
    assert lines == metric_count(rows(facts)) <= MOST_METRICS
    assert len(widgets(facts)) == widget_count(rows(facts)) <= MOST_WIDGETS


def test_every_service_is_drawn_and_no_chart_has_more_lines_than_can_be_told_apart() -> None:
    charts = [each for each in widgets(BIG) if each["type"] == "metric"]
    named = {
        each[-1]["label"]
        for chart in charts
        for each in chart["properties"]["metrics"]
        if len(each) > 1 and each[1] == metrics.QUERY_DURATION_MS
    }
    assert named == set(BIG.services)
    assert max(len(chart["properties"]["metrics"]) for chart in charts) <= LINES_PER_CHART


def test_the_budget_left_is_what_t4_says() -> None:
    (left,) = (each for each in widgets(FACTS) if "budget left" in each["properties"].get("title", ""))
    properties = left["properties"]
    assert properties["metrics"][0][0]["expression"] == "100 * (1 - errors / requests / 0.001)"
    assert {each[-1].get("id") for each in properties["metrics"][1:]} == {"errors", "requests"}
    assert all(each[-1]["visible"] is False for each in properties["metrics"][1:])
    assert (properties["start"], properties["setPeriodToTimeRange"]) == ("-P30D", True)


def test_promises_are_drawn_as_limits_t1_t2_t3() -> None:
    limits = {
        (line["label"], line["value"])
        for each in widgets(FACTS)
        for line in each["properties"].get("annotations", {}).get("horizontal", [])
    }
    assert limits == {("T1", 200), ("T2", 20), ("throttle", 600_000)}


def test_edge_metrics_are_read_where_they_are() -> None:
    regions = {
        each["properties"]["region"]
        for each in widgets(FACTS)
        if each["type"] == "metric" and each["properties"]["title"].startswith(("CloudFront", "WAF at the edge"))
    }
    assert regions == {"us-east-1"}
    assert {each["properties"]["region"] for each in widgets(FACTS) if each["type"] == "metric"} == {
        "us-east-1",
        "eu-central-1",
    }


def test_rows_travel_with_a_request_and_what_is_absent_has_none() -> None:
    titles = [each["properties"]["markdown"] for each in widgets(FACTS) if each["type"] == "text"]
    assert titles == [
        f"## {each}"
        for each in ("Promises", "Edge", "Gateway", "Services", "Databases", "Cache", "Events", "Event log")
    ]
    bare = dataclasses.replace(
        FACTS,
        distribution_id="",
        edge_web_acl="",
        web_acl="",
        databases={},
        cache_nodes={},
        kafka_cluster="",
        queues={},
        log_streams={},
        alarm_arns=[],
    )
    titles = [each["properties"]["markdown"] for each in widgets(bare) if each["type"] == "text"]
    assert titles == ["## Promises", "## Gateway", "## Services"]
    assert not [each for each in widgets(bare) if each["type"] == "alarm"]


def test_names_that_come_later_reach_the_dashboard() -> None:
    text = json.dumps(drawn(run()))
    assert "order-1a2b" in text
    assert '"Consumer Group", "shop.payment", "Topic", "shop.order.placed"' in text
    assert '"Broker ID", "3"' in text


def test_queries_are_saved_for_services_and_gateway_d2_s4_t2() -> None:
    saved = {
        each.inputs["name"]: each.inputs for each in run().of_type("aws:cloudwatch/queryDefinition:QueryDefinition")
    }
    assert set(saved) == {
        *(f"shop-prod/services/{each}" for each in service_queries()),
        *(f"shop-prod/gateway/{each}" for each in gateway_queries()),
    }
    assert {"errors", "slow-queries", "denied", "audit"} <= set(service_queries())
    assert saved["shop-prod/services/slow-queries"]["logGroupNames"] == ["shop-order", "shop-payment"]
    assert metrics.LOG_SLOW_QUERY in saved["shop-prod/services/slow-queries"]["queryString"]
    assert saved["shop-prod/gateway/failed-requests"]["logGroupNames"] == ["shop-access"]


def test_without_logs_there_are_no_queries() -> None:
    simulation = simulate(
        lambda: Observability(
            "watch",
            {key: value for key, value in args().items() if "log_group" not in key},  # type: ignore[arg-type]
        )
    )
    assert not simulation.of_type("aws:cloudwatch/queryDefinition:QueryDefinition")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"database_identifiers": {str(number): "x" for number in range(600)}}, "database_identifiers is "),
        ({"alarm_arns": {str(number): "x" for number in range(101)}}, "alarm_arns is '101 alarms'"),
        ({"kafka_brokers": 0}, "kafka_brokers is 0"),
        ({"availability_percent": 100}, "availability_percent is 100"),
        ({"scope": "shop prod"}, "scope is 'shop prod'"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**changes)
    assert f'Observability "watch": {said}' in str(refused.value)
