"""IAM documents of a delivery pipeline: who may assume the role, and what the role may do."""

import json

import pulumi
import pulumi_aws as aws

from groundplan_components.delivery._pipeline_args import DeliveryArgs, DeploymentGrant
from groundplan_components.shared.arn import account_of, partition_of
from groundplan_components.shared.iam import Statement, policy

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PATH = "/delivery/"

ROLE_ACTIONS = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:ListInstanceProfilesForRole",
    # No condition on the service: the role's trust policy names the service that can assume it.
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)
POLICY_ACTIONS = (
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:TagPolicy",
    "iam:UntagPolicy",
)
READ_ACTIONS = (
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
)


def subject(args: DeliveryArgs) -> str:
    """The `sub` claim that GitHub signs: https://docs.github.com/en/actions/reference/security/oidc"""
    if "environment" in args:
        return f"repo:{args['repository']}:environment:{args['environment']}"
    return f"repo:{args['repository']}:ref:refs/heads/{args['branch']}"


def github_trust(provider_arn: str, claim: str) -> str:
    """A trust policy for exactly this claim."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider_arn},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": claim}},
                }
            ],
        }
    )


def deployment_policy(role: aws.iam.Role, deployment: DeploymentGrant) -> pulumi.Output[str]:
    account = pulumi.Output.concat("arn:", partition_of(role.arn), ":iam::", account_of(role.arn), ":")
    prefix = deployment["role_prefix"]
    statements: list[Statement] = [
        {
            "sid": "Roles",
            "actions": list(ROLE_ACTIONS),
            "resources": [pulumi.Output.concat(account, f"role/{prefix}*")],
        },
        {
            "sid": "Policies",
            "actions": list(POLICY_ACTIONS),
            "resources": [pulumi.Output.concat(account, f"policy/{prefix}*")],
        },
        {
            "sid": "ReadIdentities",
            "actions": list(READ_ACTIONS),
            "resources": [
                pulumi.Output.concat(account, f"role/{prefix}*"),
                pulumi.Output.concat(account, f"policy/{prefix}*"),
                pulumi.Output.concat(account, f"role{PATH}*"),
                pulumi.Output.concat(account, f"oidc-provider/{ISSUER}"),
            ],
        },
    ]
    if "state_bucket_arn" in deployment:
        bucket = deployment["state_bucket_arn"]
        statements += [
            {"sid": "ListState", "actions": ["s3:ListBucket", "s3:GetBucketLocation"], "resources": [bucket]},
            {
                "sid": "KeepState",
                "actions": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "resources": [pulumi.Output.concat(bucket, "/*")],
            },
        ]
    if "state_kms_key_arn" in deployment:
        statements.append(
            {
                "sid": "StateSecrets",
                "actions": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
                "resources": [deployment["state_kms_key_arn"]],
            }
        )
    return policy(*statements)
