"""Backups that a person's mistake, or the loss of a region, leaves (e10)."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from groundplan.controls import assess
from groundplan.controls.authorization import pipeline_grants
from groundplan.controls.data import backup_copies
from groundplan.declaration.model import System
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment
from infra.tests.program.graphs import COPIES, Graph, few, graph_of, group, simulated
from infra.tests.samples import stack, with_images

VAULT, LOCK, PLAN = (
    "aws:backup/vault:Vault",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    "aws:backup/plan:Plan",
)

pytestmark = pytest.mark.xdist_group(group("copied backups"))


@cache
def system() -> System:
    return few("order")


def graph() -> Graph:
    return graph_of("copied backups")


def test_everything_is_declared_and_nothing_refused() -> None:
    assert graph().simulation.refusals == ()


def test_each_backup_has_a_copy_in_another_region_under_a_key_of_its_own() -> None:
    vaults = {each.region: each for each in graph().some(VAULT)}
    assert set(vaults) == {"eu-central-1", "eu-west-1"}
    copies = vaults["eu-west-1"]
    key = next(each for each in graph().of("aws:kms/key:Key") if each.outputs["arn"] == copies.inputs["kmsKeyArn"])
    assert key.region == "eu-west-1", "a copy can't be encrypted with another region's key"
    rules = [rule for plan in graph().some(PLAN) for rule in plan.inputs["rules"]]
    assert len(rules) >= 4
    for rule in rules:
        targets = [each["destinationVaultArn"] for each in rule["copyActions"]]
        assert targets == [copies.outputs["arn"], COPIES], rule["ruleName"]


def test_the_other_account_may_read_what_the_copies_are_of_and_no_more() -> None:
    """AWS Backup encrypts copies with its key there, once it has read them with the keys that they have here."""
    admitting: dict[str, list[dict[str, Any]]] = {}
    for key in graph().some("aws:kms/key:Key"):
        for statement in json.loads(key.inputs["policy"])["Statement"]:
            if "210987654321" in json.dumps(statement):
                admitting.setdefault(key.name, []).append(statement)
    assert set(admitting) == {"shop-prod-backups", "shop-prod-data", "shop-prod-copies-backups"}
    for statements in admitting.values():
        assert {each["Principal"]["AWS"] for each in statements} == {"arn:aws:iam::210987654321:root"}
        actions = {action for each in statements for action in each["Action"]}
        assert "kms:Decrypt" in actions
        assert not {each for each in actions if each.startswith(("kms:Put", "kms:Schedule", "kms:Disable", "kms:*"))}
        grants = next(each for each in statements if "kms:CreateGrant" in each["Action"])
        assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_a_copy_that_the_file_asks_for_and_the_program_lacks_is_told() -> None:
    assert assess(graph().captured, [backup_copies])["S5.backup-copies"].met
    other = COPIES.replace("210987654321", "345678901234")
    for lacking in ({"backup_copy_vault_arn": other}, {"backup_copy_region": "eu-north-1"}):
        declared = graph().captured
        environment = declared.environment.model_copy(update=lacking)
        verdict = assess(replace(declared, environment=environment), [backup_copies])["S5.backup-copies"]
        assert not verdict.met
        assert len(verdict.findings) >= 4


def test_compliance_mode_locks_both_vaults() -> None:
    locks = graph().some(LOCK)
    assert {(each.region, each.inputs["changeableForDays"]) for each in locks} == {
        ("eu-central-1", 3),
        ("eu-west-1", 3),
    }


def test_a_restore_is_tried_each_week_and_its_failure_told() -> None:
    (plan,) = graph().some("aws:backup/restoreTestingPlan:RestoreTestingPlan")
    assert "MON" in plan.inputs["scheduleExpression"]
    (selection,) = graph().some("aws:backup/restoreTestingSelection:RestoreTestingSelection")
    assert selection.inputs["protectedResourceType"] == "RDS"
    assert any("restore" in each.name for each in graph().some("aws:cloudwatch/eventRule:EventRule"))


def test_the_regions_opt_in_is_declared_and_outlives_the_stack() -> None:
    (settings,) = graph().some("aws:backup/regionSettings:RegionSettings")
    assert settings.inputs["resourceTypeOptInPreference"] == {"RDS": True, "S3": True}
    assert settings.retain_on_delete
    assert settings.ignore_changes == ("resourceTypeOptInPreference",), "other types keep what the account has"


def test_the_pipeline_may_make_all_of_it() -> None:
    verdict = assess(graph().captured, [pipeline_grants])["S4.pipeline-grants"]
    assert verdict.met, verdict.findings


def test_by_default_nothing_of_it_is_there() -> None:
    """Or deployed stacks would change."""
    plain = simulated("prod", system(), with_images(stack("prod"), system()))
    assert [each.region for each in plain.some(VAULT)] == ["eu-central-1"]
    assert not plain.of("aws:backup/regionSettings:RegionSettings")
    assert not plain.of("aws:backup/restoreTestingPlan:RestoreTestingPlan")
    assert "changeableForDays" not in plain.some(LOCK)[0].inputs


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"backup_copy_region": "eu-central-1"}, "backup_copy_region"),
        ({"backup_compliance_after_days": 3, "protect": False}, "backup_compliance_after_days"),
        ({"backup_copy_vault_arn": COPIES}, "account"),
        ({"backup_copy_vault_arn": COPIES, "account": "210987654321"}, "backup_copy_vault_arn"),
        (
            {"backup_copy_vault_arn": COPIES.replace("eu-central-1", "eu-west-1"), "account": "123456789012"},
            "backup_copy_vault_arn",
        ),
        (
            {"backup_copy_vault_arn": COPIES.replace("shop-prod-copies", "Default"), "account": "123456789012"},
            "backup_copy_vault_arn",
        ),
    ],
)
def test_what_would_protect_nothing_is_refused(settings: dict[str, object], key: str) -> None:
    environment = Environment.model_validate(
        {"name": "prod", "region": "eu-central-1", "require_domain": False, **settings}
    )
    assert [finding.path for finding in contradictions(environment, system())] == [(key,)]
