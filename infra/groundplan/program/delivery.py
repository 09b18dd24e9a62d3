"""How images and new versions get here: repositories, and the pipeline's own role."""

from __future__ import annotations

from groundplan_components.delivery.pipeline import Delivery, DeliveryArgs
from groundplan_components.delivery.images import Images
from groundplan.program.site import Site


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
    if site.environment.oidc_provider_arn is not None:
        args["provider_arn"] = site.environment.oidc_provider_arn
    return Delivery(f"{site.scope}-delivery", args, site.here())
