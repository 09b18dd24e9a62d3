"""P2: where the stack wants it, losing a zone loses no service."""

from __future__ import annotations

from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import primaries

SUBNET = "aws:ec2/subnet:Subnet"


@on("dev", "staging", "prod")
def test_p2_databases_have_a_standby_in_another_zone(graph: Graph) -> None:
    assert {each.inputs["multiAz"] for each in primaries(graph)} == {graph.environment.multi_zone}


@on("dev", "staging", "prod")
def test_p2_the_cache_fails_over_to_another_zone(graph: Graph) -> None:
    (cache,) = graph.some("aws:elasticache/replicationGroup:ReplicationGroup")
    assert cache.inputs["multiAzEnabled"] is graph.environment.multi_zone
    assert (cache.inputs["replicasPerNodeGroup"] > 0) is graph.environment.multi_zone


@on("dev", "prod")
def test_p2_the_network_spans_three_zones(graph: Graph) -> None:
    for tier in ("public", "private", "data"):
        found = [each.inputs["availabilityZone"] for each in graph.some(SUBNET) if each.inputs["tags"]["tier"] == tier]
        assert len(set(found)) == len(found) == 3, tier
    gateways = graph.some("aws:ec2/natGateway:NatGateway")
    assert len(gateways) == (3 if graph.environment.nat == "per_zone" else 1)
    assert len({each.inputs["subnetId"] for each in gateways}) == len(gateways)


@on("dev", "prod")
def test_p2_each_zone_leaves_by_its_own_nat(graph: Graph) -> None:
    private = {
        each.id: each.inputs["availabilityZone"]
        for each in graph.some(SUBNET)
        if each.inputs["tags"]["tier"] == "private"
    }
    public = {
        each.id: each.inputs["availabilityZone"]
        for each in graph.some(SUBNET)
        if each.inputs["tags"]["tier"] == "public"
    }
    gateways = {each.id: public[each.inputs["subnetId"]] for each in graph.some("aws:ec2/natGateway:NatGateway")}
    tables = {
        each.inputs["routeTableId"]: private.get(each.inputs["subnetId"])
        for each in graph.some("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    out = {
        tables[each.inputs["routeTableId"]]: gateways[each.inputs["natGatewayId"]]
        for each in graph.some("aws:ec2/route:Route")
        if "natGatewayId" in each.inputs
    }
    assert out.keys() == set(private.values())
    if graph.environment.nat == "per_zone":
        assert all(zone == gateway for zone, gateway in out.items())


@on("dev", "prod", "pooled")
def test_p2_pods_spread_over_zones(graph: Graph) -> None:
    for deployment in graph.some("kubernetes:apps/v1:Deployment"):
        constraints = deployment.inputs["spec"]["template"]["spec"]["topologySpreadConstraints"]
        zones = {each["topologyKey"]: each["whenUnsatisfiable"] for each in constraints}
        expected = "DoNotSchedule" if graph.environment.multi_zone else "ScheduleAnyway"
        assert zones["topology.kubernetes.io/zone"] == expected, deployment.urn


@on("prod", "pooled")
def test_p2_draining_a_node_leaves_pods_that_serve(graph: Graph) -> None:
    budgets = {each.inputs["metadata"]["name"] for each in graph.some("kubernetes:policy/v1:PodDisruptionBudget")}
    assert budgets == {each.inputs["metadata"]["name"] for each in graph.some("kubernetes:apps/v1:Deployment")}
    for workload in graph.plan.workloads:
        if workload.role in ("api", "command", "query"):
            assert workload.min_pods >= 2, workload.name


@on("prod")
def test_p2_events_survive_a_zone(graph: Graph) -> None:
    (cluster,) = graph.some("aws:msk/cluster:Cluster")
    assert len(cluster.inputs["brokerNodeGroupInfo"]["clientSubnets"]) == 3
    assert {each.inputs["replicationFactor"] for each in graph.some("aws:msk/topic:Topic")} == {3}
