"""P2: where the stack wants it, losing a zone loses no service."""

from __future__ import annotations

from groundplan.controls.captured import DEPLOYMENT, SERVING, SUBNET, CapturedProgram
from groundplan.controls.events import KAFKA_TOPIC
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import ROUTE, ROUTE_ASSOCIATION, requires_own_network
from groundplan.controls.reading import at, items, mappings
from groundplan.controls.transport import CACHE, KAFKA, requires_broker

NAT = "aws:ec2/natGateway:NatGateway"
ZONE = "topology.kubernetes.io/zone"
OFF = "`multi_zone` is off in this stack"
ZONES = 3


@control(
    "P2.database-standby",
    "Databases have a standby in another zone",
    "database.instance",
    remedy="pass `multi_zone` of the plan to `Database`",
)
def database_standby(program: CapturedProgram, check: Check) -> None:
    wanted = program.environment.multi_zone
    for database in program.primaries:
        check.same(database, "multiAz", wanted)
    if not wanted:
        check.not_applicable(OFF)


@control(
    "P2.cache-failover",
    "The cache fails over to another zone",
    "cache.cache",
    remedy="pass `multi_zone` and `replicas` of the plan to `Cache`",
)
def cache_failover(program: CapturedProgram, check: Check) -> None:
    wanted = program.environment.multi_zone
    for cache in check.some(CACHE):
        check.same(cache, "multiAzEnabled", wanted)
        replicas = cache.inputs.get("replicasPerNodeGroup")
        expected = "a replica or more" if wanted else "no replica"
        check.that(bool(replicas) is wanted, cache, "replicasPerNodeGroup", expected)
    if not wanted:
        check.not_applicable(OFF)


@control(
    "P2.network-zones",
    "The network spans three zones",
    "network.network",
    remedy="leave subnets to `Network`; `nat` of the stack says how many gateways there are",
)
def network_zones(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    for tier in ("public", "private", "data", "ingress"):
        subnets = program.tier(tier)
        zones = {str(each.inputs.get("availabilityZone")) for each in subnets.values()}
        if len(zones) < ZONES:
            check.missing(f"{tier} subnets in {ZONES} zones", found=f"{len(zones)}")
        for subnet in subnets.values():
            check.shown(subnet, "availabilityZone")
    gateways = program.of(NAT)
    wanted = {"per_zone": ZONES, "single": 1, "none": 0}.get(program.environment.nat)
    if wanted is not None and len(gateways) != wanted:
        check.missing(f"{wanted} NAT gateway(s), as `nat` of the stack says", found=f"{len(gateways)}")
    if len({str(each.inputs.get("subnetId")) for each in gateways}) != len(gateways):
        check.missing("NAT gateways in subnets of their own", found="shared")


@control(
    "P2.zone-nat",
    "Each zone leaves by its own NAT gateway",
    "network.network",
    remedy="set `nat` of the stack to per_zone, and leave routes to `Network`",
)
def zone_nat(program: CapturedProgram, check: Check) -> None:
    requires_own_network(program)
    if program.environment.nat != "per_zone":
        raise NotApplicable(f"`nat` is {program.environment.nat} in this stack")
    zones = {each.id: str(each.inputs.get("availabilityZone")) for each in program.of(SUBNET)}
    gateways = {each.id: zones.get(str(each.inputs.get("subnetId"))) for each in check.some(NAT)}
    private = program.tier("private")
    tables = {
        str(each.inputs.get("routeTableId")): zones.get(str(each.inputs.get("subnetId")))
        for each in program.of(ROUTE_ASSOCIATION)
        if each.inputs.get("subnetId") in private
    }
    for route in program.of(ROUTE):
        zone = tables.get(str(route.inputs.get("routeTableId")))
        gateway = route.inputs.get("natGatewayId")
        if zone is not None and gateway:
            check.that(gateways.get(str(gateway)) == zone, route, "natGatewayId", f"the NAT gateway in {zone}")
    if not check.evidence and not program.environment.network_firewall:
        check.missing("a route to NAT from each private subnet")
    elif not check.evidence:
        raise NotApplicable("what leaves goes by the network firewall (S1.egress-inspected)")


@control(
    "P2.pod-spread",
    "Pods spread over zones",
    "workload.workload",
    remedy="pass `spread_zones` to `Workload`, as `declare_services` does",
)
def pod_spread(program: CapturedProgram, check: Check) -> None:
    wanted = "DoNotSchedule" if program.environment.multi_zone else "ScheduleAnyway"
    for deployment in program.of(DEPLOYMENT):
        path = "spec.template.spec.topologySpreadConstraints"
        found = {str(each.get("topologyKey")): each for each in mappings(at(deployment.inputs, path))}
        unsatisfiable = at(found.get(ZONE), "whenUnsatisfiable")
        check.that(unsatisfiable == wanted, deployment, path, f"{wanted} over {ZONE}")
    if not program.of(DEPLOYMENT):
        raise NotApplicable("no service has an image yet")
    if not program.environment.multi_zone:
        check.not_applicable(OFF)


@control(
    "P2.pod-budgets",
    "Draining a node leaves pods that serve",
    "workload.workload",
    remedy="declare pods with `Workload`, which has a disruption budget, and two of those that serve",
)
def pod_budgets(program: CapturedProgram, check: Check) -> None:
    if not program.environment.multi_zone:
        raise NotApplicable(OFF)
    if not program.deployments:
        raise NotApplicable("no service has an image yet")
    guarded = {}
    for budget in program.of("kubernetes:policy/v1:PodDisruptionBudget"):
        labels = at(budget.inputs, "spec.selector.matchLabels") or {}
        guarded[str(labels.get("app.kubernetes.io/name"))] = budget
    for name, deployment in program.deployments.items():
        if name in guarded:
            check.shown(guarded[name], "spec.selector")
        else:
            check.missing("a disruption budget", deployment)
    for workload in program.workloads:
        if workload.role in SERVING and workload.min_pods < 2:
            check.missing(f"two pods or more of {workload.name}", program.deployments.get(workload.name))


@control(
    "P2.event-replication",
    "Events survive the loss of a zone",
    "events.kafka",
    remedy="leave brokers and replication to `Kafka`",
)
def event_replication(program: CapturedProgram, check: Check) -> None:
    requires_broker(program, "kafka")
    kafka = program.plan.events.kafka if program.plan.events else None
    if kafka is None:
        raise NotApplicable("no service publishes an event")
    if not program.environment.multi_zone and kafka.replication < ZONES:
        raise NotApplicable(OFF)
    for cluster in check.some(KAFKA):
        path = "brokerNodeGroupInfo.clientSubnets"
        check.that(len(items(at(cluster.inputs, path))) >= min(ZONES, kafka.brokers), cluster, path, "three subnets")
    for topic in program.of(KAFKA_TOPIC):
        check.same(topic, "replicationFactor", kafka.replication)
