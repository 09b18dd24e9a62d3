"""Databases of a stack that are made from copies: of a stack whose region is lost, or of one that is gone.

The key acts when an instance is created, and never afterwards (docs/adr/0016-loss-of-a-region.md).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from groundplan.declaration.shapes import said

RESTORED = "restored"
"""The configuration key."""

_SNAPSHOT = r"arn:aws:rds:[a-z0-9-]{4,20}:[0-9]{12}:snapshot:[A-Za-z][A-Za-z0-9:-]{0,254}"
_KEY = r"arn:aws:kms:[a-z0-9-]{4,20}:[0-9]{12}:key/[0-9a-f-]{36}"


def _arn(form: str, expected: str, remedy: str) -> AfterValidator:
    def check(arn: str) -> str:
        if not re.fullmatch(form, arn):
            raise said(expected, remedy)
        return arn

    return AfterValidator(check)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class RestoredDatabase(_Model):
    """One instance, and the snapshot that it is made from."""

    snapshot: Annotated[
        str,
        _arn(
            _SNAPSHOT,
            "a database snapshot's ARN such as arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:copyjob-0a1b",
            "copy it from the vault: `aws backup list-recovery-points-by-backup-vault`",
        ),
    ]
    """ARN of a snapshot in the stack's region and account."""
    kms_key_arn: Annotated[
        str,
        _arn(
            _KEY,
            "a key's ARN: arn:aws:kms:eu-west-1:111122223333:key/, then its id",
            "copy the snapshot's: `aws rds describe-db-snapshots`, KmsKeyId",
        ),
    ]
    """The key that the snapshot is encrypted with: the instance keeps it for life."""
    storage_gb: Annotated[int, Field(ge=20, le=65_536)]
    """GiB that the snapshot's instance had; the new one has no less."""

    @property
    def identifier(self) -> str:
        """The snapshot's name, as RDS takes it within an account and region."""
        return self.snapshot.split(":snapshot:", 1)[1]


class Restored(_Model):
    """What is restored, by the names that instances have in the program and in their tag `Name`: `db-order`."""

    databases: dict[str, RestoredDatabase] = {}
    """By the instance's name: `db-order`, and `db-order-2` for its second shard."""
    empty: list[str] = []
    """Instances that begin empty, as there is no copy of them."""

    def __bool__(self) -> bool:
        return bool(self.databases or self.empty)

    def storage_gb(self, instance: str) -> int:
        """GiB below which an instance can't be made; 0: any size."""
        found = self.databases.get(instance)
        return found.storage_gb if found is not None else 0
