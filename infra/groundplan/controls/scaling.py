"""D3, P1: replicas, shards, cache and pools as planned, and room for the declared growth."""

from __future__ import annotations

from collections import Counter

from groundplan.capacity import figures
from groundplan.controls.captured import ALARM, CONFIG_MAP, DEPLOYMENT, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import requires_own_network
from groundplan.controls.reading import at, by_name, mappings, parsed_or_empty
from groundplan.controls.transport import CACHE, PROXY
from groundplan.controls.workloads import deployed, running

SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
SIZES = ("instanceClass", "allocatedStorage", "maxAllocatedStorage")
FULL_KIB = 0.8 * 1024 * 1024**2
"""80 % of a terabyte, in KiB: from there on a further generation of shards is due."""


@control(
    "D3.shards",
    "Every shard has its instance, at the planned size",
    "database.instance",
    remedy="pass the plan's sizes to `Database`, as `declare_databases` does; `shard_map` in `system.yaml` adds shards",
)
def shards(program: CapturedProgram, check: Check) -> None:
    wanted: Counter[tuple[object, ...]] = Counter(
        (planned.instance_class, storage, ceiling)
        for planned in program.plan.databases
        for storage, ceiling in zip(planned.shard_storage_gb, planned.shard_max_storage_gb, strict=True)
    )
    found: Counter[tuple[object, ...]] = Counter(
        tuple(each.inputs.get(size) for size in SIZES) for each in program.primaries
    )
    for size, count in (wanted - found).items():
        check.missing(f"{count} more instance(s) of {size[0]} with {size[1]} to {size[2]} GiB")
    for database in program.primaries:
        size = tuple(database.inputs.get(each) for each in SIZES)
        if size in wanted and found[size] <= wanted[size]:
            for each in SIZES:
                check.shown(database, each)
        else:
            check.missing("an instance of a planned size", database, "instanceClass", str(size[0]))
    for workload in program.workloads:
        planned = program.plan.database_of(workload.service)
        resource, told = program.settings(workload.name)
        if resource is None:
            continue
        all_told = len(program.shards(workload.name)) == planned.shards
        check.that(all_told, resource, "data.DATABASE_SHARDS", f"{planned.shards} shard(s)")
        declared = program.system.services[workload.service].shard_map
        # A shared instance is one shard, regardless of the services' maps.
        if declared and not program.environment.shared_database:
            generations = [{"since": each.since.isoformat(), "shards": each.shards} for each in declared]
            said = parsed_or_empty(f'{{"map": {told.get("DATABASE_SHARD_MAP") or "[]"}}}').get("map")
            check.that(said == generations, resource, "data.DATABASE_SHARD_MAP", "the declared generations")


@control(
    "D3.replicas",
    "Read-heavy services have read replicas, where the stack wants them",
    "database.instance",
    remedy="pass `replicas` of the plan to `Database`; `read_replicas` of the stack switches them off",
)
def replicas(program: CapturedProgram, check: Check) -> None:
    wanted = sum(planned.replicas * planned.shards for planned in program.plan.databases)
    found = program.replicas
    primaries = {str(each.inputs.get("identifier")): each for each in program.primaries}
    classes = {planned.replica_class for planned in program.plan.databases if planned.replicas}
    for replica in found:
        source = str(replica.inputs.get("replicateSourceDb"))
        known = source in primaries or source in {str(each.outputs.get("arn")) for each in program.primaries}
        check.that(known, replica, "replicateSourceDb", "a database of this stack")
        check.that(replica.inputs.get("instanceClass") in classes, replica, "instanceClass", "the planned class")
    if len(found) != wanted:
        check.missing(f"{wanted} read replica(s)", found=f"{len(found)}")
    if not wanted:
        reason = "`read_replicas` is off in this stack" if not program.environment.read_replicas else "none is needed"
        raise NotApplicable(reason)


@control(
    "D3.replica-reads",
    "Reads go to the replicas",
    "workload.workload",
    remedy="leave `DATABASE_SHARDS` to `declare_services`",
)
def replica_reads(program: CapturedProgram, check: Check) -> None:
    addresses = {str(each.outputs.get("address")) for each in program.replicas}
    wanted = {w.service for w in program.workloads if program.plan.database_of(w.service).replicas}
    if not wanted:
        raise NotApplicable("no database of a service that runs has a replica")
    used: set[str] = set()
    for workload, resource, _ in running(program, check):
        planned = program.plan.database_of(workload.service)
        for shard in program.shards(workload.name):
            read = {str(each) for each in shard.get("readers") or ()}
            used |= read
            apart = shard.get("writer") not in read
            right = read <= addresses and len(read) == planned.replicas if not planned.pooler else len(read) == 1
            check.that(apart and right, resource, "data.DATABASE_SHARDS", f"{planned.replicas} replica(s) as readers")
    for address in addresses - used if not any(each.pooler for each in program.plan.databases) else ():
        if program.services.keys() >= program.system.services.keys():
            check.missing(f"a service that reads from {address}")


@control(
    "D3.proxies",
    "Where many connections are opened, pods share them by a proxy",
    "database.proxy",
    remedy="declare `DatabaseProxy` and tell pods its endpoint, as `declare_databases` does (`database_proxy`)",
)
def proxies(program: CapturedProgram, check: Check) -> None:
    wanted = sum(planned.shards for planned in program.plan.databases if planned.proxy)
    found = program.of(PROXY)
    if len(found) != wanted:
        check.missing(f"{wanted} database proxies", found=f"{len(found)}")
    for proxy in found:
        check.shown(proxy)
    endpoints = {str(each.outputs.get("endpoint")) for each in found}
    addresses = {str(each.outputs.get("address")) for each in program.primaries}
    for workload in program.workloads:
        resource, _ = program.settings(workload.name)
        planned = program.plan.database_of(workload.service)
        behind = endpoints if planned.proxy else addresses
        writers = {str(shard.get("writer")) for shard in program.shards(workload.name)}
        if resource is not None:
            expected = "the proxy of its database" if planned.proxy else "the instance of its database"
            check.that(writers and writers <= behind, resource, "data.DATABASE_SHARDS", expected)
    if not wanted:
        reason = "`database_proxy` is off in this stack" if not program.environment.database_proxy else "none is needed"
        raise NotApplicable(reason)


@control(
    "D3.poolers",
    "Where many connections are opened, poolers stand before the replicas",
    "database.pooler",
    remedy="declare `Pooler` with the plan's pods and connections, as `declare_databases` does",
)
def poolers(program: CapturedProgram, check: Check) -> None:
    wanted = {planned.name: planned.pooler for planned in program.plan.databases if planned.pooler}
    if not wanted:
        raise NotApplicable("no database of this stack needs a pooler")
    settings = {}
    for config in program.of(CONFIG_MAP):
        if "pgbouncer.ini" in (config.inputs.get("data") or {}):
            settings[str(at(config.inputs, "metadata.name"))] = config
    for name, planned in wanted.items():
        deployment = program.deployments.get(f"db-{name}-readers")
        if deployment is None:
            check.missing(f"a pooler before the replicas of {name}")
            continue
        check.same(deployment, "spec.replicas", planned.pods)
        mounted = {
            str(at(source, "configMap.name"))
            for volume in mappings(at(deployment.inputs, "spec.template.spec.volumes"))
            for source in (volume, *mappings(at(volume, "projected.sources")))
        }
        own = [each for key, each in settings.items() if key in mounted]
        pooling = check.one(own, "one ConfigMap with pgbouncer.ini", deployment)
        if pooling:
            path = ("data", "pgbouncer.ini")
            limit = f"max_client_conn = {planned.max_client_connections}"
            check.that(limit in str(at(pooling.inputs, path)), pooling, path, limit)


@control(
    "D3.connections",
    "Connections stay within the databases' budget",
    "database.instance",
    remedy="pass `max_connections` of the plan to `Database`, and its connections to workloads",
)
def connections(program: CapturedProgram, check: Check) -> None:
    groups = program.by_output("aws:rds/parameterGroup:ParameterGroup", "name")
    wanted = {str(planned.max_connections) for planned in program.plan.databases}
    for database in program.primaries:
        group = groups.get(str(database.inputs.get("parameterGroupName")))
        if group is None:
            check.missing("a parameter group of this stack", database, "parameterGroupName")
            continue
        limit = str(by_name(group.inputs.get("parameters")).get("max_connections"))
        check.that(limit in wanted, group, "parameters", f"max_connections = {' or '.join(sorted(wanted))}")
    for workload in program.workloads:
        resource, _ = program.settings(workload.name)
        if resource is not None:
            check.same(resource, "data.DATABASE_WRITER_CONNECTIONS", str(workload.primary_connections))
            check.same(resource, "data.DATABASE_READER_CONNECTIONS", str(workload.replica_connections))


@control(
    "D3.shard-alarm",
    "A full shard is told before it is full",
    "database.instance",
    remedy="leave the alarm on a shard's size to `Database`",
)
def shard_alarm(program: CapturedProgram, check: Check) -> None:
    sizes = [
        each
        for each in program.of(ALARM)
        if any(
            "os.fileSys.used.avg" in str(query.get("expression"))
            for query in mappings(each.inputs.get("metricQueries"))
        )
    ]
    if len(sizes) < len(program.primaries):
        check.missing(f"{len(program.primaries)} alarm(s) on a shard's size", found=f"{len(sizes)}")
    for alarm in sizes:
        check.same(alarm, "threshold", FULL_KIB, "80 % of a terabyte, in KiB")


@control(
    "D3.cache",
    "Frequent queries are answered by a cache of the planned size",
    "cache.cache",
    remedy="pass the plan's node type and counts to `Cache`, as `declare_cache` does",
)
def cache(program: CapturedProgram, check: Check) -> None:
    planned = program.plan.cache
    if planned is None:
        raise NotApplicable("no service has a cached resource")
    endpoints = set()
    for group in check.some(CACHE):
        check.same(group, "nodeType", planned.node_type)
        check.same(group, "numNodeGroups", planned.shards)
        check.same(group, "replicasPerNodeGroup", planned.replicas)
        endpoints.add(group.outputs.get("configurationEndpointAddress"))
    for _, resource, told in running(program, check) if program.workloads else ():
        check.that(told.get("CACHE_HOST") in endpoints, resource, "data.CACHE_HOST", "the cache's endpoint")
        check.same(resource, "data.CACHE_CLUSTERED", "true")


@control(
    "P1.pods",
    "Pods are there for today's load and may grow to the declared multiple",
    "workload.workload",
    remedy="pass `min_pods` and `max_pods` of the plan to `Workload`, as `declare_services` does",
)
def pods(program: CapturedProgram, check: Check) -> None:
    scalers = program.objects(SCALER)
    for workload, deployment in deployed(program, check):
        path = "spec.template.spec.containers.0.resources.requests"
        check.same(deployment, f"{path}.cpu", f"{workload.cpu_millicores}m")
        check.same(deployment, f"{path}.memory", f"{workload.memory_mib}Mi")
        scaler = scalers.get(workload.name)
        if workload.max_pods == 1:
            check.same(deployment, "spec.replicas", 1)
            if scaler is not None:
                check.missing("no autoscaler: one pod is planned", scaler, "", "an autoscaler")
        elif scaler is None:
            check.missing(f"an autoscaler from {workload.min_pods} to {workload.max_pods} pods", deployment)
        else:
            check.same(scaler, "spec.minReplicas", workload.min_pods)
            check.same(scaler, "spec.maxReplicas", workload.max_pods)
            check.same(scaler, "spec.metrics.0.resource.target.averageUtilization", workload.target_cpu_percent)


@control(
    "P1.nodes",
    "The cluster holds the pods of the declared growth",
    "cluster.node_pool",
    "workload.namespace",
    remedy="pass the plan's limits to `NodePool` and `Namespace`, as `declare_platform` does",
)
def nodes(program: CapturedProgram, check: Check) -> None:
    for deployment in program.of(DEPLOYMENT):
        path = "spec.strategy.rollingUpdate.maxSurge"
        surge = (1, f"{figures.ROLLOUT_SURGE:.0%}")
        expected = f"{surge[1]}: the pool's limit holds what a rollout starts"
        check.that(at(deployment.inputs, path) in surge, deployment, path, expected)
    most = sum(workload.max_pods for workload in program.plan.workloads)
    cpu = sum(workload.max_pods * workload.cpu_millicores for workload in program.plan.workloads) / 1000
    for quota in check.some("kubernetes:core/v1:ResourceQuota"):
        hard = at(quota.inputs, "spec.hard") or {}
        check.that(_whole(hard.get("pods")) > most, quota, "spec.hard.pods", f"more than {most}")
        enough = _whole(hard.get("requests.cpu")) >= cpu
        check.that(enough, quota, ("spec", "hard", "requests.cpu"), f"{cpu:g} or more")
    requires_own_network(program)
    pool = program.plan.cluster
    for node_pool in check.some("kubernetes:karpenter.sh/v1:NodePool"):
        check.same(node_pool, "spec.limits.cpu", str(pool.cpu_limit))
        check.same(node_pool, "spec.limits.memory", f"{pool.memory_limit_gib}Gi")


def _whole(quantity: object) -> int:
    text = str(quantity)
    return int(text) if text.isdecimal() else -1
