"""U8 on ten other systems: every alarm that they declare has its page (`make prove`, alarms)."""

from __future__ import annotations

import os

import pytest

from groundplan.capacity import check_shards
from infra.tests.alarms.judging import without_page
from infra.tests.capacity.test_expectations import DECLARED, system_of
from infra.tests.program.graphs import simulated
from infra.tests.samples import stack, with_images

pytestmark = pytest.mark.skipif(
    not os.environ.get("PROVE"), reason="ten programs take minutes: `make prove WHAT=alarms`"
)


ACCEPTED = [name for name, declared in DECLARED.items() if not check_shards(system_of(declared))]
"""Of two it is expected that the plan refuses them (`problems`), so they have no program."""


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_alarm_of_another_system_has_its_page(name: str) -> None:
    system = system_of(DECLARED[name])
    graph = simulated(name, system, with_images(stack(DECLARED[name].get("stack", "prod")), system))
    assert without_page(graph.resources) == []
