"""T1 to T4: the promises, each with an alarm at its own figure."""

from __future__ import annotations

import pytest

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import ALARM, alarms, primaries, replicas

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


@on(*EITHER_BROKER)
def test_t1_responses_slower_than_promised_are_told(graph: Graph) -> None:
    promised = graph.system.requirements.latency_p95_ms
    (gateway,) = alarms(graph, "Latency")
    services = alarms(graph, "request_duration_ms")
    assert {each.inputs["dimensions"]["service"] for each in services} == graph.system.services.keys()
    for alarm in (gateway, *services):
        assert alarm.inputs["threshold"] == promised, alarm.urn
        assert alarm.inputs["extendedStatistic"] == "p95", alarm.urn
        assert alarm.inputs["comparisonOperator"] == "GreaterThanThreshold", alarm.urn
    scope = f"{graph.system.name}-{graph.environment.name}"
    assert {each.inputs["namespace"] for each in services} == {f"{scope}/services"}
    (stage,) = graph.some("aws:apigateway/stage:Stage")
    (api,) = graph.some("aws:apigateway/restApi:RestApi")
    assert gateway.inputs["dimensions"] == {"ApiName": api.outputs["name"], "Stage": stage.inputs["stageName"]}


@on(*EITHER_BROKER)
def test_t2_statements_slower_than_promised_are_told(graph: Graph) -> None:
    promised = graph.system.requirements.query_p95_ms
    services = alarms(graph, "query_duration_ms")
    assert {each.inputs["dimensions"]["service"] for each in services} == graph.system.services.keys()
    for alarm in services:
        assert alarm.inputs["threshold"] == promised, alarm.urn
        assert alarm.inputs["extendedStatistic"] == "p95", alarm.urn
    instances = {each.inputs["identifier"] for each in (*primaries(graph), *replicas(graph))}
    for metric in ("ReadLatency", "WriteLatency"):
        disks = alarms(graph, metric)
        assert {each.inputs["dimensions"]["DBInstanceIdentifier"] for each in disks} == instances
        assert {each.inputs["threshold"] for each in disks} == {promised / 1000}
    for group in graph.some("aws:rds/parameterGroup:ParameterGroup"):
        logged = {each["name"]: each["value"] for each in group.inputs["parameters"]}
        assert logged["log_min_duration_statement"] == str(promised), group.urn


@on(*EITHER_BROKER)
def test_t3_load_near_what_the_gateway_lets_in_is_told(graph: Graph) -> None:
    (near,) = [each for each in graph.some(ALARM) if each.name.endswith("-near-throttle")]
    assert near.inputs["metricName"] == "Count"
    assert near.inputs["statistic"] == "Sum"
    assert near.inputs["threshold"] == pytest.approx(0.8 * graph.plan.gateway.requests_per_second * 60)
    assert near.inputs["period"] == 60


@on(*EITHER_BROKER)
def test_t4_a_burning_error_budget_is_told_by_how_fast_it_burns(graph: Graph) -> None:
    """Google's SRE workbook, table 5-8: 2 % in an hour, 5 % in six, 10 % in a day and in three."""
    budget = (100 - graph.system.requirements.availability_percent) / 100
    expected = {"1h": (14.4, 3600, 300), "6h": (6, 21_600, 1800), "1d": (3, 86_400, 7200), "3d": (1, 259_200, 21_600)}
    scope = f"{graph.system.name}-{graph.environment.name}"
    for window, (factor, long_seconds, short_seconds) in expected.items():
        for which, seconds in (("long", long_seconds), ("short", short_seconds)):
            alarm = graph.one(ALARM, f"{scope}-slo-burn-{window}-{which}")
            assert alarm.inputs["threshold"] == pytest.approx(factor * budget), alarm.urn
            queries = {each["id"]: each for each in alarm.inputs["metricQueries"]}
            assert queries["errors"]["metric"]["metricName"] == "5XXError", alarm.urn
            assert queries["requests"]["metric"]["metricName"] == "Count", alarm.urn
            assert {queries[each]["metric"]["period"] for each in ("errors", "requests")} == {seconds}, alarm.urn
            assert "errors / requests" in queries["watched"]["expression"], alarm.urn
            assert queries["watched"]["returnData"] is True, alarm.urn
        together = graph.one(COMPOSITE, f"{scope}-slo-burn-{window}").inputs["alarmRule"]
        long, short = (
            graph.one(ALARM, f"{scope}-slo-burn-{window}-{which}").outputs["name"] for which in ("long", "short")
        )
        assert together == f'ALARM("{long}") AND ALARM("{short}")'


@on("prod", "queues", "domain in dev")
def test_t4_availability_is_asked_from_outside(graph: Graph) -> None:
    (check,) = graph.some("aws:route53/healthCheck:HealthCheck")
    assert check.inputs["fqdn"] == graph.environment.domain, "past the edge nobody is let in"
    assert check.inputs["resourcePath"] == "/api/health"
    assert check.inputs["type"] == "HTTPS"
    (alarm,) = alarms(graph, "HealthCheckStatus")
    assert alarm.inputs["dimensions"] == {"HealthCheckId": check.id}
    assert alarm.inputs["comparisonOperator"] == "LessThanThreshold"
    assert alarm.inputs["treatMissingData"] == "breaching"
    assert alarm.region == "us-east-1"


@on(*EITHER_BROKER)
def test_t4_every_store_is_watched(graph: Graph) -> None:
    instances = {each.inputs["identifier"] for each in (*primaries(graph), *replicas(graph))}
    for metric in ("CPUUtilization", "FreeStorageSpace", "FreeableMemory", "DatabaseConnections"):
        watched = {
            each.inputs["dimensions"]["DBInstanceIdentifier"]
            for each in alarms(graph, metric)
            if each.inputs["namespace"] == "AWS/RDS" and "DBInstanceIdentifier" in each.inputs["dimensions"]
        }
        assert watched == instances, metric
    lags = (
        {each.inputs["dimensions"]["DBInstanceIdentifier"] for each in alarms(graph, "ReplicaLag")}
        if replicas(graph)
        else set()
    )
    assert lags == {each.inputs["identifier"] for each in replicas(graph)}
    cache = graph.plan.cache
    assert cache is not None
    assert len(alarms(graph, "DatabaseMemoryUsagePercentage")) == cache.shards * (1 + cache.replicas)


@on(*EITHER_BROKER)
def test_t4_the_dashboard_shows_the_whole_system(graph: Graph) -> None:
    (dashboard,) = graph.some("aws:cloudwatch/dashboard:Dashboard")
    assert dashboard.inputs["dashboardName"] == f"{graph.system.name}-{graph.environment.name}"
    body = dashboard.inputs["dashboardBody"]
    for service in graph.system.services:
        assert f'"{service}"' in body
    for alarm in graph.some(COMPOSITE):
        assert alarm.outputs["arn"] in body
    for node in {
        each.inputs["dimensions"]["CacheClusterId"] for each in alarms(graph, "DatabaseMemoryUsagePercentage")
    }:
        assert f'"{node}"' in body
    for queue in graph.of("aws:sqs/queue:Queue"):
        # What waits aside for a person has alarms of its own.
        assert (f'"{queue.outputs["name"]}"' in body) == (not queue.name.endswith(("-dead-letter", "-undelivered")))
    queries = graph.some("aws:cloudwatch/queryDefinition:QueryDefinition")
    assert {each.inputs["name"].split("/")[1] for each in queries} == {"services", "gateway"}
    assert graph.simulation.outputs["dashboard"] == dashboard.inputs["dashboardName"]
