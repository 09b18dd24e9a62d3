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


_INLINE = 10_240
"""Characters of all inline policies of a role."""
_MANAGED = 6_144
"""Characters of a managed policy."""
_LONGEST_ARN = 264
"""A topic's, with its cluster's name and id. ARNs are unknown until they exist, so each counts as much."""
_ENVELOPE = 60
"""`Version` and `Statement` around the statements."""


def policies(*statements: Statement) -> list[pulumi.Output[str]]:
    """The same in as few documents as IAM allows: the first as a role's inline policy, the others as managed ones.

    A statement whose resources are a list is parted where a document is full.
    """
    documents: list[list[Statement]] = [[]]
    room = _INLINE - _ENVELOPE
    for statement in statements:
        resources = statement["resources"]
        listed = list(resources) if isinstance(resources, list) else None
        frame = len(json.dumps({**_frame(statement), "Resource": []})) + len(documents)
        sizes = [_size(each) for each in listed] if listed is not None else [_LONGEST_ARN]
        begun = 0
        for index, size in enumerate(sizes):
            used = frame + sum(sizes[begun:index])
            if used + size > room and (index > begun or documents[-1]):
                if listed is not None and index > begun:
                    documents[-1].append({**statement, "resources": listed[begun:index]})
                    begun = index
                documents.append([])
                room = _MANAGED - _ENVELOPE
        documents[-1].append({**statement, "resources": listed[begun:]} if listed is not None else statement)
        room -= frame + sum(sizes[begun:])
    return [policy(*each) for each in documents]


def _frame(statement: Statement) -> dict[str, object]:
    """A statement without its resources; values that aren't known yet count as ARNs."""
    conditions = json.dumps(statement.get("conditions", {}), default=lambda _: "a" * _LONGEST_ARN)
    return {
        "Sid": statement.get("sid", ""),
        "Effect": "Allow",
        "Action": list(statement["actions"]),
        "Condition": conditions,
    }


def _size(resource: pulumi.Input[str]) -> int:
    return (len(resource) if isinstance(resource, str) else _LONGEST_ARN) + len('"", ')


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
