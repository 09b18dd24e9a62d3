"""A3: from producer to topic to consumer, and every event into the event log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundplan.capacity import EventsPlan, KafkaPlan, TopicPlan
from groundplan.cloud.model import Resource
from groundplan.controls.captured import CapturedProgram
from groundplan.controls.data import STREAM
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.reading import at, mappings, parsed_or_empty
from groundplan.controls.transport import KAFKA, QUEUE, TOPIC, requires_broker

KAFKA_TOPIC = "aws:msk/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
MAX_RECEIVES = 5
TWO_WEEKS = 1_209_600
BEGINNING = "1970-01-01T00:00:00Z"


def planned(program: CapturedProgram) -> EventsPlan:
    if program.plan.events is None:
        raise NotApplicable("no service publishes an event")
    return program.plan.events


def _kafka(program: CapturedProgram) -> KafkaPlan:
    requires_broker(program, "kafka")
    kafka = planned(program).kafka
    assert kafka is not None
    return kafka


def readers(topic: TopicPlan) -> list[str]:
    return [*topic.consumers, *(f"{service}-projector" for service in topic.projectors)]


def followed(program: CapturedProgram) -> dict[str, set[str]]:
    """Events by reader: a service's consumer, or its projector."""
    found: dict[str, set[str]] = {}
    for topic in planned(program).topics:
        for reader in readers(topic):
            found.setdefault(reader, set()).add(topic.event)
    return found


def _workload(reader: str) -> str:
    return reader if reader.endswith("-projector") else f"{reader}-consumer"


def _reading(program: CapturedProgram, check: Check) -> Iterator[tuple[str, str, Resource, dict[str, str], set[str]]]:
    """Reader, its workload, that one's settings, and the events that it reads, of the services that run."""
    running = {each.name for each in program.workloads}
    read = {reader: events for reader, events in followed(program).items() if _workload(reader) in running}
    if not read:
        raise NotApplicable("no workload of this stack reads events yet")
    for reader, events in read.items():
        resource, told = program.settings(_workload(reader))
        if resource is None:
            check.missing(f"settings of the workload {_workload(reader)}")
        else:
            yield reader, _workload(reader), resource, told, events


def _last(arn: str) -> str:
    """`shop.order.placed` of `arn:…:topic/<cluster>/<uuid>/shop.order.placed`."""
    return arn.rpartition("/")[2]


def _mapping(text: str | None) -> dict[str, Any]:
    return parsed_or_empty(text)


@control(
    "A3.kafka-topics",
    "Every event has a Kafka topic that survives the loss of a broker",
    "events.kafka",
    remedy="list the event under `publishes` in `system.yaml`, and leave topics to `Kafka`",
)
def kafka_topics(program: CapturedProgram, check: Check) -> None:
    kafka = _kafka(program)
    for cluster in check.some(KAFKA):
        check.same(cluster, "numberOfBrokerNodes", kafka.brokers)
    topics = program.by_input(KAFKA_TOPIC, "name")
    by_event = {f"{program.system.name}.{topic.event}": topic for topic in planned(program).topics}
    for name, resource in check.each(topics, list(by_event), "the topic"):
        check.same(resource, "partitionCount", by_event[name].partitions)
        check.same(resource, "replicationFactor", kafka.replication)
        check.that(kafka.replication >= 2, resource, "replicationFactor", "2 or more")
        configs = parsed_or_empty(resource.inputs.get("configs"))
        wanted = {"retention.ms": str(planned(program).retention_hours * 3_600_000)}
        if kafka.kind == "standard":
            wanted["min.insync.replicas"] = str(kafka.min_in_sync)
        for key, value in wanted.items():
            check.that(str(configs.get(key)) == value, resource, "configs", f"{key} = {value}")
    letters = [f"{program.system.name}.{reader}.dead-letter" for reader in followed(program)]
    for _, resource in check.each(topics, letters, "the topic"):
        check.shown(resource, "name")
    for configuration in check.some("aws:msk/configuration:Configuration"):
        lines = str(configuration.inputs.get("serverProperties")).splitlines()
        properties = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        wanted = {"auto.create.topics.enable": "false"}
        if kafka.kind == "standard":
            wanted |= {"min.insync.replicas": str(kafka.min_in_sync), "unclean.leader.election.enable": "false"}
        for key, value in wanted.items():
            check.that(properties.get(key) == value, configuration, "serverProperties", f"{key}={value}")


@control(
    "A3.publishers",
    "Only the publisher's relay writes a topic",
    "workload.service_role",
    remedy="grant publishing to the relay of the service alone, as `declare_services` does",
)
def publishers(program: CapturedProgram, check: Check) -> None:
    system = program.system.name
    own_topics: dict[str, set[str]] = {}
    for topic in planned(program).topics:
        own_topics.setdefault(topic.publisher, set()).add(topic.event)
    sns = {str(each.outputs.get("arn")): (each.inputs.get("tags") or {}).get("Event") for each in program.of(TOPIC)}
    for workload in program.workloads:
        own = own_topics.get(workload.service, set())
        letters = {f"{system}.{workload.service}.dead-letter", f"{system}.{workload.service}-projector.dead-letter"}
        written = {_last(arn) for arn in program.allowed(workload.name, "kafka-cluster:WriteData")}
        published = {str(sns.get(arn, arn)) for arn in program.allowed(workload.name, "sns:Publish")}
        if workload.role == "relay":
            names = {f"{system}.{event}" for event in own}
            right = (written == names and not published) or (published == own and not written)
        else:
            right = written <= letters and not published
        expected = (
            "write access to the service's own topics" if workload.role == "relay" else "write access to no topic"
        )
        for policy in program.policies_of(workload.name)[:1]:
            check.that(right, policy, "policy", expected)
        if not program.policies_of(workload.name):
            check.missing(f"a role of its own for the pods of {workload.name}")
    if not program.workloads:
        raise NotApplicable("no service has an image yet")


@control(
    "A3.kafka-consumers",
    "Consumers read their own topics, as a group of their own",
    "events.kafka",
    remedy="list the event under `consumes` in `system.yaml`, and grant that topic and group alone",
)
def kafka_consumers(program: CapturedProgram, check: Check) -> None:
    _kafka(program)
    system = program.system.name
    for reader, workload, resource, told, events in _reading(program, check):
        topics = {f"{system}.{event}" for event in events}
        letters = f"{system}.{reader}.dead-letter"
        granted = {
            "kafka-cluster:ReadData": topics | {letters},
            "kafka-cluster:AlterGroup": {f"{system}.{reader}", f"{system}.{reader}.redrive"},
            "kafka-cluster:WriteData": {letters},
        }
        for policy in program.policies_of(workload)[:1]:
            for action, wanted in granted.items():
                found = {_last(arn) for arn in program.allowed(workload, action)}
                check.that(found == wanted, policy, "policy", f"{action} of {', '.join(sorted(wanted))}")
        sources = set(map(str, _mapping(told.get("EVENT_SOURCES")).values()))
        check.that(sources == topics, resource, "data.EVENT_SOURCES", ", ".join(sorted(topics)))
        check.same(resource, "data.EVENT_GROUP", f"{system}.{reader}")
        check.same(resource, "data.EVENT_DEAD_LETTERS", letters)


@control(
    "A3.consumer-lag",
    "An alarm tells when a consumer falls behind",
    "events.kafka",
    remedy="leave alarms of consumer groups to `Kafka`",
)
def consumer_lag(program: CapturedProgram, check: Check) -> None:
    _kafka(program)
    alarms = {
        (str(at(each.inputs, ("dimensions", "Consumer Group"))), str(at(each.inputs, "dimensions.Topic"))): each
        for each in program.alarms("EstimatedMaxTimeLag")
    }
    system = program.system.name
    for reader, events in followed(program).items():
        for event in sorted(events):
            alarm = alarms.get((f"{system}.{reader}", f"{system}.{event}"))
            if alarm is None:
                check.missing(f"an alarm on the lag of {reader} in {event}")
            else:
                check.shown(alarm, "dimensions")
    if not followed(program):
        raise NotApplicable("no service reads an event")


@control(
    "A3.queues",
    "Topics fan out to a queue for each consumer, which that consumer alone reads",
    "events.queues",
    remedy="list the event under `consumes` in `system.yaml`, and leave queues to `Queues`",
)
def queues(program: CapturedProgram, check: Check) -> None:
    requires_broker(program, "sqs")
    topics = {
        str(at(each.inputs, "tags.Event")): str(each.outputs.get("arn"))
        for each in check.some(TOPIC)
        if at(each.inputs, "tags.Event")
    }
    check.sets({topic.event for topic in planned(program).topics}, set(topics), "an SNS topic for the event")
    urls = program.by_output(QUEUE, "url")
    arns = program.by_output(QUEUE, "arn")
    delivered = {}
    for each in program.where(SUBSCRIPTION, "protocol", "sqs"):
        delivered[str(each.inputs.get("topic")), str(each.inputs.get("endpoint"))] = each
        check.same(each, "rawMessageDelivery", True)
        target = parsed_or_empty(each.inputs.get("redrivePolicy")).get("deadLetterTargetArn")
        check.that(target in arns, each, "redrivePolicy", "a queue for what can't be delivered")
    expected = set()
    for _, workload, resource, told, events in _reading(program, check):
        queue = urls.get(told.get("EVENT_QUEUE_URL", ""))
        if queue is None:
            check.missing("a queue of this stack", resource, "data.EVENT_QUEUE_URL")
            continue
        sources = parsed_or_empty(f'{{"events": {told.get("EVENT_SOURCES") or "[]"}}}').get("events")
        named = set(map(str, sources if isinstance(sources, (list, dict)) else ()))
        check.that(named == events, resource, "data.EVENT_SOURCES", ", ".join(sorted(events)))
        arn = str(queue.outputs.get("arn"))
        expected |= {(topics.get(event, event), arn) for event in events}
        own = {arn, str(parsed_or_empty(queue.inputs.get("redrivePolicy")).get("deadLetterTargetArn"))}
        for policy in program.policies_of(workload)[:1]:
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
                check.that(program.allowed(workload, action) == own, policy, "policy", f"{action} of its own queues")
    running = {each.service for each in program.workloads}
    if running >= set(program.system.services):
        check.sets(expected, set(delivered), "a subscription (topic, queue)")


@control(
    "A3.dead-letters",
    "What a consumer gives up on waits for a person, with an alarm",
    "events.queues",
    remedy="leave dead-letter queues to `Queues`",
)
def dead_letters(program: CapturedProgram, check: Check) -> None:
    requires_broker(program, "sqs")
    urls = program.by_output(QUEUE, "url")
    arns = program.by_output(QUEUE, "arn")
    for _, _, resource, told, _ in _reading(program, check):
        queue = urls.get(told.get("EVENT_QUEUE_URL", ""))
        if queue is None:
            check.missing("a queue of this stack", resource, "data.EVENT_QUEUE_URL")
            continue
        redrive = parsed_or_empty(queue.inputs.get("redrivePolicy"))
        letters = arns.get(str(redrive.get("deadLetterTargetArn")))
        right = letters is not None and redrive.get("maxReceiveCount") == MAX_RECEIVES
        check.that(right, queue, "redrivePolicy", f"a dead-letter queue after {MAX_RECEIVES} attempts")
        if letters is None:
            continue
        check.same(letters, "messageRetentionSeconds", TWO_WEEKS, "two weeks")
        check.same(resource, "data.EVENT_DEAD_LETTERS", letters.outputs.get("url"))
        waiting = [
            each
            for each in program.alarms("ApproximateNumberOfMessagesVisible")
            if at(each.inputs, "dimensions.QueueName") == letters.outputs.get("name")
        ]
        alarm = check.one(waiting, "one alarm on what waits in it", letters)
        if alarm:
            check.same(alarm, "threshold", 0)


@control(
    "A3.event-log",
    "Every event goes into the event log, from the first one on",
    "events.log",
    remedy="list every event in `topics` of `EventLog`, as `declare_events` does",
)
def event_log(program: CapturedProgram, check: Check) -> None:
    streams = {str(at(each.inputs, "tags.Event")): each for each in program.of(STREAM)}
    stores = set(program.by_output("aws:s3/bucket:Bucket", "arn"))
    events = {topic.event for topic in planned(program).topics}
    for event, stream in check.each(streams, sorted(events), "a delivery stream for the event"):
        path = "extendedS3Configuration"
        check.that(
            at(stream.inputs, f"{path}.bucketArn") in stores, stream, f"{path}.bucketArn", "a bucket of this stack"
        )
        prefix = str(at(stream.inputs, f"{path}.prefix"))
        check.that(prefix.startswith(f"events/event={event}/"), stream, f"{path}.prefix", f"events/event={event}/…")
        kinds = [each.get("type") for each in mappings(at(stream.inputs, f"{path}.processingConfiguration.processors"))]
        expected = "AppendDelimiterToRecord alone"
        check.that(kinds == ["AppendDelimiterToRecord"], stream, f"{path}.processingConfiguration.processors", expected)
        if planned(program).kafka is not None:
            check.same(stream, "mskSourceConfiguration.topicName", f"{program.system.name}.{event}")
            check.same(stream, "mskSourceConfiguration.readFromTimestamp", BEGINNING, "from the first event on")
    if planned(program).kafka is None:
        topics = {str(at(each.inputs, "tags.Event")): str(each.outputs.get("arn")) for each in program.of(TOPIC)}
        delivered = {
            (str(each.inputs.get("topic")), str(each.inputs.get("endpoint")))
            for each in program.where(SUBSCRIPTION, "protocol", "firehose")
        }
        wanted = {(str(topics.get(event)), str(stream.outputs.get("arn"))) for event, stream in streams.items()}
        check.sets(wanted, delivered, "a subscription (topic, stream)")


def _log_stores(program: CapturedProgram) -> dict[str, Resource]:
    """The event log's buckets by id."""
    written = {str(at(each.inputs, "extendedS3Configuration.bucketArn")) for each in program.of(STREAM)}
    buckets = program.by_output("aws:s3/bucket:Bucket", "arn")
    return {bucket.id: bucket for arn, bucket in buckets.items() if arn in written}


@control(
    "A3.log-lock",
    "The event log can be neither changed nor lost before its time",
    "events.log_bucket",
    remedy="set `events.log_retention_days` in `system.yaml`, and leave the lock to `EventLog`",
)
def log_lock(program: CapturedProgram, check: Check) -> None:
    days = planned(program).log_retention_days
    locks = program.by_input("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "bucket")
    lives = program.by_input("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "bucket")
    policies = program.by_input("aws:s3/bucketPolicy:BucketPolicy", "bucket")
    stores = _log_stores(program)
    if not stores:
        check.missing("a bucket that events are delivered to")
    for identifier, store in stores.items():
        check.same(store, "objectLockEnabled", True)
        lock, life, policy = locks.get(identifier), lives.get(identifier), policies.get(identifier)
        if lock is None:
            check.missing("a default lock on every object", store)
        else:
            check.same(lock, "rule.defaultRetention.mode", "GOVERNANCE")
            check.same(lock, "rule.defaultRetention.days", days)
        if life is None:
            check.missing(f"objects that expire after {days} days", store)
        else:
            rules = [each for each in mappings(life.inputs.get("rules")) if each.get("id") == "events"]
            ends = [at(each, "expiration.days") for each in rules]
            check.that(ends == [days], life, "rules", f"events that expire after {days} days")
        if program.environment.protect:
            text = str(policy.inputs.get("policy")) if policy else ""
            denied = "s3:BypassGovernanceRetention" in text
            check.that(denied, policy or store, "policy" if policy else "", "s3:BypassGovernanceRetention denied")


@control(
    "A3.log-alarms",
    "An alarm tells when the event log falls behind",
    "events.log",
    remedy="leave alarms of delivery streams to `EventLog`",
)
def log_alarms(program: CapturedProgram, check: Check) -> None:
    names = {str(each.outputs.get("name")): each for each in check.some(STREAM)}
    for metric in ("DeliveryToS3.DataFreshness", "DeliveryToS3.Success"):
        watched = {str(at(each.inputs, "dimensions.DeliveryStreamName")): each for each in program.alarms(metric)}
        for name, stream in names.items():
            if name in watched:
                check.shown(watched[name], "dimensions")
            else:
                check.missing(f"an alarm on {metric}", stream)


@control(
    "A3.log-delivery",
    "Firehose may write the log and read topics only",
    "events.log",
    remedy="leave the delivery role to `EventLog`",
)
def log_delivery(program: CapturedProgram, check: Check) -> None:
    roles = {str(at(each.inputs, "extendedS3Configuration.roleArn")).rpartition("/")[2] for each in check.some(STREAM)}
    stores = {str(each.outputs.get("arn")) for each in _log_stores(program).values()}
    allowed = {f"{store}/{folder}/*" for store in stores for folder in ("events", "errors")}
    for policy in program.of("aws:iam/rolePolicy:RolePolicy"):
        if policy.inputs.get("role") not in roles:
            continue
        for statement in check.statements(policy):
            for action in statement["Action"]:
                if action.startswith("s3:") and "Object" in action:
                    narrow = set(statement["Resource"]) <= allowed
                    check.that(narrow, policy, "policy", f"{action} below events/ and errors/ alone")
                right = not action.startswith("s3:Delete") and action not in _NEVER
                check.that(right, policy, "policy", f"no {action}")


_NEVER = ("kafka-cluster:WriteData", "kafka-cluster:AlterTopic", "kafka-cluster:*", "s3:*", "*")


@control(
    "A3.relay",
    "Events leave by the relay of the service that publishes them",
    "workload.workload",
    remedy="list the events under `publishes` in `system.yaml`; `declare_services` deploys the relay",
)
def relay(program: CapturedProgram, check: Check) -> None:
    for name, service in program.services.items():
        wanted = {"relay"} if service.publishes or service.cqrs else set()
        wanted |= {"consumer"} if service.consumes else set()
        for role in sorted(wanted):
            deployment = program.deployments.get(f"{name}-{role}")
            if deployment is None:
                check.missing(f"the workload {name}-{role}")
                continue
            check.shown(deployment)
            if role == "relay":
                resource, told = program.settings(f"{name}-relay")
                topics = set(_mapping(told.get("EVENT_TOPICS")))
                if resource is None:
                    check.missing(f"settings of the workload {name}-relay")
                else:
                    expected = f"topics of {', '.join(service.publishes) or 'its own changes'}"
                    check.that(topics >= set(service.publishes), resource, "data.EVENT_TOPICS", expected)
    if not (check.evidence or check.findings):
        raise NotApplicable("no service that runs publishes or consumes events")
