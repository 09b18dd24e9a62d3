"""Pod template and autoscaling of a workload, as Kubernetes documents."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared import pod
from groundplan_components.workload._workload_args import WORKLOAD_PORT, WorkloadArgs

# Time from a pod's termination until no load balancer node sends it new requests: Kubernetes removes the endpoint, the
# controller deregisters the target, and the load balancer's nodes learn of it. AWS's guide sleeps this long.
# https://docs.aws.amazon.com/eks/latest/best-practices/load-balancing.html
SETTLE_SECONDS = 15
# Time that an application may need to exit after its last response.
EXIT_SECONDS = 5


def template(
    name: str,
    args: WorkloadArgs,
    labels: dict[str, str],
    account: kubernetes.core.v1.ServiceAccount,
    settings: pulumi.Output[str] | None,
) -> dict[str, Any]:
    serves = args.get("serves", True)
    port = args.get("port", WORKLOAD_PORT)
    extra: dict[str, Any] = {
        "ports": [{"name": "http", "container_port": port, "protocol": "TCP"}],
        **pod.probes(port, args.get("watched", False)),
    }
    if settings is not None:
        extra["env_from"] = [{"config_map_ref": {"name": settings}}]
    if "span_port" in args:
        extra["env"] = [
            {"name": "HOST_IP", "value_from": {"field_ref": {"field_path": "status.hostIP"}}},
            # Kubernetes puts the address in. Spans alone: metrics are lines of the log.
            {
                "name": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "value": f"http://$(HOST_IP):{args['span_port']}/v1/traces",
            },
        ]
    if serves:
        extra["lifecycle"] = {"pre_stop": {"sleep": {"seconds": SETTLE_SECONDS}}}
    return {
        "metadata": {
            "labels": labels,
            # Pods receive credentials at their creation, so a new association needs new pods.
            **({"annotations": {"groundplan/identity": args["identity"]}} if "identity" in args else {}),
        },
        "spec": pod.pod(
            containers=[
                pod.container(
                    name,
                    args["image"],
                    pod.resources(args["cpu_millicores"], args["memory_mib"], args.get("cpu_limit_millicores")),
                    command=args.get("command", []),
                    extra=extra,
                )
            ],
            service_account=account.metadata.apply(lambda known: known.name),
            extra={
                "termination_grace_period_seconds": grace_seconds(serves, args.get("drain_seconds", 30)),
                "topology_spread_constraints": pod.spread(name, args.get("spread_zones", True)),
                **({"priority_class_name": args["priority_class"]} if "priority_class" in args else {}),
            },
        ),
    }


def grace_seconds(serves: bool, drain_seconds: int) -> int:
    """Termination grace period: traffic stops, running requests end, the process exits."""
    return (SETTLE_SECONDS if serves else 0) + drain_seconds + EXIT_SECONDS


def scaling(args: WorkloadArgs, deployment: pulumi.Output[str]) -> dict[str, Any]:
    targets = [("cpu", args.get("cpu_target_percent", 60))]
    if "memory_target_percent" in args:
        targets.append(("memory", args["memory_target_percent"]))
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": deployment},
        "min_replicas": args["min_pods"],
        "max_replicas": args["max_pods"],
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": resource, "target": {"type": "Utilization", "average_utilization": percent}},
            }
            for resource, percent in targets
        ],
        # Scale up at once, doubling every 15 seconds; scale down slowly, after five minutes of lower load.
        "behavior": {
            "scale_up": {
                "stabilization_window_seconds": 0,
                "select_policy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "period_seconds": 15},
                    {"type": "Pods", "value": 4, "period_seconds": 15},
                ],
            },
            "scale_down": {
                "stabilization_window_seconds": 300,
                "select_policy": "Max",
                "policies": [{"type": "Percent", "value": 10, "period_seconds": 60}],
            },
        },
    }
