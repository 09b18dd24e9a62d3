"""Backups of all tagged resources (P2, S5)."""

from __future__ import annotations

from groundplan.program.context import StackContext
from groundplan_components.backup import Backup, BackupArgs


def declare_backups(stack: StackContext) -> Backup:
    """Declare backups of all tagged resources, in a vault that denies deletion to principals who can delete the
    originals."""
    environment = stack.environment
    args: BackupArgs = {
        "kms_key_arn": stack.key("backups"),
        "also_tagged": {"system": stack.system.name, "environment": environment.name},
        "protect": environment.protect,
        "alarm_topic_arn": stack.alarms.arn,
    }
    return stack.component(Backup)(f"{stack.scope}-backup", args, stack.in_region())
