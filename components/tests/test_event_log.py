"""The log of all events, for audit and replay (A3, D2, S2, S4, S5)."""

import json
import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.tests.event_samples import (
    ALARM,
    Platform,
    alarm,
    alarm_names,
    allowed,
    declared,
    kafka_args,
    platform,
    queues_args,
    stateful,
    statements,
)
from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.events import EventLog, EventLogArgs, EventLogLock, EventQuery, Kafka, Queues
from groundplan_components.events._log_documents import error_prefix, prefix, reader_statements
from groundplan_components.events._log_table import EVENT_COLUMNS, projection, saved_queries
from groundplan_components.events.log_bucket import transitions
from groundplan_components.shared import policy

BUCKET = "aws:s3/bucket:Bucket"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"


def from_kafka(on: Platform, **changes: Any) -> EventLog:
    kafka = Kafka("events", kafka_args(on))
    return log(on, topics=kafka.topic_names, kafka_cluster_arn=kafka.log_source_arn, **changes)


def from_queues(on: Platform) -> EventLog:
    return log(on, topics=Queues("events", queues_args(on)).topic_arns)


def log(on: Platform, **changes: Any) -> EventLog:
    return EventLog(
        "log",
        {
            "system": "shop",
            "topics": {},
            "kms_key_arn": on.key,
            "retention_days": 2555,
            "log_days": 90,
            "alarm_topic_arn": on.alarms,
            **changes,  # type: ignore[typeddict-item]
        },
    )


def run(**changes: Any) -> Simulation:
    return declared(lambda on: from_kafka(on, **changes))


def one(simulation: Simulation, token: str, name: str) -> Resource:
    (found,) = (each for each in simulation.of_type(token) if each.name == name)
    return found


def test_every_event_has_a_stream_from_its_topic_to_its_prefix_a3() -> None:
    simulation = run()
    streams = {each.name: each.inputs for each in simulation.of_type(STREAM)}
    assert set(streams) == {"log-order.placed", "log-payment.settled"}
    source = streams["log-order.placed"]["mskSourceConfiguration"]
    cluster = one(simulation, "aws:msk/cluster:Cluster", "events")
    assert source["topicName"] == "shop.order.placed"
    assert source["mskClusterArn"] == cluster.outputs["arn"]
    assert source["readFromTimestamp"] == "1970-01-01T00:00:00Z"
    assert source["authenticationConfiguration"]["connectivity"] == "PRIVATE"
    written = streams["log-order.placed"]["extendedS3Configuration"]
    assert written["bucketArn"] == one(simulation, BUCKET, "log-store").outputs["arn"]
    assert written["compressionFormat"] == "GZIP"
    assert written["prefix"] == prefix("order.placed")
    assert written["processingConfiguration"]["processors"] == [{"type": "AppendDelimiterToRecord"}]
    assert written["cloudwatchLoggingOptions"]["enabled"] is True


def test_prefixes_part_events_days_and_hours_and_errors_stay_apart() -> None:
    assert prefix("order.placed") == "events/event=order.placed/day=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"
    assert error_prefix("order.placed").startswith("errors/event=order.placed/!{firehose:error-output-type}/")


def test_a_stream_waits_for_its_topic_its_role_and_private_link_a3() -> None:
    simulation = run()
    stream = one(simulation, STREAM, "log-order.placed")
    upstream = {*stream.dependencies, *(urn for urns in stream.property_dependencies.values() for urn in urns)}
    for token, name in (
        (ROLE_POLICY, "log-delivery"),
        ("aws:msk/topic:Topic", "events-topic-order.placed"),
        ("aws:msk/clusterPolicy:ClusterPolicy", "events-policy"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "events-private-link"),
        ("aws:s3/bucketPolicy:BucketPolicy", "log-store"),
    ):
        assert one(simulation, token, name).urn in upstream, name


def test_events_are_locked_versioned_and_the_lock_cannot_be_bypassed_d2() -> None:
    simulation = run(lock_days=365)
    assert one(simulation, BUCKET, "log-store").inputs["objectLockEnabled"] is True
    versioning = one(simulation, "aws:s3/bucketVersioning:BucketVersioning", "log-store")
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    lock = one(simulation, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "log-store")
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 365}}
    by_sid = statements(one(simulation, "aws:s3/bucketPolicy:BucketPolicy", "log-store").inputs["policy"])
    assert by_sid["NobodyShortensTheLock"]["Effect"] == "Deny"
    assert by_sid["NobodyShortensTheLock"]["Action"] == ["s3:BypassGovernanceRetention"]


def test_compliance_locks_even_the_root_out_for_the_whole_retention_d2() -> None:
    simulation = run(lock=EventLogLock.COMPLIANCE)
    lock = one(simulation, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "log-store")
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 2555}}


def test_the_log_is_private_encrypted_and_read_over_tls_only_s2_s5() -> None:
    simulation = run()
    (key,) = simulation.of_type("aws:kms/key:Key")
    for bucket in ("log-store", "log-store-logs"):
        block = one(simulation, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket).inputs
        assert {block[each] for each in block if each.startswith(("block", "ignore", "restrict"))} == {True}
        ownership = one(simulation, "aws:s3/bucketOwnershipControls:BucketOwnershipControls", bucket)
        assert ownership.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
        by_sid = statements(one(simulation, "aws:s3/bucketPolicy:BucketPolicy", bucket).inputs["policy"])
        assert by_sid["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert by_sid["TlsOnly"]["Effect"] == "Deny"
    encryption = one(
        simulation,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "log-store",
    ).inputs["rules"]
    assert encryption[0]["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": key.outputs["arn"],
    }
    assert encryption[0]["bucketKeyEnabled"] is True


def test_reads_of_the_log_are_logged_d2() -> None:
    simulation = run()
    logging = one(simulation, "aws:s3/bucketLogging:BucketLogging", "log-store")
    target = one(simulation, BUCKET, "log-store-logs")
    assert logging.inputs["targetBucket"] == target.id
    assert "objectLockEnabled" not in target.inputs
    by_sid = statements(one(simulation, "aws:s3/bucketPolicy:BucketPolicy", "log-store-logs").inputs["policy"])
    assert by_sid["AccessLog"]["Principal"] == {"Service": ["logging.s3.amazonaws.com"]}
    assert set(by_sid["AccessLog"]["Condition"]) == {"ArnLike", "StringEquals"}


def test_events_grow_cheaper_with_age_and_expire_on_their_day() -> None:
    rules = one(run(), "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "log-store").inputs["rules"]
    events = next(rule for rule in rules if rule["id"] == "events")
    assert events["filter"] == {"prefix": "events/"}
    assert events["transitions"] == [
        {"days": 30, "storageClass": "STANDARD_IA"},
        {"days": 90, "storageClass": "GLACIER_IR"},
    ]
    assert events["expiration"] == {"days": 2555}
    assert events["noncurrentVersionExpiration"] == {"noncurrentDays": 1}


@given(st.integers(min_value=1, max_value=36_500))
def test_no_event_pays_for_longer_in_a_class_than_it_stays_there(retention_days: int) -> None:
    steps = transitions(retention_days)
    smallest_bill = {"STANDARD_IA": 30, "GLACIER_IR": 90}
    leaves = [*(days for days, _ in steps), retention_days][1:] if steps else []
    for (days, storage_class), left in zip(steps, leaves, strict=True):
        assert left - days >= smallest_bill[storage_class]


@pytest.mark.parametrize("protect", [True, False])
def test_the_log_is_protected_or_can_be_destroyed_with_all_that_is_in_it(protect: bool) -> None:
    simulation = run(protect=protect)
    assert stateful(simulation, BUCKET) == {"log-store": protect, "log-store-logs": protect}
    assert one(simulation, BUCKET, "log-store").inputs["forceDestroy"] is not protect
    by_sid = statements(one(simulation, "aws:s3/bucketPolicy:BucketPolicy", "log-store").inputs["policy"])
    assert ("NobodyShortensTheLock" in by_sid) is protect


def test_backups_select_the_log_where_they_are_asked_to() -> None:
    assert "backup" not in one(run(), BUCKET, "log-store").inputs["tags"]
    tags = one(run(backup=True), BUCKET, "log-store").inputs["tags"]
    assert tags == {"Name": "log-store", "backup": "continuous"}


def test_delivery_may_write_the_log_and_read_the_systems_topics_and_nothing_else_s4() -> None:
    simulation = run()
    by_sid = statements(one(simulation, ROLE_POLICY, "log-delivery").inputs["policy"])
    store = one(simulation, BUCKET, "log-store").outputs["arn"]
    assert by_sid["Objects"]["Resource"] == [f"{store}/events/*", f"{store}/errors/*"]
    assert "s3:DeleteObject" not in json.dumps(by_sid)
    assert by_sid["Topics"]["Resource"][0].endswith("/shop.*")
    assert not [action for each in by_sid.values() for action in each["Action"] if "Write" in action or "*" in action]
    assert set(by_sid["Key"]["Condition"]) == {"StringLike"}
    role = one(simulation, "aws:iam/role:Role", "log-delivery")
    trusted = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]
    assert trusted["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_alarms_tell_when_the_log_is_stale_failing_or_behind_a3() -> None:
    simulation = run(max_lag_events=77)
    assert alarm_names(simulation, "log-order.placed-") == {"stale", "failing", "behind"}
    stale = alarm(simulation, "log-order.placed-stale").inputs
    assert (stale["metricName"], stale["threshold"]) == ("DeliveryToS3.DataFreshness", 1800)
    failing = alarm(simulation, "log-order.placed-failing").inputs
    assert (failing["comparisonOperator"], failing["threshold"]) == ("LessThanThreshold", 1)
    behind = alarm(simulation, "log-order.placed-behind").inputs
    assert (behind["metricName"], behind["threshold"]) == ("KafkaOffsetLag", 77)
    stream = one(simulation, STREAM, "log-order.placed")
    assert behind["dimensions"] == {"DeliveryStreamName": stream.outputs["name"]}


def test_with_queues_the_log_subscribes_to_every_topic_and_loses_nothing_a3() -> None:
    simulation = declared(from_queues)
    (key,) = simulation.of_type("aws:kms/key:Key")
    subscription = one(simulation, "aws:sns/topicSubscription:TopicSubscription", "log-order.placed").inputs
    stream = one(simulation, STREAM, "log-order.placed")
    undelivered = one(simulation, "aws:sqs/queue:Queue", "log-undelivered")
    assert subscription["protocol"] == "firehose"
    assert subscription["endpoint"] == stream.outputs["arn"]
    assert subscription["rawMessageDelivery"] is True
    assert json.loads(subscription["redrivePolicy"]) == {"deadLetterTargetArn": undelivered.outputs["arn"]}
    assert "mskSourceConfiguration" not in stream.inputs
    assert stream.inputs["serverSideEncryption"] == {
        "enabled": True,
        "keyType": "CUSTOMER_MANAGED_CMK",
        "keyArn": key.outputs["arn"],
    }
    assert undelivered.inputs["kmsMasterKeyId"] == key.outputs["arn"]
    admitted = statements(one(simulation, "aws:sqs/queuePolicy:QueuePolicy", "log-undelivered").inputs["policy"])
    assert len(admitted["Topics"]["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2
    streams = statements(one(simulation, ROLE_POLICY, "log-subscription").inputs["policy"])["Streams"]
    assert streams["Resource"] == ["arn:aws:firehose:eu-central-1:123456789012:deliverystream/log-*"]
    assert alarm_names(simulation, "log-order.placed-") == {"stale", "failing", "throttled"}
    assert "undelivered" in alarm_names(simulation, "log-")
    assert "Topics" not in statements(one(simulation, ROLE_POLICY, "log-delivery").inputs["policy"])


def test_a_hundred_events_of_any_length_fit_every_limit() -> None:
    events = [f"{'a' * 38}_{number:02}.{'b' * 38}" for number in range(100)]
    simulation = declared(
        lambda on: log(
            on,
            topics={event: f"shop.{event}" for event in events},
            kafka_cluster_arn="arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f0e-1",
        )
    )
    names = [each.name for each in simulation.of_type(STREAM)]
    assert len(set(names)) == 100
    assert max(len(name) + 8 for name in names) <= 64
    document = one(simulation, ROLE_POLICY, "log-delivery").inputs["policy"]
    assert len(re.sub(r"\s", "", document)) <= 10_240


def test_another_event_changes_no_other_name() -> None:
    def names(*events: str) -> set[str]:
        topics = {event: f"arn:aws:sns:eu-central-1:123456789012:{event.replace('.', '-')}" for event in events}
        return {each.urn for each in declared(lambda on: log(on, topics=topics)).resources}

    added = names("a.b", "c.d", "e.f") - names("a.b", "e.f")
    assert added
    assert all("c.d" in urn for urn in added)


def test_a_reader_replays_its_events_and_sees_no_others_s4() -> None:
    pairs = allowed(lambda: reader_statements("arn:aws:s3:::log", KEY, ["order.placed"]))
    assert pairs == [
        ("kms:Decrypt", KEY),
        ("s3:GetObject", "arn:aws:s3:::log/events/event=order.placed/*"),
        ("s3:GetObjectVersion", "arn:aws:s3:::log/events/event=order.placed/*"),
        ("s3:ListBucket", "arn:aws:s3:::log"),
    ]
    assert reader_statements("arn:aws:s3:::log", KEY, []) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retention_days": 0}, "retention_days is 0"),
        ({"lock_days": 2556}, "lock_days is 2556"),
        ({"lock_days": 0}, "lock_days is 0"),
        ({"log_days": 0}, "log_days is 0"),
        ({"lock": "NONE"}, "lock is 'NONE'"),
        ({"lock": EventLogLock.COMPLIANCE, "protect": False}, "lock is 'COMPLIANCE'"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**changes)
    assert f": {said}\n" in str(refused.value)


def test_a_log_of_nothing_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="at least one event"):
        declared(lambda on: log(on))


def query(on: Platform, **changes: Any) -> EventQuery:
    return EventQuery(
        "query",
        {
            "bucket": "shop-log-1a2b3c4",
            "events": ["payment.settled", "order.placed"],
            "retention_days": 30,
            "kms_key_arn": on.key,
            **changes,  # type: ignore[typeddict-item]
        },
    )


def test_partitions_are_where_firehose_writes_a3() -> None:
    parameters = projection("log", ["b.c", "a.b"], 30)
    location = parameters["storage.location.template"]
    written = prefix("a.b").replace("!{timestamp:yyyy-MM-dd}", "2026-11-22").replace("!{timestamp:HH}", "07")
    read = location.replace("${event}", "a.b").replace("${day}", "2026-11-22").replace("${hour}", "07")
    assert read == f"s3://log/{written}"
    assert parameters["projection.event.values"] == "a.b,b.c"
    assert parameters["projection.day.range"] == "NOW-30DAYS,NOW"
    assert parameters["projection.hour.digits"] == "2"


def test_the_table_has_the_audit_trails_columns_d2() -> None:
    simulation = declared(query)
    (table,) = simulation.of_type("aws:glue/catalogTable:CatalogTable")
    (database,) = simulation.of_type("aws:glue/catalogDatabase:CatalogDatabase")
    assert database.inputs["name"] == "shop_log_1a2b3c4"
    assert {"event_id", "aggregate_id", "event_type", "payload", "occurred_at"} <= {
        name for name, _, _ in EVENT_COLUMNS
    }
    assert [each["name"] for each in table.inputs["storageDescriptor"]["columns"]] == [
        each[0] for each in EVENT_COLUMNS
    ]
    assert [each["name"] for each in table.inputs["partitionKeys"]] == ["event", "day", "hour"]


def test_answers_are_encrypted_bounded_and_soon_forgotten_s5() -> None:
    simulation = declared(query)
    (key,) = simulation.of_type("aws:kms/key:Key")
    (workgroup,) = simulation.of_type("aws:athena/workgroup:Workgroup")
    configuration = workgroup.inputs["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["bytesScannedCutoffPerQuery"] == 1024**4
    assert configuration["resultConfiguration"]["encryptionConfiguration"] == {
        "encryptionOption": "SSE_KMS",
        "kmsKeyArn": key.outputs["arn"],
    }
    (lifecycle,) = simulation.of_type("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert lifecycle.inputs["rules"][0]["expiration"] == {"days": 7}


def test_saved_queries_always_name_days_so_that_none_reads_the_whole_log() -> None:
    queries = saved_queries("db")
    assert set(queries) == {"history", "actor", "volume"}
    assert all('"db"."events"' in sql and "day BETWEEN ? AND ?" in sql for _, sql in queries.values())
    saved = declared(query).of_type("aws:athena/namedQuery:NamedQuery")
    assert {each.inputs["name"]: '"shop_log_1a2b3c4"."events"' in each.inputs["query"] for each in saved} == {
        "history": True,
        "actor": True,
        "volume": True,
    }


def test_an_analyst_may_ask_this_workgroup_about_this_table_s4() -> None:
    documents: list[str] = []
    simulation = simulate(lambda: policy(*query(platform()).analyst_statements()).apply(documents.append))
    (text,) = documents
    by_sid = statements(text)
    (workgroup,) = simulation.of_type("aws:athena/workgroup:Workgroup")
    assert by_sid["EventQueryRun"]["Resource"] == [
        f"arn:aws:athena:eu-central-1:123456789012:workgroup/{workgroup.outputs['name']}"
    ]
    assert (
        "arn:aws:glue:eu-central-1:123456789012:table/shop_log_1a2b3c4/events" in by_sid["EventQueryTable"]["Resource"]
    )
    assert not [action for each in by_sid.values() for action in each["Action"] if "*" in action]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": []}, "events is []"),
        ({"events": ["a,b"]}, "events is 'a,b'"),
        ({"retention_days": 0}, "retention_days is 0"),
        ({"scan_limit_bytes": 1}, "scan_limit_bytes is 1"),
    ],
)
def test_wrong_arguments_of_queries_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        declared(lambda on: query(on, **changes))
    assert f'EventQuery "query": {said}\n' in str(refused.value)


def test_without_a_topic_to_tell_the_log_has_no_alarms() -> None:
    def silent(on: Platform) -> None:
        args: EventLogArgs = {
            "system": "shop",
            "topics": dict(Queues("events", queues_args(on, alarm_topic_arn=None)).topic_arns),
            "kms_key_arn": on.key,
            "retention_days": 2555,
        }
        EventLog("log", args)

    assert declared(from_queues).of_type(ALARM)
    assert declared(silent).of_type(ALARM) == ()
