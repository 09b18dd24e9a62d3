"""What runs on a cluster: namespaces, workloads, migrations and their AWS roles."""

from groundplan_components.shared.cluster_access import TargetGroupBindingApi
from groundplan_components.shared.network_policy import Destination
from groundplan_components.workload._workload_args import WORKLOAD_PORT, WorkloadArgs
from groundplan_components.workload.ingress import PodIngress, PodIngressArgs
from groundplan_components.workload.migration import (
    MIGRATION_CPU_MILLICORES,
    MIGRATION_MEMORY_MIB,
    Migration,
    MigrationArgs,
)
from groundplan_components.workload.namespace import Namespace, NamespaceArgs
from groundplan_components.workload.service_role import ServiceRole, ServiceRoleArgs
from groundplan_components.workload.workload import Workload

__all__ = [
    "MIGRATION_CPU_MILLICORES",
    "MIGRATION_MEMORY_MIB",
    "WORKLOAD_PORT",
    "Destination",
    "Migration",
    "MigrationArgs",
    "Namespace",
    "NamespaceArgs",
    "PodIngress",
    "PodIngressArgs",
    "ServiceRole",
    "ServiceRoleArgs",
    "TargetGroupBindingApi",
    "Workload",
    "WorkloadArgs",
]
