"""What the simulated account knows of each resource type; a type that is not here still has its SDK's schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from infra.simulation.catalogue import (
    account,
    cluster,
    data,
    edge,
    events,
    gateway,
    identity,
    keys,
    kubernetes,
    loadbalancing,
    network,
    observability,
    queries,
    randomness,
    storage,
)
from infra.simulation.catalogue.kind import SUFFIX, Kind, Name, answer, render

_SUBJECTS = (
    account,
    network,
    keys,
    storage,
    loadbalancing,
    edge,
    gateway,
    identity,
    cluster,
    data,
    events,
    observability,
    queries,
    randomness,
)
_KINDS: dict[str, Kind] = {kind.type: kind for subject in _SUBJECTS for kind in subject.KINDS}


def kind_of(token: str) -> Kind:
    """The catalogue's entry, or a plain one for a type that it doesn't have."""
    return _KINDS.get(token) or _plain(token)


def catalogued() -> Mapping[str, Kind]:
    return _KINDS


@cache
def _plain(token: str) -> Kind:
    package, module, name = token.split(":", 2)
    if package == "kubernetes":
        return kubernetes.kind(token)
    if package != "aws":
        return Kind(token)
    service = module.partition("/")[0]
    what = name[:1].lower() + name[1:]
    return Kind(token, arn=f"arn:aws:{service}:{{region}}:{{account}}:{what}/{{id}}")


__all__ = ["SUFFIX", "Kind", "Name", "answer", "catalogued", "kind_of", "render"]
