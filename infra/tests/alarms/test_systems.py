"""U8 on twelve other systems: every alarm that they declare has its page (`make prove`, alarms)."""

from __future__ import annotations

import os

import pytest

from infra.tests.alarms.judging import without_page
from infra.tests.capacity.test_expectations import DECLARED, Case
from infra.tests.program.graphs import simulated
from infra.tests.samples import with_images

pytestmark = pytest.mark.skipif(
    not os.environ.get("PROVE"), reason="twelve programs take minutes: `make prove WHAT=alarms`"
)


@pytest.mark.parametrize("name", DECLARED)
def test_every_alarm_of_another_system_has_its_page(name: str) -> None:
    case = Case(DECLARED[name])
    graph = simulated(name, case.system, with_images(case.environment, case.system))
    assert without_page(graph.resources) == []
