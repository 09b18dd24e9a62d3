"""The Kubernetes half of a simulated deployment, as manifests that any API server reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundplan.cloud.model import Resource, Simulation

Manifest = dict[str, Any]


def manifests(simulation: Simulation) -> list[Manifest]:
    """Every Kubernetes object with the name that Pulumi gave it, in an order in which all can be applied.

    That is the order of registration: what an object refers to was there before it.
    """
    return [_manifest(each) for each in simulation.resources if each.type.startswith("kubernetes:")]


def built_in(manifest: Mapping[str, Any]) -> bool:
    """Whether every API server knows the kind, with no definition to be brought by EKS or a controller.

    Kubernetes' own API groups have no dot or end in `k8s.io`:
    https://kubernetes.io/docs/reference/using-api/#api-groups
    """
    group, versioned, _ = manifest["apiVersion"].partition("/")
    return not versioned or "." not in group or group.endswith(".k8s.io")


def _manifest(resource: Resource) -> Manifest:
    metadata = {"name": resource.outputs["metadata"]["name"], **resource.inputs.get("metadata", {})}
    return {**resource.inputs, "metadata": metadata}
