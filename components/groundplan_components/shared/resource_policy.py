"""Resource policies: access for AWS services, and TLS for all callers (S2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Condition = Mapping[str, Mapping[str, Any]]


def document(*statements: Mapping[str, Any]) -> pulumi.Output[str]:
    """A resource policy as JSON; its values may be outputs."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow_service(
    sid: str,
    services: Sequence[str],
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    condition: Condition,
) -> dict[str, Any]:
    """Allow AWS services to act for the principals that ``condition`` names. Without a condition any account could make
    them act here (confused deputy).

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
    """Deny requests without TLS (S2)."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
