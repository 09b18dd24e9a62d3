"""A3: from producer to topic to consumer, and every event into the event log."""

from __future__ import annotations

from groundplan.capacity import EventsPlan
from infra.tests.program.graphs import Graph, on


def planned(graph: Graph) -> EventsPlan:
    assert graph.plan.events is not None
    return graph.plan.events


@on("dev", "prod", "queues")
def test_a3_every_published_event_is_planned_with_its_consumers(graph: Graph) -> None:
    topics = {topic.event: topic for topic in planned(graph).topics}
    for event, publisher in graph.system.published_events().items():
        assert topics[event].publisher == publisher
        assert set(topics[event].consumers) == set(graph.system.consumers_of(event))
