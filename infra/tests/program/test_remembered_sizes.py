"""U3: a stack that was larger once is deployed again without a change that AWS refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.capacity import plan, remembered_after
from groundplan.cloud.only_raised import Shrunk, shrinks
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import Remembered, deployed
from infra.tests.program.graphs import Graph, few, graph_of, in_group, simulated
from infra.tests.samples import changed, stack, with_images


def state_of(graph: Graph) -> list[dict[str, Any]]:
    """The resources as `pulumi stack export` has them."""
    return [dataclasses.asdict(resource) for resource in graph.resources]


def memory_of(graph: Graph) -> Remembered:
    return deployed(state_of(graph), [*graph.system.services, "shared"])


@pytest.mark.parametrize("name", [in_group(name) for name in ("dev", "staging", "prod", "sharded", "queues")])
def test_the_state_holds_what_was_planned(name: str) -> None:
    """The names by which the state is read are those that the program gives."""
    graph = graph_of(name)
    planned = remembered_after(graph.plan).model_dump(exclude_defaults=True)
    assert sizes_of(memory_of(graph).model_dump(exclude_defaults=True), planned) == planned


def sizes_of(memory: Any, planned: Any) -> Any:
    """Of what is remembered, what a plan says too: it knows no versions, places and classes."""
    if isinstance(planned, dict):
        return {key: sizes_of(memory.get(key), value) for key, value in planned.items()}
    return memory


@pytest.mark.parametrize("name", [in_group("dev"), in_group("prod")])
def test_the_state_holds_where_the_stack_is_and_what_it_runs(name: str) -> None:
    """d4, d5, d6: names by which the state is read are those that the program gives."""
    graph = graph_of(name)
    memory = memory_of(graph)
    assert memory.region == graph.environment.region
    assert memory.vpc_cidr == str(graph.environment.vpc_cidr)
    assert memory.kubernetes_version == graph.environment.kubernetes_version
    for database in graph.plan.databases:
        remembered = memory.databases[database.name]
        assert str(remembered.postgres_version) == graph.environment.postgres_version
        assert remembered.primary_classes == [database.instance_class]
        assert remembered.replica_classes == ([database.replica_class] if database.replicas else [])
    planned = {each.name: each.max_pods for each in graph.plan.workloads}
    autoscaled = {each.name for each in graph.plan.workloads if each.max_pods > each.min_pods}
    assert memory.pods.items() <= planned.items()
    assert memory.pods.keys() >= autoscaled


def lowered(before: Graph, after: Graph) -> Iterator[tuple[str, Shrunk]]:
    for urn, resource in after.by_urn.items():
        if urn in before.by_urn:
            for found in shrinks(resource.type, before.by_urn[urn].inputs, resource.inputs):
                yield resource.name, found


def with_load(system: System, requests: float) -> System:
    return changed(system, requirements={"requests_per_second": requests})


def deployed_after(system: System, environment: Environment, memory: Remembered) -> Graph:
    return simulated("after", system, environment.model_copy(update={"remembered": memory}))


@pytest.mark.parametrize(
    ("name", "requests", "types"),
    [
        ("dev", 20_000, {"partitionCount", "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"}),
        ("prod", 10_000, {"partitionCount", "allocatedStorage", "maxAllocatedStorage"}),
    ],
)
def test_more_load_and_back(name: str, requests: float, types: set[str]) -> None:
    system = few("order", "payment", data_gb=10, data_growth_gb_per_month=1)
    environment = with_images(stack(name), system)
    large = simulated("before", with_load(system, requests), environment)
    forgetful = deployed_after(with_load(system, 10), environment, Remembered())
    assert {found.path for _, found in lowered(large, forgetful)} >= types, "this is what AWS refuses"
    remembering = deployed_after(with_load(system, 10), environment, memory_of(large))
    assert list(lowered(large, remembering)) == []
    assert remembering.simulation.refusals == ()
    assert remembering.plan.kept


def test_what_was_destroyed_is_planned_anew() -> None:
    """How to start anew: the part leaves the state, and with it the memory."""
    system = few("order", "payment")
    environment = stack("dev")
    large = simulated("before", with_load(system, 20_000), with_images(environment, system))
    without = [each for each in state_of(large) if each["name"] != "kafka-topic-order.placed"]
    memory = deployed(without, [*system.services, "shared"])
    assert memory.kafka is not None
    assert "order.placed" not in memory.kafka.topics
    small = with_load(system, 10)
    sized = plan(small, environment.model_copy(update={"remembered": memory}))
    fresh = plan(small, environment)
    assert sized.events is not None
    assert fresh.events is not None
    partitions = [{topic.event: topic.partitions for topic in each.events.topics} for each in (sized, fresh)]  # type: ignore[union-attr]
    assert partitions[0]["order.placed"] == partitions[1]["order.placed"]
    assert partitions[0]["payment.settled"] > partitions[1]["payment.settled"]


INSTANCE = "urn:pulumi:dev::shop::groundplan:index:Database$aws:rds/instance:Instance::"


def instance(name: str, **sizes: Any) -> dict[str, Any]:
    return {"urn": f"{INSTANCE}{name}", "type": "aws:rds/instance:Instance", "inputs": {}, "outputs": {}, **sizes}


def test_storage_that_grew_by_itself_is_remembered_once_the_state_knows() -> None:
    grown = instance(
        "db-order-primary",
        inputs={"allocatedStorage": 30, "maxAllocatedStorage": 340},
        outputs={"allocatedStorage": 120, "maxAllocatedStorage": 340},
    )
    assert deployed([grown], ["order"]).databases["order"].storage_gb == 120


def test_storage_that_waits_for_its_window_is_remembered_already() -> None:
    waiting = instance("db-order-primary", inputs={"allocatedStorage": 400}, outputs={"allocatedStorage": 30})
    assert deployed([waiting], ["order"]).databases["order"].storage_gb == 400


def test_the_largest_shard_counts_and_a_service_of_that_name_is_another() -> None:
    state = [
        instance("db-order-primary", inputs={"allocatedStorage": 30, "maxAllocatedStorage": 340}),
        instance("db-order-3-primary", inputs={"allocatedStorage": 50, "maxAllocatedStorage": 340}),
        instance("db-order-2-primary", inputs={"allocatedStorage": 70, "maxAllocatedStorage": 80}),
        instance("db-order-3-replica-1", outputs={"allocatedStorage": 60, "maxAllocatedStorage": 340}),
        instance("db-gone-primary", inputs={"allocatedStorage": 900}),
        instance("db-order-old-primary", inputs={"allocatedStorage": 900}, delete=True),
        instance("reports", inputs={"allocatedStorage": 900}),
    ]
    databases = deployed(state, ["order", "order-2"]).databases
    assert {name: size.storage_gb for name, size in databases.items()} == {"order": 60, "order-2": 70}


@pytest.mark.parametrize("state", [[], [{}], [{"type": "aws:msk/cluster:Cluster", "urn": "x", "inputs": None}]])
def test_a_state_without_sizes_remembers_nothing(state: list[dict[str, Any]]) -> None:
    assert not deployed(state, ["order"])
