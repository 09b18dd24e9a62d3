"""Small programs of one stack, run in the simulated cloud as parts."""

from __future__ import annotations

from collections.abc import Callable

from groundplan.changes import ChangeSet, classify
from groundplan.cloud import Simulation, simulate


def ran(program: Callable[[], object]) -> Simulation:
    return simulate(program, part=True, strict=False)


def change(before: Callable[[], object], after: Callable[[], object]) -> ChangeSet:
    return classify(ran(before).resources, ran(after).resources)
