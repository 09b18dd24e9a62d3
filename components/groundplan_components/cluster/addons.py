"""Add-ons besides those of Auto Mode: the metrics server for autoscaling, and logs and metrics in CloudWatch.

Pod Identity, DNS, storage and load balancing are part of Auto Mode.
"""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from groundplan_components.shared.arn import managed_policy
from groundplan_components.shared.checks import require
from groundplan_components.shared.iam import pod_trust
from groundplan_components.shared.log_days import require_log_days

# Log groups of the CloudWatch agent and Fluent Bit, below /aws/containerinsights/<cluster>/.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html
LOG_GROUPS = ("application", "dataplane", "host", "performance")

# The add-on's default puts a pod's line below `log_processed`, where CloudWatch finds no embedded metrics and saved
# queries find no fields. With `log_key` the line itself is the event (fluent/fluent-bit#5162); the stream still names
# the pod. The add-on defines the variables.
APPLICATION_LOG = """[INPUT]
    Name              tail
    Tag               application.*
    Path              /var/log/containers/*.log
    multiline.parser  docker, cri
    DB                /var/fluent-bit/state/flb_container.db
    Mem_Buf_Limit     50MB
    Skip_Long_Lines   On
    storage.type      filesystem
    Read_from_Head    ${READ_FROM_HEAD}

[OUTPUT]
    Name              cloudwatch_logs
    Match             application.*
    region            ${AWS_REGION}
    log_group_name    /aws/containerinsights/${CLUSTER_NAME}/application
    log_stream_prefix ${HOST_NAME}-
    log_key           log
    log_format        json/emf
"""

# What the chart configures by default (aws-observability/helm-charts, values.yaml, agent.defaultConfig), which a
# configuration of one's own takes the place of.
_AGENT: dict[str, Any] = {
    "logs": {"metrics_collected": {"application_signals": {}, "kubernetes": {"enhanced_container_insights": True}}},
    "traces": {"traces_collected": {"application_signals": {}}},
}
_GRPC_PORT = 4317
SPAN_PORT = 4318
"""Of OTLP over HTTP. The agent uses its node's network, so pods reach it at their node's address (helm-charts,
templates/linux/cloudwatch-agent-custom-resource.yaml, hostNetwork)."""

AGENT_NAMESPACE = "amazon-cloudwatch"
AGENT_ACCOUNT = "cloudwatch-agent"


class ClusterAddonsArgs(TypedDict):
    """The cluster, and the retention and key of the add-ons' logs."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    kms_key_arn: pulumi.Input[str]
    """Customer key of the logs; its policy must let CloudWatch Logs use it."""
    spans: NotRequired[bool]
    """Whether the agent on each node takes spans at port 4318 (OTLP over HTTP) and sends them to X-Ray. Default:
    false."""
    log_days: NotRequired[int]
    """Retention of container logs, in days. Default: 90."""
    versions: NotRequired[dict[str, str]]
    """Add-on name to version, such as `{"metrics-server": "v0.8.0-eksbuild.2"}`. Default: what EKS recommends for the
    cluster's Kubernetes version on the day of installation."""


class ClusterAddons(pulumi.ComponentResource):
    """The metrics server, which autoscaling needs, and CloudWatch's observability add-on (P1, S5).

    They need nodes: declare them after the node pool (`depends_on`).
    """

    application_log_group_name: pulumi.Output[str]
    """Log group of the containers' output."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:ClusterAddons", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        versions = args.get("versions", {})

        # Otherwise the agents create them, without retention or key.
        groups = {
            what: aws.cloudwatch.LogGroup(
                f"{name}-{what}",
                name=pulumi.Output.concat("/aws/containerinsights/", args["cluster_name"], "/", what),
                retention_in_days=args.get("log_days", 90),
                kms_key_id=args["kms_key_arn"],
                opts=inside,
            )
            for what in LOG_GROUPS
        }
        agent = aws.iam.Role(
            f"{name}-agent",
            description="What the CloudWatch agents on the cluster's nodes may do in the account",
            assume_role_policy=pod_trust(AGENT_NAMESPACE, AGENT_ACCOUNT),
            opts=inside,
        )
        grant = aws.iam.RolePolicyAttachment(
            f"{name}-agent-policy",
            role=agent.name,
            policy_arn=managed_policy(agent.arn, "CloudWatchAgentServerPolicy"),
            opts=inside,
        )
        aws.eks.Addon(
            f"{name}-metrics-server",
            cluster_name=args["cluster_name"],
            addon_name="metrics-server",
            addon_version=versions.get("metrics-server"),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            opts=inside,
        )
        aws.eks.Addon(
            f"{name}-observability",
            cluster_name=args["cluster_name"],
            addon_name="amazon-cloudwatch-observability",
            addon_version=versions.get("amazon-cloudwatch-observability"),
            configuration_values=json.dumps(_configuration(args.get("spans", False))),
            pod_identity_associations=[{"role_arn": agent.arn, "service_account": AGENT_ACCOUNT}],
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grant, *groups.values()]),
        )
        self.application_log_group_name = groups["application"].name
        self.register_outputs({"application_log_group_name": self.application_log_group_name})


def _configuration(spans: bool) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html"""
    logs = {"containerLogs": {"fluentBit": {"config": {"extraFiles": {"application-log.conf": APPLICATION_LOG}}}}}
    if not spans:
        return logs
    # To other nodes' pods it is closed by their network policies; the cluster's security group admits its own alone.
    otlp = {"grpc_endpoint": f"0.0.0.0:{_GRPC_PORT}", "http_endpoint": f"0.0.0.0:{SPAN_PORT}"}
    traces = {"traces_collected": {**_AGENT["traces"]["traces_collected"], "otlp": otlp}}
    return {**logs, "agent": {"config": {**_AGENT, "traces": traces}}}


def _check(name: str, args: ClusterAddonsArgs) -> None:
    component = f'ClusterAddons "{name}"'
    require_log_days(component, args.get("log_days", 90))
    known = {"metrics-server", "amazon-cloudwatch-observability"}
    unknown = sorted(set(args.get("versions", {})) - known)
    require(
        not unknown,
        component,
        "versions",
        unknown,
        f"versions of {' and '.join(sorted(known))}",
        "remove the others",
    )
