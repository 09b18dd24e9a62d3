"""Backups of everything that is tagged for it (P2, S5)."""

from __future__ import annotations

from groundplan.program.context import StackContext
from groundplan_components.backup.backup import Backup, BackupArgs


def declare_backups(stack: StackContext) -> Backup:
    """Copies of everything that is tagged for it, out of reach of whoever can delete the original."""
    environment = stack.environment
    args: BackupArgs = {
        "kms_key_arn": stack.key("backups"),
        "also_tagged": {"system": stack.system.name, "environment": environment.name},
        "protect": environment.protect,
        "alarm_topic_arn": stack.alarms.arn,
    }
    return stack.component(Backup)(f"{stack.scope}-backup", args, stack.in_region())
