"""Delivery: image repositories, and the pipeline's role."""

from __future__ import annotations

from groundplan.program.context import StackContext
from groundplan_components.delivery import Delivery, DeliveryArgs, Images


def declare_images(stack: StackContext) -> Images:
    return Images(
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
    if stack.environment.oidc_provider_arn is not None:
        args["provider_arn"] = stack.environment.oidc_provider_arn
    return Delivery(f"{stack.scope}-delivery", args, stack.in_region())
