"""`groundplan destroy` asks for what is lost, and takes away what comes back by itself (d7, d8)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import consent, destroy
from tests.cli.stand_ins import Tools, only_these

GROUPS = ("/aws/eks/shop-dev/cluster", "/aws/containerinsights/shop-dev/application")


def resource(token: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::shop::{token}::{name}", "type": token, "custom": True, "id": name, **more}


def log_group(name: str) -> dict[str, Any]:
    arn = f"arn:aws:logs:eu-central-1:123456789012:log-group:{name}"
    return resource(destroy.LOG_GROUP, name.replace("/", "-"), outputs={"name": name, "arn": arn})


STATE = [
    *(log_group(name) for name in (*GROUPS, "/shop-dev/order")),
    resource("aws:sqs/queue:Queue", "orders"),
    resource("aws:iam/role:Role", "gateway-logs", retainOnDelete=True),
]


@pytest.fixture
def tools(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.chdir(project)
    monkeypatch.delenv(consent.LOSE, raising=False)
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    tools.install("pulumi", {"stack export": (0, json.dumps({"deployment": {"resources": STATE}}))})
    return tools


def test_what_came_back_is_deleted_and_what_stays_is_listed(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    back = {"logGroups": [{"logGroupName": GROUPS[0]}]}
    tools.install("aws", {"describe-log-groups": (0, json.dumps(back))})
    assert destroy.main(["dev", "--yes", "--lose", "orders"]) == 0
    assert tools.asked("pulumi", "destroy") == [
        ["pulumi", "destroy", "--stack", "dev", "--yes", "--non-interactive", "--skip-preview"]
    ]
    (deleted,) = tools.asked("aws", "logs", "delete-log-group")
    assert deleted[3:] == ["--log-group-name", GROUPS[0], "--region", "eu-central-1"]
    said = capsys.readouterr().out
    assert "Role gateway-logs" in said


def test_without_the_aws_cli_the_commands_are_printed(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    assert destroy.main(["dev", "--yes", "--lose", "orders"]) == 0
    said = capsys.readouterr().out
    for name in GROUPS:
        assert f"  aws logs delete-log-group --log-group-name {name} --region eu-central-1" in said
    assert "/shop-dev/order" not in said.partition("may come back")[2]


def test_nothing_is_destroyed_unnamed(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    assert destroy.main(["dev", "--yes"]) == 1
    assert "run it again with LOSE=orders" in capsys.readouterr().err
    assert tools.asked("pulumi", "destroy") == []


def test_what_is_protected_is_told_in_order(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    held = [resource("aws:sqs/queue:Queue", "orders", protect=True)]
    tools.install("pulumi", {"stack export": (0, json.dumps({"deployment": {"resources": held}}))})
    assert destroy.main(["dev", "--yes", "--lose", "orders"]) == 1
    assert "1. pulumi state unprotect --stack dev 'urn:pulumi:dev::shop::aws:sqs/queue:Queue::orders'" in (
        capsys.readouterr().out
    )
    assert tools.asked("pulumi", "destroy") == []
