"""No secret is readable: not in an input, an output, a setting or a message (P3, S5)."""

from __future__ import annotations

import json

from groundplan.cloud import Resource
from infra.tests.program.graphs import ALL, KUBECONFIG, Graph, on
from infra.tests.program.reading import leaves, migration_settings, settings

PASSWORD = "random:index/randomPassword:RandomPassword"


def passwords(graph: Graph) -> set[str]:
    found = {str(each.outputs["result"]) for each in graph.some(PASSWORD)}
    assert all(len(each) >= 40 for each in found)
    return found


def inputs(resource: Resource) -> list[tuple[str, str]]:
    return [(path, str(leaf)) for path, leaf in leaves(resource.inputs)]


@on(*ALL)
def test_s5_no_output_and_no_message_tells_a_password(graph: Graph) -> None:
    assert graph.simulation.secret_outputs == frozenset()
    told = [str(leaf) for _, leaf in leaves(graph.simulation.outputs)]
    told += [message.text for message in graph.simulation.messages]
    assert len(told) > 5
    assert [text for text in told if any(secret in text for secret in passwords(graph))] == []


@on("prod", "existing cluster")
def test_s5_the_kubeconfig_is_a_secret(graph: Graph) -> None:
    (provider,) = graph.some("pulumi:providers:kubernetes")
    assert provider.is_secret("kubeconfig")
    if graph.environment.existing_cluster:
        assert provider.inputs["kubeconfig"] == KUBECONFIG
    for resource in graph.resources:
        for path, text in inputs(resource):
            assert provider.inputs["kubeconfig"] not in text or resource.is_secret(path), resource.urn


@on("prod", "queues", "pooled")
def test_s5_what_pods_are_told_about_secrets_is_their_address(graph: Graph) -> None:
    addresses = {each.outputs["arn"] for each in graph.some("aws:secretsmanager/secret:Secret")}
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["CACHE_SECRET_ARN"] in addresses
        for shard in json.loads(told["DATABASE_SHARDS"]):
            assert {shard["secret_arn"], shard["reader_secret_arn"]} <= addresses
    for service in graph.system.services:
        for shard in json.loads(migration_settings(graph, service)["DATABASE_ADMIN"]):
            assert shard["secret_arn"] in addresses


@on("dev", "prod")
def test_a_secret_names_its_function_when_that_may_be_called(graph: Graph) -> None:
    """Secrets Manager tests the function at once, and refuses one that it may not call."""
    allowed: dict[str, set[str]] = {}
    for permission in graph.some("aws:lambda/permission:Permission"):
        if permission.inputs["principal"] == "secretsmanager.amazonaws.com":
            allowed.setdefault(str(permission.inputs["function"]), set()).add(permission.urn)
    functions = {str(each.outputs["arn"]): each for each in graph.some("aws:lambda/function:Function")}
    for rotation in graph.some("aws:secretsmanager/secretRotation:SecretRotation"):
        function = functions[str(rotation.inputs["rotationLambdaArn"])]
        assert allowed[str(function.outputs["name"])] & rotation.dependencies, rotation.name
        role = str(function.inputs["role"])
        grants = {
            each.urn
            for each in graph.some("aws:iam/rolePolicy:RolePolicy")
            if role.endswith(f"/{each.inputs['role']}") and each.name.endswith("-rotate")
        }
        assert grants, function.name
        assert grants <= rotation.dependencies, rotation.name
