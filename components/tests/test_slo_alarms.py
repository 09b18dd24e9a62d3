"""Alarms on T1 to T4, at the gateway and for each service (T1, T2, T3, T4, S3, S4, S7)."""

from typing import Any

import pulumi
import pytest

from components.tests.event_samples import Platform, alarm, alarm_names, declared
from groundplan.cloud import Simulation
from groundplan_components.observability import SloAlarms, SloAlarmsArgs
from groundplan_components.observability._firewall_alarms import refusal_pattern
from groundplan_components.shared import metrics

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
TICKETS = "arn:aws:sns:eu-central-1:123456789012:tickets"


def args(on: Platform, **changes: Any) -> SloAlarmsArgs:
    given: SloAlarmsArgs = {
        "api_name": "shop",
        "stage_name": "v1",
        "availability_percent": 99.9,
        "latency_p95_ms": 200,
        "query_p95_ms": 20,
        "throttle_rps": 10_000,
        "metrics_namespace": metrics.namespace("shop-prod"),
        "services": ["order", "payment"],
        "load_balancer_arn_suffix": "app/shop/0123456789abcdef",
        "target_group_arn_suffixes": {"order-command": "targetgroup/order-command/0123456789abcdef"},
        "web_acl_metric_name": "shop",
        "region": "eu-central-1",
        "access_log_group_name": "shop-access",
        "alarm_topic_arn": on.alarms,
    }
    kept = {key: value for key, value in given.items() if key not in changes}
    return kept | {key: value for key, value in changes.items() if value is not None}  # type: ignore[return-value]


def run(**changes: Any) -> Simulation:
    return declared(lambda on: SloAlarms("slo", args(on, **changes)))


def queries(simulation: Simulation, name: str) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in alarm(simulation, name).inputs["metricQueries"]}


def test_each_burn_rate_rings_when_both_its_windows_do_t4() -> None:
    simulation = run()
    composites = {each.name: each.inputs for each in simulation.of_type(COMPOSITE)}
    assert set(composites) == {"slo-burn-1h", "slo-burn-6h", "slo-burn-1d", "slo-burn-3d"}
    long = alarm(simulation, "slo-burn-1h-long")
    short = alarm(simulation, "slo-burn-1h-short")
    assert composites["slo-burn-1h"]["alarmRule"] == (
        f'ALARM("{long.outputs["name"]}") AND ALARM("{short.outputs["name"]}")'
    )
    assert long.inputs["alarmActions"] == short.inputs["alarmActions"] == []
    assert len(composites["slo-burn-1h"]["alarmActions"]) == 1
    assert len({each["alarmName"] for each in composites.values()}) == 4


@pytest.mark.parametrize(("target", "factor"), [(99.9, 1.0), (99.95, 0.5)])
def test_windows_and_thresholds_follow_the_declared_target_t4(target: float, factor: float) -> None:
    simulation = run(availability_percent=target)
    expected = {"1h": (3600, 300, 0.0144), "6h": (21_600, 1800, 0.006), "1d": (86_400, 7200, 0.003)}
    for burn, (long, short, threshold) in expected.items():
        for which, seconds in (("long", long), ("short", short)):
            name = f"slo-burn-{burn}-{which}"
            assert alarm(simulation, name).inputs["threshold"] == pytest.approx(threshold * factor)
            assert alarm(simulation, name).inputs["evaluationPeriods"] == 1
            metric = queries(simulation, name)["errors"]["metric"]
            assert (metric["metricName"], metric["stat"], metric["period"]) == ("5XXError", "Sum", seconds)
            assert metric["dimensions"] == {"ApiName": "shop", "Stage": "v1"}


def test_a_single_failure_at_night_raises_no_alarm() -> None:
    simulation = run(min_errors=25)
    assert queries(simulation, "slo-burn-1h-long")["watched"]["expression"] == "IF(errors >= 25, errors / requests, 0)"
    assert queries(simulation, "slo-burn-1h-short")["watched"]["expression"] == "IF(errors >= 1, errors / requests, 0)"


def test_slow_burns_go_to_the_ticket_topic_when_there_is_one() -> None:
    simulation = run(ticket_topic_arn=TICKETS)
    actions = {each.name: each.inputs["alarmActions"] for each in simulation.of_type(COMPOSITE)}
    assert actions["slo-burn-1d"] == actions["slo-burn-3d"] == [TICKETS]
    assert TICKETS not in actions["slo-burn-1h"] + actions["slo-burn-6h"]


def test_latency_is_the_95th_percentile_at_the_gateway_t1() -> None:
    latency = alarm(run(latency_p95_ms=150), "slo-latency").inputs
    assert (latency["metricName"], latency["extendedStatistic"], latency["threshold"]) == ("Latency", "p95", 150)
    assert (latency["datapointsToAlarm"], latency["evaluationPeriods"], latency["period"]) == (8, 10, 60)


def test_each_service_answers_for_its_own_latency_queries_and_events_t1_t2_a3() -> None:
    simulation = run(query_p95_ms=15)
    assert alarm_names(simulation, "slo-service-order-") == {"latency", "query", "outbox", "dead-letters"}
    query = alarm(simulation, "slo-service-order-query").inputs
    assert (query["namespace"], query["metricName"]) == ("shop-prod/services", "query_duration_ms")
    assert query["dimensions"] == {"service": "order"}
    assert (query["extendedStatistic"], query["threshold"]) == ("p95", 15)


def test_load_near_the_throttle_raises_an_alarm_before_refusals_t3_p1() -> None:
    near = alarm(run(throttle_rps=2000), "slo-near-throttle").inputs
    assert (near["metricName"], near["statistic"], near["period"]) == ("Count", "Sum", 60)
    assert near["threshold"] == pytest.approx(0.8 * 2000 * 60)
    assert near["comparisonOperator"] == "GreaterThanThreshold"


def test_users_who_stay_away_are_noticed_t4() -> None:
    drop = alarm(run(), "slo-traffic-drop").inputs
    assert drop["comparisonOperator"] == "LessThanLowerThreshold"
    assert drop["thresholdMetricId"] == "expected"


def test_refusals_are_counted_from_the_access_log_s3_s4_s7() -> None:
    simulation = run()
    filters = {each.name: each.inputs for each in simulation.of_type("aws:cloudwatch/logMetricFilter:LogMetricFilter")}
    assert set(filters) == {"slo-refused-401", "slo-refused-403", "slo-refused-429"}
    throttled = filters["slo-refused-429"]
    assert throttled["pattern"] == refusal_pattern(429) == '{ ($.status = 429) || ($.status = "429") }'
    watched = alarm(simulation, "slo-refused-429").inputs
    assert watched["metricName"] == throttled["metricTransformation"]["name"] == "gateway_429"
    assert watched["namespace"] == throttled["metricTransformation"]["namespace"]


def test_the_load_balancer_says_which_service_is_ill_t4() -> None:
    simulation = run()
    ill = alarm(simulation, "slo-target-order-command-none-healthy").inputs
    assert (ill["metricName"], ill["comparisonOperator"], ill["threshold"]) == (
        "HealthyHostCount",
        "LessThanThreshold",
        1,
    )
    assert ill["dimensions"] == {
        "LoadBalancer": "app/shop/0123456789abcdef",
        "TargetGroup": "targetgroup/order-command/0123456789abcdef",
    }
    assert alarm(simulation, "slo-load-balancer").inputs["metricName"] == "HTTPCode_ELB_5XX_Count"


def test_a_surge_of_blocked_requests_raises_an_alarm_s1() -> None:
    blocked = queries(run(), "slo-firewall")
    assert blocked["blocked"]["metric"]["dimensions"] == {"WebACL": "shop", "Rule": "ALL", "Region": "eu-central-1"}


def test_an_authoriser_of_ones_own_is_watched_s3() -> None:
    simulation = run(authorizer_function="authorise")
    assert alarm(simulation, "slo-authorizer").inputs["dimensions"] == {"FunctionName": "authorise"}
    assert "authorizer" not in alarm_names(run(), "slo-")


def test_only_the_gateway_and_services_are_needed() -> None:
    simulation = run(
        load_balancer_arn_suffix=None,
        target_group_arn_suffixes=None,
        web_acl_metric_name=None,
        region=None,
        access_log_group_name=None,
    )
    assert not {name for name in alarm_names(simulation, "slo-") if name.startswith(("target", "refused", "fire"))}
    assert not simulation.of_type("aws:cloudwatch/logMetricFilter:LogMetricFilter")


def test_every_alarm_notifies_at_its_start_and_its_end() -> None:
    simulation = run()
    silent = [
        each.name
        for each in simulation.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        if not each.inputs["alarmActions"]
    ]
    assert all(name.startswith("slo-burn-") for name in silent)
    for each in simulation.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"):
        assert each.inputs["okActions"] == each.inputs["alarmActions"]


def test_another_service_changes_no_other_name() -> None:
    before = {each.urn for each in run().resources}
    added = {each.urn for each in run(services=["order", "payment", "user"]).resources} - before
    assert added
    assert all("service-user" in urn for urn in added)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"availability_percent": 100}, "availability_percent is 100"),
        ({"latency_p95_ms": 0}, "latency_p95_ms is 0"),
        ({"query_p95_ms": -1}, "query_p95_ms is -1"),
        ({"throttle_rps": 0}, "throttle_rps is 0"),
        ({"load_balancer_arn_suffix": None}, "load_balancer_arn_suffix is None"),
        ({"region": None}, "region is None"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**changes)
    assert f'SloAlarms "slo": {said}\n' in str(refused.value)
