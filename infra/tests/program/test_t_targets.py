"""T1 to T4: the promises, each with an alarm at its own figure."""

from __future__ import annotations

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import alarms

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


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
