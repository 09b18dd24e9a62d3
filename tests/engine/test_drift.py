"""What a person changed in the account behind the engine's back is found, with its risk (U8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan.cli.drift import drift
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.drift import Risk, report
from groundplan.rehearsal.engine import Stack

PROGRAM = """
import json
from pulumi_aws import ec2, iam, rds, sqs
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
vpc = ec2.Vpc("network", cidr_block="10.0.0.0/16")
group = ec2.SecurityGroup("group", vpc_id=vpc.id, description="one", tags={"team": "shop"})
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
]}
role = iam.Role("role", assume_role_policy=json.dumps(TRUST))
iam.RolePolicy("may", role=role.name, policy=json.dumps(MAY))
sqs.Queue("queue", delay_seconds=5)
sqs.Queue("gone", delay_seconds=5)
"""


@pytest.fixture
def stack(cli: Path, tmp_path: Path) -> Iterator[tuple[Stack, ProviderServers, Path]]:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "home").mkdir()
    (project / "Pulumi.yaml").write_text("name: drifting\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config: {'aws:region': eu-central-1}\n")
    (project / "__main__.py").write_text(PROGRAM)
    with ProviderServers() as servers:
        engine = Stack(cli, project, "dev", tmp_path / "home", servers.attachment)
        engine.create()
        engine.up()
        yield engine, servers, project


def test_drift_is_found_and_judged(cli: Path, stack: tuple[Stack, ProviderServers, Path]) -> None:
    engine, servers, project = stack
    assert drift(project, "dev", str(cli), engine._environment) == []
    items = {(item.type, item.name): item for item in servers.cloud.items.values()}

    def changed(name: str, **inputs: object) -> None:
        def change(item: Item) -> None:
            item.inputs.update(inputs)

        item = next(each for (_, called), each in items.items() if called == name)
        servers.drift(item.id, change)

    changed(
        "may", policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    )
    changed(
        "group",
        tags={"team": "someone"},
        ingress=[{"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrBlocks": ["0.0.0.0/0"]}],
    )
    changed("queue", delaySeconds=600)
    servers.lose(next(item.id for (_, name), item in items.items() if name == "gone"))

    found = drift(project, "dev", str(cli), engine._environment)
    risks = {(each.name, each.risk) for each in found}
    assert risks >= {
        ("gone", Risk.GONE),
        ("group", Risk.OPENED),
        ("may", Risk.WIDENED),
        ("queue", Risk.RESIZED),
        ("group", Risk.TAGGED),
    }
    assert found[0].risk is Risk.GONE, "the gravest first"
    text = report("dev", found)
    assert "make up STACK=dev" in text
    assert "0.0.0.0/0" in text
    assert engine.refresh().done.deleted, "the preview left the state alone"
