"""What AWS Backup has of a stack in another region, and who has the stack's domain: asked by the AWS CLI."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.cli._account import ask_aws, tagged
from groundplan.problems import Problem, ProblemsFound
from groundplan.recovery.stack_file import Point
from groundplan.stack.scope import Scope

VAULT = "aws:backup/vault:Vault"
_SUFFIX = re.compile(r"-([0-9a-f]{6,7}|[0-9a-f]{26})$")
"""What makes a name unique: the program's six digits of an instance, Pulumi's seven, the provider's 26 of a bucket."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The newest complete recovery point of one database or bucket."""

    name: str
    """The logical name of what it is of: `db-order`, `event-log-store`."""
    arn: str
    created: datetime.datetime
    database: Point | None
    """What a database is made from; None: it is a bucket's."""


def newest_copies(project: Path, scope: Scope, region: str) -> list[Copied]:
    """Of each database and bucket the newest one. Raises ProblemsFound."""
    vaults = [each.id for each in tagged(project, scope, region) if each.type == VAULT]
    if not vaults:
        remedy = "look for it in `aws backup list-backup-vaults`; without copies nothing can be restored there"
        raise ProblemsFound([Problem(region, "vault", "", f"a vault with the tags of {scope.name}", remedy)])
    newest: dict[str, dict[str, Any]] = {}
    for vault in vaults:
        listed = "list-recovery-points-by-backup-vault"
        answer = ask_aws(project, "backup", listed, "--backup-vault-name", vault, "--region", region)
        for point in answer.get("RecoveryPoints") or []:
            if point.get("Status") != "COMPLETED":
                continue
            name = _SUFFIX.sub("", str(point["ResourceArn"]).rpartition(":")[2]).removeprefix(f"{scope.name}--")
            if name not in newest or _created(newest[name]) < _created(point):
                newest[name] = point
    return [
        Copied(name, point["RecoveryPointArn"], _created(point), _database(project, name, point, region))
        for name, point in sorted(newest.items())
    ]


def _created(point: dict[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(str(point["CreationDate"]).replace("Z", "+00:00"))


def _database(project: Path, name: str, point: dict[str, Any], region: str) -> Point | None:
    if point.get("ResourceType") != "RDS":
        return None
    arn = str(point["RecoveryPointArn"])
    asked = "describe-db-snapshots", "--db-snapshot-identifier", arn.split(":snapshot:", 1)[-1]
    (snapshot,) = ask_aws(project, "rds", *asked, "--region", region)["DBSnapshots"]
    return Point(
        name,
        arn,
        str(snapshot["KmsKeyId"]),
        int(snapshot["AllocatedStorage"]),
        str(snapshot["EngineVersion"]).partition(".")[0],
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What holds a domain: a distribution with its configuration, and records of its zone."""

    distribution: str
    stack: str
    """The stack that the distribution is of, by its tag."""
    zone: str
    records: tuple[dict[str, Any], ...]


def holder_of(project: Path, domain: str, hosted_zone: str) -> Held:
    """Who has the domain. Raises ProblemsFound."""
    answer = ask_aws(project, "cloudfront", "list-distributions")
    found = [
        each
        for each in (answer.get("DistributionList") or {}).get("Items") or []
        if domain in ((each.get("Aliases") or {}).get("Items") or [])
    ]
    stack = ""
    if found:
        tags = ask_aws(project, "cloudfront", "list-tags-for-resource", "--resource", found[0]["ARN"])
        stack = next((tag["Value"] for tag in tags["Tags"]["Items"] if tag["Key"] == "environment"), "")
    zone = _zone(project, hosted_zone)
    listed = ask_aws(project, "route53", "list-resource-record-sets", "--hosted-zone-id", zone)
    wanted = {f"{domain}.", f"api.{domain}."}
    # Records by which certificates are renewed stay: they are the account's, not a stack's.
    records = [each for each in listed["ResourceRecordSets"] if each["Name"] in wanted and "AliasTarget" in each]
    return Held(found[0]["Id"] if found else "", stack, zone, tuple(records))


def release(project: Path, held: Held) -> Iterator[str]:
    """Deletes the records, and takes all names from the distribution; says what it did. Raises ProblemsFound."""
    if held.records:
        changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in held.records]
        batch = json.dumps({"Changes": changes})
        ask_aws(
            project,
            *("route53", "change-resource-record-sets", "--hosted-zone-id", held.zone, "--change-batch", batch),
        )
        yield f"deleted {', '.join(sorted({record['Name'].rstrip('.') for record in held.records}))}"
    if held.distribution:
        answer = ask_aws(project, "cloudfront", "get-distribution-config", "--id", held.distribution)
        settings = {**answer["DistributionConfig"], "Aliases": {"Quantity": 0}}
        changed = "--distribution-config", json.dumps(settings)
        ask_aws(
            project,
            *("cloudfront", "update-distribution", "--id", held.distribution, "--if-match", answer["ETag"], *changed),
        )
        yield f"took the names from the distribution {held.distribution}"


def _zone(project: Path, name: str) -> str:
    asked = "list-hosted-zones-by-name", "--dns-name", name, "--max-items", "1"
    zones = ask_aws(project, "route53", *asked).get("HostedZones") or []
    if not zones or zones[0]["Name"] != f"{name}.":
        remedy = "take on a role of the account that has it"
        raise ProblemsFound([Problem("Route 53", "hosted_zone", name, "a public zone of this account", remedy)])
    return str(zones[0]["Id"]).rpartition("/")[2]
