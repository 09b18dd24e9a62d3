"""The stack key `budget`: the account's money is watched, and the receivers of alarms are told."""

from __future__ import annotations

import pytest

from infra.tests.program.graphs import Graph, few, simulated
from infra.tests.samples import stack, with_images

BUDGET = "aws:budgets/budget:Budget"


def _graph(**settings: object) -> Graph:
    system = few("order")
    environment = with_images(stack("dev").model_copy(update=settings), system)
    return simulated("budget", system, environment)


@pytest.mark.parametrize("tag", [None, "environment=dev"])
def test_a_budget_tells_the_alarm_topic(tag: str | None) -> None:
    graph = _graph(budget=1500.5, budget_tag=tag)
    assert not graph.simulation.refusals
    budget = graph.one(BUDGET, "shop-dev-budget")
    assert budget.inputs["limitAmount"] == "1500.50"
    assert budget.inputs.get("costFilters", []) == (
        [{"name": "TagKeyValue", "values": ["user:environment$dev"]}] if tag else []
    )
    topic = graph.one("aws:sns/topic:Topic", "alarms")
    told = {arn for each in budget.inputs["notifications"] for arn in each["subscriberSnsTopicArns"]}
    assert told == {topic.outputs["arn"]}


def test_no_budget_unless_one_is_given() -> None:
    assert not _graph().of(BUDGET)
