"""Image repositories, and the role by which a pipeline deploys."""

from groundplan_components.delivery._pipeline_args import DeliveryArgs, DeploymentGrant
from groundplan_components.delivery._policies import ISSUER
from groundplan_components.delivery.images import Images, ImagesArgs
from groundplan_components.delivery.pipeline import Delivery

__all__ = [
    "ISSUER",
    "Delivery",
    "DeliveryArgs",
    "DeploymentGrant",
    "Images",
    "ImagesArgs",
]
