"""The pipeline's role may all that `groundplan repair` asks of the account and does there (e2, e8)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import _account
from groundplan.cloud import compiled
from groundplan.repair.listings import LISTINGS
from groundplan.stack.scope import Scope
from infra.tests.aws_cli import AwsCli
from infra.tests.permissions.test_grants import calls, grants, graph, reading
from infra.tests.test_repair_kinds import asked_for, item_of, schema_of

HERE = Path()
STACKS = ("dev", "prod")
_IAM = {"cloudcontrol": "cloudformation", "resourcegroupstaggingapi": "tag"}
"""Services that the AWS CLI and IAM call differently."""


def action_of(asked: tuple[str, ...]) -> str:
    """IAM's name of a command of the AWS CLI."""
    service, command = asked[:2]
    if command == "wait":
        assert asked[2] == "resource-request-success"
        command = "get-resource-request-status"
    return f"{_IAM.get(service, service)}:{''.join(each.capitalize() for each in command.split('-'))}"


@pytest.mark.parametrize("name", STACKS)
def test_every_command_of_repair_is_granted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [each for each in graph(name).resources if each.custom]
    cli = AwsCli(lambda: [item_of(each) for each in made])
    monkeypatch.setattr(_account, "ask_aws", cli)
    region = graph(name).environment.region
    _account.account_of(HERE, Scope("shop", name), region)
    for resource in {each.type: each for each in made}.values():
        list(_account.siblings_of(HERE, asked_for(resource), region))
    _account.remove(HERE, "aws:ec2/securityGroup:SecurityGroup", "sg-1", region)
    actions = {action_of(asked) for asked in cli.asked}
    assert actions >= {"tag:GetResources", "iam:ListRoles", "cloudformation:DeleteResource", "events:ListTargetsByRule"}
    granted = {call.action for call in calls(name) if call.operation == "repair" and grants(name).decide(call)}
    assert sorted(actions - granted) == []


@pytest.mark.parametrize("name", STACKS)
def test_what_a_listing_does_in_its_callers_name_is_granted(name: str) -> None:
    """Cloud Control lists and reads with the permissions of who asks; by the schema of each type."""
    declared = {each.type for each in graph(name).resources} & set(LISTINGS)
    assert declared
    known = compiled.actions()
    wanted: set[str] = set()
    for token in declared:
        handlers: dict[str, Any] = schema_of(LISTINGS[token].type)["handlers"]
        wanted |= {each.lower() for what in ("list", "read") for each in handlers[what]["permissions"]}
    missing = wanted - {each.lower() for each in grants(name).actions}
    assert [each for each in missing if each.partition(":")[2] in known.get(each.partition(":")[0], ())] == []


@pytest.mark.parametrize("name", STACKS)
def test_who_only_reads_does_not_repair(name: str) -> None:
    repair = {call.action for call in calls(name) if call.operation == "repair"}
    others = {call.action for call in calls(name) if call.operation != "repair"}
    assert repair - others
    assert not (repair - others) & reading(name).actions
    assert not [each for each in json.dumps(reading(name).policies).split('"') if each.startswith("cloudformation:")]
