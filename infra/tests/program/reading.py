"""How tests read what a graph holds: policies, nested values, pods and their settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from groundplan.cloud import Resource
from infra.tests.program.graphs import Graph

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
DATABASE = "aws:rds/instance:Instance"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

Statement = dict[str, Any]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def statements(document: str) -> list[Statement]:
    """A policy's statements, with actions and resources as lists."""
    found = []
    for statement in as_list(json.loads(document)["Statement"]):
        listed = {key: as_list(statement[key]) for key in ("Action", "Resource") if key in statement}
        found.append({**statement, **listed})
    return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is neither a list nor a mapping, with its property path as Pulumi writes it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def comparable(inputs: Any) -> str:
    """The same text for the same inputs: an archive of files is equal to nothing but itself."""
    return json.dumps(inputs, sort_keys=True, default=lambda asset: repr(sorted(vars(asset))))


def granted(graph: Graph, account: str) -> list[Statement]:
    """What the pods of a service account may do in AWS."""
    scope = f"{graph.system.name}-{graph.environment.name}"
    return statements(graph.one(ROLE_POLICY, f"{scope}-{account}-policy").inputs["policy"])


def allowed(graph: Graph, account: str, action: str) -> set[str]:
    """The resources that the pods of a service account may do this to."""
    return {
        resource
        for statement in granted(graph, account)
        if action in statement["Action"]
        for resource in statement["Resource"]
    }


def settings(graph: Graph, workload: str) -> dict[str, str]:
    """The environment of a workload's pods."""
    return dict(graph.one(CONFIG_MAP, f"{workload}-settings").inputs["data"])


def migration_settings(graph: Graph, service: str) -> dict[str, str]:
    job = graph.one(JOB, f"{service}-migration-job")
    (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


def shards(graph: Graph, workload: str) -> list[dict[str, Any]]:
    """The databases that a workload is told of."""
    found: list[dict[str, Any]] = json.loads(settings(graph, workload)["DATABASE_SHARDS"])
    return found


def pods(graph: Graph) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Every Deployment and Job with its pods' spec."""
    for token in (DEPLOYMENT, JOB):
        for resource in graph.of(token):
            yield resource, resource.inputs["spec"]["template"]["spec"]


def primaries(graph: Graph) -> list[Resource]:
    return [each for each in graph.some(DATABASE) if not each.inputs.get("replicateSourceDb")]


def replicas(graph: Graph) -> list[Resource]:
    return [each for each in graph.some(DATABASE) if each.inputs.get("replicateSourceDb")]


def key(graph: Graph, purpose: str) -> str:
    """The ARN of the stack's key for one purpose."""
    scope = f"{graph.system.name}-{graph.environment.name}"
    return str(graph.one("aws:kms/key:Key", f"{scope}-{purpose}").outputs["arn"])


def openapi(graph: Graph) -> dict[str, Any]:
    """The document that the gateway imports."""
    (api,) = graph.some("aws:apigateway/restApi:RestApi")
    found: dict[str, Any] = json.loads(api.inputs["body"])
    return found


def operations(graph: Graph) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything that the gateway forwards to services."""
    for path, item in openapi(graph)["paths"].items():
        for method, operation in item.items():
            if method != "options" and operation["operationId"] != "health":
                yield path, method, operation


def rules_by_name(graph: Graph, scope: str) -> dict[str, dict[str, Any]]:
    """A web ACL's rules: of the edge (`CLOUDFRONT`) or of the gateway (`REGIONAL`)."""
    (acl,) = [each for each in graph.some("aws:wafv2/webAcl:WebAcl") if each.inputs["scope"] == scope]
    return {rule["name"]: rule for rule in acl.inputs["rules"]}


def rule(graph: Graph, scope: str, name: str) -> dict[str, Any]:
    """One rule of a web ACL."""
    found = rules_by_name(graph, scope)
    assert name in found, f"the web ACL {scope} has no rule {name}"
    return found[name]


def alarms(graph: Graph, metric: str) -> list[Resource]:
    """Alarms that compare one metric by itself."""
    return [each for each in graph.some(ALARM) if each.inputs.get("metricName") == metric]
