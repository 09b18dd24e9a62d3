"""Backups of all tagged resources (P2, S5)."""

from __future__ import annotations

import pulumi

from groundplan.program.context import StackContext
from groundplan_components.backup import Backup, BackupArgs
from groundplan_components.keys import Keys, KeysArgs


def declare_backups(stack: StackContext) -> Backup:
    """Declare backups of all tagged resources, in a vault that denies deletion to principals who can delete the
    originals, and in a second region and another account where the stack names them."""
    environment = stack.environment
    args: BackupArgs = {
        "kms_key_arn": stack.key("backups"),
        "also_tagged": {"system": stack.system.name, "environment": environment.name},
        "protect": environment.protect,
        "alarm_topic_arn": stack.alarms.arn,
    }
    if environment.backup_copy_region is not None:
        args["copy"] = {"region": environment.backup_copy_region, "kms_key_arn": _copy_key(stack)}
    if environment.backup_copy_vault_arn is not None:
        args["account_vault_arn"] = environment.backup_copy_vault_arn
    if environment.restored:
        args["bucket_restores"] = True
    if environment.backup_restore_test:
        args["restore_testing"] = {}
    if environment.backup_compliance_after_days is not None:
        args["compliance_after_days"] = environment.backup_compliance_after_days
    if environment.backup_opt_in:
        args["opt_in"] = True
    return stack.component(Backup)(f"{stack.scope}-backup", args, stack.in_region())


def _copy_key(stack: StackContext) -> pulumi.Output[str]:
    """A key of the region that the copies are in: a copy can't be encrypted with another region's."""
    environment = stack.environment
    # What is restored from the copies stays encrypted with it, in stacks of its own.
    args: KeysArgs = {"purposes": ["backups"], "protect": environment.protect, "retained": True}
    if environment.backup_copy_region is not None:
        args["region"] = environment.backup_copy_region
    if environment.backup_copy_account is not None:
        args["copies_account"] = environment.backup_copy_account
    return stack.component(Keys)(f"{stack.scope}-copies", args, stack.in_region()).arns["backups"]
