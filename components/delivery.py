"""What a GitHub pipeline may do in the account, without a stored key.

GitHub signs who runs what; AWS trusts that signature for one repository, and in it for one branch or one environment.

How far it reaches: pushing images needs little. `pulumi up` must be able to make, change and delete whatever the
program declares, so a deploying pipeline is powerful: AWS's `PowerUserAccess` (all services, no IAM), and IAM for roles
and policies whose names begin with the system's. Such a role can be granted anything, so the branch is the real gate:
protect it, or use an environment with reviewers. `permissions_boundary_arn` caps the pipeline itself, for example by
denying the regions and services that the system never uses. Its own role lies on a path of its own that it can't write
to: a change of it takes a person.
"""

import json
import re
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.arn import account_of, managed_policy, partition_of
from components.checks import require
from components.iam import Statement, policy
from components.names import autonamed

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PATH = "/delivery/"

PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)

ROLE_ACTIONS = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:ListInstanceProfilesForRole",
    # No condition on the service: a role's own trust names the one service that can use it.
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


class DeploymentGrant(TypedDict):
    """What a pipeline needs that also runs `pulumi up`."""

    role_prefix: str
    """The beginning of the names of all roles and policies that the program makes: the system's name."""
    state_bucket_arn: NotRequired[pulumi.Input[str]]
    """Bucket of Pulumi's state, when it is kept in S3. Default: no bucket."""
    state_kms_key_arn: NotRequired[pulumi.Input[str]]
    """Key that encrypts the secrets in Pulumi's state. Default: no key."""
    policy_arns: NotRequired[list[pulumi.Input[str]]]
    """Managed policies of the deploying role. Default: `PowerUserAccess`."""


class DeliveryArgs(TypedDict):
    """Which pipeline, and what it may do."""

    repository: str
    """`owner/name` on GitHub."""
    branch: NotRequired[str]
    """Only runs for this branch. Either this or ``environment``. Default: none."""
    environment: NotRequired[str]
    """Only jobs in this GitHub environment, which may ask for reviewers. Either this or ``branch``. Default: none."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The account's OpenID Connect provider for GitHub, if it has one: an account has at most one for an issuer.
    Default: one is made, which stays when the stack goes."""
    image_repository_arns: list[pulumi.Input[str]]
    """ECR repositories that it pushes to."""
    deployment: NotRequired[DeploymentGrant]
    """What the pipeline may do besides pushing images. Default: nothing."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """Policy that caps what the pipeline may do, whatever it is granted. Default: no boundary."""


class Delivery(pulumi.ComponentResource):
    """The role that one GitHub pipeline assumes (S3, S4)."""

    role_arn: pulumi.Output[str]
    """For the pipeline's `role-to-assume`; also an administrator of the cluster when it deploys."""
    provider_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Delivery", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        if "provider_arn" in args:
            self.provider_arn = pulumi.Output.from_input(args["provider_arn"])
        else:
            # AWS checks GitHub's certificate against its own trust store; a thumbprint would not be used. Other stacks'
            # pipelines sign in by the same provider: it must not go with this one.
            self.provider_arn = aws.iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{ISSUER}",
                client_id_lists=[AUDIENCE],
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            ).arn
        claim = subject(args)
        role = aws.iam.Role(
            autonamed(f"{name}-role", 64),
            description=f"Pipeline of {args['repository']}",
            path=PATH,
            assume_role_policy=self.provider_arn.apply(lambda provider: github_trust(provider, claim)),
            permissions_boundary=args.get("permissions_boundary_arn"),
            # An hour: a first deployment with databases takes most of it.
            max_session_duration=3600,
            opts=inside,
        )
        aws.iam.RolePolicy(
            f"{name}-push",
            role=role.name,
            policy=policy(
                {
                    "sid": "SignIn",
                    "actions": ["ecr:GetAuthorizationToken"],
                    # The token is the registry's: the action knows no resource.
                    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
                    "resources": ["*"],
                },
                {"sid": "Push", "actions": list(PUSH_ACTIONS), "resources": args["image_repository_arns"]},
            ),
            opts=inside,
        )
        if "deployment" in args:
            deployment = args["deployment"]
            aws.iam.RolePolicy(f"{name}-deploy", role=role.name, policy=_deploy(role, deployment), opts=inside)
            granted = deployment.get("policy_arns", [managed_policy(role.arn, "PowerUserAccess")])
            for index, arn in enumerate(granted):
                aws.iam.RolePolicyAttachment(f"{name}-deploy-{index}", role=role.name, policy_arn=arn, opts=inside)
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn, "provider_arn": self.provider_arn})


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


def _deploy(role: aws.iam.Role, deployment: DeploymentGrant) -> pulumi.Output[str]:
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


def _check(name: str, args: DeliveryArgs) -> None:
    component = f'Delivery "{name}"'
    require(
        re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}", args["repository"])
        is not None,
        component,
        "repository",
        args["repository"],
        "owner/name, as in the repository's address, without wildcards",
        "write it like acme/shop",
    )
    require(
        ("branch" in args) != ("environment" in args),
        component,
        "branch",
        args.get("branch", "absent"),
        "either branch or environment",
        'pass one of them, for example "main"',
    )
    for argument, value in (("branch", args.get("branch", "main")), ("environment", args.get("environment", "prod"))):
        require(
            re.fullmatch(r"[A-Za-z0-9._/-]{1,255}", value) is not None,
            component,
            argument,
            value,
            "the name alone, without wildcards",
            "write it as GitHub shows it",
        )
    require(
        bool(args["image_repository_arns"]),
        component,
        "image_repository_arns",
        "empty",
        "the repositories that the pipeline pushes to",
        "pass the ARNs that Images gives",
    )
    if "deployment" in args:
        prefix = args["deployment"]["role_prefix"]
        require(
            re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}", prefix) is not None,
            component,
            "deployment.role_prefix",
            prefix,
            "at least two letters, digits or hyphens and no wildcard: it bounds which roles the pipeline may write",
            "use the system's name",
        )
