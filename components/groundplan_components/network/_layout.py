"""Checks that the address ranges of a network fit together; pure."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from itertools import combinations

from groundplan_components.shared.checks import require

# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
LARGEST_PREFIX = 16
SMALLEST_PREFIX = 28
MAX_ZONES = 3
MIN_ZONES = 2
"""An application load balancer, an RDS subnet group and an EKS cluster each need two zones."""


def require_layout(component: str, cidr: str, tiers: Mapping[str, Sequence[str]]) -> None:
    """Require one subnet in each zone for each tier, inside the network, of a size that AWS allows, without overlaps.

    ``tiers`` is argument name to address ranges. Raises pulumi.RunError.
    """
    whole = _network(component, "vpc_cidr", cidr)
    zones = len(next(iter(tiers.values())))
    subnets: list[tuple[str, IPv4Network]] = []
    for argument, ranges in tiers.items():
        require(
            MIN_ZONES <= len(ranges) <= MAX_ZONES and len(ranges) == zones,
            component,
            argument,
            list(ranges),
            f"one address range for each zone, {MIN_ZONES} or {MAX_ZONES} in every tier",
            f"give {zones if MIN_ZONES <= zones <= MAX_ZONES else MAX_ZONES} ranges",
        )
        for index, text in enumerate(ranges):
            path = f"{argument}[{index}]"
            subnet = _network(component, path, text)
            require(
                subnet.subnet_of(whole),
                component,
                path,
                text,
                f"a part of the network's own range {cidr}",
                "choose a range inside it, or a larger network",
            )
            subnets.append((path, subnet))
    for (first_path, first), (second_path, second) in combinations(subnets, 2):
        require(
            not first.overlaps(second),
            component,
            second_path,
            str(second),
            f"a range of its own; {first_path} is {first}",
            "move one of the two",
        )


def _network(component: str, argument: str, text: str) -> IPv4Network:
    try:
        found = IPv4Network(text)
    except ValueError:
        found = None
    size = found is not None and LARGEST_PREFIX <= found.prefixlen <= SMALLEST_PREFIX
    require(
        size,
        component,
        argument,
        text,
        f"an IPv4 range from /{LARGEST_PREFIX} to /{SMALLEST_PREFIX} whose host bits are zero",
        "write it like 10.0.0.0/16",
    )
    return IPv4Network(text)
