"""IAM policy documents as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

ROLE_NAME_LIMIT = 64
"""Characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


class Statement(TypedDict):
    """One statement that allows; ``conditions`` maps operator to key to value."""

    actions: Sequence[str]
    resources: pulumi.Input[Sequence[pulumi.Input[str]]]
    sid: NotRequired[str]
    conditions: NotRequired[Mapping[str, Mapping[str, pulumi.Input[str | Sequence[str]]]]]


def policy(*statements: Statement) -> pulumi.Output[str]:
    """An identity policy that allows exactly the given statements, as JSON."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    **({"Sid": statement["sid"]} if "sid" in statement else {}),
                    "Effect": "Allow",
                    "Action": list(statement["actions"]),
                    "Resource": statement["resources"],
                    **({"Condition": statement["conditions"]} if "conditions" in statement else {}),
                }
                for statement in statements
            ],
        }
    )


def trust(
    service: str,
    actions: Sequence[str] = ("sts:AssumeRole",),
    conditions: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """A role's trust policy for one AWS service principal, as JSON."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": list(actions),
                    **({"Condition": conditions} if conditions else {}),
                }
            ],
        }
    )


def pod_trust(namespace: str, service_account: str) -> str:
    """A trust policy for one service account: Pod Identity tags its sessions with both names.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:RequestTag/kubernetes-namespace": namespace,
                            "aws:RequestTag/kubernetes-service-account": service_account,
                        }
                    },
                }
            ],
        }
    )
