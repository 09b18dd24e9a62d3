"""Backups that no principal can delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.tests.data_samples import only, with_backup
from groundplan.cloud import Simulation
from groundplan_components.backup import BackupArgs

PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
VAULT = "aws:backup/vault:Vault"
POLICY = "aws:backup/vaultPolicy:VaultPolicy"
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"


def given(**values: Any) -> Callable[[BackupArgs], None]:
    return lambda args: args.update(values)  # type: ignore[typeddict-item]


def rules(simulation: Simulation, plan: str) -> dict[str, dict[str, Any]]:
    (found,) = (each for each in simulation.of_type(PLAN) if each.name == plan)
    return {rule["ruleName"]: rule for rule in found.inputs["rules"]}


def test_s5_the_vault_is_encrypted_by_the_customers_key() -> None:
    simulation = with_backup()
    assert only(simulation, VAULT).inputs["kmsKeyArn"] == simulation.named("data").outputs["arn"]


def test_a_protected_vault_denies_deletion_to_everybody() -> None:
    simulation = with_backup()
    vault = only(simulation, VAULT)
    assert vault.protect is True
    assert vault.inputs["forceDestroy"] is False
    (statement,) = json.loads(only(simulation, POLICY).inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert {"backup:DeleteRecoveryPoint", "backup:DeleteBackupVault"} <= set(statement["Action"])
    lock = only(simulation, LOCK).inputs
    assert lock["minRetentionDays"] == 7
    # If given, the lock would be in compliance mode, which is permanent.
    assert "changeableForDays" not in lock


def test_an_unprotected_vault_can_be_destroyed_with_all_in_it() -> None:
    simulation = with_backup(given(protect=False))
    assert only(simulation, VAULT).protect is False
    assert only(simulation, VAULT).inputs["forceDestroy"] is True
    assert not simulation.of_type(POLICY)
    assert not simulation.of_type(LOCK)


def test_p2_databases_are_copied_by_day_week_and_month_and_never_continuously() -> None:
    """AWS Backup's continuous backups would take retention and window over from RDS."""
    found = rules(with_backup(), "shop-snapshots")
    assert {name: rule["lifecycle"]["deleteAfter"] for name, rule in found.items()} == {
        "daily": 35,
        "weekly": 90,
        "monthly": 365,
    }
    assert {rule["enableContinuousBackup"] for rule in found.values()} == {False}
    # Clear of RDS's windows (02:00 to 05:00 by default) and of the hour before them.
    assert {rule["schedule"].split()[1] for rule in found.values()} == {"7"}


def test_p2_buckets_can_go_back_to_any_second() -> None:
    rule = rules(with_backup(given(continuous_days=20)), "shop-continuous")["continuous"]
    assert rule["enableContinuousBackup"] is True
    assert rule["lifecycle"]["deleteAfter"] == 20


def test_resources_are_selected_by_all_tags_and_not_by_any() -> None:
    simulation = with_backup(given(also_tagged={"environment": "prod"}))
    for selection in simulation.of_type(SELECTION):
        wanted = {"shop-snapshots": "true", "shop-continuous": "continuous"}[selection.name]
        (condition,) = selection.inputs["conditions"]
        assert condition["stringEquals"] == [
            {"key": "aws:ResourceTag/backup", "value": wanted},
            {"key": "aws:ResourceTag/environment", "value": "prod"},
        ]
        assert "selectionTags" not in selection.inputs
        assert selection.inputs["resources"] == ["*"]
    assert len(simulation.of_type(SELECTION)) == 2


def test_a_second_region_gets_a_copy_of_everything() -> None:
    def copied(args: BackupArgs) -> None:
        key = aws.kms.Key("far", description="Copies", enable_key_rotation=True, region="eu-west-1")
        args["copy"] = {"region": "eu-west-1", "kms_key_arn": key.arn}

    simulation = with_backup(copied)
    here, there = (simulation.named(f"shop-{which}") for which in ("vault", "copy"))
    assert there.region == "eu-west-1"
    assert there.inputs["kmsKeyArn"] == simulation.named("far").outputs["arn"]
    for plan in ("shop-snapshots", "shop-continuous"):
        for rule in rules(simulation, plan).values():
            assert rule["targetVaultName"] == here.outputs["name"]
            (copy,) = rule["copyActions"]
            assert copy["destinationVaultArn"] == there.outputs["arn"]
            assert copy["lifecycle"] == rule["lifecycle"]
    for token in (POLICY, LOCK):
        assert {each.region for each in simulation.of_type(token)} == {"eu-central-1", "eu-west-1"}


ELSEWHERE = "arn:aws:backup:eu-central-1:210987654321:backup-vault:shop-prod-copies"


@pytest.mark.parametrize("protect", [True, False])
def test_another_account_gets_a_copy_of_everything_and_may_send_it_back(protect: bool) -> None:
    simulation = with_backup(given(account_vault_arn=ELSEWHERE, protect=protect))
    for plan in ("shop-snapshots", "shop-continuous"):
        for rule in rules(simulation, plan).values():
            assert [each["destinationVaultArn"] for each in rule["copyActions"]] == [ELSEWHERE]
    statements = {each["Effect"]: each for each in json.loads(only(simulation, POLICY).inputs["policy"])["Statement"]}
    assert statements["Allow"] == {
        "Sid": "CopiesComeBack",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "backup:CopyIntoBackupVault",
        "Resource": "*",
    }
    assert ("Deny" in statements) is protect


def test_p3_the_role_is_aws_backups_alone() -> None:
    simulation = with_backup()
    role = only(simulation, "aws:iam/role:Role")
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "backup.amazonaws.com"}
    attached = {
        each.inputs["policyArn"] for each in simulation.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert attached == {
        "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
        "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    }
    assert {each.inputs["iamRoleArn"] for each in simulation.of_type(SELECTION)} == {role.outputs["arn"]}


def test_buckets_are_restored_by_a_role_of_aws_backups() -> None:
    assert all(not each.name.endswith("-bucket-restores") for each in with_backup().resources)
    simulation = with_backup(given(bucket_restores=True))
    (role,) = (each for each in simulation.of_type("aws:iam/role:Role") if each.name.endswith("-bucket-restores"))
    assert "backup.amazonaws.com" in role.inputs["assumeRolePolicy"]
    attached = [
        each.inputs["policyArn"]
        for each in simulation.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.inputs["role"] == role.outputs["name"]
    ]
    assert [arn.rpartition("/")[2] for arn in attached] == ["AWSBackupServiceRolePolicyForS3Restore"]


def test_copies_are_proven_by_restoring_one_a_week() -> None:
    simulation = with_backup(given(restore_testing={"metadata": {"dbSubnetGroupName": "data"}}))
    plan = only(simulation, "aws:backup/restoreTestingPlan:RestoreTestingPlan").inputs
    assert plan["name"] == "shop_restore"
    assert plan["recoveryPointSelection"]["includeVaults"] == [only(simulation, VAULT).outputs["arn"]]
    selection = only(simulation, "aws:backup/restoreTestingSelection:RestoreTestingSelection").inputs
    assert selection["protectedResourceType"] == "RDS"
    assert selection["restoreMetadataOverrides"] == {"dbSubnetGroupName": "data"}
    assert not with_backup().of_type("aws:backup/restoreTestingPlan:RestoreTestingPlan")


def test_failures_raise_notifications() -> None:
    simulation = with_backup()
    topic = simulation.named("alarms").outputs["arn"]
    patterns = [
        json.loads(rule.inputs["eventPattern"]) for rule in simulation.of_type("aws:cloudwatch/eventRule:EventRule")
    ]
    failed = next(each for each in patterns if each["detail-type"] == ["Backup Job State Change"])
    assert failed["detail"]["backupVaultName"] == [only(simulation, VAULT).outputs["name"]]
    assert {"FAILED", "ABORTED", "EXPIRED"} <= set(failed["detail"]["state"])
    targets = simulation.of_type("aws:cloudwatch/eventTarget:EventTarget")
    assert [each.inputs["arn"] for each in targets] == [topic, topic]
    events = only(simulation, "aws:backup/vaultNotifications:VaultNotifications").inputs
    assert events["snsTopicArn"] == topic
    # Deprecated and never sent (AWS Backup API reference).
    assert "BACKUP_JOB_FAILED" not in events["backupVaultEvents"]
    assert not with_backup(lambda args: args.pop("alarm_topic_arn")).of_type("aws:cloudwatch/eventRule:EventRule")


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"daily_days": 3}, "daily_days"),
        ({"weekly_days": 1}, "weekly_days"),
        ({"monthly_days": 5, "min_days": 6}, "monthly_days"),
        ({"continuous_days": 36}, "continuous_days"),
        ({"continuous_days": 1}, "continuous_days"),
        ({"min_days": 0}, "min_days"),
        ({"also_tagged": {"backup": "yes"}}, "also_tagged"),
        ({"account_vault_arn": "shop-prod-copies"}, "account_vault_arn"),
        ({"account_vault_arn": ELSEWHERE.replace("shop-prod-copies", "Default")}, "account_vault_arn"),
    ],
)
def test_wrong_args_are_refused_by_name(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f'^Backup "shop": {argument} is '):
        with_backup(given(**change))


@pytest.mark.parametrize("name", ["Shop", "s" * 41])
def test_names_that_aws_backup_would_refuse(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is "):
        with_backup(name=name)


def test_the_longest_name_fits_what_aws_backup_takes() -> None:
    simulation = with_backup(given(restore_testing={}), name="s" * 40)
    tests = (
        only(simulation, "aws:backup/restoreTestingPlan:RestoreTestingPlan").inputs["name"],
        only(simulation, "aws:backup/restoreTestingSelection:RestoreTestingSelection").inputs["name"],
    )
    assert len(set(tests)) == 2
    assert all(len(name) <= 50 for name in tests)
