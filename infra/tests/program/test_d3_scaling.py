"""D3, P1: replicas, shards, cache and pools as planned, and room for ten times the load."""

from __future__ import annotations

import json

from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import DEPLOYMENT, primaries, replicas, settings, shards


@on("sharded")
def test_d3_over_a_terabyte_data_is_spread_over_shards(graph: Graph) -> None:
    (declared,) = [service.shard_map for service in graph.system.services.values() if service.shard_map]
    own = [each for each in primaries(graph) if each.name.startswith("db-order")]
    assert [each.name for each in own] == ["db-order-primary", *(f"db-order-{number}-primary" for number in (2, 3, 4))]
    for workload in graph.plan.workloads_of("order"):
        told = shards(graph, workload.name)
        assert len({shard["writer"] for shard in told}) == max(generation.shards for generation in declared)
        assert len({shard["secret_arn"] for shard in told}) == len(told), "each shard has a password of its own"
        generations = json.loads(settings(graph, workload.name)["DATABASE_SHARD_MAP"])
        assert generations == [{"since": each.since.isoformat(), "shards": each.shards} for each in declared]


@on("pooled")
def test_d3_poolers_stand_before_the_replicas(graph: Graph) -> None:
    pooled = [planned for planned in graph.plan.databases if planned.pooler]
    assert pooled
    for planned in pooled:
        assert planned.pooler is not None
        ini = graph.one("kubernetes:core/v1:ConfigMap", f"db-{planned.name}-readers-settings").inputs["data"][
            "pgbouncer.ini"
        ]
        own = [each for each in replicas(graph) if each.parent.endswith(f"::db-{planned.name}")]
        assert len(own) == planned.replicas
        assert f"host={','.join(each.outputs['address'] for each in own)} " in ini
        assert f"max_client_conn = {planned.pooler.max_client_connections}" in ini
        deployment = graph.one(DEPLOYMENT, f"db-{planned.name}-readers-deployment")
        assert deployment.inputs["spec"]["replicas"] == planned.pooler.pods
        scope = f"{graph.system.name}-{graph.environment.name}"
        for service in planned.services:
            for workload in graph.plan.workloads_of(service):
                (shard,) = shards(graph, workload.name)
                assert shard["readers"] == [f"db-{planned.name}-readers.{scope}.svc"]
                assert shard["reader_secret_arn"] != shard["secret_arn"]


@on("prod")
def test_p1_the_autoscaler_owns_the_count_of_pods(graph: Graph) -> None:
    """A count in the Deployment would take pods away at every update."""
    for workload in graph.plan.workloads:
        spec = graph.one("kubernetes:apps/v1:Deployment", f"{workload.name}-deployment").inputs["spec"]
        assert ("replicas" in spec) is (workload.max_pods == 1), workload.name
