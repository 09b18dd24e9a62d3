"""The platform: network, cluster, namespace and image repositories, declared by the program or existing."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan.program.admitted import admitted
from groundplan.program.context import StackContext
from groundplan.program.delivery import Pipeline
from groundplan.program.quota import quota
from groundplan.stack.environment import ExistingCluster as ExistingClusterConfiguration
from groundplan.stack.regions import lacking_zones
from groundplan_components.cluster import (
    SPAN_PORT,
    Cluster,
    ClusterAccess,
    ClusterAddons,
    ExistingCluster,
    ExistingClusterArgs,
    NodePool,
    TargetGroupBindingApi,
)
from groundplan_components.delivery import Runner
from groundplan_components.network import NatMode, Network, NetworkArgs
from groundplan_components.workload import Namespace, NamespaceArgs


@dataclass(frozen=True)
class Platform:
    """The network and the cluster, declared or existing."""

    vpc_id: pulumi.Input[str]
    vpc_cidr: str
    private_subnet_ids: list[pulumi.Input[str]]
    data_subnet_ids: list[pulumi.Input[str]]
    ingress_subnet_ids: list[pulumi.Input[str]]
    """Of the load balancer."""
    private_cidrs: list[str]
    data_cidrs: list[str]
    ingress_cidrs: list[str]
    """Where the load balancer stands: what pods admit."""
    cluster: ClusterAccess
    cluster_name: pulumi.Output[str]
    namespace: pulumi.Output[str]
    span_port: int | None
    """Where each node takes spans; None where nothing does."""
    log_group_name: pulumi.Output[str] | None
    """Log group of the pods' output; unknown for an existing cluster, whose own agents collect it."""


def declare_platform(stack: StackContext, delivery: Pipeline | None) -> Platform:
    brought = stack.environment.existing_cluster
    return _brought(stack, brought) if brought else _made(stack, delivery)


def _made(stack: StackContext, delivery: Pipeline | None) -> Platform:
    environment, sizes, pool = stack.environment, stack.plan.network, stack.plan.cluster
    args: NetworkArgs = {
        "vpc_cidr": str(sizes.cidr),
        "public_cidrs": [str(each) for each in sizes.public],
        "private_cidrs": [str(each) for each in sizes.private],
        "data_cidrs": [str(each) for each in sizes.data],
        "ingress_cidrs": [str(each) for each in sizes.ingress],
        "firewall_cidrs": [str(each) for each in sizes.firewall] if environment.network_firewall else [],
        "nat": NatMode(sizes.nat),
        "avoided_zone_ids": list(lacking_zones(environment.region)),
        "interface_endpoints": environment.interface_endpoints,
        "network_firewall": environment.network_firewall,
        "log_days": environment.log_days,
        "kms_key_arn": stack.key("logs"),
        "protect": environment.protect,
    }
    if environment.zones:
        args["zone_ids"] = list(environment.zones)
    network = stack.component(Network)("network", args, stack.in_region())
    cluster = stack.component(Cluster)(
        "cluster",
        {
            "cluster_name": stack.scope,
            "kubernetes_version": environment.kubernetes_version,
            "vpc_cidr": str(sizes.cidr),
            "subnet_ids": list(network.private_subnet_ids),
            "kms_key_arn": stack.key("cluster"),
            "administrators": _administrators(stack, delivery),
            "viewers": _viewers(stack),
            "endpoint_cidrs": [str(each) for each in environment.cluster_endpoint_cidrs],
            "log_days": environment.log_days,
            "protect": environment.protect,
        },
        stack.in_region(),
    )
    nodes = stack.component(NodePool)(
        "nodes",
        {
            "node_role_name": cluster.node_role_name,
            "subnet_ids": list(network.private_subnet_ids),
            "security_group_id": cluster.security_group_id,
            "kms_key_arn": stack.key("cluster"),
            "cpu_limit": pool.cpu_limit,
            "memory_limit_gib": pool.memory_limit_gib,
            "instance_cpus": list(pool.instance_cpus),
        },
        cluster.access.options(),
    )
    addons = stack.component(ClusterAddons)(
        "addons",
        {
            "cluster_name": cluster.cluster_name,
            "kms_key_arn": stack.key("cluster"),
            "spans": environment.trace_share > 0,
            "log_days": environment.log_days,
        },
        pulumi.ResourceOptions.merge(stack.in_region(), pulumi.ResourceOptions(depends_on=[nodes])),
    )
    _runner(stack, network, cluster)
    return Platform(
        vpc_id=network.vpc_id,
        vpc_cidr=str(sizes.cidr),
        private_subnet_ids=list(network.private_subnet_ids),
        data_subnet_ids=list(network.data_subnet_ids),
        ingress_subnet_ids=list(network.ingress_subnet_ids),
        private_cidrs=[str(each) for each in sizes.private],
        data_cidrs=[str(each) for each in sizes.data],
        ingress_cidrs=list(admitted(stack.plan, environment)),
        cluster=cluster.access,
        cluster_name=cluster.cluster_name,
        namespace=_namespace(stack, cluster.access, [nodes]),
        span_port=SPAN_PORT if environment.trace_share else None,
        log_group_name=addons.application_log_group_name,
    )


def _runner(stack: StackContext, network: Network, cluster: Cluster) -> None:
    """Where the pipeline's jobs run, if they run inside."""
    environment = stack.environment
    if environment.runner_connection_arn is None or environment.repository is None:
        return
    stack.component(Runner)(
        f"{stack.scope}-runner",
        {
            "project_name": f"{stack.scope}-runner",
            "repository": environment.repository,
            "connection_arn": environment.runner_connection_arn,
            "vpc_id": network.vpc_id,
            "subnet_ids": list(network.private_subnet_ids),
            "cluster_security_group_id": cluster.security_group_id,
            "kms_key_arn": stack.key("logs"),
            "log_days": environment.log_days,
        },
        stack.in_region(),
    )


def _administrators(stack: StackContext, delivery: Pipeline | None) -> dict[str, pulumi.Input[str]]:
    """The configured roles, or the foundation's, and the pipeline's: from the first deployment on, by any deployer."""
    roles = _by_role(stack.environment.cluster_admin_role_arns)
    if not roles:
        roles = {"administrators": stack.foundation_role("administrators")}
    return {**roles, "pipeline": delivery.role_arn} if delivery else roles


def _viewers(stack: StackContext) -> dict[str, pulumi.Input[str]]:
    """The configured people, and who looks for drift."""
    roles = _by_role(stack.environment.cluster_viewer_role_arns)
    if stack.environment.repository is None or stack.environment.delivery_role:
        return roles
    return {**roles, "drift": stack.foundation_role("reader")}


def _by_role(arns: list[str]) -> dict[str, pulumi.Input[str]]:
    return {arn.partition(":role/")[2].replace("/", "."): arn for arn in arns}


def _brought(stack: StackContext, brought: ExistingClusterConfiguration) -> Platform:
    args: ExistingClusterArgs = {
        "kubeconfig": pulumi.Config(stack.system.name).require_secret("kubeconfig"),
        "context": brought.context,
        "security_group_id": brought.security_group_id,
        "cluster_name": brought.cluster_name,
        "binding": TargetGroupBindingApi(brought.target_group_binding),
        "dns_addresses": list(brought.dns_addresses),
    }
    access = stack.component(ExistingCluster)("cluster", args).access
    return Platform(
        vpc_id=brought.vpc_id,
        vpc_cidr=str(brought.vpc_cidr),
        private_subnet_ids=list(brought.private_subnet_ids),
        data_subnet_ids=list(brought.data_subnet_ids),
        ingress_subnet_ids=list(brought.ingress_subnets or brought.private_subnet_ids),
        private_cidrs=[str(brought.vpc_cidr)],
        data_cidrs=[str(brought.vpc_cidr)],
        ingress_cidrs=list(admitted(stack.plan, stack.environment)),
        cluster=access,
        cluster_name=pulumi.Output.from_input(brought.cluster_name),
        namespace=_namespace(stack, access, []),
        span_port=None,
        log_group_name=None,
    )


def _namespace(stack: StackContext, access: ClusterAccess, after: list[pulumi.Resource]) -> pulumi.Output[str]:
    room = quota(stack.plan)
    args: NamespaceArgs = {
        "cpu_limit": room.cpu,
        "memory_limit_gib": room.memory_gib,
        "pod_limit": room.pods,
        "dns_addresses": list(access.dns_addresses),
    }
    if access.binding:
        args["binding"] = access.binding
    return stack.component(Namespace)(stack.scope, args, access.options(depends_on=after)).namespace
