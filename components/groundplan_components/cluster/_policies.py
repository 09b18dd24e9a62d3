"""IAM policies and access entries of an EKS cluster."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from groundplan_components.shared.arn import account_of, managed_policy, partition_of
from groundplan_components.shared.iam import policy


def attachments(
    name: str, what: str, role: aws.iam.Role, policies: Sequence[str], opts: pulumi.ResourceOptions
) -> list[aws.iam.RolePolicyAttachment]:
    return [
        aws.iam.RolePolicyAttachment(
            f"{name}-{what}-{managed}", role=role.name, policy_arn=managed_policy(role.arn, managed), opts=opts
        )
        for managed in policies
    ]


def target_group_policy(role_arn: pulumi.Output[str], cluster_name: str) -> pulumi.Output[str]:
    """`AmazonEKSLoadBalancingPolicy` (August 2026) names RegisterTargets for any group, DeregisterTargets for none."""
    groups = pulumi.Output.concat(
        "arn:", partition_of(role_arn), ":elasticloadbalancing:*:", account_of(role_arn), ":targetgroup/*/*"
    )
    return policy(
        {
            "sid": "DeregisterPods",
            "actions": ["elasticloadbalancing:DeregisterTargets"],
            "resources": [groups],
            "conditions": {"StringEquals": {"aws:ResourceTag/eks:eks-cluster-name": cluster_name}},
        }
    )


def volume_key_policy(key_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """Node volumes with a customer key: https://docs.aws.amazon.com/eks/latest/userguide/auto-kms.html"""
    return policy(
        {
            "sid": "UseKey",
            "actions": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "resources": [key_arn],
        },
        {
            "sid": "AttachVolumes",
            "actions": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
            "resources": [key_arn],
            "conditions": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )


def access_entry(
    parent: pulumi.Resource,
    name: str,
    cluster_arn: pulumi.Output[str],
    cluster_name: pulumi.Output[str],
    who: str,
    principal_arn: pulumi.Input[str],
    access_policy: str,
    kind: str,
    depends_on: Sequence[pulumi.Resource] = (),
    aliases: Sequence[str] = (),
) -> aws.eks.AccessPolicyAssociation:
    entry = aws.eks.AccessEntry(
        f"{name}-{who}",
        cluster_name=cluster_name,
        principal_arn=principal_arn,
        type=kind,
        # EKS allows one entry for a principal.
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(depends_on),
            delete_before_replace=True,
            aliases=[pulumi.Alias(name=each) for each in aliases],
        ),
    )
    return aws.eks.AccessPolicyAssociation(
        f"{name}-{who}",
        cluster_name=cluster_name,
        principal_arn=entry.principal_arn,
        policy_arn=pulumi.Output.concat(
            "arn:", partition_of(cluster_arn), ":eks::aws:cluster-access-policy/", access_policy
        ),
        access_scope={"type": "cluster"},
        # Deleting the old association last would remove the new one too: EKS identifies both by their policy.
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[entry],
            delete_before_replace=True,
            aliases=[pulumi.Alias(name=each) for each in aliases],
        ),
    )
