"""AWS Backup: vaults, plans and restore tests."""

from groundplan_components.backup._args import BackupArgs, BackupCopy, RestoreTesting
from groundplan_components.backup.backup import Backup

__all__ = [
    "Backup",
    "BackupArgs",
    "BackupCopy",
    "RestoreTesting",
]
