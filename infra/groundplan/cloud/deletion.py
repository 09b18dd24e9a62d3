"""What AWS and Kubernetes refuse to delete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.catalogue.cluster import CLUSTER
from groundplan.cloud.catalogue.kubernetes import kind_name
from groundplan.cloud.item import Item, stack_of
from groundplan.cloud.refusals import Refusal

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_EMPTYING = {
    "aws:s3/bucket:Bucket": ("forceDestroy", "S3 API: DeleteBucket, BucketNotEmpty"),
    "aws:ecr/repository:Repository": ("forceDelete", "ECR API: DeleteRepository, RepositoryNotEmptyException"),
    "aws:backup/vault:Vault": ("forceDestroy", "AWS Backup API: DeleteBackupVault"),
}


_LIVES_IN = {"aws:msk/topic:Topic": "clusterArn"}
"""What a thing's own property says it is inside of, and goes with."""


def inside(item: Item, cloud: Cloud) -> list[Item]:
    """What goes when an item does: a cluster's objects, the topics that its brokers hold."""
    if item.type == CLUSTER:
        endpoint = item.outputs.get("endpoint")
        return [each for each in cloud.items.values() if each.type.startswith("kubernetes:") and each.place == endpoint]
    if not item.arn:
        return []
    return [each for token, path in _LIVES_IN.items() for each in cloud.of(token) if each.known(path) == item.arn]


LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_RETURNS = re.compile(r"/aws/(eks/[^/]+/cluster|containerinsights/[^/]+/[a-z-]+)")


def comes_back(name: str) -> bool:
    """Whether a log group with this name appears again after it was deleted with its cluster.

    EKS and Container Insights deliver what they still hold, and make the group for it, without key and retention
    (terraform-aws-eks#920, #2486).
    """
    return _RETURNS.fullmatch(name) is not None


def left_behind(item: Item) -> Item | None:
    """What stands in the account after an item's deletion, though no one asked for it."""
    if item.type != LOG_GROUP or not comes_back(item.physical_name):
        return None
    again = Item(f"returned::{item.physical_name}", item.type, item.name, item.place, {"name": item.physical_name})
    again.id = again.physical_name = item.physical_name
    return again


def take_away(item: Item, cloud: Cloud) -> None:
    """Deletes an item with what is inside of it, and lets come back what does."""
    for each in (*inside(item, cloud), item):
        cloud.remove(each)
        again = left_behind(each)
        if again is not None:
            cloud.add(again)


def refusal_to_delete(item: Item, cloud: Cloud) -> Refusal | None:
    """Why an item can't go: it is protected, not empty, in use, or its cluster is no longer there."""
    kind = kind_of(item.type)
    if kind.protection and item.known(kind.protection) in (True, "ACTIVE"):
        return Refusal(
            item.urn,
            kind.protection,
            repr(item.known(kind.protection)),
            "deletion protection to be off",
            "deploy it with protection off first",
            "the service's own deletion protection",
        )
    if _wants_a_snapshot(item) and not item.get("finalSnapshotIdentifier"):
        return Refusal(
            item.urn,
            "finalSnapshotIdentifier",
            "",
            "a name for the last snapshot, as it is not skipped",
            "set final_snapshot_identifier",
            "RDS API: DeleteDBInstance",
        )
    emptying = _EMPTYING.get(item.type)
    if emptying is not None and item.filled and item.known(emptying[0]) is not True:
        return Refusal(item.urn, emptying[0], "", "it to be empty", f"empty it, or set {emptying[0]}", emptying[1])
    if _orphaned(item, cloud):
        return Refusal(
            item.urn,
            "",
            "",
            f"the cluster at {item.place}",
            "delete objects before their cluster, or with deleted_with",
        )
    other = _shared_with(item, cloud) if kind.one_in else None
    if other is not None:
        return Refusal(
            item.urn,
            "id",
            repr(item.id),
            f"the account's {kind_name(item.type)} to outlive the stack: {other.urn} needs it too",
            "set retain_on_delete, or make it outside of stacks",
            "AWS would delete it, for every stack of the account",
        )
    if kind.guarded:
        going = {id(each) for each in inside(item, cloud)}
        users = [user for user in cloud.users_of(item) if id(user) not in going]
        if users:
            return Refusal(
                item.urn,
                "id",
                repr(item.id),
                f"nothing that uses it; {users[0].urn} does"
                + (f", and {len(users) - 1} more" if len(users) > 1 else ""),
                "delete what uses it first",
                "DependencyViolation, ResourceInUse",
            )
    return None


def _shared_with(item: Item, cloud: Cloud) -> Item | None:
    """Something of another stack in the same account, and in the same region where there is one in each."""
    everywhere = kind_of(item.type).one_in == "account"
    for other in cloud.items.values():
        if other.adopted or not other.type.startswith("aws:") or stack_of(other.urn) == stack_of(item.urn):
            continue
        if everywhere or other.place == item.place:
            return other
    return None


def _wants_a_snapshot(item: Item) -> bool:
    database = item.type == "aws:rds/instance:Instance" and not item.get("replicateSourceDb")
    return database and item.get("skipFinalSnapshot", False) is not True


def _orphaned(item: Item, cloud: Cloud) -> bool:
    """An object whose EKS cluster is gone: no API server answers there."""
    if not item.type.startswith("kubernetes:") or ".eks.amazonaws.com" not in item.place:
        return False
    return all(cluster.outputs.get("endpoint") != item.place for cluster in cloud.of(CLUSTER))
