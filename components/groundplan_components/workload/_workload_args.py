"""Arguments of `Workload`, and what Kubernetes accepts of them."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared import network_policy as pod_network
from groundplan_components.shared import pod
from groundplan_components.shared.addresses import check_cidr
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.cluster_access import TargetGroupBindingApi
from groundplan_components.shared.network_policy import Destination

WORKLOAD_PORT = 8080


class WorkloadArgs(TypedDict):
    """Program, number and size of pods, and network access of a workload."""

    namespace: pulumi.Input[str]
    """Kubernetes namespace in which it runs."""
    system: str
    """The system that it belongs to (label)."""
    role: str
    """Role in the system, for example `api` or `consumer` (label)."""
    image: pulumi.Input[str]
    """Reference with a digest or an immutable tag."""
    min_pods: int
    """Least number of pods."""
    max_pods: int
    """Largest number of pods; equal to ``min_pods`` for a fixed number."""
    cpu_millicores: int
    """Request, in thousandths of a CPU."""
    memory_mib: int
    """Request and limit, in MiB."""
    command: NotRequired[list[str]]
    """Arguments to the image's entry point. Default: the image's own."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Plain settings and ARNs; no secrets. A change rolls out. Default: none."""
    identity: NotRequired[pulumi.Input[str]]
    """`ServiceRole.association_id`: the pods start after it exists, restart when it changes, and may reach the agent
    that issues its credentials. Default: no access to AWS."""
    migration: NotRequired[pulumi.Input[str]]
    """`Migration.completed`: new pods start after it. Default: they start at once."""
    egress: NotRequired[list[Destination]]
    """Destinations that it may connect to, besides DNS and its identity. Default: nowhere."""
    serves: NotRequired[bool]
    """Whether it answers requests: it then gets a Service, and time to finish requests when it stops. It has health
    endpoints at the port either way. Default: true."""
    ingress_cidrs: NotRequired[list[pulumi.Input[str]]]
    """Networks that requests come from: the load balancer's subnets. Default: none."""
    callers: NotRequired[list[str]]
    """Workloads of the namespace that call it. Default: none."""
    target_group_arn: NotRequired[pulumi.Input[str]]
    """Target group of type `ip` in the cluster's network, already behind a listener: pods become ready only when the
    load balancer finds them healthy. Default: none."""
    binding: NotRequired[TargetGroupBindingApi]
    """The controller that registers the pods in the target group. Default: EKS Auto Mode."""
    span_port: NotRequired[int]
    """Port of each node's OpenTelemetry collector (OTLP over HTTP), which the program is told of: name the nodes'
    networks in ``egress`` too. Default: none, no traces."""
    port: NotRequired[int]
    """Port of requests and health endpoints. Default: 8080."""
    watched: NotRequired[bool]
    """Whether the program ends itself when it hangs, as services of the chassis do: liveness then takes an open port,
    which load doesn't delay. Default: false, liveness takes an answer from `/health/live`."""
    drain_seconds: NotRequired[int]
    """Longest duration of a request or message: give `LoadBalancer` the same value. Default: 30."""
    cpu_target_percent: NotRequired[int]
    """Utilisation of the CPU request that autoscaling targets. Default: 60, a pod can then take two thirds more load
    while others start."""
    memory_target_percent: NotRequired[int]
    """Utilisation of the memory request that autoscaling targets, too. Default: memory doesn't count."""
    cpu_limit_millicores: NotRequired[int]
    """Limit, in thousandths of a CPU. Default: no limit, see `groundplan_components.shared.pod.resources`."""
    spread_zones: NotRequired[bool]
    """Whether pods must spread evenly over zones. Default: true."""
    priority_class: NotRequired[str]
    """Name of a PriorityClass of the cluster. Default: none."""


def binding_api(component: str, args: WorkloadArgs) -> TargetGroupBindingApi:
    return choice(TargetGroupBindingApi, args.get("binding", TargetGroupBindingApi.AUTO_MODE), component, "binding")


def check_workload(name: str, args: WorkloadArgs) -> None:
    component = f'Workload "{name}"'
    binding_api(component, args)
    pod.check_name(component, name)
    pod.check_image(component, args["image"])
    pod.check_quantities(component, args["cpu_millicores"], args["memory_mib"], args.get("cpu_limit_millicores"))
    pod.check_environment(component, args.get("environment", {}))
    pod_network.check_destinations(component, args.get("egress", []))
    for index, cidr in enumerate(args.get("ingress_cidrs", [])):
        check_cidr(component, f"ingress_cidrs[{index}]", cidr)
    require(args["min_pods"] >= 1, component, "min_pods", args["min_pods"], "at least 1", "raise it")
    require(
        args["max_pods"] >= args["min_pods"],
        component,
        "max_pods",
        args["max_pods"],
        f"at least min_pods, which is {args['min_pods']}",
        "raise max_pods",
    )
    for label in ("system", "role"):
        value = args["system"] if label == "system" else args["role"]
        require(
            re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value) is not None,
            component,
            label,
            value,
            "a Kubernetes label: at most 63 letters, digits, hyphens, points and underscores",
            "shorten or rename it",
        )
    port = args.get("port", WORKLOAD_PORT)
    require(
        1024 <= port <= 65_535,
        component,
        "port",
        port,
        "1024 to 65535: the pod isn't root and can't open a lower one",
        "let the program listen on 8080",
    )
    # A target group's deregistration delay is at most an hour.
    drain = args.get("drain_seconds", 30)
    require(0 <= drain <= 3600, component, "drain_seconds", drain, "0 to 3600 seconds", "pass the longest request")
    # A pod that waits for slow statements never uses more than a few percent of its CPU; its memory is never that low.
    for argument, least, percent in (
        ("cpu_target_percent", 1, args.get("cpu_target_percent", 60)),
        ("memory_target_percent", 10, args.get("memory_target_percent", 60)),
    ):
        expected = f"{least} to 95 percent of the request"
        require(least <= percent <= 95, component, argument, percent, expected, "use about 60")
    _check_reach(component, args)


def _check_reach(component: str, args: WorkloadArgs) -> None:
    serves = args.get("serves", True)
    reached = bool(args.get("ingress_cidrs") or args.get("callers"))
    require(
        serves or not (reached or "target_group_arn" in args),
        component,
        "serves",
        serves,
        "true for a workload that the load balancer or other workloads call",
        "set serves, or remove ingress_cidrs, callers and target_group_arn",
    )
    require(
        "target_group_arn" not in args or bool(args.get("ingress_cidrs")),
        component,
        "ingress_cidrs",
        args.get("ingress_cidrs", []),
        "the load balancer's subnets, because there is a target group",
        "pass their address ranges, or no pod ever becomes healthy",
    )
    if "target_group_arn" in args and isinstance(args["target_group_arn"], str):
        arn = args["target_group_arn"]
        require(
            re.fullmatch(r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/.+", arn) is not None,
            component,
            "target_group_arn",
            arn,
            "the ARN of a target group",
            "bindings by name are refused by EKS Auto Mode: pass the ARN",
        )
