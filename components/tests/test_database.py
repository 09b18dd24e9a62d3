"""PostgreSQL instances: protection, alarms and scaling."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.tests.data_samples import PASSWORD, leaks, only, secret_texts, urns, with_database
from groundplan.changes import classify
from groundplan.cloud import Resource, Simulation
from groundplan_components.database import Database, DatabaseArgs, DatabaseInsights
from groundplan_components.database._checks import POSTGRES_VERSIONS
from groundplan_components.database._parameters import STATIC, parameters

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INSTANCE = "aws:rds/instance:Instance"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
GIB = 1024**3


def given(**values: Any) -> Callable[[DatabaseArgs], None]:
    return lambda args: args.update(values)  # type: ignore[typeddict-item]


def primary(simulation: Simulation) -> Resource:
    return simulation.named("shop-order-primary")


def replicas(simulation: Simulation) -> list[Resource]:
    return [each for each in simulation.of_type(INSTANCE) if "-replica-" in each.name]


def settings(simulation: Simulation) -> dict[str, dict[str, str]]:
    return {
        each["name"]: each for each in only(simulation, "aws:rds/parameterGroup:ParameterGroup").inputs["parameters"]
    }


def test_s5_storage_insights_logs_and_secrets_are_encrypted_by_the_customers_key() -> None:
    simulation = with_database(given(replicas=1))
    key = simulation.named("data").outputs["arn"]
    assert primary(simulation).inputs["storageEncrypted"] is True
    assert primary(simulation).inputs["kmsKeyId"] == key
    for instance in simulation.of_type(INSTANCE):
        assert instance.inputs["storageEncrypted"] is True
        assert instance.inputs["performanceInsightsKmsKeyId"] == key
    for log in simulation.of_type(LOG_GROUP):
        assert (log.inputs["kmsKeyId"], log.inputs["retentionInDays"]) == (key, 90)
    assert only(simulation, "aws:secretsmanager/secret:Secret").inputs["kmsKeyId"] == key
    # A replica has its primary's key; RDS refuses the argument.
    assert "kmsKeyId" not in replicas(simulation)[0].inputs


KEY_OF_COPIES = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
SNAPSHOT = {"snapshot": "awsbackup:copyjob-1", "kms_key_arn": KEY_OF_COPIES}
THERE = [KEY_OF_COPIES, *(f"arn:aws:rds:eu-central-1:123456789012:snapshot:awsbackup:copyjob-{n}" for n in (1, 2))]
"""What another stack has left in the account."""


def test_a_database_is_made_from_a_snapshot_with_the_snapshots_key() -> None:
    simulation = with_database(given(restored_from=SNAPSHOT, replicas=1), given=THERE)
    inputs = primary(simulation).inputs
    assert (inputs["snapshotIdentifier"], inputs["kmsKeyId"]) == tuple(SNAPSHOT.values())
    assert "snapshotIdentifier" not in replicas(simulation)[0].inputs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"restored_from": SNAPSHOT}, {}),
        ({}, {"restored_from": SNAPSHOT}),
        ({"restored_from": SNAPSHOT}, {"restored_from": {**SNAPSHOT, "snapshot": "awsbackup:copyjob-2"}}),
    ],
)
def test_what_it_was_made_from_replaces_nothing_later(before: dict[str, Any], after: dict[str, Any]) -> None:
    """The provider would: `snapshot_identifier` and `kms_key_id` force a new instance, and its rows would be gone."""
    deployed, wanted = (with_database(given(**args), given=THERE).resources for args in (before, after))
    assert [each.name for each in classify(deployed, wanted).of("replace")] == []


def test_s5_the_administrators_secret_may_have_a_key_of_its_own() -> None:
    def apart(args: DatabaseArgs) -> None:
        args["secrets_kms_key_arn"] = aws.kms.Key("secrets", description="Secrets", enable_key_rotation=True).arn

    simulation = with_database(apart)
    key = simulation.named("secrets").outputs["arn"]
    assert only(simulation, "aws:secretsmanager/secret:Secret").inputs["kmsKeyId"] == key
    assert only(simulation, "aws:lambda/function:Function").inputs["kmsKeyArn"] == key
    assert primary(simulation).inputs["kmsKeyId"] == simulation.named("data").outputs["arn"]


def test_s2_only_tls_with_scram_is_accepted() -> None:
    found = {name: each["value"] for name, each in settings(with_database()).items()}
    assert found["rds.force_ssl"] == "1"
    assert found["ssl_min_protocol_version"] == "TLSv1.2"
    assert found["rds.accepted_password_auth_method"] == "scram"
    assert found["password_encryption"] == "scram-sha-256"


def test_s1_only_named_groups_get_in_and_nothing_gets_out() -> None:
    simulation = with_database()
    group = simulation.named("shop-order-access")
    for instance in simulation.of_type(INSTANCE):
        assert instance.inputs["vpcSecurityGroupIds"] == [group.id]
        assert instance.inputs["publiclyAccessible"] is False
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs
    rules = [rule for rule in simulation.of_type(INGRESS) if rule.inputs["securityGroupId"] == group.id]
    assert {rule.name: rule.inputs["referencedSecurityGroupId"] for rule in rules} == {
        "shop-order-from-pods": simulation.of_type(GROUP)[0].id,
        "shop-order-from-rotation": simulation.named("shop-order-rotation").id,
    }
    for rule in rules:
        assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 5432, 5432)
        assert "cidrIpv4" not in rule.inputs
    assert not [rule for rule in simulation.of_type(EGRESS) if rule.inputs["securityGroupId"] == group.id]


def test_s1_rotation_reaches_the_database_and_secrets_manager_only() -> None:
    simulation = with_database()
    rules = {rule.name: rule.inputs for rule in simulation.of_type(EGRESS)}
    assert set(rules) == {"shop-order-rotation-to-database", "shop-order-rotation-to-secrets"}
    assert (
        rules["shop-order-rotation-to-database"]["referencedSecurityGroupId"]
        == simulation.named("shop-order-access").id
    )
    assert rules["shop-order-rotation-to-secrets"]["cidrIpv4"] == "0.0.0.0/0"
    assert rules["shop-order-rotation-to-secrets"]["toPort"] == 443


def test_s1_with_an_interface_endpoint_rotation_reaches_nothing_else_by_https() -> None:
    def through_an_endpoint(args: DatabaseArgs) -> None:
        args["secrets_endpoint_security_group_id"] = args["client_security_group_ids"]["pods"]

    simulation = with_database(through_an_endpoint)
    rule = simulation.named("shop-order-rotation-to-secrets").inputs
    assert rule["referencedSecurityGroupId"] == simulation.of_type(GROUP)[0].id
    assert "cidrIpv4" not in rule


def test_no_secret_is_in_plain_text() -> None:
    simulation = with_database(given(replicas=2))
    assert leaks(simulation) == []
    # The password is on the primary and in the secret; otherwise the line above would prove nothing.
    assert len(secret_texts(simulation)) == 2
    assert not [text for text in map(str, simulation.outputs.values()) if PASSWORD.search(text)]


def test_the_administrators_password_is_never_rds_own() -> None:
    """RDS's managed password can't be combined with replicas."""
    simulation = with_database(given(replicas=1))
    assert "manageMasterUserPassword" not in primary(simulation).inputs
    assert primary(simulation).inputs["username"] == "dba"


def test_a_rotated_password_is_never_set_back() -> None:
    simulation = with_database()
    assert "password" in primary(simulation).ignore_changes
    version = only(simulation, "aws:secretsmanager/secretVersion:SecretVersion")
    assert set(version.ignore_changes) == {"secretString", "versionStages"}


def test_the_administrators_secret_is_what_awss_function_expects_and_rotates_at_once() -> None:
    simulation = with_database()
    secret = json.loads(only(simulation, "aws:secretsmanager/secretVersion:SecretVersion").inputs["secretString"])
    assert {key: value for key, value in secret.items() if key != "password"} == {
        "engine": "postgres",
        "host": simulation.outputs["address"],
        "port": "5432",
        "username": "dba",
        "ssl": "true",
    }
    rotation = only(simulation, "aws:secretsmanager/secretRotation:SecretRotation").inputs
    assert rotation["rotateImmediately"] is True
    assert rotation["rotationRules"] == {"automaticallyAfterDays": 30}
    assert rotation["secretId"] == simulation.outputs["admin_secret_arn"]


def test_the_rotation_function_is_the_librarys_own_and_inside_the_network() -> None:
    """e7: half of the regions have no Serverless Application Repository, from which AWS's functions come."""
    simulation = with_database()
    function = only(simulation, "aws:lambda/function:Function").inputs
    assert function["vpcConfig"]["subnetIds"] == [simulation.named("data-0").id]
    assert function["vpcConfig"]["securityGroupIds"] == [simulation.named("shop-order-rotation").id]
    assert function["kmsKeyArn"] == simulation.named("data").outputs["arn"]
    assert function["environment"]["variables"] == {
        "STRATEGY": "single-user",
        "AUTHORITIES": "/var/task/authorities.pem",
        "AUTHORITIES_URL": "",
    }
    log = simulation.named("shop-order-admin-rotation-log").inputs
    assert function["loggingConfig"]["logGroup"] == log["name"]
    # The stacks of AWS's functions end on this name, and are there until this function is.
    assert log["name"].endswith("-admin")
    assert "name" not in function
    permission = only(simulation, "aws:lambda/permission:Permission").inputs
    assert (permission["principal"], permission["sourceAccount"]) == ("secretsmanager.amazonaws.com", "123456789012")


def test_p3_the_rotation_function_gets_at_the_secrets_that_name_it_only() -> None:
    simulation = with_database()
    policy = json.loads(simulation.named("shop-order-admin-rotation-rotate").inputs["policy"])
    secrets, key = policy["Statement"]
    arn = simulation.named("shop-order-admin-rotation-function").outputs["arn"]
    assert secrets["Condition"] == {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": arn}}
    assert secrets["Resource"] == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"]
    assert key["Resource"] == [simulation.named("data").outputs["arn"]]


def test_p3_no_other_account_can_get_access_to_the_secret() -> None:
    policy = only(with_database(), "aws:secretsmanager/secretPolicy:SecretPolicy").inputs
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "secretsmanager:*")
    assert statement["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": "123456789012"}
    assert policy["blockPublicPolicy"] is True


def test_a_protected_database_can_not_be_lost() -> None:
    simulation = with_database()
    instance = primary(simulation)
    assert instance.protect is True
    assert instance.inputs["deletionProtection"] is True
    assert instance.inputs["skipFinalSnapshot"] is False
    assert instance.inputs["finalSnapshotIdentifier"] == f"{instance.inputs['identifier']}-final"
    assert instance.inputs["deleteAutomatedBackups"] is False
    assert instance.inputs["applyImmediately"] is False
    assert instance.inputs["backupRetentionPeriod"] == 14
    assert instance.inputs["tags"]["backup"] == "true"
    secret = only(simulation, "aws:secretsmanager/secret:Secret")
    assert secret.protect is True
    assert secret.inputs["recoveryWindowInDays"] == 30


def test_an_unprotected_database_can_be_deleted_and_still_leave_a_snapshot() -> None:
    simulation = with_database(given(protect=False, final_snapshot=True))
    instance = primary(simulation)
    assert instance.protect is False
    assert instance.inputs["deletionProtection"] is False
    assert instance.inputs["skipFinalSnapshot"] is False
    assert primary(with_database(given(protect=False))).inputs["skipFinalSnapshot"] is True


def test_p2_a_standby_in_another_zone_by_default() -> None:
    assert primary(with_database()).inputs["multiAz"] is True
    assert primary(with_database(given(multi_zone=False))).inputs["multiAz"] is False


def test_minor_versions_are_awss_and_major_ones_the_users() -> None:
    inputs = primary(with_database(given(postgres_version="16"))).inputs
    assert inputs["engineVersion"] == "16"
    assert inputs["autoMinorVersionUpgrade"] is True
    assert inputs["allowMajorVersionUpgrade"] is False
    assert only(with_database(given(postgres_version="16")), "aws:rds/parameterGroup:ParameterGroup").inputs[
        "family"
    ] == ("postgres16")
    assert primary(with_database(given(allow_major_upgrade=True))).inputs["allowMajorVersionUpgrade"] is True


def test_t2_slower_statements_are_logged_without_their_parameters() -> None:
    found = {name: each["value"] for name, each in settings(with_database(given(slow_statement_ms=35))).items()}
    assert found["log_min_duration_statement"] == "35"
    assert found["log_parameter_max_length"] == "0"
    assert found["log_parameter_max_length_on_error"] == "0"
    assert found["log_error_verbosity"] == "terse"
    assert found["log_statement"] == "ddl"
    assert found["statement_timeout"] == "30000"
    assert found["idle_in_transaction_session_timeout"] == "60000"
    assert found["rds.logical_replication"] == "0"


def test_s5_plans_are_logged_where_they_have_no_values_of_parameters() -> None:
    """From PostgreSQL 16 on they have, in full: `log_parameter_max_length` is not for them."""

    def logged(version: str) -> str:
        group = settings(with_database(given(slow_statement_ms=35, postgres_version=version)))
        return str(group["auto_explain.log_min_duration"]["value"])

    assert {version: logged(version) for version in POSTGRES_VERSIONS} == {"15": "350", "16": "-1", "17": "-1"}


def test_static_parameters_wait_for_a_reboot_and_others_do_not() -> None:
    found = settings(with_database())
    assert found["max_connections"] == {"name": "max_connections", "value": "500", "applyMethod": "pending-reboot"}
    assert {name for name, each in found.items() if each["applyMethod"] == "pending-reboot"} == STATIC
    assert list(found) == sorted(found)


def test_max_connections_is_rds_own_unless_asked_for() -> None:
    found = parameters(
        "17", slow_statement_ms=20, statement_timeout_ms=1000, idle_transaction_timeout_ms=1000, max_connections=None
    )
    assert "max_connections" not in {each.name for each in found}


def test_d3_replicas_read_from_the_primary_and_share_its_settings() -> None:
    simulation = with_database(
        given(replicas=3, replica_class="db.r7g.large", zone_names=["eu-central-1a", "eu-central-1b"])
    )
    found = replicas(simulation)
    assert [each.name for each in found] == [f"shop-order-replica-{number}" for number in (1, 2, 3)]
    main = primary(simulation)
    assert [each.inputs["availabilityZone"] for each in found] == ["eu-central-1a", "eu-central-1b", "eu-central-1a"]
    for each in found:
        assert each.inputs["replicateSourceDb"] == main.inputs["identifier"]
        assert each.inputs["instanceClass"] == "db.r7g.large"
        assert each.inputs["parameterGroupName"] == main.inputs["parameterGroupName"]
        assert each.inputs["backupRetentionPeriod"] == 0
        assert each.inputs["skipFinalSnapshot"] is True
        for refused in ("username", "password", "dbSubnetGroupName", "engineVersion", "finalSnapshotIdentifier"):
            assert refused not in each.inputs
        assert main.urn in each.dependencies
    assert len(simulation.outputs["replica_addresses"]) == 3
    assert len({each.inputs["maintenanceWindow"] for each in simulation.of_type(INSTANCE)}) == 4


def test_every_log_group_is_there_before_its_instance() -> None:
    simulation = with_database(given(replicas=1))
    for instance in simulation.of_type(INSTANCE):
        expected = {
            f"/aws/rds/instance/{instance.inputs['identifier']}/{what}"
            for what in instance.inputs["enabledCloudwatchLogsExports"]
        }
        awaited = {each.inputs["name"] for each in simulation.of_type(LOG_GROUP) if each.urn in instance.dependencies}
        assert expected == {
            "/aws/rds/instance/" + instance.inputs["identifier"] + "/postgresql",
            "/aws/rds/instance/" + instance.inputs["identifier"] + "/upgrade",
        }
        assert expected <= awaited


def test_p1_adding_a_replica_or_storage_changes_no_other_name() -> None:
    before = urns(with_database(given(replicas=1)))
    grown = with_database(given(replicas=2, storage_gib=500, max_storage_gib=2000, instance_class="db.r7g.4xlarge"))
    assert before < urns(grown)
    assert all("replica-2" in each.rsplit("::", 1)[1] for each in urns(grown) - before)


@pytest.mark.parametrize(("mode", "days"), [(DatabaseInsights.STANDARD, 7), (DatabaseInsights.ADVANCED, 465)])
def test_database_insights(mode: DatabaseInsights, days: int) -> None:
    inputs = primary(with_database(given(insights=mode))).inputs
    assert inputs["databaseInsightsMode"] == mode.value
    assert inputs["performanceInsightsEnabled"] is True
    assert inputs["performanceInsightsRetentionPeriod"] == days
    assert inputs["monitoringInterval"] == 60


def test_insights_given_as_a_word_are_what_the_word_says() -> None:
    inputs = primary(with_database(given(insights="advanced"))).inputs
    assert inputs["performanceInsightsRetentionPeriod"] == 465


def test_provisioned_performance_is_passed_on_from_400_gib() -> None:
    inputs = primary(
        with_database(given(storage_gib=400, max_storage_gib=1200, iops=16_000, throughput_mibps=1_000))
    ).inputs
    assert (inputs["storageType"], inputs["iops"], inputs["storageThroughput"]) == ("gp3", 16_000, 1_000)
    assert inputs["maxAllocatedStorage"] == 1200


@pytest.mark.parametrize(
    ("storage_gib", "iops", "throughput"),
    [(20, None, None), (399, None, None), (400, 12_000, 500), (5_000, 12_000, 500)],
)
def test_the_baseline_is_written_out_from_400_gib(storage_gib: int, iops: int | None, throughput: int | None) -> None:
    """RDS takes a larger size only with its IOPS, and below 400 GiB none at all."""
    simulation = with_database(given(storage_gib=storage_gib, max_storage_gib=10_000, replicas=1))
    for instance in simulation.of_type(INSTANCE):
        assert (instance.inputs.get("iops"), instance.inputs.get("storageThroughput")) == (iops, throughput)


def alarms(simulation: Simulation) -> dict[str, Resource]:
    return {alarm.name.removeprefix("shop-order-"): alarm for alarm in simulation.of_type(ALARM)}


def test_t2_and_d3_alarms_of_the_primary() -> None:
    found = alarms(with_database())
    threshold = {name: alarm.inputs["threshold"] for name, alarm in found.items()}
    assert threshold["primary-read-latency"] == pytest.approx(0.02)
    assert threshold["primary-connections"] == 400
    assert threshold["primary-free-storage"] == 10 * GIB
    assert threshold["primary-shard-size"] == pytest.approx(0.8 * 1024 * 1024**2)
    assert threshold["primary-transaction-ids"] == 1_000_000_000
    assert found["primary-cpu"].inputs["treatMissingData"] == "breaching"
    assert found["primary-free-storage"].inputs["comparisonOperator"] == "LessThanThreshold"
    assert "primary-cpu-credits" not in found


def test_d3_the_alarm_on_a_full_shard_reads_used_space_not_free_space() -> None:
    simulation = with_database()
    (query,) = alarms(simulation)["primary-shard-size"].inputs["metricQueries"]
    resource_id = primary(simulation).outputs["resourceId"]
    assert query["expression"] == f"DB_PERF_INSIGHTS('RDS', '{resource_id}', 'os.fileSys.used.avg')"


def test_d3_every_replica_tells_when_it_falls_behind() -> None:
    simulation = with_database(given(replicas=2, replica_lag_seconds=30))
    for number, replica in enumerate(replicas(simulation), start=1):
        alarm = alarms(simulation)[f"replica-{number}-lag"].inputs
        assert alarm["threshold"] == 30
        assert alarm["treatMissingData"] == "breaching"
        assert alarm["dimensions"] == {"DBInstanceIdentifier": replica.inputs["identifier"]}
    assert "primary-lag" not in alarms(simulation)


def test_burstable_classes_tell_of_their_credits() -> None:
    assert "primary-cpu-credits" in alarms(with_database(given(instance_class="db.t4g.medium")))


def test_alarms_and_events_go_to_the_topic_or_are_not_there() -> None:
    simulation = with_database(given(replicas=1))
    topic = simulation.named("alarms").outputs["arn"]
    assert len(alarms(simulation)) >= 20
    for alarm in alarms(simulation).values():
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic]
    events = only(simulation, "aws:rds/eventSubscription:EventSubscription").inputs
    assert events["snsTopic"] == topic
    assert len(events["sourceIds"]) == 2
    silent = with_database(lambda args: args.pop("alarm_topic_arn"))
    assert not alarms(silent)
    assert not silent.of_type("aws:rds/eventSubscription:EventSubscription")


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"replicas": 16}, "replicas"),
        ({"replicas": -1}, "replicas"),
        ({"replicas": 1, "backup_days": 0}, "backup_days"),
        ({"backup_days": 36}, "backup_days"),
        ({"storage_gib": 10}, "storage_gib"),
        ({"max_storage_gib": 100}, "max_storage_gib"),
        ({"max_storage_gib": 105}, "max_storage_gib"),
        ({"max_storage_gib": 70_000}, "max_storage_gib"),
        ({"iops": 16_000}, "iops"),
        ({"throughput_mibps": 600}, "throughput_mibps"),
        ({"storage_gib": 400, "iops": 11_000}, "iops"),
        ({"storage_gib": 400, "iops": 70_000}, "iops"),
        ({"storage_gib": 400, "iops": 12_000, "throughput_mibps": 3_500}, "throughput_mibps"),
        ({"postgres_version": "18"}, "postgres_version"),
        ({"postgres_version": "17.4"}, "postgres_version"),
        ({"instance_class": "m7g.large"}, "instance_class"),
        ({"replica_class": "cache.m7g.large"}, "replica_class"),
        ({"backup_window": "04:30-05:30"}, "maintenance_window"),
        ({"max_connections": 5}, "max_connections"),
        ({"slow_statement_ms": 0}, "slow_statement_ms"),
        ({"statement_timeout_ms": 10}, "statement_timeout_ms"),
        ({"shard_limit_gib": 0}, "shard_limit_gib"),
        ({"rotation_days": 0}, "rotation_days"),
        ({"subnet_ids": ["subnet-0123456789abcdef0"]}, "subnet_ids"),
        ({"rotation_subnet_ids": []}, "rotation_subnet_ids"),
    ],
)
def test_wrong_args_are_refused_by_name_before_any_resource_exists(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f'^Database "shop-order": {argument} is .*\n +expected: .+\n +to do: '):
        with_database(given(**change))


@pytest.mark.parametrize("name", ["Shop", "shop_order", "shop--order", "9shop", "s" * 41, "shop-"])
def test_names_that_rds_would_refuse(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is "):
        with_database(name=name)


def test_everything_is_a_child_of_the_component() -> None:
    simulation = with_database(given(replicas=1))
    component = only(simulation, "groundplan:index:Database")
    stray = [
        each.name
        for each in simulation.resources
        if each.parent == simulation.stack_urn and each.name.startswith("shop-order") and each.urn != component.urn
    ]
    assert stray == []
    assert Database.__doc__ is not None
