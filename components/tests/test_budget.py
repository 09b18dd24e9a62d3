"""The monthly budget."""

from typing import Any

import pulumi
import pytest

from components.tests.event_samples import declared
from groundplan.cloud import Resource
from groundplan_components.observability import Budget


def run(**given: Any) -> Resource:
    simulation = declared(
        lambda on: Budget("budget", {"alarm_topic_arn": on.alarms, "monthly_usd": 1500, **given})  # type: ignore[typeddict-item]
    )
    (found,) = simulation.of_type("aws:budgets/budget:Budget")
    return found


def test_notifications_come_before_the_budget_is_spent() -> None:
    inputs = run().inputs
    assert (inputs["limitAmount"], inputs["limitUnit"], inputs["timeUnit"]) == ("1500.00", "USD", "MONTHLY")
    assert [(each["notificationType"], each["threshold"]) for each in inputs["notifications"]] == [
        ("ACTUAL", 50),
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    ]
    assert all(len(each["subscriberSnsTopicArns"]) == 1 for each in inputs["notifications"])
    assert "costFilters" not in inputs


def test_a_tag_narrows_it() -> None:
    assert run(tag="Project=shop").inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:Project$shop"]}]


@pytest.mark.parametrize("given", [{"monthly_usd": 0}, {"tag": "shop"}, {"tag": "=shop"}])
def test_wrong_arguments_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(pulumi.RunError, match='Budget "budget"'):
        run(**given)
