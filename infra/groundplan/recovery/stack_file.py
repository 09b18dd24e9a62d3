"""The stack file of the stack that takes a lost one's place: the lost one's, without what belongs to its region.

What stays is left as it was written, comments included.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from groundplan.stack.environment import Environment

REGION = "aws:region"

OF_THE_REGION = (
    "backup_copy_region",
    "backup_copy_vault_arn",
    "delivery_role",
    "existing_cluster",
    "gateway_account_role",
    "images",
    "kubeconfig",
    "quotas",
    "remembered",
    "restored",
    "runner_connection_arn",
    "zones",
)
"""Keys whose value is true of the lost region alone: where the copies were to go, what was deployed, what the account
had there."""


@dataclass(frozen=True, slots=True)
class Point:
    """The newest recovery point of one database."""

    name: str
    """The instance's: `db-order`."""
    snapshot: str
    """ARN."""
    kms_key_arn: str
    storage_gb: int
    postgres_version: str
    """Major version."""


def changed_keys(
    lost: Environment, name: str, region: str, points: Collection[Point], instances: Collection[str]
) -> dict[str, Any]:
    """By key, without the system's name: the value that it gets, or None for one that goes.

    ``points`` are those of the lost stack's databases; ``instances`` all that the new stack makes.
    """
    keys: dict[str, Any] = dict.fromkeys(OF_THE_REGION)
    keys["region"] = region
    if lost.email_identity_arn is not None and lost.email_identity_arn.split(":")[3] == lost.region:
        keys |= {"email_identity_arn": None, "email_from": None}
    if lost.budget_tag == f"environment={lost.name}":
        keys["budget_tag"] = f"environment={name}"
    if lost.domain is not None:
        keys["domain"] = interim_domain(lost.domain, name)
    found = {point.name: point for point in points}
    versions = {found[instance].postgres_version for instance in instances if instance in found}
    if len(versions) == 1 and versions != {lost.postgres_version}:
        keys["postgres_version"] = versions.pop()
    restored: dict[str, Any] = {}
    for instance in instances:
        if instance in found:
            point = found[instance]
            restored.setdefault("databases", {})[instance] = {
                "snapshot": point.snapshot,
                "kms_key_arn": point.kms_key_arn,
                "storage_gb": point.storage_gb,
            }
        else:
            restored.setdefault("empty", []).append(instance)
    keys["restored"] = restored
    return keys


def interim_domain(domain: str, stack: str) -> str:
    """Where the new stack answers until the domain is moved."""
    return f"{stack}.{domain}"


def recovered(text: str, system: str, keys: Mapping[str, Any], head: str) -> str:
    """The stack file ``text`` with ``keys`` set or taken out, below the comment ``head``.

    What encrypts secrets is the lost stack's, and goes with the secrets.
    """
    full = {REGION if key == "region" else f"{system}:{key}": value for key, value in keys.items()}
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    config = next((value for key, value in root.value if key.value == "config"), None) if root is not None else None
    written: list[str] = []
    seen: set[str] = set()
    for key, value in config.value if isinstance(config, yaml.MappingNode) else ():
        secret = isinstance(value, yaml.MappingNode) and [name.value for name, _ in value.value] == ["secure"]
        seen.add(key.value)
        if secret or (key.value in full and full[key.value] is None):
            continue
        written += _comment_above(lines, key.start_mark.line)
        if key.value in full:
            written += _entry(key.value, full[key.value])
        else:
            written += lines[key.start_mark.line : _last_line(value) + 1]
    for key, value in full.items():
        if key not in seen and value is not None:
            written += _entry(key, value)
    return "\n".join([*(f"# {line}" for line in head.splitlines()), "config:", *written]) + "\n"


def _comment_above(lines: list[str], line: int) -> list[str]:
    first = line
    while first and lines[first - 1].lstrip().startswith("#") and lines[first - 1].startswith(" "):
        first -= 1
    return lines[first:line]


def _last_line(value: yaml.Node) -> int:
    """A block's end is where the next token begins, a line or more below."""
    end: int = value.end_mark.line
    return end if value.end_mark.column else end - 1


def _entry(key: str, value: object) -> list[str]:
    text = yaml.safe_dump({key: value}, sort_keys=False, width=1000)
    return [f"  {line}" for line in text.splitlines()]
