"""The settings that the program gives to pods are those that the chassis reads: all, and no others."""

from __future__ import annotations

from chassis.problems import ProblemsFound
from chassis.settings import READING, KafkaSettings, QueueSettings, Settings
from tests.program.graphs import Graph, on
from tests.program.reading import migration_settings, settings


class Recording(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.asked: set[str] = set()

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        self.asked.add(key)
        return super().get(key, default)


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
        assert variables.keys() - recording.asked == set(), f"{name} is given what nobody reads"
        assert read.role == role
        assert len(read.database.shards) == max(generation.shards for generation in read.database.shard_map)
        assert bool(read.database.admins) == (role == "migrate")
        assert isinstance(read.events, KafkaSettings if graph.system.events.broker == "kafka" else QueueSettings)
        assert bool(read.events.sources) == (role in READING)


@on("pair in dev", "pair of queues")
def test_each_variable_is_needed(graph: Graph) -> None:
    """What makes the test above one that can fail."""
    for name, (role, variables) in environments(graph).items():
        for variable in variables.keys() - {"WORKLOAD_ROLE", "EVENTS_BROKER"}:
            fewer = {key: variables[key] for key in variables.keys() - {variable}}
            assert variable in refused(fewer, role), f"{name} starts without {variable}"
