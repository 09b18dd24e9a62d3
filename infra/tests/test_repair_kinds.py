"""What a deployment was making when it was killed is found again in the account, of every type (e8)."""

from __future__ import annotations

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import _account
from groundplan.cloud import Resource
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.imports import IMPORTS, NOTHING, filled
from groundplan.cloud.item import ACCOUNT, Item
from groundplan.repair import State, plan_repair, unclear
from groundplan.repair.listings import LISTINGS
from groundplan.stack.scope import Scope
from infra.tests.aws_cli import AwsCli
from infra.tests.program.graphs import Graph, graph_of, in_group

SCHEMAS = Path(str(find_spec("cfnlint").origin)).parent / "data" / "schemas"  # type: ignore[union-attr]
HERE = Path()


@pytest.fixture(scope="module", params=[in_group("prod"), in_group("pair of queues")])
def graph(request: pytest.FixtureRequest) -> Graph:
    return graph_of(request.param)


def item_of(resource: Resource) -> Item:
    item = Item(resource.urn, resource.type, resource.name, resource.region, dict(resource.inputs))
    item.id, item.outputs = resource.id, dict(resource.outputs)
    rule = kind_of(resource.type).name
    item.physical_name = str(resource.outputs.get(rule.property if rule else "name") or "")
    return item


def asked_for(resource: Resource) -> dict[str, Any]:
    """What the engine notes of a creation that began: inputs as they were checked, with the name that was made."""
    inputs = dict(resource.inputs)
    rule = kind_of(resource.type).name
    if rule is not None and rule.property in resource.outputs:
        inputs.setdefault(rule.property, resource.outputs[rule.property])
    if resource.type.startswith("kubernetes:"):
        inputs["metadata"] = {**inputs["metadata"], "name": resource.outputs["metadata"]["name"]}
    return {"urn": resource.urn, "type": resource.type, "custom": True, "inputs": inputs}


def killed_at(resource: Resource, made: list[Resource]) -> State:
    held = [
        {"urn": each.urn, "type": each.type, "custom": True, "id": each.id, "outputs": {"arn": each.outputs.get("arn")}}
        for each in made
        if each is not resource
    ]
    pending = [{"type": "creating", "resource": asked_for(resource)}]
    return {"deployment": {"resources": held, "pending_operations": pending}}


def taken_in_by(resource: Resource) -> set[str]:
    """Ids that the provider takes for a resource: its own, and its import's."""
    values = {**resource.outputs, **resource.inputs, "id": resource.id, "account": ACCOUNT, "region": resource.region}
    return {resource.id, filled(IMPORTS.get(resource.type, "{id}"), values)}


def test_whatever_was_being_made_is_found(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [each for each in graph.resources if each.custom]
    cli = AwsCli(lambda: [item_of(each) for each in made])
    monkeypatch.setattr(_account, "ask_aws", cli)
    region = graph.environment.region
    account = _account.account_of(HERE, Scope(graph.system.name, graph.environment.name), region)
    how, lost = Counter[str](), []
    for resource in made:
        state = killed_at(resource, made)
        told = [found for each in unclear(state, account) for found in _account.siblings_of(HERE, each, region)]
        steps = [step for step in plan_repair(state, account, [], told).steps if step.urn == resource.urn]
        if resource.type in NOTHING:
            assert [step.action for step in steps] == ["forget"]
            how["leaves nothing"] += 1
        elif [(step.action, step.id in taken_in_by(resource)) for step in steps] != [("import", True)]:
            lost.append(f"{resource.type} {resource.name}: {[(step.action, step.id) for step in steps]}")
        else:
            how["among its siblings" if told else "by tag or name" if steps[0].found else "by its inputs"] += 1
    assert lost == [], "\n".join((f"{len(lost)} of {len(made)}", *lost))
    print(dict(how))
    assert min(how.values()) > 5


def schema_of(name: str) -> dict[str, Any]:
    """CloudFormation's schema of a type, as cfn-lint carries it."""
    index = json.loads((SCHEMAS / "providers" / "eu-central-1.json").read_text())
    found: dict[str, Any] = json.loads((SCHEMAS / "resources" / f"{index[name]}.json").read_text())
    return found


@pytest.mark.parametrize("token", LISTINGS)
def test_a_listing_is_what_the_schema_of_the_type_says(token: str) -> None:
    listing = LISTINGS[token]
    schema = schema_of(listing.type)
    assert set(listing.parents) == set(schema["handlers"]["list"].get("handlerSchema", {}).get("required", []))
    assert f"/properties/{listing.id}" in schema["primaryIdentifier"] or listing.id.endswith("Id")
    for name in (listing.id, *listing.same):
        inside = schema
        for step in name.split("."):
            inside = inside["properties"][step]
            while "$ref" in inside:
                inside = schema["definitions"][inside["$ref"].rpartition("/")[2]]


def test_every_import_is_of_a_type_that_has_one() -> None:
    assert not set(IMPORTS) & set(NOTHING)
    assert set(LISTINGS) - set(NOTHING) == set(LISTINGS)
