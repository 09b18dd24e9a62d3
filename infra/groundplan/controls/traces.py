"""T1: what is slow can be followed through the services."""

from __future__ import annotations

from typing import Any

from groundplan.controls.captured import NETWORK_POLICY, ROLE, CapturedProgram
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.network import ROUTE, SPAN_PORT, peers
from groundplan.controls.reading import at, mappings, parsed_or_empty

ADDON = "aws:eks/addon:Addon"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_AGENT = "amazon-cloudwatch-observability"
_POLICY = "CloudWatchAgentServerPolicy"
"""Grants what X-Ray takes segments by."""


@control(
    "T1.traces",
    "Spans of the services reach X-Ray by their node's agent",
    "cluster.addons",
    "workload.workload",
    remedy="set `spans` of `ClusterAddons`, `span_port` of `Workload`, and let its `egress` reach the nodes there",
)
def traces(program: CapturedProgram, check: Check) -> None:
    share = program.environment.trace_share
    if program.environment.existing_cluster is not None:
        raise NotApplicable("the collector of the cluster that is there isn't known (`existing_cluster`)")
    if not share:
        raise NotApplicable("`trace_share` is 0 in this stack")
    addon = check.one(program.where(ADDON, "addonName", _AGENT), f"the add-on {_AGENT}")
    if addon is not None:
        values = parsed_or_empty(addon.inputs.get("configurationValues"))
        taken = at(values, "agent.config.traces.traces_collected.otlp.http_endpoint")
        check.that(taken == f"0.0.0.0:{SPAN_PORT}", addon, "configurationValues", f"spans at port {SPAN_PORT}")
        _grant(program, check, addon.inputs.get("podIdentityAssociations"))
    if not any("xray" in str(each.inputs.get("serviceName")) for each in program.of(ENDPOINT)):
        out = [
            each for each in program.of(ROUTE) if each.inputs.get("natGatewayId") or each.inputs.get("vpcEndpointId")
        ]
        if not out:
            check.missing("a way to X-Ray: its interface endpoint, or NAT")
    policies = program.objects(NETWORK_POLICY)
    for workload in program.workloads:
        deployment = program.deployments.get(workload.name)
        if deployment is None:
            check.missing(f"a Deployment {workload.name}")
            continue
        told = program.environment_of(deployment).get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        path = "spec.template.spec.containers"
        wanted = f"http://$(HOST_IP):{SPAN_PORT}/v1/traces"
        check.that(told == wanted, deployment, path, f"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={wanted}")
        settings, said = program.settings(workload.name)
        if settings is not None:
            kept = said.get("OTEL_TRACES_SAMPLER_ARG") == f"{share:g}"
            check.that(kept, settings, "data.OTEL_TRACES_SAMPLER_ARG", f"{share:g}, as `trace_share` says")
        policy = policies.get(workload.name)
        if policy is not None:
            reached, _ = peers(policy, "egress", "to")
            opened = {cidr for cidr, port in reached if port == SPAN_PORT}
            nodes = {str(each.inputs.get("cidrBlock")) for each in program.tier("private").values()}
            check.that(opened >= nodes, policy, "spec.egress", f"port {SPAN_PORT} of its node")


def _grant(program: CapturedProgram, check: Check, associations: Any) -> None:  # noqa: ANN401
    arns = {str(each.get("roleArn")) for each in mappings(associations)}
    names = {str(each.outputs.get("name")) for each in program.of(ROLE) if str(each.outputs.get("arn")) in arns}
    names |= {each.id for each in program.of(ROLE) if str(each.outputs.get("arn")) in arns}
    granted = [
        each
        for each in program.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if str(each.inputs.get("role")) in names and str(each.inputs.get("policyArn")).endswith(_POLICY)
    ]
    if not granted:
        check.missing(f"{_POLICY} on the agent's role, by which X-Ray takes segments")
    for each in granted:
        check.shown(each, "policyArn")
