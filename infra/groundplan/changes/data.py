"""What becomes of what a resource holds when it is deleted or replaced, and what refuses that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from groundplan.changes.model import Data
from groundplan.cloud.catalogue import kind_of

_Properties = Mapping[str, Any]
_Fate = Callable[[_Properties], tuple[Data, str]]


def _days(properties: _Properties, key: str, default: int) -> int:
    value = properties.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _database(instance: _Properties) -> tuple[Data, str]:
    """RDS API, DeleteDBInstance: SkipFinalSnapshot, DeleteAutomatedBackups."""
    if instance.get("replicateSourceDb"):
        return "none", ""
    if instance.get("skipFinalSnapshot") is not True:
        return "moved", "rows, into a final snapshot"
    if instance.get("deleteAutomatedBackups") is False:
        return "moved", "rows, into automated backups, until these expire"
    return "lost", "rows, with their automated backups"


def _bucket(bucket: _Properties) -> tuple[Data, str]:
    """S3 API, DeleteBucket: a bucket with objects stays."""
    if bucket.get("forceDestroy") is True:
        return "lost", "objects"
    return "kept", "objects: a bucket that isn't empty is not deleted"


def _repository(repository: _Properties) -> tuple[Data, str]:
    """ECR API, DeleteRepository: force."""
    if repository.get("forceDelete") is True:
        return "lost", "images"
    return "kept", "images: a repository that isn't empty is not deleted"


def _vault(vault: _Properties) -> tuple[Data, str]:
    """AWS Backup API, DeleteBackupVault: one with recovery points stays."""
    if vault.get("forceDestroy") is True:
        return "lost", "backups"
    return "kept", "backups: a vault that isn't empty is not deleted"


def _key(key: _Properties) -> tuple[Data, str]:
    """KMS API, ScheduleKeyDeletion."""
    days = _days(key, "deletionWindowInDays", 30)
    return "lost", f"what is encrypted with it, unless the deletion is cancelled within {days} days"


def _secret(secret: _Properties) -> tuple[Data, str]:
    """Secrets Manager API, DeleteSecret: RecoveryWindowInDays, ForceDeleteWithoutRecovery."""
    days = _days(secret, "recoveryWindowInDays", 30)
    return "lost", f"its value, unless it is restored within {days} days" if days else "its value, at once"


def _always(what: str) -> _Fate:
    return lambda _: ("lost", what)


FATES: Mapping[str, _Fate] = {
    "aws:backup/vault:Vault": _vault,
    "aws:cognito/userPool:UserPool": _always("accounts of users"),
    "aws:ecr/repository:Repository": _repository,
    "aws:elasticache/replicationGroup:ReplicationGroup": _always("cached values and counted requests"),
    "aws:kms/key:Key": _key,
    "aws:msk/cluster:Cluster": _always("messages that are not consumed yet"),
    "aws:msk/topic:Topic": _always("messages that are not consumed yet"),
    "aws:rds/instance:Instance": _database,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:sqs/queue:Queue": _always("messages that are not consumed yet"),
}
"""Types that hold what a user would miss. A generated password is none of them: who uses it holds a copy."""


def holds_data(token: str) -> bool:
    return token in FATES


def fate(token: str, properties: _Properties, *, retained: bool = False) -> tuple[Data, str]:
    """What becomes of it when the resource is deleted as it is deployed now."""
    if token not in FATES:
        return "none", ""
    if retained:
        return "kept", "it stays in the account, and leaves the stack"
    return FATES[token](properties)


def protections(token: str, properties: _Properties, *, protected: bool) -> tuple[str, ...]:
    """What refuses the deletion: the service's own property first, as a deployment lifts it, then Pulumi."""
    own = kind_of(token).protection if token.startswith(("aws:", "kubernetes:")) else ""
    found = (own,) if own and properties.get(own) in (True, "ACTIVE") else ()
    return (*found, "Pulumi") if protected else found
