"""One Deployment with service account, settings, network policy, autoscaler and disruption budget.

The image and `command` decide what a workload does. Its environment holds ARNs of secrets, never secrets; the pod
fetches them with its own identity.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from groundplan_components.shared import network_policy as pod_network
from groundplan_components.shared import pod
from groundplan_components.shared.cluster_access import object_options
from groundplan_components.workload._deployment import scaling, template
from groundplan_components.workload._workload_args import WORKLOAD_PORT, WorkloadArgs, binding_api, check_workload


class Workload(pulumi.ComponentResource):
    """A Deployment that is autoscaled, spread over zones, drained, hardened and isolated (P2, P3, S1, S4, T4).

    All its objects have the component's name in Kubernetes.
    """

    host: pulumi.Output[str]
    """DNS name inside the cluster; empty for a workload that doesn't serve."""
    deployment_name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_workload(name, args)
        super().__init__("groundplan:index:Workload", name, {}, opts)
        inside = object_options(self, opts)
        serves = args.get("serves", True)
        port = args.get("port", WORKLOAD_PORT)
        labels = pod.labels(name, args["system"], args["role"])
        metadata = {"name": name, "namespace": args["namespace"], "labels": labels}
        # Also for a fixed number: if the Deployment set it, a later change to a range would remove the field, and the
        # API server would fall back to one pod until the autoscaler exists.
        scaled = args["max_pods"] > 1

        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=inside
        )
        settings = _settings(name, args, labels, inside)
        wall = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network",
            metadata=metadata,
            spec=pod_network.policy_spec(
                name,
                pod_network.ingress(port, args.get("ingress_cidrs", []), args.get("callers", [])),
                pod_network.egress(args.get("egress", []), "identity" in args),
            ),
            opts=inside,
        )
        before: list[pulumi.Resource] = [wall]
        self.host = pulumi.Output.from_input("")
        if serves:
            service = kubernetes.core.v1.Service(
                f"{name}-service",
                # Pulumi would wait for pods, which wait for the binding of the Service to the load balancer.
                metadata={**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
                spec={
                    "type": "ClusterIP",
                    "selector": pod.selector(name),
                    "ports": [{"name": "http", "port": 80, "target_port": "http", "protocol": "TCP"}],
                },
                opts=inside,
            )
            bound = service.metadata.apply(lambda known: known.name)
            self.host = pulumi.Output.concat(bound, ".", args["namespace"], ".svc")
            if "target_group_arn" in args:
                before.append(_bind(name, args, metadata, bound, inside))

        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata={
                **metadata,
                # This annotation also makes the Deployment wait for the migration.
                **({"annotations": {"groundplan/migration": args["migration"]}} if "migration" in args else {}),
            },
            spec={
                # The autoscaler owns the count when there is one (pulumi-kubernetes#2491).
                **({} if scaled else {"replicas": args["min_pods"]}),
                "selector": {"match_labels": pod.selector(name)},
                "strategy": {
                    "type": "RollingUpdate",
                    "rolling_update": {"max_unavailable": 0, "max_surge": "25%"},
                },
                "min_ready_seconds": 10,
                "progress_deadline_seconds": 600,
                "revision_history_limit": 5,
                "template": template(name, args, labels, account, settings),
            },
            opts=pulumi.ResourceOptions.merge(
                object_options(self, opts, before),
                # The first pod may need a new node and an image pull.
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m")),
            ),
        )
        self.deployment_name = deployment.metadata.apply(lambda known: known.name)
        if scaled:
            kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-scaling", metadata=metadata, spec=scaling(args, self.deployment_name), opts=inside
            )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption",
            metadata=metadata,
            spec={
                "selector": {"match_labels": pod.selector(name)},
                # Rounded up, so that a node can always be drained, one pod at a time if there are few.
                "max_unavailable": "10%",
                # Keeping a pod that never became ready protects no traffic.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=inside,
        )
        self.register_outputs({"host": self.host, "deployment_name": self.deployment_name})


def _settings(
    name: str, args: WorkloadArgs, labels: dict[str, str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The environment as a ConfigMap named after its content: a change creates a new name and so a rollout, and pods of
    the old revision keep their settings."""
    environment = args.get("environment", {})
    if not environment:
        return None
    named = pulumi.Output.all(**environment).apply(lambda known: f"{name}-{pod.digest(known)}")
    settings = kubernetes.core.v1.ConfigMap(
        f"{name}-settings",
        metadata={"name": named, "namespace": args["namespace"], "labels": labels},
        data=environment,
        immutable=True,
        opts=opts,
    )
    created: pulumi.Output[str] = settings.metadata.apply(lambda known: known.name)
    return created


def _bind(
    name: str,
    args: WorkloadArgs,
    metadata: dict[str, Any],
    service: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    # Both APIs have the same schema; Auto Mode requires `targetType` and the ARN (containers-roadmap#2621).
    binding: pulumi.Resource = kubernetes.apiextensions.CustomResource(
        f"{name}-binding",
        api_version=binding_api(f'Workload "{name}"', args).value,
        kind="TargetGroupBinding",
        metadata=metadata,
        spec={
            "serviceRef": {"name": service, "port": "http"},
            "targetGroupARN": args["target_group_arn"],
            "targetType": "ip",
        },
        opts=opts,
    )
    return binding
