"""The policy pack: the controls' verdicts from what the engine hands over, before and after a deployment."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pulumi_policy import PolicyResource, StackValidationArgs
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from groundplan.controls import CONTROLS
from groundplan.controls.policies import capture, carried, policies
from infra.tests.controls.judges import by_policies, policy_resources
from infra.tests.program.graphs import Graph, graph_of

pytestmark = pytest.mark.xdist_group("controls")
ANSWERED = ("arn", "id", "name", "url", "endpoint", "address", "result")
"""What the cloud or Pulumi says only once a resource is there."""


def reported(graph: Graph, resources: list[PolicyResource]) -> list[str]:
    found: list[str] = []

    def report(message: str, urn: str | None = None) -> None:
        found.append(message)

    for policy in policies(lambda _: (graph.system, graph.environment)):
        assert policy.validate(StackValidationArgs(resources), report) is None
    return found


def test_every_control_that_a_policy_can_judge_is_in_one() -> None:
    made = policies(lambda _: pytest.fail("asked for nothing"))
    assert [policy.name for policy in made] == list(dict.fromkeys(each.requirement.lower() for each in carried()))
    for policy in made:
        for control in carried():
            assert (control.title in policy.description) == (control.requirement.lower() == policy.name)


def test_a_stack_without_resources_is_left_alone() -> None:
    assert reported(graph_of("pair"), []) == []
    (stack, *_) = policy_resources(graph_of("pair").resources)
    stack.resource_type = "pulumi:pulumi:Stack"
    assert reported(graph_of("pair"), [stack]) == []


def test_the_engines_resources_are_captured_as_the_simulated_clouds() -> None:
    graph = graph_of("pair")
    program = capture(policy_resources(graph.resources), lambda _: (graph.system, graph.environment))
    assert program is not None
    seen = {each.urn: each for each in program.resources}
    assert seen.keys() == graph.by_urn.keys()
    for resource in graph.resources:
        found = seen[resource.urn]
        assert (found.type, found.name, found.id, found.protect) == (
            resource.type,
            resource.name,
            resource.id,
            resource.protect,
        )
        if resource.type.startswith("aws:"):
            assert found.region == resource.region


def test_in_a_preview_nothing_is_reported_for_what_is_not_known_yet() -> None:
    """A first deployment: no ARN, id or password is known."""
    graph = graph_of("pair")
    resources = previewed(graph)
    assert reported(graph, resources) == []


def test_in_a_preview_what_is_known_is_judged() -> None:
    graph = graph_of("pair")
    resources = previewed(graph)
    (cache,) = [each for each in resources if each.resource_type == "aws:elasticache/replicationGroup:ReplicationGroup"]
    weakened: dict[str, Any] = {"transitEncryptionEnabled": True, "transitEncryptionMode": "preferred"}
    cache.props = unknown_checking_proxy(weakened)
    assert "S2.cache-tls" in {message.partition(":")[0] for message in reported(graph, resources)}


def previewed(graph: Graph) -> list[PolicyResource]:
    """As before the first deployment: what the cloud answers is unknown, and so is every input that comes from it."""
    answers = {str(each.outputs[name]) for each in graph.resources for name in ANSWERED if each.outputs.get(name)} | {
        each.id for each in graph.resources
    }
    long = {answer for answer in answers if len(answer) >= 8}
    return policy_resources(
        tuple(
            dataclasses.replace(
                each,
                id=UNKNOWN_STRING_VALUE,
                inputs=inputs,
                outputs={**dict.fromkeys(ANSWERED, UNKNOWN_STRING_VALUE), **inputs},
            )
            for each in graph.resources
            for inputs in [{name: hidden(value, long) for name, value in each.inputs.items()}]
        )
    )


def hidden(value: Any, answers: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: hidden(each, answers) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden(each, answers) for each in value]
    if isinstance(value, str) and any(answer in value for answer in answers):
        return UNKNOWN_STRING_VALUE
    return value


def test_the_whole_program_passes() -> None:
    assert by_policies(graph_of("pair")) == []
    assert len(carried()) == len(CONTROLS) - 3
