"""Image repositories, the role by which a pipeline deploys, and runners inside the network."""

from groundplan_components.delivery._pipeline_args import DeliveryArgs, DeploymentGrant
from groundplan_components.delivery._policies import ISSUER
from groundplan_components.delivery.images import Images, ImagesArgs
from groundplan_components.delivery.pipeline import PUSH_ACTIONS, Delivery
from groundplan_components.delivery.runner import Runner, RunnerArgs

__all__ = [
    "ISSUER",
    "PUSH_ACTIONS",
    "Delivery",
    "DeliveryArgs",
    "DeploymentGrant",
    "Images",
    "ImagesArgs",
    "Runner",
    "RunnerArgs",
]
