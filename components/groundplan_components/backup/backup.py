"""AWS Backup: protected copies of tagged resources, and regular restore tests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi_aws import backup, cloudwatch, iam

from groundplan_components.backup._args import BackupArgs, RestoreTesting, check_backup
from groundplan_components.backup._rules import rule, wanted_tags
from groundplan_components.shared.arn import managed_policy, root_of
from groundplan_components.shared.iam import trust
from groundplan_components.shared.names import autonamed, bounded
from groundplan_components.shared.resource_policy import document

SNAPSHOT = "true"
"""Daily, weekly and monthly copies; for databases, whose point-in-time recovery is RDS's own."""
CONTINUOUS = "continuous"
"""Point-in-time recovery; for buckets, which have none of their own."""

# AWS Backup API: the names of vaults, plans, selections and restore tests have at most 50 characters.
LONGEST_NAME = 50
# Daily at 07:00, weekly on Sunday, monthly on the 1st, in UTC: RDS takes no backup in its windows and in the hour
# before them (AWS Backup developer guide, "Amazon RDS backups").
DAILY = "cron(0 7 * * ? *)"
WEEKLY = "cron(0 7 ? * SUN *)"
MONTHLY = "cron(0 7 1 * ? *)"
RESTORE_TEST = "cron(0 12 ? * MON *)"
RESTORE_TEST_HOURS = 1
RESTORE_WINDOW_DAYS = 7

# Actions that a protected vault denies to all principals.
DENIED = ("backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle")
_NOTHING_IS_DELETED: dict[str, Any] = {
    "Sid": "NothingIsDeleted",
    "Effect": "Deny",
    "Principal": "*",
    "Action": list(DENIED),
    # In a vault's policy `*` means its contents.
    "Resource": "*",
}
# Failures that a vault still reports itself; events of backup jobs are deprecated there and come through EventBridge
# (AWS Backup API reference, "PutBackupVaultNotifications").
VAULT_EVENTS = ["COPY_JOB_FAILED", "S3_BACKUP_OBJECT_FAILED"]
FAILED_STATES = ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]


class Backup(pulumi.ComponentResource):
    """AWS Backup for resources tagged `backup=true` or `backup=continuous`.

    Databases get snapshots, never continuous backups: AWS Backup would take over their retention and backup window from
    RDS, and later deployments that set these would fail.
    """

    vault_arn: pulumi.Output[str]
    vault_name: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str] | None
    """The vault in the second region."""
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_backup(name, args)
        super().__init__("groundplan:index:Backup", name, {}, opts)
        if args.get("opt_in", False):
            backup.RegionSettings(
                f"{name}-opt-in",
                resource_type_opt_in_preference={"RDS": True, "S3": True},
                # Of the account: other types keep what they have, and other stacks' backups need it when this one goes.
                opts=pulumi.ResourceOptions(
                    parent=self, retain_on_delete=True, ignore_changes=["resourceTypeOptInPreference"]
                ),
            )
        elsewhere = args.get("account_vault_arn")
        vault = self._vault(f"{name}-vault", args["kms_key_arn"], args, sent_back_from=elsewhere)
        copy_vault = None
        copies: list[pulumi.Input[str]] = []
        if "copy" in args:
            copy = args["copy"]
            copy_vault = self._vault(f"{name}-copy", copy["kms_key_arn"], args, copy["region"])
            copies.append(copy_vault.arn)
        if elsewhere is not None:
            copies.append(elsewhere)
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
                rule("daily", DAILY, args.get("daily_days", 35), vault, copies),
                rule("weekly", WEEKLY, args.get("weekly_days", 90), vault, copies),
                rule("monthly", MONTHLY, args.get("monthly_days", 365), vault, copies),
            ],
            tags={"Name": f"{name}-snapshots"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        continuous = backup.Plan(
            autonamed(f"{name}-continuous", LONGEST_NAME),
            rules=[
                rule("continuous", DAILY, args.get("continuous_days", 35), vault, copies, continuous=True),
            ],
            tags={"Name": f"{name}-continuous"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._selection(f"{name}-snapshots", SNAPSHOT, snapshots, role, args)
        self._selection(f"{name}-continuous", CONTINUOUS, continuous, role, args)
        if args.get("bucket_restores", False):
            self._role(
                f"{name}-bucket-restores",
                args,
                "Lets AWS Backup restore buckets",
                {"s3-restores": "AWSBackupServiceRolePolicyForS3Restore"},
            )
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
        self,
        name: str,
        kms_key_arn: pulumi.Input[str],
        args: BackupArgs,
        region: str | None = None,
        sent_back_from: str | None = None,
    ) -> backup.Vault:
        """``sent_back_from``: ARN of another account's vault, whose copies this one takes."""
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
        statements = [*([_NOTHING_IS_DELETED] if protect else []), *_takes_copies(sent_back_from)]
        if statements:
            backup.VaultPolicy(
                f"{name}-policy",
                backup_vault_name=vault.name,
                policy=document(*statements),
                region=region,
                opts=inside,
            )
        if protect:
            backup.VaultLockConfiguration(
                f"{name}-lock",
                backup_vault_name=vault.name,
                # Without `changeable_for_days` the lock is in governance mode: administrators of AWS Backup can still
                # remove it, so a wrong retention isn't permanent.
                changeable_for_days=args.get("compliance_after_days"),
                min_retention_days=args.get("min_days", 7),
                region=region,
                # A vault has one lock: deleting the old one last would remove the new one.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        return vault

    def _role(self, name: str, args: BackupArgs, description: str, policies: Mapping[str, str]) -> iam.Role:
        """A role with AWS's managed policies for AWS Backup, which AWS extends with the service."""
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
            # Selects resources that meet all conditions; `selection_tags` would select those that meet any.
            resources=["*"],
            conditions=[
                backup.SelectionConditionArgs(
                    string_equals=[
                        backup.SelectionConditionStringEqualArgs(key=f"aws:ResourceTag/{key}", value=wanted)
                        for key, wanted in wanted_tags(value, args).items()
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
        # These names allow letters, digits and underscores only, unlike Pulumi's auto-names.
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
                    for key, wanted in wanted_tags(SNAPSHOT, args).items()
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
            # A vault notifies one topic: deleting the old setting last would remove the new one.
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


def _takes_copies(vault_arn: str | None) -> Iterator[dict[str, Any]]:
    """Lets the account of another vault copy into this one: a restore needs the backup in the account that it is for.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html
    """
    if vault_arn is not None:
        yield {
            "Sid": "CopiesComeBack",
            "Effect": "Allow",
            "Principal": {"AWS": root_of(vault_arn)},
            "Action": "backup:CopyIntoBackupVault",
            "Resource": "*",
        }
