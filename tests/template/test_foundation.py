"""`foundation/`: what is deployed by hand before the first stack, and outlives all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_all

from groundplan_components.backup.backup import DENIED

FOUNDATION = Path(__file__).resolve().parents[2] / "templates/project/foundation"
ACCOUNT, COPIES = FOUNDATION / "account.yaml", FOUNDATION / "copies.yaml"


class _CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


_CloudFormation.add_multi_constructor("!", lambda _, suffix, node: {suffix: node.value})


WATCHERS = {
    "Trail": "AWS::CloudTrail::Trail",
    "GuardDuty": "AWS::GuardDuty::Detector",
    "AccessAnalyzer": "AWS::AccessAnalyzer::Analyzer",
    "Config": "AWS::Config::ConfigurationRecorder",
}


def account() -> dict[str, Any]:
    with ACCOUNT.open(encoding="utf-8") as file:
        template: dict[str, Any] = yaml.load(file, Loader=_CloudFormation)  # noqa: S506  it is a safe one
    return template


def test_what_an_account_has_one_of_is_made_outside_of_stacks_and_kept() -> None:
    template = account()
    resources = template["Resources"]
    assert {each["Type"] for each in resources.values()} >= {
        "AWS::IAM::Role",
        "AWS::ApiGateway::Account",
        "AWS::IAM::OIDCProvider",
    }
    for each in resources.values():
        # Deleting the CloudFormation stack takes nothing from the account's other systems.
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        # An account may have either already.
        assert each["Condition"] in template["Conditions"]


def test_what_watches_an_account_is_offered_and_off() -> None:
    """e12: an organization's accounts have it already, and it costs; what it costs stands above each parameter."""
    template, text = account(), ACCOUNT.read_text(encoding="utf-8")
    types = {each["Type"]: each for each in template["Resources"].values()}
    for parameter, token in WATCHERS.items():
        assert template["Parameters"][parameter]["Default"] == "false"
        assert [each.value for each in template["Conditions"][types[token]["Condition"]]["Equals"]] == [
            parameter,
            "true",
        ]
        assert f"# - {parameter} (" in text


def test_the_vault_in_another_account_takes_copies_of_one_account_and_lets_none_be_deleted() -> None:
    """e10: what `backup_copy_vault_arn` names."""
    with COPIES.open(encoding="utf-8") as file:
        resources = yaml.load(file, Loader=_CloudFormation)["Resources"]  # noqa: S506  it is a safe one
    for each in resources.values():
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    vault = resources["CopiesVault"]["Properties"]
    assert vault["LockConfiguration"]["MinRetentionDays"] == 7, "no more than `Backup` keeps the shortest-lived ones"
    allowed, denied = vault["AccessPolicy"]["Statement"]
    assert allowed["Action"] == "backup:CopyIntoBackupVault"
    assert "${StackAccount}" in str(allowed["Principal"])
    assert (denied["Effect"], denied["Principal"], set(denied["Action"])) == ("Deny", "*", set(DENIED))


@pytest.mark.parametrize("template", [ACCOUNT, COPIES], ids=lambda each: each.name)
def test_cloudformation_takes_it(template: Path) -> None:
    found = [str(each) for each in lint_all(template.read_text(encoding="utf-8"))]
    assert [each for each in found if not each.startswith("[I")] == []
