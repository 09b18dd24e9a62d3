"""What holds data can be deleted exactly where the stack says so (`protect`), and comes back where it was lost."""

from __future__ import annotations

import pytest

from groundplan.cloud import Resource
from infra.tests.program.graphs import ALL, STACKS, Graph, on
from infra.tests.program.reading import key, primaries

BUCKET = "aws:s3/bucket:Bucket"
HOLDING_DATA = (
    BUCKET,
    "aws:backup/vault:Vault",
    "aws:cognito/userPool:UserPool",
    "aws:ec2/vpc:Vpc",
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:msk/cluster:Cluster",
    "aws:msk/topic:Topic",
    "aws:networkfirewall/firewall:Firewall",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
)
# Answers to questions that can be asked again.
FLEETING = {"event-query-results"}


def holding_data(graph: Graph) -> list[Resource]:
    found = [each for token in HOLDING_DATA for each in graph.of(token) if each.name not in FLEETING]
    topics = graph.of("aws:sns/topic:Topic")
    return [*found, *primaries(graph), *(each for each in topics if "Event" in each.inputs["tags"])]


@on(*ALL)
def test_pulumi_protects_what_holds_data_exactly_where_the_stack_says_so(graph: Graph) -> None:
    expected = {each.urn for each in holding_data(graph)} if graph.environment.protect else set()
    assert len(holding_data(graph)) > 15
    assert {each.urn for each in graph.resources if each.protect} == expected


@pytest.mark.parametrize(
    ("token", "attribute", "protected", "unprotected"),
    [
        ("aws:cognito/userPool:UserPool", "deletionProtection", "ACTIVE", "INACTIVE"),
        ("aws:eks/cluster:Cluster", "deletionProtection", True, False),
        ("aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection", True, False),
        ("aws:ecr/repository:Repository", "forceDelete", False, True),
        ("aws:backup/vault:Vault", "forceDestroy", False, True),
        ("aws:kms/key:Key", "deletionWindowInDays", 30, 7),
        ("aws:secretsmanager/secret:Secret", "recoveryWindowInDays", 30, 7),
    ],
)
@on("dev", "prod")
def test_aws_protects_it_too(graph: Graph, token: str, attribute: str, protected: object, unprotected: object) -> None:
    expected = protected if graph.environment.protect else unprotected
    assert {each.inputs[attribute] for each in graph.some(token)} == {expected}


@on(*STACKS)
def test_databases_are_kept_or_leave_a_snapshot(graph: Graph) -> None:
    protect = graph.environment.protect
    for database in primaries(graph):
        assert database.inputs["deletionProtection"] is protect, database.urn
        assert database.inputs["skipFinalSnapshot"] is not protect, database.urn
        assert database.inputs["deleteAutomatedBackups"] is not protect, database.urn
        assert database.inputs["applyImmediately"] is not protect, database.urn
        assert database.inputs["backupRetentionPeriod"] == graph.environment.backup_days, database.urn


@on(*STACKS)
def test_buckets_with_something_in_them_are_kept(graph: Graph) -> None:
    for bucket in graph.some(BUCKET):
        emptied = bucket.name in FLEETING or not graph.environment.protect
        assert bucket.inputs["forceDestroy"] is emptied, bucket.urn


@on("dev", "prod", "queues")
def test_s5_backups_of_everything_that_is_tagged_for_it(graph: Graph) -> None:
    """A resource is backed up if it has all of the selection's tags: its own and those that the provider adds."""
    provider = graph.one("pulumi:providers:aws", "region")
    scope = {"system": graph.system.name, "environment": graph.environment.name}
    for own_tag in scope.items():
        assert '"{}": "{}"'.format(*own_tag) in provider.inputs["defaultTags"]
    selected = {}
    for selection in graph.some("aws:backup/selection:Selection"):
        (condition,) = selection.inputs["conditions"]
        wanted = {each["key"]: each["value"] for each in condition["stringEquals"]}
        plan = next(each for each in graph.some("aws:backup/plan:Plan") if each.id == selection.inputs["planId"])
        assert {rule["targetVaultName"] for rule in plan.inputs["rules"]} == {
            each.outputs["name"] for each in graph.some("aws:backup/vault:Vault")
        }
        assert {name: wanted.pop(f"aws:ResourceTag/{name}", None) for name in scope} == scope
        selected[wanted.pop("aws:ResourceTag/backup")] = plan
        assert wanted == {}
    assert set(selected) == {"true", "continuous"}
    assert {each.inputs["tags"].get("backup") for each in primaries(graph)} == {"true"}
    (vault,) = graph.some("aws:backup/vault:Vault")
    assert vault.inputs["kmsKeyArn"] == key(graph, "backups")


@on("dev", "prod")
def test_s5_nobody_deletes_copies_from_a_protected_vault(graph: Graph) -> None:
    locks = graph.of("aws:backup/vaultLockConfiguration:VaultLockConfiguration")
    policies = graph.of("aws:backup/vaultPolicy:VaultPolicy")
    assert len(locks) == len(policies) == (1 if graph.environment.protect else 0)
    for lock, policy in zip(locks, policies, strict=True):
        assert lock.inputs["minRetentionDays"] >= 7
        assert "backup:DeleteRecoveryPoint" in policy.inputs["policy"]
        assert '"Deny"' in policy.inputs["policy"]
