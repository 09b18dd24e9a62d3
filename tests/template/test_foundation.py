"""`foundation/`: what is deployed by hand before the first stack, and outlives all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ACCOUNT = Path(__file__).resolve().parents[2] / "templates/project/foundation/account.yaml"


class _CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


_CloudFormation.add_multi_constructor("!", lambda _, suffix, node: {suffix: node.value})


def test_what_an_account_has_one_of_is_made_outside_of_stacks_and_kept() -> None:
    with ACCOUNT.open(encoding="utf-8") as file:
        template: dict[str, Any] = yaml.load(file, Loader=_CloudFormation)  # noqa: S506  it is a safe one
    resources = template["Resources"]
    assert {each["Type"] for each in resources.values()} == {
        "AWS::IAM::Role",
        "AWS::ApiGateway::Account",
        "AWS::IAM::OIDCProvider",
    }
    for each in resources.values():
        # Deleting the CloudFormation stack takes nothing from the account's other systems.
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        # An account may have either already.
        assert each["Condition"] in template["Conditions"]
