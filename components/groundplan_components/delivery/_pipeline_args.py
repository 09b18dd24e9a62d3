"""Arguments of `Delivery`, and what GitHub and IAM accept of them."""

import re
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.checks import require


class DeploymentGrant(TypedDict):
    """Permissions of a pipeline that runs `pulumi up`."""

    role_prefix: str
    """Prefix of the names of all roles and policies that the program declares: the system's name."""
    state_bucket_arn: NotRequired[pulumi.Input[str]]
    """Bucket of Pulumi's state, if it is in S3. Default: no bucket."""
    state_kms_key_arn: NotRequired[pulumi.Input[str]]
    """Key that encrypts the secrets in Pulumi's state. Default: no key."""
    policy_arns: NotRequired[list[pulumi.Input[str]]]
    """Managed policies of the deploying role. Default: `PowerUserAccess`."""


class DeliveryArgs(TypedDict):
    """Repository and permissions of a pipeline."""

    repository: str
    """`owner/name` on GitHub."""
    branch: NotRequired[str]
    """Only runs for this branch. Either this or ``environment``. Default: none."""
    environment: NotRequired[str]
    """Only jobs in this GitHub environment, which may ask for reviewers. Either this or ``branch``. Default: none."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The account's OpenID Connect provider for GitHub, if it exists: an account has at most one for an issuer.
    Default: the component creates one."""
    image_repository_arns: list[pulumi.Input[str]]
    """ECR repositories that the pipeline pushes to."""
    deployment: NotRequired[DeploymentGrant]
    """Permissions to deploy. Default: none, the pipeline may push images only."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """Policy that limits the pipeline's permissions. Default: no boundary."""


def require_repository(component: str, repository: str) -> None:
    """Raises pulumi.RunError where it is not one repository of GitHub, as the trust in its tokens names it."""
    require(
        re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}", repository) is not None,
        component,
        "repository",
        repository,
        "owner/name, as in the repository's address, without wildcards",
        "write it like acme/shop",
    )


def check_delivery(name: str, args: DeliveryArgs) -> None:
    component = f'Delivery "{name}"'
    require_repository(component, args["repository"])
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
