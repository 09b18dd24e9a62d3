"""Nodes of an EKS Auto Mode cluster: a node class (their kind) and a node pool (their number).

Auto Mode itself denies pods the instance metadata service, requires its second version, and patches and replaces
machines. Node classes carry no tags of ours: the managed policies don't allow them
(https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html).
"""

from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.cluster_access import object_options
from groundplan_components.shared.pod import check_name

# Auto Mode ends a node's life after 21 days at the latest.
# https://docs.aws.amazon.com/eks/latest/userguide/automode-learn-instances.html
MAX_NODE_HOURS = 504


class Architecture(Enum):
    """Processors that images are built for. Graviton (`arm64`) costs about a fifth less for the same work, but needs
    images built for it; most laptops and pipelines build `amd64` by default. `any` needs multi-platform images and lets
    Auto Mode choose the cheapest."""

    AMD64 = "amd64"
    ARM64 = "arm64"
    ANY = "any"


class UnmatchedTraffic(Enum):
    """Traffic of a new pod until its network policies have reached the node."""

    ALLOW = "DefaultAllow"
    """Works with add-ons without policies. Namespaces still deny by default."""
    DENY = "DefaultDeny"
    """Denies traffic in the first seconds, but every pod on the pool needs a policy, including add-ons."""


class NodePoolArgs(TypedDict):
    """Kind of the machines, and limits of their vCPUs and memory."""

    node_role_name: pulumi.Input[str]
    """IAM role of the nodes: `Cluster.node_role_name`."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets."""
    security_group_id: pulumi.Input[str]
    """Security group of nodes and pods: `Cluster.security_group_id`."""
    kms_key_arn: pulumi.Input[str]
    """Customer key of the nodes' volumes; the cluster's role must be allowed to use it."""
    cpu_limit: int
    """vCPUs that the pool may reach."""
    memory_limit_gib: int
    """GiB that the pool may reach."""
    instance_cpus: list[str]
    """Instance sizes, in vCPUs: `["4", "8", "16"]`. With several, Auto Mode can avoid a shortage of one."""
    architecture: NotRequired[Architecture]
    """Architecture of the processors. Default: `AMD64`."""
    spot: NotRequired[bool]
    """Allow spot capacity, which AWS may take back with two minutes' notice. Default: false."""
    unmatched_traffic: NotRequired[UnmatchedTraffic]
    """Traffic that no network policy covers. Default: `ALLOW`."""
    ephemeral_storage_gib: NotRequired[int]
    """Size of a node's data volume in GiB: images, logs and scratch space. Default: 80."""
    node_hours: NotRequired[int]
    """Longest life of a node: machines are replaced with patched ones by then. Default: 336, two weeks."""
    disruption_percent: NotRequired[int]
    """Percentage of nodes that may be replaced at a time, at least one node. Default: 10."""


class NodePool(pulumi.ComponentResource):
    """A NodeClass and a NodePool, with network policies enabled (P1, P3, S1, S2, S5).

    Both have the component's name. One pool with network policies enables them for the whole cluster.
    """

    node_pool_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:NodePool", name, {}, opts)
        inside = object_options(self, opts)

        # https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
        controller = kubernetes.core.v1.ConfigMap(
            f"{name}-network-policies",
            metadata={"name": "amazon-vpc-cni", "namespace": "kube-system"},
            data={"enable-network-policy-controller": "true"},
            opts=inside,
        )
        node_class = kubernetes.apiextensions.CustomResource(
            f"{name}-class",
            api_version="eks.amazonaws.com/v1",
            kind="NodeClass",
            metadata={"name": name},
            spec={
                "role": args["node_role_name"],
                "subnetSelectorTerms": [{"id": subnet} for subnet in args["subnet_ids"]],
                "securityGroupSelectorTerms": [{"id": args["security_group_id"]}],
                "snatPolicy": "Random",
                "networkPolicy": _unmatched_traffic(f'NodePool "{name}"', args).value,
                "networkPolicyEventLogs": "Enabled",
                "ephemeralStorage": {
                    "size": f"{args.get('ephemeral_storage_gib', 80)}Gi",
                    "kmsKeyID": args["kms_key_arn"],
                },
            },
            opts=inside,
        )
        pool = kubernetes.apiextensions.CustomResource(
            f"{name}-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": name},
            spec=_pool_spec(args, node_class.metadata.apply(lambda metadata: metadata["name"])),
            opts=object_options(self, opts, [controller]),
        )
        self.node_pool_name = pool.metadata.apply(lambda metadata: metadata["name"])
        self.register_outputs({"node_pool_name": self.node_pool_name})


def _pool_spec(args: NodePoolArgs, node_class: pulumi.Output[str]) -> dict[str, Any]:
    return {
        "template": {
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": node_class},
                "requirements": requirements(
                    args["instance_cpus"],
                    _architecture("NodePool", args),
                    args.get("spot", False),
                ),
                "expireAfter": f"{args.get('node_hours', 336)}h",
                # Auto Mode's default, set explicitly: a pod that doesn't stop delays the removal of a node by a day at
                # most.
                "terminationGracePeriod": "24h",
            }
        },
        "limits": {"cpu": str(args["cpu_limit"]), "memory": f"{args['memory_limit_gib']}Gi"},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            # Long enough that a temporary drop during a rolling update removes no node that its end needs.
            "consolidateAfter": "5m",
            "budgets": [{"nodes": f"{args.get('disruption_percent', 10)}%"}],
        },
    }


def requirements(instance_cpus: list[str], architecture: Architecture, spot: bool) -> list[dict[str, Any]]:
    """Requirements of the machines, in Auto Mode's labels.

    https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html
    """
    architectures = ["amd64", "arm64"] if architecture is Architecture.ANY else [architecture.value]

    def among(label: str, values: list[str]) -> dict[str, Any]:
        return {"key": label, "operator": "In", "values": values}

    return [
        among("kubernetes.io/arch", architectures),
        among("karpenter.sh/capacity-type", ["on-demand", "spot"] if spot else ["on-demand"]),
        # Compute, general and memory optimised; no accelerators, no burstable credits that run out under load.
        among("eks.amazonaws.com/instance-category", ["c", "m", "r"]),
        {"key": "eks.amazonaws.com/instance-generation", "operator": "Gt", "values": ["4"]},
        among("eks.amazonaws.com/instance-cpu", instance_cpus),
        # The hardware encrypts what nodes send each other (S2).
        among("eks.amazonaws.com/instance-encryption-in-transit-supported", ["true"]),
    ]


def _architecture(component: str, args: NodePoolArgs) -> Architecture:
    return choice(Architecture, args.get("architecture", Architecture.AMD64), component, "architecture")


def _unmatched_traffic(component: str, args: NodePoolArgs) -> UnmatchedTraffic:
    return choice(
        UnmatchedTraffic, args.get("unmatched_traffic", UnmatchedTraffic.ALLOW), component, "unmatched_traffic"
    )


def _check(name: str, args: NodePoolArgs) -> None:
    component = f'NodePool "{name}"'
    _architecture(component, args)
    _unmatched_traffic(component, args)
    check_name(component, name)
    require(
        name not in ("system", "general-purpose", "default"),
        component,
        "name",
        name,
        "a name that Auto Mode doesn't use for pools and classes of its own",
        "call it services, for example",
    )
    require(
        bool(args["subnet_ids"]),
        component,
        "subnet_ids",
        args["subnet_ids"],
        "the private subnets",
        "pass the network's private subnets",
    )
    cpus = args["instance_cpus"]
    require(
        bool(cpus) and all(cpu.isdigit() and int(cpu) >= 1 for cpu in cpus),
        component,
        "instance_cpus",
        cpus,
        'one or more whole numbers of vCPUs as text, such as ["4", "8"]',
        "pass the sizes that Auto Mode may choose from",
    )
    require(
        args["cpu_limit"] >= min(map(int, cpus)),
        component,
        "cpu_limit",
        args["cpu_limit"],
        f"room for at least one node of {min(map(int, cpus))} vCPUs",
        "raise the limit or allow a smaller size",
    )
    for argument, value, low, high in (
        ("memory_limit_gib", args["memory_limit_gib"], 1, 1_000_000),
        # https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
        ("ephemeral_storage_gib", args.get("ephemeral_storage_gib", 80), 20, 59_000),
        ("node_hours", args.get("node_hours", 336), 1, MAX_NODE_HOURS),
        ("disruption_percent", args.get("disruption_percent", 10), 1, 100),
    ):
        require(low <= value <= high, component, argument, value, f"{low} to {high}", "choose a value between")
