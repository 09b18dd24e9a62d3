"""What was changed in the account behind the program's back, and how much that matters (U8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.wire import SIGNATURE


class Risk(IntEnum):
    """The gravest first."""

    GONE = 0
    OPENED = 1
    WIDENED = 2
    UNPROTECTED = 3
    RESIZED = 4
    OTHER = 5
    TAGGED = 6


TITLES: Mapping[Risk, str] = {
    Risk.GONE: "Deleted",
    Risk.OPENED: "Opened to more of the network",
    Risk.WIDENED: "Allowed to do more, or to more",
    Risk.UNPROTECTED: "Protection, encryption, backups or logs taken away",
    Risk.RESIZED: "Another size",
    Risk.OTHER: "Otherwise changed",
    Risk.TAGGED: "Tags",
}

_OPENINGS = re.compile(
    r"(?i)(^|\.)(ingress|egress|cidr|cidrIpv[46]|cidrBlocks|ipv6CidrBlocks|fromPort|toPort|ipProtocol|sourceSecurityGroupId"
    r"|referencedSecurityGroupId|prefixListIds?|publiclyAccessible|publicAccessCidrs|endpointPublicAccess|blockPublic\w+"
    r"|ignorePublicAcls|restrictPublicBuckets|internal|mapPublicIpOnLaunch|securityGroups?|vpcSecurityGroupIds|securityGroupIds"
    r"|destinationCidrBlock|gatewayId|acl)(\[|\.|$)"
)
_POLICIES = re.compile(
    r"(?i)((?<!ssl)(?<!security)policy|policyDocument|assumeRolePolicy|accessString|policyArn|permissionsBoundary)$"
)
_PROTECTIONS = re.compile(
    r"(?i)(deletionProtection\w*|deletionWindowInDays|encrypt\w*|kmsKey\w*|storageEncrypted|backupRetentionPeriod|skipFinalSnapshot"
    r"|enableKeyRotation|enabledClusterLogTypes|enabledCloudwatchLogsExports|retentionInDays|logging\w*|accessLog\w*|versioning\w*"
    r"|mfaConfiguration|sslPolicy|minimumProtocolVersion|securityPolicy|transitEncryption\w*|rules?|defaultActions?|objectLock\w*"
    r"|imageTagMutability|scanOnPush|multiAz|automaticFailoverEnabled|flowLog\w*)(\[|\.|$)"
)
_SIZES = re.compile(
    r"(?i)(instanceClass|instanceType|allocatedStorage|maxAllocatedStorage|iops|storageThroughput|nodeType|numNodeGroups"
    r"|replicasPerNodeGroup|numCacheClusters|numberOfBrokerNodes|volumeSize|partitions?Count|desired\w*|min\w*|max\w*|replicas"
    r"|memorySize|timeout|limit\w*|reservedConcurrentExecutions|threshold|evaluationPeriods|period)(\[|\.|$)"
)
_NETWORK = ("securityGroup", "networkAcl", "route", "publicAccessBlock", "internetGateway")

_COMPUTED = frozenset({"id", "arn", "tagsAll", "__meta", "region"})
"""Outputs that follow from others, or that the provider keeps for itself."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One property that differs; ``path`` is empty where the whole resource is gone. Secrets are not shown."""

    urn: str
    type: str
    path: str
    was: str
    now: str
    risk: Risk

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


def drift_of(events: Iterable[Mapping[str, Any]]) -> list[Drift]:
    """What the events of `pulumi refresh --preview-only` tell, the gravest first."""
    found: dict[tuple[str, str], Drift] = {}
    for event in events:
        metadata = (event.get("resOutputsEvent") or event.get("resourcePreEvent") or {}).get("metadata") or {}
        urn, token = metadata.get("urn", ""), metadata.get("type", "")
        if not token or token.startswith("pulumi:"):
            continue
        old, new = metadata.get("old") or {}, metadata.get("new") or {}
        if metadata.get("op") == "delete":
            found[(urn, "")] = Drift(urn, token, "", "there", "gone", Risk.GONE)
        elif metadata.get("op") in ("update", "refresh") and old and new:
            for path, was, now in differences(old.get("outputs") or {}, new.get("outputs") or {}):
                risk = risk_of(token, path, was, now)
                shown = ("[secret]", "[secret]") if _secret(was) or _secret(now) else (_shown(was), _shown(now))
                found[(urn, path)] = Drift(urn, token, path, *shown, risk)
    return sorted(found.values(), key=lambda each: (each.risk, each.urn, each.path))


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    """Every value that differs, by its path."""
    if _secret(old) and _secret(new):
        return  # encrypted anew each time: nothing can be said of them
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if path or key not in _COMPUTED:
                yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif old != new and not (_empty(old) and _empty(new)):
        yield path, old, new


def _empty(value: object) -> bool:
    return value is None or value in ("", [], {})


def risk_of(token: str, path: str, was: object, now: object) -> Risk:
    """How much a change of one property matters."""
    if re.match(r"tags(\.|\[|$)", path):
        return Risk.TAGGED
    if _POLICIES.search(path):
        return Risk.WIDENED
    if kind_of(token).protection and path.startswith(kind_of(token).protection):
        return Risk.UNPROTECTED
    if _OPENINGS.search(path) or any(word in token for word in _NETWORK):
        return Risk.OPENED
    if _PROTECTIONS.search(path):
        return Risk.UNPROTECTED
    if _SIZES.search(path) or (
        isinstance(was, (int, float)) and isinstance(now, (int, float)) and not isinstance(was, bool)
    ):
        return Risk.RESIZED
    return Risk.OTHER


def _secret(value: object) -> bool:
    return value == "[secret]" or (isinstance(value, Mapping) and SIGNATURE in value)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:199]}…"


def report(stack: str, found: Iterable[Drift]) -> str:
    """The issue's text, in Markdown."""
    from groundplan.cli._markdown import cell

    every = list(found)
    gravest = TITLES[every[0].risk].lower() if every else ""
    counted = f"{len(every)} difference{'s' if len(every) != 1 else ''}"
    lines = [f"`{stack}` isn't what its program declares: {counted}, the gravest: {gravest}.", ""]
    for risk in Risk:
        rows = [each for each in every if each.risk is risk]
        if rows:
            lines += [f"### {TITLES[risk]} ({len(rows)})", "", "| what | property | was | is |", "|---|---|---|---|"]
            for each in rows:
                what = f"{each.name} ({each.type})"
                columns = (what, each.path or "all of it", each.was, each.now)
                lines.append(f"| {' | '.join(cell(column) for column in columns)} |")
            lines.append("")
    lines += [
        f"**To undo** it, deploy: `make up STACK={stack}` makes what the program declares. What was deleted comes back",
        "without what it held: restore that from a backup.",
        "",
        f"**To adopt** it, declare it (`system.yaml`, `Pulumi.{stack}.yaml` or `infra/__main__.py`), then",
        f"`pulumi refresh --stack {stack}`: `pulumi preview --stack {stack}` then shows nothing.",
    ]
    return "\n".join(lines) + "\n"
