"""Copies of what must not be lost, where nobody can delete them, and the proof that they can be restored."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_aws import backup, cloudwatch, iam

from components.arn import managed_policy
from components.checks import require
from components.database_checks import require_name
from components.iam import trust
from components.names import autonamed, bounded
from components.resource_policy import document

# What these tags are on is backed up.
TAG = "backup"
SNAPSHOT = "true"
"""Copies by day, week and month; for databases, whose point-in-time recovery is RDS's own."""
CONTINUOUS = "continuous"
"""Any second of the last days; for buckets, which have no such recovery of their own."""

# AWS Backup API: the names of vaults, plans, selections and restore tests have at most 50 characters.
LONGEST_NAME = 50
# AWS Backup developer guide, "Continuous backups and point-in-time restore".
MOST_CONTINUOUS_DAYS = 35
# Daily at 07:00, weekly on Sunday, monthly on the 1st, in UTC: RDS takes no backup in its own windows, nor in the hour
# before them (AWS Backup developer guide, "Amazon RDS backups").
DAILY = "cron(0 7 * * ? *)"
WEEKLY = "cron(0 7 ? * SUN *)"
MONTHLY = "cron(0 7 1 * ? *)"
RESTORE_TEST = "cron(0 12 ? * MON *)"
START_MINUTES = 60
COMPLETE_MINUTES = 720
RESTORE_TEST_HOURS = 1
RESTORE_WINDOW_DAYS = 7

# What a principal with far-reaching rights may still not do in a protected vault.
DENIED = ("backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle")
# Of the events that a vault tells of itself these are the failures still sent; those of backup jobs are deprecated and
# come through EventBridge (AWS Backup API reference, "PutBackupVaultNotifications").
VAULT_EVENTS = ["COPY_JOB_FAILED", "S3_BACKUP_OBJECT_FAILED"]
FAILED_STATES = ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]


class RestoreTesting(TypedDict):
    """A weekly restore of a recent copy of a database, thrown away an hour later."""

    metadata: NotRequired[dict[str, pulumi.Input[str]]]
    """Where to restore to, by the names of AWS Backup's restore metadata (`dbSubnetGroupName`, `vpcSecurityGroupIds`).
    Default: what AWS Backup infers from the copy."""


class BackupCopy(TypedDict):
    """A second vault in another region."""

    region: str
    """Where the second copies are kept: another region."""
    kms_key_arn: pulumi.Input[str]
    """A customer key of that region."""


class BackupArgs(TypedDict):
    """Args of `Backup`."""

    kms_key_arn: pulumi.Input[str]
    """The customer key of the vault (S5)."""
    also_tagged: NotRequired[dict[str, str]]
    """Further tags that a resource must have, so that two environments in one account back up their own only. Default:
    none."""
    daily_days: NotRequired[int]
    """Days that daily copies are kept. Default: 35."""
    weekly_days: NotRequired[int]
    """Days that weekly copies are kept. Default: 90."""
    monthly_days: NotRequired[int]
    """Days that monthly copies are kept. Default: 365."""
    continuous_days: NotRequired[int]
    """Days of point-in-time recovery for what is tagged `backup=continuous`. Default: 35."""
    min_days: NotRequired[int]
    """A protected vault refuses to hold or delete copies for less than this. Default: 7."""
    copy: NotRequired[BackupCopy]
    """A second region, and the key of the copies there. Default: no second region."""
    restore_testing: NotRequired[RestoreTesting]
    """Regular restores from the copies, to prove that they can be read. Default: no restore tests."""
    protect: NotRequired[bool]
    """Lock and access policy that deny deletion, and Pulumi's own protection. Default: true."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of failures; its policy must let `backup.amazonaws.com` and `events.amazonaws.com` publish. Default:
    nobody is told."""


class Backup(pulumi.ComponentResource):
    """AWS Backup for what is tagged `backup=true` or `backup=continuous`.

    Databases get snapshots here, never continuous backups: AWS Backup would take their retention and backup window over
    from RDS, and every later deployment that mentions them would fail.
    """

    vault_arn: pulumi.Output[str]
    vault_name: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str] | None
    """The vault in the second region."""
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Backup", name, {}, opts)
        vault = self._vault(f"{name}-vault", args["kms_key_arn"], args)
        copy_vault = None
        if "copy" in args:
            copy = args["copy"]
            copy_vault = self._vault(f"{name}-copy", copy["kms_key_arn"], args, copy["region"])
        role = self._role(
            f"{name}-backup",
            args,
            "Lets AWS Backup copy what is tagged for it",
            {
                "backup": "service-role/AWSBackupServiceRolePolicyForBackup",
                "s3-backup": "AWSBackupServiceRolePolicyForS3Backup",
            },
        )
        snapshots = backup.Plan(
            autonamed(f"{name}-snapshots", LONGEST_NAME),
            rules=[
                _rule("daily", DAILY, args.get("daily_days", 35), vault, copy_vault),
                _rule("weekly", WEEKLY, args.get("weekly_days", 90), vault, copy_vault),
                _rule("monthly", MONTHLY, args.get("monthly_days", 365), vault, copy_vault),
            ],
            tags={"Name": f"{name}-snapshots"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        continuous = backup.Plan(
            autonamed(f"{name}-continuous", LONGEST_NAME),
            rules=[
                _rule("continuous", DAILY, args.get("continuous_days", 35), vault, copy_vault, continuous=True),
            ],
            tags={"Name": f"{name}-continuous"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._selection(f"{name}-snapshots", SNAPSHOT, snapshots, role, args)
        self._selection(f"{name}-continuous", CONTINUOUS, continuous, role, args)
        if "restore_testing" in args:
            self._restore_testing(name, vault, args["restore_testing"], args)
        if "alarm_topic_arn" in args:
            self._notifications(name, vault, args["alarm_topic_arn"])

        self.vault_arn = vault.arn
        self.vault_name = vault.name
        self.copy_vault_arn = copy_vault.arn if copy_vault is not None else None
        self.role_arn = role.arn
        self.register_outputs(
            {
                "vault_arn": self.vault_arn,
                "vault_name": self.vault_name,
                "copy_vault_arn": self.copy_vault_arn,
                "role_arn": self.role_arn,
            }
        )

    def _vault(
        self, name: str, kms_key_arn: pulumi.Input[str], args: BackupArgs, region: str | None = None
    ) -> backup.Vault:
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        vault = backup.Vault(
            autonamed(name, LONGEST_NAME),
            kms_key_arn=kms_key_arn,
            force_destroy=not protect,
            region=region,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        if protect:
            backup.VaultPolicy(
                f"{name}-policy",
                backup_vault_name=vault.name,
                policy=document(
                    {
                        "Sid": "NothingIsDeleted",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": list(DENIED),
                        # In a vault's own policy `*` means what is in it.
                        "Resource": "*",
                    }
                ),
                region=region,
                opts=inside,
            )
            backup.VaultLockConfiguration(
                f"{name}-lock",
                backup_vault_name=vault.name,
                # Without `changeable_for_days` it is governance mode: who may administer AWS Backup can still lift the
                # lock, and a mistake in a retention is not for ever.
                min_retention_days=args.get("min_days", 7),
                region=region,
                # A vault has one lock: deleting the old one afterwards would take the new one away.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        return vault

    def _role(self, name: str, args: BackupArgs, description: str, policies: Mapping[str, str]) -> iam.Role:
        """AWS's own policies for AWS Backup, which name what it does in each service and grow with it."""
        role = iam.Role(
            name,
            assume_role_policy=trust("backup.amazonaws.com"),
            description=description,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        for what, policy_name in policies.items():
            iam.RolePolicyAttachment(
                f"{name}-{what}",
                role=role.name,
                policy_arn=managed_policy(args["kms_key_arn"], policy_name),
                opts=pulumi.ResourceOptions(parent=self),
            )
        return role

    def _selection(self, name: str, value: str, plan: backup.Plan, role: iam.Role, args: BackupArgs) -> None:
        backup.Selection(
            autonamed(name, LONGEST_NAME),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            # Everything that meets all conditions; `selection_tags` would take what meets any.
            resources=["*"],
            conditions=[
                backup.SelectionConditionArgs(
                    string_equals=[
                        backup.SelectionConditionStringEqualArgs(key=f"aws:ResourceTag/{key}", value=wanted)
                        for key, wanted in _wanted(value, args).items()
                    ]
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _restore_testing(self, name: str, vault: backup.Vault, testing: RestoreTesting, args: BackupArgs) -> None:
        role = self._role(
            f"{name}-restore",
            args,
            "Lets AWS Backup restore databases to test their copies",
            {"restores": "service-role/AWSBackupServiceRolePolicyForRestores"},
        )
        # These names take letters, digits and underscores only, which Pulumi's own are not.
        test_name = bounded(f"{name}-restore", LONGEST_NAME).replace("-", "_")
        plan = backup.RestoreTestingPlan(
            f"{name}-restore",
            name=test_name,
            schedule_expression=RESTORE_TEST,
            start_window_hours=RESTORE_TEST_HOURS,
            recovery_point_selection=backup.RestoreTestingPlanRecoveryPointSelectionArgs(
                algorithm="LATEST_WITHIN_WINDOW",
                include_vaults=[vault.arn],
                recovery_point_types=["SNAPSHOT"],
                selection_window_days=RESTORE_WINDOW_DAYS,
            ),
            tags={"Name": f"{name}-restore"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        backup.RestoreTestingSelection(
            f"{name}-restore",
            name=bounded(f"{name}-restore-rds", LONGEST_NAME).replace("-", "_"),
            restore_testing_plan_name=plan.name,
            iam_role_arn=role.arn,
            protected_resource_type="RDS",
            protected_resource_arns=["*"],
            protected_resource_conditions=backup.RestoreTestingSelectionProtectedResourceConditionsArgs(
                string_equals=[
                    backup.RestoreTestingSelectionProtectedResourceConditionsStringEqualArgs(
                        key=f"aws:ResourceTag/{key}", value=wanted
                    )
                    for key, wanted in _wanted(SNAPSHOT, args).items()
                ]
            ),
            restore_metadata_overrides=testing.get("metadata"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _notifications(self, name: str, vault: backup.Vault, topic_arn: pulumi.Input[str]) -> None:
        inside = pulumi.ResourceOptions(parent=self)
        backup.VaultNotifications(
            f"{name}-vault-events",
            backup_vault_name=vault.name,
            backup_vault_events=VAULT_EVENTS,
            sns_topic_arn=topic_arn,
            # A vault notifies one topic: deleting the old setting afterwards would take the new one away.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        patterns = {
            "backup-failed": pulumi.Output.json_dumps(
                {
                    "source": ["aws.backup"],
                    "detail-type": ["Backup Job State Change"],
                    "detail": {"state": FAILED_STATES, "backupVaultName": [vault.name]},
                }
            ),
            "restore-failed": json.dumps(
                {
                    "source": ["aws.backup"],
                    "detail-type": ["Restore Job State Change"],
                    "detail": {"status": FAILED_STATES},
                }
            ),
        }
        for what, pattern in patterns.items():
            rule = cloudwatch.EventRule(
                f"{name}-{what}",
                description=f"Jobs of AWS Backup that ended badly: {what}",
                event_pattern=pattern,
                tags={"Name": f"{name}-{what}"},
                opts=inside,
            )
            cloudwatch.EventTarget(f"{name}-{what}", rule=rule.name, arn=topic_arn, opts=inside)


def _rule(
    what: str,
    schedule: str,
    days: int,
    vault: backup.Vault,
    copy_vault: backup.Vault | None,
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
        # No cold storage: RDS has none (AWS Backup developer guide, "Feature availability by resource").
        "lifecycle": {"delete_after": days},
        "copy_actions": (
            [{"destination_vault_arn": copy_vault.arn, "lifecycle": {"delete_after": days}}]
            if copy_vault is not None
            else []
        ),
    }


def _wanted(value: str, args: BackupArgs) -> dict[str, str]:
    """Tags that a resource must have."""
    return {TAG: value, **args.get("also_tagged", {})}


def _check(name: str, args: BackupArgs) -> None:
    component = f'Backup "{name}"'
    require_name(component, name)
    least = args.get("min_days", 7)
    require(least >= 1, component, "min_days", least, "at least 1 day", "7 is a good value")
    for argument, days in (
        ("daily_days", args.get("daily_days", 35)),
        ("weekly_days", args.get("weekly_days", 90)),
        ("monthly_days", args.get("monthly_days", 365)),
        ("continuous_days", args.get("continuous_days", 35)),
    ):
        require(
            days >= least,
            component,
            argument,
            days,
            f"no less than min_days ({least}): the locked vault would refuse every copy",
            "raise it, or lower min_days",
        )
    continuous = args.get("continuous_days", 35)
    require(
        continuous <= MOST_CONTINUOUS_DAYS,
        component,
        "continuous_days",
        continuous,
        f"at most {MOST_CONTINUOUS_DAYS} days of point-in-time recovery",
        "keep older states by daily, weekly and monthly copies",
    )
    require(
        TAG not in args.get("also_tagged", {}),
        component,
        "also_tagged",
        args.get("also_tagged", {}),
        f"tags besides `{TAG}`, which is always asked for",
        f"leave `{TAG}` out",
    )
