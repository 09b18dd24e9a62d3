"""Arguments of `LoadBalancer`, and what an Application Load Balancer accepts of them."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.gateway._listener_rules import RULES_PER_LISTENER, LoadBalancerRoute, require_routes
from groundplan_components.shared.checks import require

HEALTH_PRIORITY = 1


class LoadBalancerArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets, in two zones or more."""
    target_cidrs: list[str]
    """Networks of the pods: the only destinations of the load balancer."""
    allowed_cidrs: NotRequired[list[str]]
    """Networks that may connect besides the gateway, which adds its own rule. Default: none."""
    routes: list[LoadBalancerRoute]
    """Paths and the workloads that answer them."""
    certificate_arn: NotRequired[pulumi.Input[str]]
    """Certificate of the host name that the gateway uses. Default: none, the listener speaks plain HTTP."""
    accept_tls_1_2: NotRequired[bool]
    """Accept TLS 1.2 beside 1.3: AWS doesn't document which versions its gateway speaks through a link. Default:
    false."""
    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the EKS cluster: Auto Mode's controller registers pods only in target groups that carry it. Default:
    none."""
    port: NotRequired[int]
    """Port of the pods. Default: 8080."""
    health_path: NotRequired[str]
    """Health check of the pods. Default: `/health/ready`."""
    drain_seconds: NotRequired[int]
    """Seconds that a stopping pod has to finish its requests: give `Workload` the same value. Default: 30."""
    slow_start_seconds: NotRequired[int]
    """Seconds over which a new pod's share grows, 30 to 900, or 0 for the full share at once. Default: 30."""
    rule_quota: NotRequired[int]
    """The account's quota of rules for a load balancer. Default: AWS's default of 100."""
    log_days: NotRequired[int]
    """Retention of access logs, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the load balancer and its access logs. Default: true."""


def check_load_balancer(name: str, args: LoadBalancerArgs) -> None:
    who = f'LoadBalancer "{name}"'
    require(
        len(args["subnet_ids"]) >= 2,
        who,
        "subnet_ids",
        f"a list of {len(args['subnet_ids'])}",
        "subnets in at least two zones",
        "give a private subnet of each zone",
    )
    require(bool(args["target_cidrs"]), who, "target_cidrs", [], "at least one network", "name the pods' networks")
    slow_start = args.get("slow_start_seconds", 30)
    require(
        slow_start == 0 or 30 <= slow_start <= 900,
        who,
        "slow_start_seconds",
        slow_start,
        "0, or 30 to 900 seconds",
        "choose 0 to turn it off",
    )
    delay = args.get("drain_seconds", 30)
    require(
        0 <= delay <= 3600,
        who,
        "drain_seconds",
        delay,
        "0 to 3600 seconds",
        "choose at least as long as a request may take",
    )
    health = args.get("health_path", "/health/ready")
    require(
        re.fullmatch(r"/[\w./-]*", health) is not None,
        who,
        "health_path",
        health,
        "a path",
        "write it like /health/ready",
    )
    require_routes(who, args["routes"], args.get("rule_quota", RULES_PER_LISTENER), HEALTH_PRIORITY)
