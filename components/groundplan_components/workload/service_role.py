"""The AWS permissions of a service account's pods."""

import re
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from groundplan_components.shared.checks import require
from groundplan_components.shared.iam import pod_trust
from groundplan_components.shared.names import autonamed


class ServiceRoleArgs(TypedDict):
    """Service account and permissions of a role."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    namespace: str
    """Kubernetes namespace of the service account."""
    service_account: str
    """The name of the `Workload`, `Migration` or `Pooler`."""
    policy: pulumi.Input[str]
    """Identity policy (JSON) with the role's permissions, see `groundplan_components.shared.iam.policy`."""
    more_policies: NotRequired[list[pulumi.Input[str]]]
    """Further policies (JSON), each as a managed one, see `groundplan_components.shared.iam.policies`. Default:
    none."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """Policy that limits the role's permissions. Default: no boundary."""


class ServiceRole(pulumi.ComponentResource):
    """An IAM role that EKS Pod Identity provides to this service account only (P3, S4).

    Pod Identity instead of IAM roles for service accounts: it needs no OpenID provider for each cluster, and its trust
    policy survives a replacement of the cluster.
    """

    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
    association_id: pulumi.Output[str]
    """Pass it to the workload: pods receive credentials at their creation, so the association must exist first. Known
    once the role's policy is attached."""

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:ServiceRole", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        role = aws.iam.Role(
            # IAM allows 64 characters, and a service's name and a workload's role may take 40 of them.
            autonamed(f"{name}-role", 64),
            description=f"Pods of {args['namespace']}/{args['service_account']}",
            assume_role_policy=pod_trust(args["namespace"], args["service_account"]),
            permissions_boundary=args.get("permissions_boundary_arn"),
            opts=inside,
        )
        grant = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=args["policy"], opts=inside)
        grants: list[pulumi.Resource] = [grant]
        for number, more in enumerate(args.get("more_policies", []), start=2):
            further = aws.iam.Policy(
                f"{name}-policy-{number}",
                description=f"More of what pods of {args['namespace']}/{args['service_account']} may do",
                policy=more,
                opts=inside,
            )
            grants.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-policy-{number}", role=role.name, policy_arn=further.arn, opts=inside
                )
            )
        association = aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args["cluster_name"],
            namespace=args["namespace"],
            service_account=args["service_account"],
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=grants),
        )
        self.role_arn = role.arn
        self.role_name = role.name
        self.association_id = association.association_id
        self.register_outputs(
            {"role_arn": self.role_arn, "role_name": self.role_name, "association_id": self.association_id}
        )


def _check(name: str, args: ServiceRoleArgs) -> None:
    component = f'ServiceRole "{name}"'
    for argument, value in (("namespace", args["namespace"]), ("service_account", args["service_account"])):
        require(
            len(value) <= 63 and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", value) is not None,
            component,
            argument,
            value,
            "a Kubernetes name: at most 63 lower-case letters, digits and hyphens",
            "pass the name of the component that declares it",
        )
