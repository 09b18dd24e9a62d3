"""Policies that resources carry: who else may use them, and that nobody does so in plain text (S2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Condition = Mapping[str, Mapping[str, Any]]


def document(*statements: Mapping[str, Any]) -> pulumi.Output[str]:
    """A resource policy as JSON; values inside may be outputs."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow_service(
    sid: str,
    services: Sequence[str],
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    condition: Condition,
) -> dict[str, Any]:
    """Let AWS services act, for whom ``condition`` names: without it any account could make them act here.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": condition,
    }


def tls_only(actions: Sequence[str], resources: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """Refuse everybody who doesn't come over TLS (S2)."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
