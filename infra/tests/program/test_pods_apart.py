"""No pod of another namespace reaches a service: what network policies admit by address holds no pod (e12)."""

from __future__ import annotations

import dataclasses
from functools import cache
from ipaddress import IPv4Network
from typing import Any

import pytest

from groundplan.changes import classify
from groundplan.cloud.model import Resource
from groundplan.controls import CONTROLS, CapturedProgram
from groundplan.program.admitted import admitted
from groundplan.stack.remembered import Remembered, deployed
from infra.tests.program.graphs import EXISTING, Graph, few, graph_of, group, simulated
from infra.tests.samples import stack, with_images

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SUBNET = "aws:ec2/subnet:Subnet"
CONTROL = CONTROLS["S1.pods-apart"]

pytestmark = pytest.mark.xdist_group(group("alone"))


def ranges_of(graph: Graph) -> set[str]:
    """What policies admit by address."""
    return {
        peer["ipBlock"]["cidr"]
        for policy in graph.some(POLICY)
        for rule in policy.inputs["spec"].get("ingress") or ()
        for peer in rule.get("from", ())
        if "ipBlock" in peer
    }


def cidrs(graph: Graph, tier: str) -> set[str]:
    return {each.inputs["cidrBlock"] for each in graph.some(SUBNET) if each.inputs["tags"]["tier"] == tier}


@cache
def moving() -> Graph:
    """The first deployment of a stack whose load balancer stands in the private subnets."""
    system = few("order")
    private = [str(cidr) for cidr in graph_of("alone").plan.network.private]
    environment = with_images(stack("prod"), system)
    return simulated("moving", system, environment.model_copy(update={"remembered": Remembered(load_balancer=private)}))


def before(graph: Graph) -> list[Resource]:
    """The same stack as earlier versions declared it."""
    private = {each.id: each for each in graph.some(SUBNET) if each.inputs["tags"]["tier"] == "private"}
    found = []
    for each in graph.resources:
        inputs: dict[str, Any] = dict(each.inputs)
        if "network-ingress" in each.name:
            continue
        if each.type == BALANCER:
            inputs["subnets"] = list(private)
        if each.type == POLICY and inputs["spec"].get("ingress"):
            peers = [{"ipBlock": {"cidr": subnet.inputs["cidrBlock"]}} for subnet in private.values()]
            inputs["spec"] = {**inputs["spec"], "ingress": [{**inputs["spec"]["ingress"][0], "from": peers}]}
        found.append(dataclasses.replace(each, inputs=inputs))
    return found


def test_pods_admit_the_load_balancers_subnets_and_no_nodes() -> None:
    graph = graph_of("alone")
    (balancer,) = graph.some(BALANCER)
    assert {
        graph_id.inputs["tags"]["tier"] for graph_id in graph.some(SUBNET) if graph_id.id in balancer.inputs["subnets"]
    } == {"ingress"}
    assert ranges_of(graph) == cidrs(graph, "ingress")
    (nodes,) = [each for each in graph.resources if each.type.endswith(":NodeClass")]
    tiers = {each.id: each.inputs["tags"]["tier"] for each in graph.some(SUBNET)}
    assert {tiers[each["id"]] for each in nodes.inputs["spec"]["subnetSelectorTerms"]} == {"private"}


def test_a_load_balancer_moves_in_place_and_is_admitted_all_the_while() -> None:
    graph = moving()
    assert graph.simulation.refusals == ()
    assert ranges_of(graph) == cidrs(graph, "ingress") | cidrs(graph, "private")
    changes = classify(before(graph), graph.resources).changes
    by_operation: dict[str, set[str]] = {}
    for each in changes:
        by_operation.setdefault(each.operation, set()).add(each.name)
    assert by_operation.keys() == {"create", "update"}
    assert all(name.startswith("network-ingress") for name in by_operation["create"])
    assert "balancer" in by_operation["update"]
    assert {each.data for each in changes} <= {"kept", "none"}


def test_the_next_deployment_admits_it_alone() -> None:
    graph = moving()
    memory = deployed([dataclasses.asdict(each) for each in graph.resources], graph.system.services)
    assert set(memory.load_balancer) == cidrs(graph, "ingress")
    environment = graph.environment.model_copy(update={"remembered": memory})
    assert set(admitted(graph.plan, environment)) == cidrs(graph, "ingress")


def test_the_control_says_what_is_open_while_it_moves() -> None:
    assert CONTROL.assess(graph_of("alone").captured).met
    findings = CONTROL.assess(moving().captured).findings
    assert findings
    assert all("deploy once more" in str(each) for each in findings)


@pytest.mark.parametrize(
    "peer",
    [
        {"ipBlock": {"cidr": "10.0.0.0/16"}},
        {"namespaceSelector": {}},
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "order-query"}}},
    ],
)
def test_a_policy_that_admits_other_namespaces_is_found(peer: dict[str, Any]) -> None:
    graph = graph_of("alone")
    policy = next(each for each in graph.some(POLICY) if each.inputs["spec"].get("ingress"))
    spec = {**policy.inputs["spec"], "ingress": [{"from": [peer], "ports": [{"port": 8080, "protocol": "TCP"}]}]}
    other = dataclasses.replace(policy, inputs={**policy.inputs, "spec": spec})
    resources = tuple(other if each is policy else each for each in graph.resources)
    captured: CapturedProgram = dataclasses.replace(graph.captured, resources=resources)
    (finding,) = CONTROL.assess(captured).findings
    assert finding.urn == policy.urn


def test_on_a_cluster_that_is_there_the_stack_names_the_subnets() -> None:
    plan = graph_of("alone").plan
    environment = stack("prod").model_copy(update={"existing_cluster": EXISTING})
    own = tuple(str(cidr) for cidr in EXISTING.ingress_subnets.values())
    assert admitted(plan, environment) == own
    among_pods = Remembered(load_balancer=list(EXISTING.private_subnet_ids))
    assert admitted(plan, environment.model_copy(update={"remembered": among_pods})) == (*own, str(EXISTING.vpc_cidr))
    without = EXISTING.model_copy(update={"ingress_subnets": {}})
    assert admitted(plan, environment.model_copy(update={"existing_cluster": without})) == (str(EXISTING.vpc_cidr),)
    assert IPv4Network(own[0]).subnet_of(EXISTING.vpc_cidr)
