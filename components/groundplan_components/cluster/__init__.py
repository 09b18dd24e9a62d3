"""Kubernetes on EKS: the cluster, its nodes and its add-ons."""

from groundplan_components.cluster._cluster_args import ClusterArgs
from groundplan_components.cluster.addons import SPAN_PORT, ClusterAddons, ClusterAddonsArgs
from groundplan_components.cluster.cluster import Cluster
from groundplan_components.cluster.existing import ExistingCluster, ExistingClusterArgs
from groundplan_components.cluster.node_pool import Architecture, NodePool, NodePoolArgs, UnmatchedTraffic
from groundplan_components.shared.cluster_access import ClusterAccess, TargetGroupBindingApi

__all__ = [
    "SPAN_PORT",
    "Architecture",
    "Cluster",
    "ClusterAccess",
    "ClusterAddons",
    "ClusterAddonsArgs",
    "ClusterArgs",
    "ExistingCluster",
    "ExistingClusterArgs",
    "NodePool",
    "NodePoolArgs",
    "TargetGroupBindingApi",
    "UnmatchedTraffic",
]
