"""Address space: subnets cut from a stack's own range by a rule that growth never changes (P1, S1, T4).

The layout depends on the range alone, never on load, services or options: a subnet that moves is replaced, with
all that lives in it. Each zone's private subnet is a quarter of the range; the last quarter holds sixteen blocks, of
which three are public subnets, three data subnets, one the firewall's and three the load balancer's; six are kept for
what is not known yet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import IPv4Network

from groundplan.capacity import figures
from groundplan.capacity.model import CachePlan, ClusterPlan, DatabasePlan, Decision, EventsPlan, NetworkPlan
from groundplan.capacity.wording import number
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.environment import Environment

NO_RANGE = "even a /16, the largest that AWS allows, is too small"


class TooLarge(ProblemsFound):
    """More addresses than the stack's range has."""


@dataclass(frozen=True, slots=True)
class Subnets:
    """Subnets by purpose, in the order of zones."""

    public: tuple[IPv4Network, ...]
    private: tuple[IPv4Network, ...]
    data: tuple[IPv4Network, ...]
    firewall: tuple[IPv4Network, ...]
    ingress: tuple[IPv4Network, ...]
    """The load balancer's own: no pod has an address in them, so that network policies can tell it from pods."""


def subnets(cidr: IPv4Network) -> Subnets:
    """The subnets of a range between /16 and /20. Raises ValueError for any other size."""
    if not figures.LARGEST_VPC_PREFIX <= cidr.prefixlen <= figures.SMALLEST_VPC_PREFIX:
        raise ValueError(
            f"{cidr} is not between /{figures.LARGEST_VPC_PREFIX:.0f} and /{figures.SMALLEST_VPC_PREFIX:.0f}"
        )
    zones = int(figures.ZONES)
    *private, rest = cidr.subnets(prefixlen_diff=2)
    blocks = list(rest.subnets(prefixlen_diff=4))
    firewall = list(blocks[2 * zones].subnets(new_prefix=28))
    return Subnets(
        public=tuple(blocks[:zones]),
        private=tuple(private),
        data=tuple(blocks[zones : 2 * zones]),
        firewall=tuple(firewall[:zones]),
        ingress=tuple(blocks[2 * zones + 1 : 3 * zones + 1]),
    )


def addresses(subnet: IPv4Network) -> int:
    """Addresses that AWS leaves to us."""
    return subnet.num_addresses - int(figures.RESERVED_ADDRESSES)


def node_addresses(pods_per_node: float) -> int:
    """Addresses that one node takes: its own, the /28 prefixes that its pods fill, and one more that is kept warm."""
    return 1 + int(figures.PREFIX_ADDRESSES) * (max(1, math.ceil(pods_per_node / figures.PREFIX_ADDRESSES)) + 1)


def private_addresses_needed(cluster: ClusterPlan, *, multi_zone: bool) -> int:
    """Addresses of one private subnet at full growth, with one of three zones lost, or with everything in one zone."""
    return private_addresses(cluster.nodes_grown, cluster.pods_grown, multi_zone=multi_zone)


def private_addresses(nodes: int, pods: int, *, multi_zone: bool) -> int:
    """Addresses of one private subnet for so many nodes and pods; what is shared is there without any."""
    zones = figures.ZONES - 1 if multi_zone else 1
    taken = math.ceil(nodes / zones) * node_addresses(math.ceil(pods / max(1, nodes)))
    return math.ceil(taken / figures.PREFIX_FRAGMENTATION) + int(figures.SHARED_PRIVATE_ADDRESSES)


def data_addresses_needed(
    databases: tuple[DatabasePlan, ...], cache: CachePlan | None, events: EventsPlan | None
) -> int:
    """Addresses of one data subnet, should everything that may be in any zone be in this one.

    An instance and its standby, each replica, a proxy's interfaces, cache nodes, brokers.
    """
    instances = sum(
        database.shards * (1 + database.multi_zone + database.replicas + 2 * database.proxy) for database in databases
    )
    nodes = cache.shards * (1 + cache.replicas) if cache else 0
    brokers = events.kafka.brokers if events and events.kafka else 0
    return instances + nodes + brokers


def plan_network(
    environment: Environment,
    cluster: ClusterPlan,
    databases: tuple[DatabasePlan, ...],
    cache: CachePlan | None,
    events: EventsPlan | None,
) -> tuple[NetworkPlan, tuple[Decision, ...]]:
    """The stack's subnets. Raises ProblemsFound when the range is of a wrong size or too small for full growth.

    On a cluster that the user already has, the range is theirs and is not checked.
    """
    cidr = environment.vpc_cidr
    private = private_addresses_needed(cluster, multi_zone=environment.multi_zone)
    data = data_addresses_needed(databases, cache, events)
    if environment.existing_cluster is None:
        _check(environment, private, data)
    elif not figures.LARGEST_VPC_PREFIX <= cidr.prefixlen <= figures.SMALLEST_VPC_PREFIX:
        _refuse_size(environment)
    layout = subnets(cidr)
    network = NetworkPlan(
        cidr=cidr,
        zones=int(figures.ZONES),
        public=layout.public,
        private=layout.private,
        data=layout.data,
        firewall=layout.firewall,
        ingress=layout.ingress,
        nat=environment.nat,
    )
    return network, _reasons(network, environment, private, data)


def _fits(prefix: int, private: int, data: int) -> bool:
    layout = subnets(IPv4Network((0, prefix)))
    return addresses(layout.private[0]) >= private and addresses(layout.data[0]) >= data


def _check(environment: Environment, private: int, data: int) -> None:
    prefix = environment.vpc_cidr.prefixlen
    if not figures.LARGEST_VPC_PREFIX <= prefix <= figures.SMALLEST_VPC_PREFIX:
        _refuse_size(environment)
    if _fits(prefix, private, data):
        return
    larger = range(int(figures.LARGEST_VPC_PREFIX), prefix)
    enough = max((candidate for candidate in larger if _fits(candidate, private, data)), default=None)
    layout = subnets(environment.vpc_cidr)
    needs = f"{private:,} addresses in each private subnet ({addresses(layout.private[0]):,} are there)"
    if data > addresses(layout.data[0]):
        needs += f" and {data:,} in each data subnet ({addresses(layout.data[0]):,} are there)"
    raise TooLarge(
        [
            Problem(
                where=f"Pulumi.{environment.name}.yaml",
                path="vpc_cidr",
                value=str(environment.vpc_cidr),
                expected=f"room for full growth (P1): {needs}",
                remedy=f"use a range of at least /{enough}; it can't be changed once the network exists"
                if enough
                else f"{NO_RANGE}: lower requirements.growth_factor, or split the system in two",
            )
        ]
    )


def _refuse_size(environment: Environment) -> None:
    raise ProblemsFound(
        [
            Problem(
                where=f"Pulumi.{environment.name}.yaml",
                path="vpc_cidr",
                value=str(environment.vpc_cidr),
                expected=f"a range between /{figures.LARGEST_VPC_PREFIX:.0f}, the largest that AWS allows, and "
                f"/{figures.SMALLEST_VPC_PREFIX:.0f}, below which the subnets get too small",
                remedy="use for example 10.0.0.0/16; it can't be changed once the network exists",
            )
        ]
    )


def _reasons(network: NetworkPlan, environment: Environment, private: int, data: int) -> tuple[Decision, ...]:
    theirs = "; unused: the cluster's own network is" if environment.existing_cluster else ""
    nat = {
        "none": "nothing leaves the private subnets but to AWS's endpoints",
        "single": "one gateway: cheap, and with its zone the way out is lost",
        "per_zone": "a gateway in each zone: losing one leaves the other zones their way out",
        "regional": "one gateway that AWS spreads over the zones",
    }[network.nat]
    free = addresses(network.private[0])
    return (
        Decision(
            "network",
            "cidr",
            str(network.cidr),
            f"configured; {network.cidr.num_addresses:,} addresses{theirs}",
            "P1",
            "configuration",
        ),
        Decision(
            "network",
            "zones",
            str(network.zones),
            "subnets in three zones everywhere: what votes needs three, and a stack may become multi-zone later",
            "T4",
            figures.ZONES.source,
        ),
        Decision("network", "public", _listed(network.public), "NAT gateways and nothing else", "S1", "layout"),
        Decision(
            "network",
            "private",
            _listed(network.private),
            f"nodes, pods and endpoints need {private:,} addresses at full growth with a zone lost, "
            f"{free:,} are there ({number(private / free * 100)} %)",
            "P1, S1",
            f"{figures.PREFIX_ADDRESSES.source}; {figures.PREFIX_FRAGMENTATION.source}",
        ),
        Decision(
            "network",
            "data",
            _listed(network.data),
            f"databases, cache and brokers need {data:,} addresses should all be in one zone, "
            f"{addresses(network.data[0]):,} are there; no way to the internet",
            "S1, S5",
            "layout",
        ),
        Decision(
            "network",
            "firewall",
            _listed(network.firewall),
            "kept for Network Firewall's endpoints, so that it can be added later",
            "S1",
            "AWS Network Firewall Developer Guide: a /28 a zone",
        ),
        Decision(
            "network",
            "ingress",
            _listed(network.ingress),
            "the load balancer and nothing else: pods admit these ranges, which no other pod has an address in",
            "S1",
            "Elastic Load Balancing, Application Load Balancers: a /27 and eight free addresses in each zone",
        ),
        Decision("network", "nat", network.nat, nat, "T4", figures.NAT_CONNECTIONS.source),
    )


def _listed(networks: tuple[IPv4Network, ...]) -> str:
    return ", ".join(str(network) for network in networks)
