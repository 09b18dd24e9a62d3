"""One Deployment and everything that keeps it available, current and apart from what it needn't reach.

It knows nothing of the system: what a workload does is in its image and `command`. Secrets never travel in its
environment, which carries their ARNs; the pod fetches them with its own identity.
"""

import re
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.cluster.access import TargetGroupBindingApi, object_options
from groundplan_components.shared.addresses import check_cidr
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.workload import _network_policy as pod_network
from groundplan_components.workload import _pod as pod
from groundplan_components.workload._network_policy import Destination

PORT = 8080

# From a pod's termination until no load balancer node sends it new requests: the endpoint is removed, the controller
# deregisters the target, and the load balancer's nodes hear of it. AWS's own guide sleeps this long.
# https://docs.aws.amazon.com/eks/latest/best-practices/load-balancing.html
SETTLE_SECONDS = 15

# What an application may take to leave once its last request is answered.
EXIT_SECONDS = 5


class WorkloadArgs(TypedDict):
    """One program, how many pods of it, how large, and whom it talks to."""

    namespace: pulumi.Input[str]
    """Kubernetes namespace in which it runs."""
    system: str
    """The system that it belongs to (label)."""
    role: str
    """What it does in the system, `api` or `consumer` for example (label)."""
    image: pulumi.Input[str]
    """Reference with a digest or an immutable tag."""
    min_pods: int
    """Pods that always run."""
    max_pods: int
    """Equal to ``min_pods``: their number is fixed."""
    cpu_millicores: int
    """Request, in thousandths of a CPU."""
    memory_mib: int
    """Request and limit, in MiB."""
    command: NotRequired[list[str]]
    """Arguments to the image's entry point. Default: the image's own."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Plain settings and ARNs; no secrets. A change rolls out. Default: none."""
    identity: NotRequired[pulumi.Input[str]]
    """`ServiceRole.association_id`: the pods start after it is there, restart when it changes, and may reach the agent
    that hands out its credentials. Default: no access to AWS."""
    migration: NotRequired[pulumi.Input[str]]
    """`Migration.completed`: the pods are replaced after it. Default: nothing is waited for."""
    egress: NotRequired[list[Destination]]
    """Where it may connect to, besides DNS and its identity. Default: nowhere."""
    serves: NotRequired[bool]
    """It answers requests: it gets a Service, and time for the last of them when it stops. Its health endpoints at the
    port are there either way. Default: true."""
    ingress_cidrs: NotRequired[list[pulumi.Input[str]]]
    """Networks that requests come from: the load balancer's subnets. Default: none."""
    callers: NotRequired[list[str]]
    """Workloads of the namespace that call it. Default: none."""
    target_group_arn: NotRequired[pulumi.Input[str]]
    """Target group of type `ip` in the cluster's network, already behind a listener: pods become ready only when the
    load balancer finds them healthy. Default: none."""
    binding: NotRequired[TargetGroupBindingApi]
    """What registers the pods in the target group. Default: EKS Auto Mode."""
    port: NotRequired[int]
    """Port of requests and health endpoints. Default: 8080."""
    drain_seconds: NotRequired[int]
    """Longest that a running request or message may take: `LoadBalancer` has the same. Default: 30."""
    cpu_target_percent: NotRequired[int]
    """Use of the CPU request that autoscaling aims at. Default: 60, a pod can then take two thirds more while others
    start."""
    memory_target_percent: NotRequired[int]
    """Use of the memory request that autoscaling aims at too. Default: memory doesn't count."""
    cpu_limit_millicores: NotRequired[int]
    """Limit, in thousandths of a CPU. Default: no limit, see `groundplan_components.workload._pod.resources`."""
    spread_zones: NotRequired[bool]
    """Pods spread evenly over zones, as a rule rather than a wish. Default: true."""
    priority_class: NotRequired[str]
    """Name of a PriorityClass of the cluster. Default: none."""


class Workload(pulumi.ComponentResource):
    """A Deployment, autoscaled, spread, drained, hardened and walled in (P2, P3, S1, S4, T4).

    The component's name is the Kubernetes name of all its objects.
    """

    host: pulumi.Output[str]
    """DNS name inside the cluster; empty for a workload that doesn't serve."""
    deployment_name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Workload", name, {}, opts)
        inside = object_options(self, opts)
        serves = args.get("serves", True)
        port = args.get("port", PORT)
        labels = pod.labels(name, args["system"], args["role"])
        metadata = {"name": name, "namespace": args["namespace"], "labels": labels}
        # A fixed number too: were the Deployment to say it, the change to a range would take it out again, and the API
        # server would go back to its default of one pod until the autoscaler is there.
        scaled = args["max_pods"] > 1

        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=inside
        )
        settings = _settings(name, args, labels, inside)
        wall = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network",
            metadata=metadata,
            spec=pod_network.policy_spec(
                name,
                pod_network.ingress(port, args.get("ingress_cidrs", []), args.get("callers", [])),
                pod_network.egress(args.get("egress", []), "identity" in args),
            ),
            opts=inside,
        )
        before: list[pulumi.Resource] = [wall]
        self.host = pulumi.Output.from_input("")
        if serves:
            service = kubernetes.core.v1.Service(
                f"{name}-service",
                # Pulumi would wait for pods, which themselves wait for the Service to be bound to the load balancer.
                metadata={**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
                spec={
                    "type": "ClusterIP",
                    "selector": pod.selector(name),
                    "ports": [{"name": "http", "port": 80, "target_port": "http", "protocol": "TCP"}],
                },
                opts=inside,
            )
            bound = service.metadata.apply(lambda known: known.name)
            self.host = pulumi.Output.concat(bound, ".", args["namespace"], ".svc")
            if "target_group_arn" in args:
                before.append(_bind(name, args, metadata, bound, inside))

        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata={
                **metadata,
                # Also the reason why the Deployment waits for the migration.
                **({"annotations": {"groundplan/migration": args["migration"]}} if "migration" in args else {}),
            },
            spec={
                # The autoscaler owns the count when there is one (pulumi-kubernetes#2491).
                **({} if scaled else {"replicas": args["min_pods"]}),
                "selector": {"match_labels": pod.selector(name)},
                "strategy": {
                    "type": "RollingUpdate",
                    "rolling_update": {"max_unavailable": 0, "max_surge": "25%"},
                },
                "min_ready_seconds": 10,
                "progress_deadline_seconds": 600,
                "revision_history_limit": 5,
                "template": _template(name, args, labels, account, settings),
            },
            opts=pulumi.ResourceOptions.merge(
                object_options(self, opts, before),
                # A new node and a pull may come before the first pod.
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m")),
            ),
        )
        self.deployment_name = deployment.metadata.apply(lambda known: known.name)
        if scaled:
            kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-scaling", metadata=metadata, spec=_scaling(args, self.deployment_name), opts=inside
            )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption",
            metadata=metadata,
            spec={
                "selector": {"match_labels": pod.selector(name)},
                # Rounded up, so a node can always be drained, one pod at a time where there are few.
                "max_unavailable": "10%",
                # A pod that never became ready protects nobody by staying on its node.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=inside,
        )
        self.register_outputs({"host": self.host, "deployment_name": self.deployment_name})


def _settings(
    name: str, args: WorkloadArgs, labels: dict[str, str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The environment as a ConfigMap named after its content: a change is another name and so a rollout, and pods of
    the old revision keep what they started with."""
    environment = args.get("environment", {})
    if not environment:
        return None
    named = pulumi.Output.all(**environment).apply(lambda known: f"{name}-{pod.digest(known)}")
    settings = kubernetes.core.v1.ConfigMap(
        f"{name}-settings",
        metadata={"name": named, "namespace": args["namespace"], "labels": labels},
        data=environment,
        immutable=True,
        opts=opts,
    )
    created: pulumi.Output[str] = settings.metadata.apply(lambda known: known.name)
    return created


def _bind(
    name: str,
    args: WorkloadArgs,
    metadata: dict[str, Any],
    service: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    # Both APIs have the same shape; `targetType` and the ARN are what Auto Mode insists on (containers-roadmap#2621).
    binding: pulumi.Resource = kubernetes.apiextensions.CustomResource(
        f"{name}-binding",
        api_version=_binding(f'Workload "{name}"', args).value,
        kind="TargetGroupBinding",
        metadata=metadata,
        spec={
            "serviceRef": {"name": service, "port": "http"},
            "targetGroupARN": args["target_group_arn"],
            "targetType": "ip",
        },
        opts=opts,
    )
    return binding


def _template(
    name: str,
    args: WorkloadArgs,
    labels: dict[str, str],
    account: kubernetes.core.v1.ServiceAccount,
    settings: pulumi.Output[str] | None,
) -> dict[str, Any]:
    serves = args.get("serves", True)
    port = args.get("port", PORT)
    extra: dict[str, Any] = {"ports": [{"name": "http", "container_port": port, "protocol": "TCP"}], **pod.probes(port)}
    if settings is not None:
        extra["env_from"] = [{"config_map_ref": {"name": settings}}]
    if serves:
        extra["lifecycle"] = {"pre_stop": {"sleep": {"seconds": SETTLE_SECONDS}}}
    return {
        "metadata": {
            "labels": labels,
            # Credentials are injected when a pod is created, so a new association needs new pods.
            **({"annotations": {"groundplan/identity": args["identity"]}} if "identity" in args else {}),
        },
        "spec": pod.pod(
            containers=[
                pod.container(
                    name,
                    args["image"],
                    pod.resources(args["cpu_millicores"], args["memory_mib"], args.get("cpu_limit_millicores")),
                    command=args.get("command", []),
                    extra=extra,
                )
            ],
            service_account=account.metadata.apply(lambda known: known.name),
            extra={
                "termination_grace_period_seconds": grace_seconds(serves, args.get("drain_seconds", 30)),
                "topology_spread_constraints": pod.spread(name, args.get("spread_zones", True)),
                **({"priority_class_name": args["priority_class"]} if "priority_class" in args else {}),
            },
        ),
    }


def grace_seconds(serves: bool, drain_seconds: int) -> int:
    """From the order to stop until the pod is killed: traffic stops, what runs ends, the process leaves."""
    return (SETTLE_SECONDS if serves else 0) + drain_seconds + EXIT_SECONDS


def _scaling(args: WorkloadArgs, deployment: pulumi.Output[str]) -> dict[str, Any]:
    targets = [("cpu", args.get("cpu_target_percent", 60))]
    if "memory_target_percent" in args:
        targets.append(("memory", args["memory_target_percent"]))
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": deployment},
        "min_replicas": args["min_pods"],
        "max_replicas": args["max_pods"],
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": resource, "target": {"type": "Utilization", "average_utilization": percent}},
            }
            for resource, percent in targets
        ],
        # Up at once, doubling every quarter minute; down slowly, and only after five quiet minutes.
        "behavior": {
            "scale_up": {
                "stabilization_window_seconds": 0,
                "select_policy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "period_seconds": 15},
                    {"type": "Pods", "value": 4, "period_seconds": 15},
                ],
            },
            "scale_down": {
                "stabilization_window_seconds": 300,
                "select_policy": "Max",
                "policies": [{"type": "Percent", "value": 10, "period_seconds": 60}],
            },
        },
    }


def _binding(component: str, args: WorkloadArgs) -> TargetGroupBindingApi:
    return choice(TargetGroupBindingApi, args.get("binding", TargetGroupBindingApi.AUTO_MODE), component, "binding")


def _check(name: str, args: WorkloadArgs) -> None:
    component = f'Workload "{name}"'
    _binding(component, args)
    pod.check_name(component, name)
    pod.check_image(component, args["image"])
    pod.check_quantities(component, args["cpu_millicores"], args["memory_mib"], args.get("cpu_limit_millicores"))
    pod.check_environment(component, args.get("environment", {}))
    pod_network.check_destinations(component, args.get("egress", []))
    for index, cidr in enumerate(args.get("ingress_cidrs", [])):
        check_cidr(component, f"ingress_cidrs[{index}]", cidr)
    require(args["min_pods"] >= 1, component, "min_pods", args["min_pods"], "at least 1", "pass the plan's figure")
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
    port = args.get("port", PORT)
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
    for argument, percent in (
        ("cpu_target_percent", args.get("cpu_target_percent", 60)),
        ("memory_target_percent", args.get("memory_target_percent", 60)),
    ):
        require(10 <= percent <= 95, component, argument, percent, "10 to 95 percent of the request", "use about 60")
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
        "the load balancer's subnets, for there is a target group",
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
