"""Delivery: image repositories, and the pipeline's role."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from groundplan.program.context import StackContext
from groundplan_components.delivery import ISSUER, Delivery, DeliveryArgs, Images


def declare_images(stack: StackContext) -> Images:
    return stack.component(Images)(
        "images",
        {
            "prefix": stack.scope,
            "services": list(stack.system.services),
            "kms_key_arn": stack.key("data"),
            "protect": stack.environment.protect,
        },
        stack.in_region(),
    )


def declare_delivery(stack: StackContext, images: Images) -> Delivery | None:
    """None without a configured repository: engineers then deploy by hand."""
    repository = stack.environment.repository
    if repository is None:
        return None
    args: DeliveryArgs = {
        "repository": repository,
        "environment": stack.environment.name,
        "image_repository_arns": [images.arns[service] for service in stack.system.services],
        "deployment": {"role_prefix": stack.system.name},
    }
    if not stack.environment.oidc_provider:
        args["provider_arn"] = stack.environment.oidc_provider_arn or _account_provider(stack)
    return stack.component(Delivery)(f"{stack.scope}-delivery", args, stack.in_region())


def _account_provider(stack: StackContext) -> pulumi.Output[str]:
    """GitHub's identity provider as `foundation/account.yaml` makes it; its ARN follows from the account."""
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=stack.region)).account_id
    return pulumi.Output.concat("arn:aws:iam::", account, f":oidc-provider/{ISSUER}")
