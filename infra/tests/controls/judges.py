"""What the checklist and the policy pack say of a program, in terms of controls."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pulumi_policy import PolicyProviderResource, PolicyResource, PolicyResourceOptions, StackValidationArgs
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import unknown_checking_proxy

from groundplan.cloud import Resource
from groundplan.controls import Verdict
from groundplan.controls.policies import policies
from groundplan.declaration.model import System
from groundplan.document.security import security
from infra.tests.program.graphs import Graph

BOX = re.compile(r"^- \[(x| )\] ([A-Z]\d\.[a-z0-9-]+):", re.MULTILINE)


def by_checklist(system: System, stack: str, verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    """Whether each control's box is ticked."""
    return {name: box == "x" for box, name in BOX.findall(security(system, stack, verdicts))}


def by_policies(graph: Graph) -> list[str]:
    """The controls that the policy pack reports, given what the engine would hand it."""
    found: list[str] = []

    def report(message: str, urn: str | None = None) -> None:
        assert urn
        found.append(message.partition(":")[0])

    arguments = StackValidationArgs(policy_resources(graph.resources))
    for policy in policies(lambda _: (graph.system, graph.environment)):
        outcome = policy.validate(arguments, report)
        assert outcome is None
    return sorted(set(found))


def policy_resources(resources: tuple[Resource, ...]) -> list[PolicyResource]:
    """As the policy SDK reads them from the engine: outputs and inputs as one, whole numbers as floats, no secrets."""
    providers = {each.urn: each for each in resources if each.type.startswith("pulumi:providers:")}
    found = {}
    for each in resources:
        properties = _sent({**each.inputs, **each.outputs, "id": each.id})
        options = PolicyResourceOptions(
            each.protect, [], each.delete_before_replace, [], PolicyCustomTimeouts(0, 0, 0), []
        )
        provider = providers.get(each.provider)
        told = PolicyProviderResource(provider.type, provider.inputs, provider.urn, provider.name) if provider else None
        found[each.urn] = PolicyResource(
            each.type, unknown_checking_proxy(properties), each.urn, each.name, options, told, None, [], {}
        )
    for each in resources:
        found[each.urn].parent = found.get(each.parent)
    return list(found.values())


def _sent(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON has one kind of number, as protobuf's structs do; assets are of no interest."""
    sent: dict[str, Any] = json.loads(json.dumps(properties, default=lambda _: "asset"), parse_int=float)
    return sent
