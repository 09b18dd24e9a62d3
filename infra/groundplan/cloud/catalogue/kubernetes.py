"""Kubernetes objects.

Identity is namespace and name; what the API server fills in is what programs read: metadata, and a service's address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.item import Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

NAMESPACELESS = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "StorageClass",
        "IngressClass",
        "PriorityClass",
        "CustomResourceDefinition",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "NodeClass",
        "NodePool",
        "NodeClaim",
        "IngressClassParams",
        "APIService",
    }
)


def kind_name(token: str) -> str:
    """`Deployment` of `kubernetes:apps/v1:Deployment`."""
    return token.rpartition(":")[2].removesuffix("Patch")


def namespace_of(item: Item) -> str:
    """The namespace that the object is in; empty for what has none."""
    if kind_name(item.type) in NAMESPACELESS:
        return ""
    return str(item.known("metadata.namespace") or "default")


def object_name(item: Item, _: Cloud) -> str:
    """The object's id: `namespace/name`, or the name."""
    namespace = namespace_of(item)
    return f"{namespace}/{item.physical_name}" if namespace else item.physical_name


def metadata(item: Item, _: Cloud) -> dict[str, Any]:
    given = item.known("metadata")
    given = given if isinstance(given, dict) else {}
    filled = {**given, "name": item.physical_name, "uid": item.uuid(), "resourceVersion": "1", "generation": 1}
    namespace = namespace_of(item)
    if namespace:
        filled["namespace"] = namespace
    return filled


def service_spec(item: Item, _: Cloud) -> dict[str, Any]:
    given = item.known("spec")
    given = given if isinstance(given, dict) else {}
    if given.get("clusterIP"):
        return given
    digits = int(item.hex(4), 16)
    address = f"172.20.{digits % 256}.{digits // 256}"
    return {**given, "clusterIP": address, "clusterIPs": [address], "type": given.get("type", "ClusterIP")}


def kind(token: str) -> Kind:
    """The entry of any Kubernetes type."""
    outputs: dict[str, Any] = {"metadata": metadata, "apiVersion": token.split(":")[1], "kind": kind_name(token)}
    if kind_name(token) == "Service":
        outputs["spec"] = service_spec
    return Kind(token, id=object_name, outputs=outputs, replaces=_REPLACES.get(kind_name(token), _NAMING))


# Kubernetes API conventions: names are immutable; the rest is validated as immutable by the API server
# (pulumi-kubernetes, forceNewProperties, replaces where the server refuses an update).
_NAMING = ("metadata.name", "metadata.namespace")
_REPLACES = {
    "Deployment": (*_NAMING, "spec.selector"),
    "StatefulSet": (
        *_NAMING,
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
        "spec.podManagementPolicy",
    ),
    "DaemonSet": (*_NAMING, "spec.selector"),
    "Job": (*_NAMING, "spec.selector", "spec.template", "spec.completions", "spec.completionMode"),
    "Service": (*_NAMING, "spec.clusterIP"),
    "PersistentVolumeClaim": (
        *_NAMING,
        "spec.storageClassName",
        "spec.volumeName",
        "spec.accessModes",
        "spec.selector",
    ),
    "StorageClass": (*_NAMING, "parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    "RoleBinding": (*_NAMING, "roleRef"),
    "ClusterRoleBinding": (*_NAMING, "roleRef"),
    "Secret": (*_NAMING, "type"),
    "ConfigMap": _NAMING,
    "TargetGroupBinding": (*_NAMING, "spec.targetGroupARN", "spec.targetType", "spec.vpcID"),
}
