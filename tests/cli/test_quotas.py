"""`groundplan quotas` prints what to ask AWS for, with the codes, and how to say that it is there (d10)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from groundplan.cli import quotas
from groundplan.quotas import QUOTAS
from tests.projects import reference_project

COMMAND = re.compile(r"`pulumi config set --path '(shop:quotas)\.(\w+)' (\d+) --stack dev`")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = reference_project(tmp_path / "shop")
    monkeypatch.chdir(project)
    for variable in ("STACK", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    return project


def test_the_commands_that_it_prints_end_what_it_asks_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quotas.main(["--stack", "dev"]) == 0
    said = capsys.readouterr().out
    vcpus = QUOTAS["ec2_vcpus"]
    assert f"--service-code ec2 --quota-code {vcpus.code} --desired-value 8 --region eu-central-1" in said
    asked = COMMAND.findall(said)
    assert [key for _, key, _ in asked] == ["ec2_vcpus"]
    stack = project / "Pulumi.dev.yaml"
    raised = "".join(f"    {key}: {value}\n" for _, key, value in asked)
    stack.write_text(f"{stack.read_text()}  shop:quotas:\n{raised}")
    assert quotas.main(["--stack", "dev"]) == 0
    assert not COMMAND.findall(capsys.readouterr().out)


def test_stacks_of_one_account_are_summed_up(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """e12: README's layout has `dev` and `staging` in one account; one that names its own is counted by itself."""
    assert quotas.main(["--stack", "dev", "--stack", "staging"]) == 0
    said = capsys.readouterr().out
    assert "dev + staging in one account (eu-central-1)" in said
    assert "`pulumi config set shop:account <number> --stack <stack>`" in said
    stack = project / "Pulumi.staging.yaml"
    stack.write_text(f'{stack.read_text()}  shop:account: "210987654321"\n')
    assert quotas.main(["--stack", "dev", "--stack", "staging"]) == 0
    assert "in one account" not in capsys.readouterr().out


def test_every_quota_is_in_the_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quotas.main(["--stack", "dev", "--json"]) == 0
    (stack,) = json.loads(capsys.readouterr().out)["stacks"].values()
    assert [each["key"] for each in stack] == list(QUOTAS)
    asked = {each["key"]: each for each in stack if each["ask_for"] is not None}
    assert asked.keys() == {"ec2_vcpus"}
    assert asked["ec2_vcpus"]["quota_code"] == "L-1216C47A"
    assert {each["key"] for each in stack if each["remedy"]} == {"ec2_vcpus", "cognito_mail"}
