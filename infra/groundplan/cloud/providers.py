"""Explicit providers: what they are configured with decides where a resource lives."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from groundplan.cloud import schema
from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.wire import UNKNOWN

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider puts things, and the tags that it puts on them."""

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


def mismatches(package: str, inputs: Mapping[str, Any], cloud: Cloud) -> Iterator[schema.Mismatch]:
    """What is wrong with a provider's configuration."""
    if package not in schema.PACKAGES:
        yield schema.Mismatch("", package, "the aws, kubernetes or random provider", "use one of these")
        return
    yield from schema.provider_mismatches(package, inputs)
    region = inputs.get("region")
    if package == "aws" and isinstance(region, str) and _REGION.fullmatch(region) is None:
        yield schema.Mismatch("region", region, "an AWS region", "for example eu-central-1")
    if package == "kubernetes":
        server = _server(inputs.get("kubeconfig"), inputs.get("context"))
        endpoints = {cluster.outputs.get("endpoint") for cluster in cloud.of("aws:eks/cluster:Cluster")}
        if server.endswith(".eks.amazonaws.com") and ".gr7." in server and server not in endpoints:
            yield schema.Mismatch(
                "kubeconfig", server, "the endpoint of a cluster that exists", "build it from the cluster's outputs"
            )


def place_of(package: str, inputs: Mapping[str, Any], otherwise: str) -> Place:
    """A region, or the API server of a cluster; ``otherwise`` where the provider doesn't say."""
    if package == "aws":
        region = inputs.get("region")
        return Place(region if isinstance(region, str) else otherwise, _default_tags(inputs.get("defaultTags")))
    if package == "kubernetes":
        return Place(_server(inputs.get("kubeconfig"), inputs.get("context")) or "current context")
    return Place("")


def kind_of_provider(token: str) -> Kind:
    """A provider as a kind: another region, or another cluster, is another provider, and replaces what it has made."""
    return Kind(token, replaces=("region",) if token.endswith(":aws") else ("kubeconfig", "context"))


def _default_tags(value: object) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    tags = value.get("tags") if isinstance(value, dict) else None
    return {str(key): str(each) for key, each in tags.items()} if isinstance(tags, dict) else {}


def _server(kubeconfig: object, context: object) -> str:
    """The address of the API server that a kubeconfig's context leads to; the file and context when it is only
    named."""
    if kubeconfig is UNKNOWN or context is UNKNOWN:
        return "unknown cluster"
    if not isinstance(kubeconfig, str) or not kubeconfig:
        return f"context {context}" if context else ""
    try:
        content = yaml.safe_load(kubeconfig)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        return f"{kubeconfig} {context or ''}".strip()
    wanted = context or content.get("current-context")
    named = {each.get("name"): each for each in content.get("contexts") or [] if isinstance(each, dict)}
    cluster_name = ((named.get(wanted) or {}).get("context") or {}).get("cluster")
    for cluster in content.get("clusters") or []:
        if isinstance(cluster, dict) and cluster_name in (None, cluster.get("name")):
            server = (cluster.get("cluster") or {}).get("server")
            if isinstance(server, str):
                return server
    return hashlib.sha256(kubeconfig.encode()).hexdigest()[:12]
