"""Alarms as data: invalid ones are refused before CloudWatch refuses them."""

import pulumi
import pytest

from groundplan.cloud import Resource, simulate
from groundplan_components.shared.alarms import Alarm, Comparison, Metric, declare

COUNT = Metric(namespace="N", name="Count", statistic="Sum", dimensions={"D": "d"})


def made(alarm: Alarm) -> Resource:
    simulation = simulate(
        lambda: declare("it", alarm, ["arn:aws:sns:eu-central-1:123456789012:ring"], pulumi.ResourceOptions())
    )
    return simulation.named("it")


def test_a_plain_metric_is_compared_as_it_is() -> None:
    inputs = made(Alarm(description="d", metrics={"a": COUNT}, threshold=3, periods=5, datapoints=2)).inputs
    assert (inputs["namespace"], inputs["metricName"], inputs["statistic"]) == ("N", "Count", "Sum")
    assert (inputs["evaluationPeriods"], inputs["datapointsToAlarm"], inputs["period"]) == (5, 2, 60)
    assert inputs["threshold"] == 3
    assert inputs["treatMissingData"] == "notBreaching"
    assert inputs["alarmActions"] == inputs["okActions"] == ["arn:aws:sns:eu-central-1:123456789012:ring"]


def test_the_description_alone_names_the_page() -> None:
    alarm = Alarm(description="d", page="p", metrics={"a": COUNT, "b": COUNT}, expression="a / b", threshold=1)
    inputs = made(alarm).inputs
    assert inputs["alarmDescription"] == "d. What to do: groundplan alarm p"
    assert inputs["metricQueries"][-1]["label"] == "d"
    assert made(Alarm(description="d", metrics={"a": COUNT}, threshold=3)).inputs["alarmDescription"] == "d"


def test_a_percentile_of_a_few_samples_changes_no_state() -> None:
    metric = Metric(namespace="N", name="Latency", statistic="p95")
    inputs = made(Alarm(description="d", metrics={"a": metric}, threshold=3)).inputs
    assert inputs["extendedStatistic"] == "p95"
    assert inputs["evaluateLowSampleCountPercentiles"] == "ignore"
    assert "statistic" not in inputs


def test_an_expression_alone_is_returned() -> None:
    inputs = made(Alarm(description="d", metrics={"a": COUNT, "b": COUNT}, expression="a / b", threshold=1)).inputs
    assert [(each["id"], each["returnData"]) for each in inputs["metricQueries"]] == [
        ("a", False),
        ("b", False),
        ("watched", True),
    ]
    assert "metricName" not in inputs


def test_a_band_takes_the_place_of_a_threshold() -> None:
    inputs = made(Alarm(description="d", metrics={"a": COUNT}, band=2, comparison=Comparison.BELOW_BAND)).inputs
    assert inputs["thresholdMetricId"] == "expected"
    assert inputs["metricQueries"][-1]["expression"] == "ANOMALY_DETECTION_BAND(a, 2)"
    assert [each["returnData"] for each in inputs["metricQueries"]] == [True, True]
    assert "threshold" not in inputs


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1, "period": 90},
        {"threshold": 1, "period": 300, "periods": 289},
        {"threshold": 1, "period": 86_400, "periods": 8},
        {"threshold": 1, "band": 2},
        {},
        {"threshold": 1, "metrics": {"a": COUNT, "b": COUNT}},
    ],
)
def test_alarms_that_cloudwatch_refuses_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Alarm(**{"description": "d", "metrics": {"a": COUNT}, **wrong})  # type: ignore[arg-type]


def test_an_alarm_belongs_to_its_parent() -> None:
    def program() -> None:
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        declare(
            "it",
            Alarm(description="d", metrics={"a": COUNT}, threshold=1),
            [],
            pulumi.ResourceOptions(parent=parent),
        )

    simulation = simulate(program)
    assert simulation.named("it").parent == simulation.named("parent").urn
