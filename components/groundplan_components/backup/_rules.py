"""Rules and selections of a backup plan."""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_aws import backup

from groundplan_components.backup._args import TAG, BackupArgs

START_MINUTES = 60
COMPLETE_MINUTES = 720


def rule(
    what: str,
    schedule: str,
    days: int,
    vault: backup.Vault,
    copy_vaults: Sequence[pulumi.Input[str]],
    *,
    continuous: bool = False,
) -> dict[str, Any]:
    return {
        "rule_name": what,
        "target_vault_name": vault.name,
        "schedule": schedule,
        "schedule_expression_timezone": "Etc/UTC",
        "start_window": START_MINUTES,
        "completion_window": COMPLETE_MINUTES,
        "enable_continuous_backup": continuous,
        # No cold storage: RDS doesn't support it (AWS Backup developer guide, "Feature availability by resource").
        "lifecycle": {"delete_after": days},
        "copy_actions": [{"destination_vault_arn": arn, "lifecycle": {"delete_after": days}} for arn in copy_vaults],
    }


def wanted_tags(value: str, args: BackupArgs) -> dict[str, str]:
    """Tags that a resource must have."""
    return {TAG: value, **args.get("also_tagged", {})}
