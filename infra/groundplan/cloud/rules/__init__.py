"""What AWS and Kubernetes refuse beyond types, names and references: one file a subject, one function a rule."""

from __future__ import annotations

from groundplan.cloud.rules import (
    addresses,
    balancing,
    caches,
    certificates,
    clusters,
    custom,
    databases,
    dns,
    edge,
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
    storage,
    streams,
    values,
    workloads,
)
from groundplan.cloud.rules.registry import (
    Broken,
    check_item,
    check_transition,
    check_whole,
    known_rules,
    known_transitions,
)

_SUBJECTS = (
    addresses,
    balancing,
    caches,
    certificates,
    clusters,
    custom,
    databases,
    dns,
    edge,
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
    storage,
    streams,
    values,
    workloads,
)

__all__ = ["Broken", "check_item", "check_transition", "check_whole", "known_rules", "known_transitions"]
