"""A3: from producer to topic to consumer, and every event into the event log."""

from __future__ import annotations

import json

from groundplan.capacity import EventsPlan, TopicPlan
from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import allowed, as_list, granted, key, settings

STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
QUEUE = "aws:sqs/queue:Queue"


def planned(graph: Graph) -> EventsPlan:
    assert graph.plan.events is not None
    return graph.plan.events


def readers(topic: TopicPlan) -> list[str]:
    return [*topic.consumers, *(f"{service}-projector" for service in topic.projectors)]


def followed(graph: Graph) -> dict[str, set[str]]:
    """Events by reader."""
    found: dict[str, set[str]] = {}
    for topic in planned(graph).topics:
        for reader in readers(topic):
            found.setdefault(reader, set()).add(topic.event)
    return found


def workload_of(reader: str) -> str:
    return reader if reader.endswith("-projector") else f"{reader}-consumer"


def after(arn: str, kind: str) -> str:
    """`shop.order.placed` of `arn:…:topic/<cluster>/<uuid>/shop.order.placed`."""
    assert f":{kind}/" in arn, arn
    return arn.rpartition("/")[2]


@on("dev", "prod", "queues")
def test_a3_every_published_event_is_planned_with_its_consumers(graph: Graph) -> None:
    topics = {topic.event: topic for topic in planned(graph).topics}
    for event, publisher in graph.system.published_events().items():
        assert topics[event].publisher == publisher
        assert set(topics[event].consumers) == set(graph.system.consumers_of(event))


@on("dev", "prod")
def test_a3_events_have_a_kafka_topic_each_that_survives_a_broker(graph: Graph) -> None:
    kafka = planned(graph).kafka
    assert kafka is not None
    (cluster,) = graph.some("aws:msk/cluster:Cluster")
    assert cluster.inputs["numberOfBrokerNodes"] == kafka.brokers
    topics = {each.inputs["name"]: each.inputs for each in graph.some("aws:msk/topic:Topic")}
    for topic in planned(graph).topics:
        declared = topics[f"{graph.system.name}.{topic.event}"]
        assert declared["partitionCount"] == topic.partitions
        assert declared["replicationFactor"] == kafka.replication >= 2
        configs = json.loads(declared["configs"])
        assert configs["retention.ms"] == str(planned(graph).retention_hours * 3_600_000)
        if kafka.kind == "standard":
            assert configs["min.insync.replicas"] == str(kafka.min_in_sync)
    for reader in followed(graph):
        assert f"{graph.system.name}.{reader}.dead-letter" in topics
    (configuration,) = graph.some("aws:msk/configuration:Configuration")
    properties = dict(line.split("=") for line in configuration.inputs["serverProperties"].split())
    assert properties["auto.create.topics.enable"] == "false"
    if kafka.kind == "standard":
        assert properties["min.insync.replicas"] == str(kafka.min_in_sync)
        assert properties["unclean.leader.election.enable"] == "false"


@on("dev", "prod")
def test_a3_only_the_publisher_writes_a_topic(graph: Graph) -> None:
    for service in graph.system.services:
        own = {f"{graph.system.name}.{topic.event}" for topic in planned(graph).topics if topic.publisher == service}
        for workload in graph.plan.workloads_of(service):
            written = {after(arn, "topic") for arn in allowed(graph, workload.name, "kafka-cluster:WriteData")}
            if workload.role == "relay":
                assert written == own
            else:
                assert written <= {
                    f"{graph.system.name}.{service}.dead-letter",
                    f"{graph.system.name}.{service}-projector.dead-letter",
                }


@on("dev", "prod")
def test_a3_consumers_read_their_topics_as_a_group_of_their_own(graph: Graph) -> None:
    for reader, events in followed(graph).items():
        workload = workload_of(reader)
        topics = {f"{graph.system.name}.{event}" for event in events}
        dead_letters = {f"{graph.system.name}.{reader}.dead-letter"}
        assert {after(arn, "topic") for arn in allowed(graph, workload, "kafka-cluster:ReadData")} == (
            topics | dead_letters
        )
        assert {after(arn, "group") for arn in allowed(graph, workload, "kafka-cluster:AlterGroup")} == {
            f"{graph.system.name}.{reader}",
            f"{graph.system.name}.{reader}.redrive",
        }
        assert {after(arn, "topic") for arn in allowed(graph, workload, "kafka-cluster:WriteData")} == dead_letters
        told = settings(graph, workload)
        assert set(json.loads(told["EVENT_SOURCES"]).values()) == topics
        assert told["EVENT_GROUP"] == f"{graph.system.name}.{reader}"
        assert told["EVENT_DEAD_LETTERS"] == f"{graph.system.name}.{reader}.dead-letter"


@on("dev", "prod")
def test_a3_a_consumer_that_falls_behind_is_told(graph: Graph) -> None:
    watched = {
        (each.inputs["dimensions"]["Consumer Group"], each.inputs["dimensions"]["Topic"])
        for each in graph.some("aws:cloudwatch/metricAlarm:MetricAlarm")
        if each.inputs.get("metricName") == "EstimatedMaxTimeLag"
    }
    system = graph.system.name
    assert watched == {
        (f"{system}.{reader}", f"{system}.{event}") for reader, events in followed(graph).items() for event in events
    }


@on("queues", "queues in dev")
def test_a3_topics_fan_out_to_a_queue_for_each_consumer(graph: Graph) -> None:
    topics = {
        each.inputs["tags"]["Event"]: each.outputs["arn"]
        for each in graph.some("aws:sns/topic:Topic")
        if "Event" in each.inputs["tags"]
    }
    assert topics.keys() == {topic.event for topic in planned(graph).topics}
    queues = {each.outputs["arn"]: each for each in graph.some(QUEUE)}
    delivered = {
        (each.inputs["topic"], each.inputs["endpoint"]): each
        for each in graph.some(SUBSCRIPTION)
        if each.inputs["protocol"] == "sqs"
    }
    expected = set()
    for reader, events in followed(graph).items():
        told = settings(graph, workload_of(reader))
        (arn,) = [arn for arn, queue in queues.items() if queue.outputs["url"] == told["EVENT_QUEUE_URL"]]
        assert set(json.loads(told["EVENT_SOURCES"])) == events
        expected |= {(topics[event], arn) for event in events}
        own = {arn, json.loads(queues[arn].inputs["redrivePolicy"])["deadLetterTargetArn"]}
        assert allowed(graph, workload_of(reader), "sqs:ReceiveMessage") == own
        assert allowed(graph, workload_of(reader), "sqs:DeleteMessage") == own
    assert delivered.keys() == expected
    for subscription in delivered.values():
        assert subscription.inputs["rawMessageDelivery"] is True
        assert json.loads(subscription.inputs["redrivePolicy"])["deadLetterTargetArn"] in queues


@on("queues", "queues in dev")
def test_a3_what_a_consumer_gives_up_on_waits_for_a_person(graph: Graph) -> None:
    queues = {each.outputs["url"]: each for each in graph.some(QUEUE)}
    arns = {each.outputs["arn"]: each for each in queues.values()}
    for reader in followed(graph):
        told = settings(graph, workload_of(reader))
        redrive = json.loads(queues[told["EVENT_QUEUE_URL"]].inputs.get("redrivePolicy", "{}"))
        assert redrive, f"{reader} gives up on nothing"
        dead_letters = arns[redrive["deadLetterTargetArn"]]
        assert redrive["maxReceiveCount"] == 5
        assert told["EVENT_DEAD_LETTERS"] == dead_letters.outputs["url"]
        assert dead_letters.inputs["messageRetentionSeconds"] == 1_209_600, "two weeks"
        waiting = [
            each
            for each in graph.some("aws:cloudwatch/metricAlarm:MetricAlarm")
            if each.inputs.get("metricName") == "ApproximateNumberOfMessagesVisible"
            and each.inputs["dimensions"]["QueueName"] == dead_letters.outputs["name"]
        ]
        assert [each.inputs["threshold"] for each in waiting] == [0]


@on("queues", "queues in dev")
def test_a3_only_the_publisher_publishes(graph: Graph) -> None:
    topics = {each.outputs["arn"]: each.inputs["tags"].get("Event") for each in graph.some("aws:sns/topic:Topic")}
    for service in graph.system.services:
        own = {topic.event for topic in planned(graph).topics if topic.publisher == service}
        for workload in graph.plan.workloads_of(service):
            published = {topics[arn] for arn in allowed(graph, workload.name, "sns:Publish")}
            assert published == (own if workload.role == "relay" else set()), workload.name


@on("dev", "prod", "queues")
def test_a3_every_event_goes_into_the_event_log(graph: Graph) -> None:
    streams = {each.inputs["tags"]["Event"]: each for each in graph.some(STREAM)}
    assert streams.keys() == {topic.event for topic in planned(graph).topics}
    store = graph.one("aws:s3/bucket:Bucket", "event-log-store")
    for event, stream in streams.items():
        written = stream.inputs["extendedS3Configuration"]
        assert written["bucketArn"] == store.outputs["arn"]
        assert written["prefix"].startswith(f"events/event={event}/")
        assert written["kmsKeyArn"] == key(graph, "events")
        assert written["processingConfiguration"]["processors"] == [{"type": "AppendDelimiterToRecord"}]
        if planned(graph).kafka is not None:
            source = stream.inputs["mskSourceConfiguration"]
            assert source["topicName"] == f"{graph.system.name}.{event}"
            assert source.get("readFromTimestamp") == "1970-01-01T00:00:00Z", "from the first event on"
    if planned(graph).kafka is None:
        topics = {each.inputs["tags"].get("Event"): each.outputs["arn"] for each in graph.some("aws:sns/topic:Topic")}
        delivered = {
            (each.inputs["topic"], each.inputs["endpoint"])
            for each in graph.some(SUBSCRIPTION)
            if each.inputs["protocol"] == "firehose"
        }
        assert delivered == {(topics[event], stream.outputs["arn"]) for event, stream in streams.items()}


@on("dev", "prod", "queues")
def test_a3_the_event_log_can_be_neither_changed_nor_lost_before_its_time(graph: Graph) -> None:
    store = graph.one("aws:s3/bucket:Bucket", "event-log-store")
    assert store.inputs["objectLockEnabled"] is True
    (lock,) = graph.some("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    days = planned(graph).log_retention_days
    assert lock.inputs["bucket"] == store.id
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": days}}
    lifecycle = graph.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "event-log-store")
    rules = {each["id"]: each for each in lifecycle.inputs["rules"]}
    assert rules["events"]["expiration"] == {"days": days}
    policy = graph.one("aws:s3/bucketPolicy:BucketPolicy", "event-log-store").inputs["policy"]
    assert ("s3:BypassGovernanceRetention" in policy) is graph.environment.protect


@on("dev", "prod", "queues")
def test_a3_an_event_log_that_falls_behind_is_told(graph: Graph) -> None:
    names = {each.outputs["name"] for each in graph.some(STREAM)}
    for metric in ("DeliveryToS3.DataFreshness", "DeliveryToS3.Success"):
        watched = {
            each.inputs["dimensions"]["DeliveryStreamName"]
            for each in graph.some("aws:cloudwatch/metricAlarm:MetricAlarm")
            if each.inputs.get("metricName") == metric
        }
        assert watched == names


@on("dev", "prod", "queues")
def test_a3_firehose_may_write_the_log_and_read_topics_only(graph: Graph) -> None:
    (role,) = {each.inputs["extendedS3Configuration"]["roleArn"] for each in graph.some(STREAM)}
    store = graph.one("aws:s3/bucket:Bucket", "event-log-store").outputs["arn"]
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", "event-log-delivery")
    assert role.rpartition("/")[2] == policy.inputs["role"]
    for statement in as_list(json.loads(policy.inputs["policy"])["Statement"]):
        for action in as_list(statement["Action"]):
            if action.startswith("s3:") and "Object" in action:
                assert set(as_list(statement["Resource"])) == {f"{store}/events/*", f"{store}/errors/*"}
            assert not action.startswith("s3:Delete")
            assert action not in ("kafka-cluster:WriteData", "kafka-cluster:AlterTopic")


@on("dev", "prod", "queues")
def test_a3_events_leave_by_the_relay(graph: Graph) -> None:
    for name, service in graph.system.services.items():
        roles = {workload.role for workload in graph.plan.workloads_of(name)}
        assert ("relay" in roles) is bool(service.publishes or service.cqrs)
        assert ("consumer" in roles) is bool(service.consumes)
        if "relay" in roles:
            told = json.loads(settings(graph, f"{name}-relay")["EVENT_TOPICS"])
            assert set(told) >= set(service.publishes)
            assert granted(graph, f"{name}-relay")
