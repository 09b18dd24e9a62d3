"""S1: which pods reach which, where address ranges are all that a network policy sees."""

from __future__ import annotations

from ipaddress import IPv4Network

from groundplan.controls.captured import NETWORK_POLICY, CapturedProgram, listed
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import BALANCER, CLUSTER, balancer_ranges, network_of, peers, ranges_of
from groundplan.controls.reading import at, mappings


@control(
    "S1.pods-apart",
    "What pods admit by address holds no pod: other namespaces can't go round gateway and web firewall",
    "network.network",
    "gateway.load_balancer",
    "workload.workload",
    remedy="give `LoadBalancer` subnets of its own, as `declare_balancer` does, and `Workload` their ranges as "
    "`ingress_cidrs`. On a cluster that is there set `existing_cluster.ingress_subnets`. If the load balancer has just "
    "moved, deploy once more",
)
def pods_apart(program: CapturedProgram, check: Check) -> None:
    """A network policy can't tell a load balancer from a pod in the same subnet."""
    cluster = program.environment.existing_cluster
    if cluster:
        own = [IPv4Network(str(cidr)) for cidr in cluster.ingress_subnets.values()]
    else:
        used = set().union(*(listed(at(each.inputs, "vpcConfig.subnetIds")) for each in program.of(CLUSTER)))
        for nodes in program.of("kubernetes:eks.amazonaws.com/v1:NodeClass"):
            used |= {str(term.get("id")) for term in mappings(at(nodes.inputs, "spec.subnetSelectorTerms"))}
        pods = [IPv4Network(cidr) for cidr in ranges_of(program, used)]
        own = [IPv4Network(cidr) for cidr in balancer_ranges(program)]
        for balancer in check.some(BALANCER):
            apart = not any(each.overlaps(pod) for each in own for pod in pods)
            check.that(own and apart, balancer, "subnets", "subnets that no pod has an address in")
    expected = "ranges of the load balancer's subnets alone, which hold no pod"
    for policy in program.of(NETWORK_POLICY):
        ranges, _ = peers(policy, "ingress", "from")
        found = [network_of(cidr) for cidr, _ in ranges]
        foreign = any(
            "namespaceSelector" in peer
            for rule in mappings(at(policy.inputs, "spec.ingress"))
            for peer in mappings(rule.get("from"))
        )
        if found or foreign:
            closed = all(each is not None and any(each.subnet_of(one) for one in own) for each in found)
            check.that(closed and not foreign, policy, "spec.ingress", expected)
    if not check.evidence and not check.findings:
        raise NotApplicable("no service has an image yet")
