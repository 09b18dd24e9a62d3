"""Delivery: image repositories, and the pipeline's role, which `foundation/pipeline.<stack>.json` makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pulumi

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


class Pipeline(Protocol):
    """Who deploys without a person."""

    @property
    def role_arn(self) -> pulumi.Output[str]:
        """For the pipeline's `role-to-assume`; an administrator of the cluster."""


@dataclass(frozen=True)
class FoundationPipeline:
    """The role of the foundation: what it may do follows from this program, so this program can't give it."""

    role_arn: pulumi.Output[str]


def declare_delivery(stack: StackContext, images: Images) -> Pipeline | None:
    """None without a configured repository: engineers then deploy by hand."""
    repository = stack.environment.repository
    if repository is None:
        return None
    if not stack.environment.delivery_role:
        return FoundationPipeline(stack.foundation_role("pipeline"))
    args: DeliveryArgs = {
        "repository": repository,
        "environment": stack.environment.name,
        "image_repository_arns": [images.arns[service] for service in stack.system.services],
        "deployment": {"role_prefix": stack.system.name},
    }
    if not stack.environment.oidc_provider:
        args["provider_arn"] = stack.environment.oidc_provider_arn or stack.in_account(f"oidc-provider/{ISSUER}")
    return stack.component(Delivery)(f"{stack.scope}-delivery", args, stack.in_region())
