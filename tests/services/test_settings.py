"""The settings that the program gives to pods are those that the chassis reads: all, and no others."""

from __future__ import annotations

import json
from datetime import date
from itertools import product

import groundplan.problems
from groundplan.capacity.shards import shard_count
from groundplan.declaration.loader import parse_system
from groundplan_chassis.clock import SystemClock
from groundplan_chassis.database.sharding import ShardMap
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import READING, KafkaSettings, QueueSettings, Settings, ShardGeneration
from groundplan_devkit.checks.pods import OF_TRACES, OPTIONAL
from groundplan_devkit.recording import Recording
from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import migration_settings, settings
from infra.tests.samples import SMALLEST


def environments(graph: Graph) -> dict[str, tuple[str, dict[str, str]]]:
    """Role and environment variables by workload or migration."""
    found = {workload.name: (workload.role, settings(graph, workload.name)) for workload in graph.plan.workloads}
    return found | {f"{name}-migration": ("migrate", migration_settings(graph, name)) for name in graph.system.services}


def refused(variables: dict[str, str], role: str) -> set[str]:
    """The variables that the chassis complains of."""
    try:
        Settings.from_environment(variables, role)
    except ProblemsFound as error:
        return {problem.where for problem in error.problems}
    return set()


@on("pair", "pair in dev", "pair of queues", "sharded alone", "pooled")
def test_what_pods_are_given_is_what_the_chassis_reads(graph: Graph) -> None:
    for name, (role, variables) in environments(graph).items():
        recording = Recording(variables)
        read = Settings.from_environment(recording, role)
        assert variables.keys() - recording.read <= OF_TRACES, f"{name} is given what is never read"
        assert read.role == role
        assert len(read.database.shards) == max(generation.shards for generation in read.database.shard_map)
        assert bool(read.database.admins) == (role == "migrate")
        assert isinstance(read.events, KafkaSettings if graph.system.events.broker == "kafka" else QueueSettings)
        assert bool(read.events.sources) == (role in READING)


@on("pair in dev", "pair of queues")
def test_each_variable_is_needed(graph: Graph) -> None:
    """What makes the test above one that can fail."""
    for name, (role, variables) in environments(graph).items():
        for variable in variables.keys() - OPTIONAL:
            fewer = {key: variables[key] for key in variables.keys() - {variable}}
            assert variable in refused(fewer, role), f"{name} starts without {variable}"


DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
MAPS = [
    tuple(zip(days, widths, strict=True))
    for length in (1, 2, 3)
    for days in product(DAYS, repeat=length)
    for widths in product((1, 2, 3), repeat=length)
]
"""Generations in every order of days and of shards."""


def declared(generations: tuple[tuple[str, int], ...]) -> bool:
    lines = "".join(f"      - {{since: {since}, shards: {shards}}}\n" for since, shards in generations)
    try:
        parse_system(f"{SMALLEST}    shard_map:\n{lines}")
    except groundplan.problems.ProblemsFound as error:
        if {problem.path.partition("[")[0] for problem in error.problems} != {"services.note.shard_map"}:
            raise
        return False
    return True


def mapped(generations: tuple[tuple[str, int], ...], shards: int) -> bool:
    read = [ShardGeneration(date.fromisoformat(since), width) for since, width in generations]
    try:
        ShardMap(read, shards, SystemClock())
    except ProblemsFound:
        return False
    return True


@on("sharded alone")
def test_a_shard_map_is_good_for_all_who_read_it_or_for_none(graph: Graph) -> None:
    """The declaration, the settings of pods and their database go by one rule, and what is good gives databases enough
    (D3)."""
    role, variables = environments(graph)["order-command"]
    shard = json.loads(variables["DATABASE_SHARDS"])[0]
    good = 0
    for generations in MAPS:
        databases = shard_count(generations)
        told = {
            **variables,
            "DATABASE_SHARDS": json.dumps([shard] * databases),
            "DATABASE_SHARD_MAP": json.dumps([{"since": since, "shards": width} for since, width in generations]),
        }
        verdicts = {declared(generations), not refused(told, role), mapped(generations, databases)}
        assert len(verdicts) == 1, generations
        good += verdicts == {True}
    # Days that rise, with shards that don't become fewer: 3 x 3, 3 x 6 and 1 x 10.
    assert good == 37
