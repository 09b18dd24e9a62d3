"""SNS topics and SQS queues (A3, S2, S4, S5)."""

import json
from typing import Any

import pulumi
import pytest

from components.tests.event_samples import (
    ALARM,
    TOPICS,
    alarm,
    alarm_names,
    declared,
    platform,
    queues_args,
    stateful,
    statements,
)
from groundplan.cloud import Simulation, simulate
from groundplan_components.events import Queues
from groundplan_components.events._queues_args import slug
from groundplan_components.shared import policy

QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def run(**changes: Any) -> Simulation:
    return declared(lambda on: Queues("events", queues_args(on, **changes)))


def queue(simulation: Simulation, name: str) -> Any:
    (found,) = (each for each in simulation.of_type(QUEUE) if each.name == name)
    return found


def policy_of(simulation: Simulation, token: str, name: str) -> dict[str, dict[str, Any]]:
    (found,) = (each for each in simulation.of_type(token) if each.name == name)
    return statements(found.inputs["policy"])


def test_every_topic_and_queue_is_encrypted_by_the_given_key_s5() -> None:
    simulation = run()
    (key,) = simulation.of_type("aws:kms/key:Key")
    stores = [*simulation.of_type(QUEUE), *(each for each in simulation.of_type(TOPIC) if each.name != "alarms")]
    assert len(stores) == 3 * 3 + 2
    assert {each.inputs["kmsMasterKeyId"] for each in stores} == {key.outputs["arn"]}


def test_topics_and_queues_refuse_plain_text_s2() -> None:
    simulation = run()
    policies = [
        *simulation.of_type("aws:sqs/queuePolicy:QueuePolicy"),
        *simulation.of_type("aws:sns/topicPolicy:TopicPolicy"),
    ]
    assert len(policies) == 3 * 3 + 2
    for each in policies:
        refused = statements(each.inputs["policy"])["TlsOnly"]
        assert (refused["Effect"], refused["Principal"]) == ("Deny", "*")
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_queue_takes_events_from_its_own_topics_only_s4() -> None:
    simulation = run()
    admitted = policy_of(simulation, "aws:sqs/queuePolicy:QueuePolicy", "events-payment")["Topics"]
    topics = {each.name: each.outputs["arn"] for each in simulation.of_type(TOPIC)}
    assert admitted["Principal"] == {"Service": ["sns.amazonaws.com"]}
    assert admitted["Action"] == ["sqs:SendMessage"]
    assert admitted["Condition"] == {"ArnEquals": {"aws:SourceArn": [topics["events-order-placed"]]}}


def test_what_a_consumer_gives_up_on_is_kept_for_it_alone_a3() -> None:
    simulation = run()
    main, dead = queue(simulation, "events-payment"), queue(simulation, "events-payment-dead-letter")
    assert json.loads(main.inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": dead.outputs["arn"],
        "maxReceiveCount": 5,
    }
    allows = {
        each.name: json.loads(each.inputs["redriveAllowPolicy"])
        for each in simulation.of_type("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
    }
    assert allows["events-payment-dead-letter"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [main.outputs["arn"]],
    }
    assert allows["events-payment-undelivered"] == {"redrivePermission": "denyAll"}
    assert dead.inputs["messageRetentionSeconds"] == 336 * 3600


def test_what_sns_cannot_deliver_is_not_lost_a3() -> None:
    simulation = run()
    subscriptions = {each.name: each.inputs for each in simulation.of_type(SUBSCRIPTION)}
    assert set(subscriptions) == {
        "events-order-payment-settled",
        "events-order-projector-payment-settled",
        "events-payment-order-placed",
    }
    subscription = subscriptions["events-payment-order-placed"]
    undelivered = queue(simulation, "events-payment-undelivered")
    assert subscription["rawMessageDelivery"] is True
    assert subscription["protocol"] == "sqs"
    assert json.loads(subscription["redrivePolicy"]) == {"deadLetterTargetArn": undelivered.outputs["arn"]}
    admitted = policy_of(simulation, "aws:sqs/queuePolicy:QueuePolicy", "events-payment-undelivered")
    assert "Topics" in admitted


def test_a_subscription_waits_until_its_queue_lets_the_topic_in() -> None:
    simulation = run()
    (policy_resource,) = (
        each for each in simulation.of_type("aws:sqs/queuePolicy:QueuePolicy") if each.name == "events-payment"
    )
    (subscription,) = (each for each in simulation.of_type(SUBSCRIPTION) if each.name == "events-payment-order-placed")
    assert policy_resource.urn in subscription.dependencies


def test_queues_poll_long_and_hide_a_message_six_times_as_long_as_it_takes() -> None:
    main = queue(run(processing_seconds=20), "events-payment").inputs
    assert main["receiveWaitTimeSeconds"] == 20
    assert main["visibilityTimeoutSeconds"] == 120
    assert main["messageRetentionSeconds"] == 168 * 3600


@pytest.mark.parametrize("protect", [None, False])
def test_what_holds_events_is_protected_unless_said_otherwise(protect: bool | None) -> None:
    held = stateful(run(protect=protect), QUEUE, TOPIC)
    held.pop("alarms")
    assert len(held) == 11
    assert set(held.values()) == {protect is None}


def test_another_topic_and_another_consumer_change_no_other_name() -> None:
    before = {each.urn for each in run().resources}
    topics = {event: {"consumers": topic["consumers"]} for event, topic in TOPICS.items()}
    after = {each.urn for each in run(topics={**topics, "user.closed": {"consumers": ["audit"]}}).resources}
    assert before < after
    assert all("user-closed" in urn or "events-audit" in urn for urn in after - before)


def test_alarms_tell_of_old_events_dead_letters_and_what_was_not_delivered() -> None:
    simulation = run(max_age_seconds=60)
    assert {"payment-age", "payment-dead-letter", "payment-undelivered", "order-placed-failed"} <= alarm_names(
        simulation, "events-"
    )
    age = alarm(simulation, "events-payment-age").inputs
    assert (age["metricName"], age["threshold"]) == ("ApproximateAgeOfOldestMessage", 60)
    dead = alarm(simulation, "events-payment-dead-letter").inputs
    assert (dead["metricName"], dead["threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert dead["dimensions"] == {"QueueName": queue(simulation, "events-payment-dead-letter").outputs["name"]}


def test_roles_may_publish_their_events_and_read_their_queue_and_nothing_else_s4() -> None:
    documents: list[str] = []

    def program() -> None:
        queues = Queues("events", queues_args(platform()))
        policy(*queues.publisher_statements(["payment.settled"]), *queues.consumer_statements("payment")).apply(
            documents.append
        )
        assert queues.publisher_statements([]) == []
        assert queues.consumer_statements("stranger") == []

    simulation = simulate(program)
    (text,) = documents
    by_sid = statements(text)
    topics = {each.name: each.outputs["arn"] for each in simulation.of_type(TOPIC)}
    assert by_sid["EventsPublish"]["Action"] == ["sns:Publish"]
    assert by_sid["EventsPublish"]["Resource"] == [topics["events-payment-settled"]]
    assert by_sid["EventsConsume"]["Resource"] == [queue(simulation, "events-payment").outputs["arn"]]
    assert "sqs:SendMessage" not in by_sid["EventsConsume"]["Action"]
    dead_letters = queue(simulation, "events-payment-dead-letter").outputs["arn"]
    assert by_sid["EventsDeadLetter"]["Resource"] == [dead_letters]
    assert by_sid["EventsConsumeKey"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_names_use_only_letters_that_sns_and_sqs_allow() -> None:
    assert slug("order_line.placed") == "order_line-placed"
    long = {"a" * 40 + "." + "b" * 39: {"consumers": ["c" * 20 + "-projector"]}}
    names = [each.name for each in declared(lambda on: Queues("x" * 60, queues_args(on, topics=long))).of_type(QUEUE)]
    assert len(names) == len(set(names)) == 3
    assert max(len(name) + 8 for name in names) <= 80


def test_a_service_may_be_called_like_an_event() -> None:
    simulation = run(topics={"order.placed": {"consumers": ["order-placed"]}})
    assert len({each.urn for each in simulation.resources}) == len(simulation.resources)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"retention_hours": 337}, "retention_hours is 337"),
        ({"retention_hours": 0}, "retention_hours is 0"),
        ({"processing_seconds": 7201}, "processing_seconds is 7201"),
        ({"topics": {"order-placed": {"consumers": []}}}, "topics is 'order-placed'"),
        ({"topics": {"a.b": {"consumers": ["x-dead-letter"]}}}, "topics is 'x-dead-letter'"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**changes)
    assert f'Queues "events": {argument}\n' in str(refused.value)
    assert "to do:" in str(refused.value)


def test_without_a_topic_to_tell_there_are_no_alarms() -> None:
    assert run().of_type(ALARM)
    assert run(alarm_topic_arn=None).of_type(ALARM) == ()
