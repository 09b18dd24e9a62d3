"""Arguments of `Network`, and the layouts that a VPC can have."""

from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.network._layout import require_layout
from groundplan_components.network.firewall import DEFAULT_DOMAINS, require_domains
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days


class NatMode(StrEnum):
    """How private subnets reach the internet."""

    NONE = "none"
    """No access."""
    SINGLE = "single"
    """One NAT gateway: cheap, but unavailable when its zone is."""
    PER_ZONE = "per_zone"
    """A NAT gateway in each zone."""
    REGIONAL = "regional"
    """One regional NAT gateway, which AWS spreads over the zones in use. It needs no public subnet."""


class NetworkArgs(TypedDict):
    vpc_cidr: str
    """The whole range, for example `10.0.0.0/16`."""
    public_cidrs: list[str]
    """One range for each zone, for resources that the internet may reach."""
    private_cidrs: list[str]
    """One range for each zone, for workloads."""
    data_cidrs: list[str]
    """One range for each zone, for data stores: reachable from the private subnets only."""
    ingress_cidrs: NotRequired[list[str]]
    """One range for each zone, for load balancers alone: pods that admit these ranges admit no other pod. Default:
    none."""
    firewall_cidrs: NotRequired[list[str]]
    """One range for each zone, for the network firewall's endpoints; needed with ``network_firewall``. Default:
    none."""
    zone_ids: NotRequired[list[str]]
    """Ids of the zones (`use1-az4`), one for each range: the same place in every account. Default: the first ones that
    are open to the account."""
    avoided_zone_ids: NotRequired[list[str]]
    """Ids of zones that lack a service: they come last, and only where there are too few others. Default: none."""
    nat: NotRequired[NatMode]
    """How private subnets reach the internet. Default: `per_zone`."""
    interface_endpoints: NotRequired[bool]
    """Reach AWS services inside the network. Default: true."""
    interface_services: NotRequired[list[str]]
    """Which AWS services. Default: what EKS and its workloads call."""
    network_firewall: NotRequired[bool]
    """Inspect traffic that leaves the private subnets. Default: false."""
    allowed_domains: NotRequired[list[str]]
    """Domains that the firewall allows. Default: AWS and the usual image registries."""
    log_days: NotRequired[int]
    """Retention of flow logs, in days. Default: 90."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the logs and the firewall's rules; its policy admits CloudWatch Logs."""
    protect: NotRequired[bool]
    """Refuse to delete the network and its firewall. Default: true."""


def nat_mode(component: str, args: NetworkArgs) -> NatMode:
    return choice(NatMode, args.get("nat", NatMode.PER_ZONE), component, "nat")


def check_network(name: str, args: NetworkArgs) -> None:
    who = f'Network "{name}"'
    require_log_days(who, args.get("log_days", 90))
    inspected = args.get("network_firewall", False)
    nat = nat_mode(who, args)
    chosen = args.get("zone_ids")
    require(
        chosen is None or len(set(chosen)) == len(chosen) == len(args["private_cidrs"]),
        who,
        "zone_ids",
        chosen,
        f"{len(args['private_cidrs'])} zones, one for each range, none twice",
        "name as many, or none",
    )
    tiers = {tier: args[tier] for tier in ("private_cidrs", "public_cidrs", "data_cidrs")}
    if "ingress_cidrs" in args:
        tiers["ingress_cidrs"] = args["ingress_cidrs"]
    if inspected:
        tiers["firewall_cidrs"] = args.get("firewall_cidrs", [])
        require_domains(who, args.get("allowed_domains", list(DEFAULT_DOMAINS)))
        require(
            nat in (NatMode.SINGLE, NatMode.PER_ZONE),
            who,
            "nat",
            nat.value,
            "`single` or `per_zone` behind a network firewall: its endpoints must lie between the subnets and NAT",
            "choose one of the two, or set network_firewall to false",
        )
    require_layout(who, args["vpc_cidr"], tiers)
