"""Access of Kubernetes objects to a cluster, whether or not this library created it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import pulumi


class TargetGroupBindingApi(Enum):
    """The controller that registers pods in the load balancer's target groups, by the API version of its
    `TargetGroupBinding`."""

    AUTO_MODE = "eks.amazonaws.com/v1"
    LOAD_BALANCER_CONTROLLER = "elbv2.k8s.aws/v1beta1"

    @property
    def readiness_label(self) -> str:
        """The namespace label that makes the controller hold a pod unready until its target is healthy.

        EKS Auto Mode's webhook selects by its own group, the open-source controller by the other.
        """
        return f"{self.value.split('/')[0]}/pod-readiness-gate-inject"


@dataclass(frozen=True)
class ClusterAccess:
    """What a program needs to put workloads on a cluster. `Cluster` and `ExistingCluster` both offer it.

    Components take their provider the way all Pulumi components do, through options: pass `options()` to them.
    """

    provider: pulumi.ProviderResource
    security_group_id: pulumi.Output[str]
    """The pods' security group: the load balancer may reach it, and it may reach the data stores."""
    cluster_name: pulumi.Output[str] | None
    """The EKS cluster's name; None when the cluster isn't EKS, and pods then get no AWS identity from it."""
    binding: TargetGroupBindingApi | None
    """None if no controller on the cluster registers pods in target groups."""
    dns_addresses: tuple[str, ...]
    """Addresses of the cluster's DNS servers that no pod selector matches."""
    dies_with: pulumi.Resource | None
    """Deleting this resource deletes the cluster's objects, so `destroy` need not delete each of them."""

    def options(
        self,
        parent: pulumi.Resource | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> pulumi.ResourceOptions:
        """The options of a component whose objects live on this cluster."""
        return pulumi.ResourceOptions(
            parent=parent,
            providers=[self.provider],
            deleted_with=self.dies_with,
            depends_on=list(depends_on),
        )


def object_options(
    component: pulumi.ComponentResource,
    given: pulumi.ResourceOptions | None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> pulumi.ResourceOptions:
    """The options of a Kubernetes object inside ``component``, which was itself given ``given``.

    Repeats `deleted_with`: the engine inherits it from the component, other readers of the graph don't.
    """
    return pulumi.ResourceOptions(
        parent=component,
        deleted_with=given.deleted_with if given is not None else None,
        depends_on=list(depends_on),
    )
