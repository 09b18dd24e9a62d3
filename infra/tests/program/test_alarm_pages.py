"""U8: every alarm that a stack declares has a page, which speaks of its metrics and dimensions."""

from __future__ import annotations

from groundplan.alarms import page_name
from infra.tests.alarms.judging import COMPOSITE, METRIC, without_page
from infra.tests.program.graphs import Graph, on


@on("dev", "staging", "prod", "queues in dev")
def test_every_declared_alarm_has_its_page(graph: Graph) -> None:
    assert without_page(graph.resources) == []


@on("prod")
def test_a_stack_with_every_part_has_alarms_of_most_kinds(graph: Graph) -> None:
    alarms = [*graph.some(METRIC), *graph.some(COMPOSITE)]
    assert len(alarms) > 170
    assert len({page_name(str(each.inputs["alarmDescription"])) for each in alarms}) > 35
