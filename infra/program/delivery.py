"""How images and new versions get here: repositories, and the pipeline's own role."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.delivery import ISSUER, Delivery, DeliveryArgs
from components.images import Images
from infra.program.site import Site


def declare_images(site: Site) -> Images:
    return Images(
        "images",
        {
            "prefix": site.scope,
            "services": list(site.system.services),
            "kms_key_arn": site.key("data"),
            "protect": site.environment.protect,
        },
        site.here(),
    )


def declare_delivery(site: Site, images: Images) -> Delivery | None:
    """None when no repository is configured: then people deploy."""
    repository = site.environment.repository
    if repository is None:
        return None
    args: DeliveryArgs = {
        "repository": repository,
        "environment": site.environment.name,
        "image_repository_arns": [images.arns[service] for service in site.system.services],
        "deployment": {"role_prefix": site.system.name},
    }
    if not site.environment.oidc_provider:
        args["provider_arn"] = site.environment.oidc_provider_arn or _account_provider(site)
    return Delivery(f"{site.scope}-delivery", args, site.here())


def _account_provider(site: Site) -> pulumi.Output[str]:
    """GitHub's identity provider as `foundation/account.yaml` makes it; its ARN follows from the account."""
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=site.region)).account_id
    return pulumi.Output.concat("arn:aws:iam::", account, f":oidc-provider/{ISSUER}")
