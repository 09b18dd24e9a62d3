"""What becomes of everything that holds data when its region is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from groundplan.cloud.model import Resource
from groundplan.recovery.copies import BUCKET, DATABASE, Copy

Fate = Literal["restored", "made again", "lost"]
"""Comes back with its data, from a copy; is made again without any, or with other ones that do as well; has no copy."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What becomes of a kind of thing that has no copy, and why."""

    what: str
    fate: Fate
    note: str


WITHOUT_A_COPY: Mapping[str, Kept] = {
    DATABASE: Kept("databases", "lost", "no copy in another region: set `backup_copy_region`"),
    BUCKET: Kept(
        "other buckets",
        "lost",
        "no copy: logs of access are gone; a static site is uploaded again from where it was built",
    ),
    "aws:backup/vault:Vault": Kept("backups in the region", "lost", "the copies elsewhere stay"),
    "aws:cloudwatch/logGroup:LogGroup": Kept("log groups", "lost", "no copy: new ones begin empty"),
    "aws:cognito/userPool:UserPool": Kept(
        "pools of users",
        "lost",
        "no copy: accounts are made anew, and have another subject than rows name as their owner",
    ),
    "aws:ecr/repository:Repository": Kept(
        "image repositories", "made again", "no copy: `make deliver` builds the images of this commit"
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Kept(
        "caches", "made again", "no copy needed: empty, filled by reads; rate limits count from 0"
    ),
    "aws:kms/key:Key": Kept("keys", "made again", "new ones; the copies' key is in their region, and stays"),
    "aws:msk/cluster:Cluster": Kept("Kafka clusters", "made again", "no copy: empty"),
    "aws:msk/topic:Topic": Kept(
        "Kafka topics",
        "lost",
        "no copy: relays publish what restored outboxes still hold, and consumers replay the rest from the event log",
    ),
    "aws:sqs/queue:Queue": Kept(
        "queues",
        "lost",
        "no copy: relays publish what restored outboxes still hold, and consumers replay the rest from the event log",
    ),
    "aws:secretsmanager/secret:Secret": Kept(
        "secrets",
        "made again",
        "new passwords; migrations give restored users theirs. What you stored yourself is gone",
    ),
}
"""By type: all that `groundplan.changes.data` says holds data, and logs."""

REPLICAS = Kept("read replicas", "made again", "from their primaries")
COPIED: Mapping[str, Kept] = {
    DATABASE: Kept("databases", "restored", "rows as of the newest copy"),
    BUCKET: Kept("event log and other copied buckets", "restored", "objects as of the newest copy"),
}


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of thing in the lost region."""

    what: str
    count: int
    fate: Fate
    note: str
    urns: tuple[str, ...]


def losses(resources: Sequence[Resource], region: str, copies: Sequence[Copy]) -> tuple[Loss, ...]:
    """What was in the region that holds data, by what becomes of it; what comes back stands first."""
    copied = {each.urn for each in copies}
    found: dict[Kept, list[str]] = {}
    for resource in resources:
        if not resource.custom or resource.region != region or resource.type not in WITHOUT_A_COPY:
            continue
        kept = COPIED[resource.type] if resource.urn in copied else WITHOUT_A_COPY[resource.type]
        if resource.inputs.get("replicateSourceDb"):
            kept = REPLICAS
        found.setdefault(kept, []).append(resource.urn)
    order = ("restored", "made again", "lost")
    rows = [Loss(kept.what, len(urns), kept.fate, kept.note, tuple(urns)) for kept, urns in found.items()]
    return tuple(sorted(rows, key=lambda each: order.index(each.fate)))
