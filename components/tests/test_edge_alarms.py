"""Availability as seen from the internet (T4, S1)."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.tests.event_samples import alarm, alarm_names
from groundplan.cloud import Simulation, simulate
from groundplan_components.observability import EdgeAlarms

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def run(**given: Any) -> Simulation:
    def program() -> None:
        edge = aws.Provider("edge", region="us-east-1")
        EdgeAlarms("edge", {"alarm_topic_arn": TOPIC, **given}, pulumi.ResourceOptions(provider=edge))  # type: ignore[typeddict-item]

    return simulate(program)


def test_a_health_check_asks_from_outside_and_silence_is_an_outage_t4() -> None:
    simulation = run(domain="api.shop.example.com")
    (check,) = simulation.of_type("aws:route53/healthCheck:HealthCheck")
    assert (check.inputs["type"], check.inputs["fqdn"], check.inputs["port"]) == ("HTTPS", "api.shop.example.com", 443)
    assert check.inputs["resourcePath"] == "/health"
    assert (check.inputs["requestInterval"], check.inputs["failureThreshold"]) == (30, 3)
    assert check.inputs["enableSni"] is True
    outside = alarm(simulation, "edge-outside").inputs
    assert (outside["metricName"], outside["statistic"], outside["threshold"]) == ("HealthCheckStatus", "Minimum", 1)
    assert outside["comparisonOperator"] == "LessThanThreshold"
    assert outside["treatMissingData"] == "breaching"
    assert outside["dimensions"] == {"HealthCheckId": check.id}


def test_everything_lives_where_the_metrics_are() -> None:
    simulation = run(domain="api.shop.example.com", distribution_id="E1ABC", web_acl_metric_name="shop-edge")
    alarms = simulation.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {each.region for each in alarms} == {"us-east-1"}
    assert alarm_names(simulation, "edge-") == {"outside", "distribution", "firewall"}


def test_cloudfronts_web_acl_has_no_region_s1() -> None:
    simulation = run(web_acl_metric_name="shop-edge")
    blocked = alarm(simulation, "edge-firewall").inputs["metricQueries"][0]["metric"]
    assert blocked["dimensions"] == {"WebACL": "shop-edge", "Rule": "ALL"}
    assert alarm_names(simulation, "edge-") == {"firewall"}


def test_regions_of_the_checkers_can_be_chosen() -> None:
    (check,) = run(
        domain="api.shop.example.com", path="/ready", check_regions=["us-east-1", "eu-west-1", "ap-southeast-1"]
    ).of_type("aws:route53/healthCheck:HealthCheck")
    assert check.inputs["regions"] == ["ap-southeast-1", "eu-west-1", "us-east-1"]
    assert check.inputs["resourcePath"] == "/ready"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"domain": "https://shop.example.com"}, "domain is 'https://shop.example.com'"),
        ({"domain": "shop.example.com", "path": "health"}, "path is 'health'"),
        ({"check_regions": ["eu-west-1", "eu-west-1", "us-east-1"]}, "check_regions is "),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(given: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**given)
    assert f'EdgeAlarms "edge": {said}' in str(refused.value)
