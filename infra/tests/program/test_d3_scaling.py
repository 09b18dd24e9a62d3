"""D3, P1: replicas, shards, cache and pools as planned, and room for ten times the load."""

from __future__ import annotations

import json

from groundplan.capacity import figures
from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import DEPLOYMENT, primaries, replicas, settings, shards

CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
PROXY = "aws:rds/proxy:Proxy"


def baseline(storage_gb: int) -> int | None:
    """The IOPS that are written out where the plan has those of the size: none below the size that RDS stripes."""
    return int(figures.GP3_STRIPED_IOPS) if storage_gb >= figures.GP3_STRIPED_FROM_GB else None


@on("dev", "prod", "queues", "sharded", "pooled")
def test_d3_every_shard_has_its_instance_at_the_planned_size(graph: Graph) -> None:
    wanted = [
        (
            planned.instance_class,
            storage,
            ceiling,
            planned.iops or baseline(storage),
        )
        for planned in graph.plan.databases
        for storage, ceiling in zip(planned.shard_storage_gb, planned.shard_max_storage_gb, strict=True)
    ]
    found = [
        tuple(each.inputs.get(key) for key in ("instanceClass", "allocatedStorage", "maxAllocatedStorage", "iops"))
        for each in primaries(graph)
    ]
    assert sorted(map(str, found)) == sorted(map(str, wanted))


@on("dev", "prod", "sharded", "pooled")
def test_d3_read_heavy_services_have_replicas_where_the_stack_wants_them(graph: Graph) -> None:
    expected = sum(planned.replicas * planned.shards for planned in graph.plan.databases)
    assert len(replicas(graph)) == expected
    assert bool(expected) is graph.environment.read_replicas
    sources = {each.inputs["identifier"]: each.parent for each in primaries(graph)}
    for replica in replicas(graph):
        assert sources[replica.inputs["replicateSourceDb"]] == replica.parent, replica.urn
    classes = {planned.replica_class for planned in graph.plan.databases if planned.replicas}
    assert {each.inputs["instanceClass"] for each in replicas(graph)} == classes


@on("prod", "sharded")
def test_d3_reads_go_to_the_replicas(graph: Graph) -> None:
    for workload in graph.plan.workloads:
        planned = graph.plan.database_of(workload.service)
        told = shards(graph, workload.name)
        assert len(told) == planned.shards
        for shard in told:
            assert len(shard["readers"]) == planned.replicas
            assert shard["writer"] not in shard["readers"]
            assert shard["reader_port"] == 5432
    addresses = {each.outputs["address"] for each in replicas(graph)}
    assert {
        reader for each in graph.plan.workloads for shard in shards(graph, each.name) for reader in shard["readers"]
    } == addresses


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


@on("dev", "prod", "sharded")
def test_d3_a_full_shard_is_told_before_it_is_full(graph: Graph) -> None:
    sizes = [each for each in graph.some("aws:cloudwatch/metricAlarm:MetricAlarm") if each.name.endswith("-shard-size")]
    assert len(sizes) == len(primaries(graph))
    for alarm in sizes:
        assert alarm.inputs["threshold"] == 0.8 * 1024 * 1024**2, "80 % of a terabyte, in KiB"
        (query,) = alarm.inputs["metricQueries"]
        assert "os.fileSys.used.avg" in query["expression"]


@on("dev", "prod", "queues", "pooled")
def test_d3_high_concurrency_shares_connections_to_the_writer(graph: Graph) -> None:
    proxied = [planned for planned in graph.plan.databases if planned.proxy]
    proxies = graph.of(PROXY)
    assert len(proxies) == sum(planned.shards for planned in proxied)
    assert bool(proxied) is graph.environment.database_proxy
    endpoints = {each.outputs["endpoint"] for each in proxies}
    addresses = {each.outputs["address"] for each in primaries(graph)}
    for workload in graph.plan.workloads:
        behind = endpoints if graph.plan.database_of(workload.service).proxy else addresses
        assert {shard["writer"] for shard in shards(graph, workload.name)} <= behind, workload.name


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


@on(*EITHER_BROKER)
def test_d3_connections_stay_within_the_databases_budget(graph: Graph) -> None:
    groups = {
        each.outputs["name"]: each.inputs["parameters"] for each in graph.some("aws:rds/parameterGroup:ParameterGroup")
    }
    budgets = {
        each.parent.rpartition("::db-")[2]: next(
            parameter["value"]
            for parameter in groups[each.inputs["parameterGroupName"]]
            if parameter["name"] == "max_connections"
        )
        for each in primaries(graph)
    }
    assert budgets == {planned.name: str(planned.max_connections) for planned in graph.plan.databases}
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["DATABASE_WRITER_CONNECTIONS"] == str(workload.primary_connections)
        assert told["DATABASE_READER_CONNECTIONS"] == str(workload.replica_connections)


@on(*EITHER_BROKER)
def test_d3_frequent_queries_are_answered_by_a_cache(graph: Graph) -> None:
    planned = graph.plan.cache
    assert planned is not None
    (cache,) = graph.some(CACHE)
    assert cache.inputs["nodeType"] == planned.node_type
    assert cache.inputs["numNodeGroups"] == planned.shards
    assert cache.inputs["replicasPerNodeGroup"] == planned.replicas
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["CACHE_HOST"] == cache.outputs["configurationEndpointAddress"]
        assert told["CACHE_CLUSTERED"] == "true"


@on("dev", "prod", "queues", "pooled")
def test_p1_pods_are_there_for_today_and_may_grow_to_ten_times(graph: Graph) -> None:
    scalers = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in graph.of("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")
    }
    for workload in graph.plan.workloads:
        deployment = graph.one(DEPLOYMENT, f"{workload.name}-deployment").inputs["spec"]
        (container,) = deployment["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == {
            "cpu": f"{workload.cpu_millicores}m",
            "memory": f"{workload.memory_mib}Mi",
        }
        if workload.max_pods == 1:
            assert deployment["replicas"] == 1
            assert workload.name not in scalers
        else:
            assert "replicas" not in deployment, "the autoscaler owns the count"
            scaler = scalers[workload.name]
            assert (scaler["minReplicas"], scaler["maxReplicas"]) == (workload.min_pods, workload.max_pods)
            (metric,) = scaler["metrics"]
            assert metric["resource"]["target"]["averageUtilization"] == workload.target_cpu_percent


@on("dev", "prod", "pooled")
def test_p1_the_cluster_holds_the_pods_of_ten_times_the_load(graph: Graph) -> None:
    pool = graph.plan.cluster
    (nodes,) = graph.some("kubernetes:karpenter.sh/v1:NodePool")
    assert nodes.inputs["spec"]["limits"] == {"cpu": str(pool.cpu_limit), "memory": f"{pool.memory_limit_gib}Gi"}
    for deployment in graph.some("kubernetes:apps/v1:Deployment"):
        surge = deployment.inputs["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        assert surge in (1, f"{figures.ROLLOUT_SURGE:.0%}"), "the pool's limit holds what a rollout starts"
    (quota,) = graph.some("kubernetes:core/v1:ResourceQuota")
    hard = quota.inputs["spec"]["hard"]
    assert int(hard["pods"]) > sum(workload.max_pods for workload in graph.plan.workloads)
    asked = sum(workload.max_pods * workload.cpu_millicores for workload in graph.plan.workloads) / 1000
    assert int(hard["requests.cpu"]) >= asked
