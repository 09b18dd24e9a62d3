"""What AWS and Kubernetes refuse beyond types, names and references: one file a subject, one function a rule."""

from __future__ import annotations

from groundplan.cloud.rules import (  # noqa: F401  # each notes its rules as it is loaded
    addresses,
    balancing,
    caches,
    certificates,
    clusters,
    custom,
    databases,
    dns,
    documents,
    edge,
    engines,
    firewall,
    gateway,
    identity,
    kafka,
    keys,
    lambdas,
    logs,
    metrics,
    objects,
    policies,
    queues,
    randomness,
    storage,
    streams,
    values,
    workloads,
    zones,
)
from groundplan.cloud.rules.registry import (
    Broken,
    check_item,
    check_transition,
    check_whole,
    known_rules,
    known_transitions,
)

__all__ = ["Broken", "check_item", "check_transition", "check_whole", "known_rules", "known_transitions"]
