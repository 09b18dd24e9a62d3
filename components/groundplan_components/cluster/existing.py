"""An existing cluster: the same access as `Cluster` offers, without AWS resources."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared.addresses import check_address
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.cluster_access import ClusterAccess, TargetGroupBindingApi


class ExistingClusterArgs(TypedDict):
    """Access to the cluster, and its features."""

    kubeconfig: pulumi.Input[str]
    """Contents of a kubeconfig. Kept secret: it may hold a token."""
    context: str
    """The kubeconfig's context to use. Another context is another cluster: every object is replaced."""
    security_group_id: pulumi.Input[str]
    """The pods' security group."""
    cluster_name: NotRequired[pulumi.Input[str]]
    """The EKS cluster's name, for Pod Identity. Default: none, the cluster isn't EKS."""
    binding: NotRequired[TargetGroupBindingApi]
    """The controller that registers pods in target groups. Not guessed, because objects of an unknown kind fail.
    Default: nothing."""
    dns_addresses: NotRequired[list[str]]
    """Addresses of DNS servers that aren't pods labelled `k8s-app: kube-dns` (node-local caches, Auto Mode). Default:
    none."""


class ExistingCluster(pulumi.ComponentResource):
    """Access to a cluster that another stack or team owns, with its nodes, add-ons, keys and logs."""

    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:ExistingCluster", name, {}, opts)
        self.security_group_id = pulumi.Output.from_input(args["security_group_id"])
        cluster_name = args.get("cluster_name")
        self.access = ClusterAccess(
            provider=kubernetes.Provider(
                f"{name}-kubernetes",
                kubeconfig=pulumi.Output.secret(args["kubeconfig"]),
                context=args["context"],
                # Tokens in the kubeconfig change; the context identifies the cluster.
                cluster_identifier=args["context"],
                enable_server_side_apply=True,
                delete_unreachable=False,
                skip_update_unreachable=False,
                opts=pulumi.ResourceOptions(parent=self),
            ),
            security_group_id=self.security_group_id,
            cluster_name=None if cluster_name is None else pulumi.Output.from_input(cluster_name),
            binding=_binding(name, args),
            dns_addresses=tuple(args.get("dns_addresses", [])),
            # The cluster outlives the stack, so its objects are deleted one by one.
            dies_with=None,
        )
        self.register_outputs({"security_group_id": self.security_group_id})


def _binding(name: str, args: ExistingClusterArgs) -> TargetGroupBindingApi | None:
    if "binding" not in args:
        return None
    return choice(TargetGroupBindingApi, args["binding"], f'ExistingCluster "{name}"', "binding")


def _check(name: str, args: ExistingClusterArgs) -> None:
    component = f'ExistingCluster "{name}"'
    _binding(name, args)
    require(
        bool(args["context"].strip()),
        component,
        "context",
        args["context"],
        "the name of a context in the kubeconfig",
        "list them with: kubectl config get-contexts",
    )
    for address in args.get("dns_addresses", []):
        check_address(component, "dns_addresses", address)
