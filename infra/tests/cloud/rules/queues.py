"""SQS and SNS (A3)."""

from __future__ import annotations

import json

from infra.tests.cloud.world import Case, Inputs, World, allow, document

_QUEUE = "aws:sqs/queue:Queue"
_TOPIC = "aws:sns/topic:Topic"
_SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def redrive(arn: str, count: object = 5) -> str:
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def dead(world: World, name: str = "dead", **inputs: object) -> str:
    return world.make(_QUEUE, name, {"messageRetentionSeconds": 1_209_600, **inputs}).arn


def queue(world: World) -> Inputs:
    return {
        "redrivePolicy": redrive(dead(world)),
        "messageRetentionSeconds": 604_800,
        "visibilityTimeoutSeconds": 60,
        "receiveWaitTimeSeconds": 20,
    }


def open_queue(world: World, name: str, **inputs: object) -> str:
    made = world.make(_QUEUE, name, inputs)
    statement = allow("sqs:SendMessage", resource=made.arn, Principal={"Service": "sns.amazonaws.com"})
    world.make("aws:sqs/queuePolicy:QueuePolicy", name, {"queueUrl": made.id, "policy": document(statement)})
    return made.arn


def subscription(world: World) -> Inputs:
    topic = world.make(_TOPIC, "order-placed", {})
    taken = open_queue(world, "taken")
    world.make(_SUBSCRIPTION, "there", {"topic": topic.arn, "protocol": "sqs", "endpoint": taken})
    key = world.key("messages", ("sns.amazonaws.com",))
    return {
        "topic": topic.arn,
        "protocol": "sqs",
        "endpoint": open_queue(world, "payments", kmsMasterKeyId=key.arn),
        "rawMessageDelivery": True,
    }


def taken(world: World) -> str:
    return next(item.arn for item in world.cloud.of(_QUEUE) if item.name == "taken")


def deaf(world: World) -> str:
    key = world.key("deaf", ())
    return open_queue(world, "deaf", kmsMasterKeyId=key.arn)


CASES = (
    Case("queues.queue", _QUEUE, queue, {"messageRetentionSeconds": 30}, "messageRetentionSeconds", "60 to 1209600"),
    Case(
        "queues.queue", _QUEUE, queue, {"contentBasedDeduplication": True}, "contentBasedDeduplication", "a FIFO queue"
    ),
    Case("queues.queue", _QUEUE, queue, {"name": "orders", "fifoQueue": True}, "name", "ends with .fifo"),
    Case("queues.redrive", _QUEUE, queue, {"redrivePolicy": "dead"}, "redrivePolicy", "JSON with deadLetterTargetArn"),
    Case(
        "queues.redrive",
        _QUEUE,
        queue,
        lambda world: {"redrivePolicy": redrive(dead(world, "again"), "5")},
        "redrivePolicy",
        "a whole number from 1 to 1000",
    ),
    Case(
        "queues.redrive",
        _QUEUE,
        queue,
        {"redrivePolicy": redrive("arn:aws:sqs:eu-central-1:123456789012:gone")},
        "redrivePolicy",
        "of a queue that exists",
    ),
    Case(
        "queues.redrive",
        _QUEUE,
        queue,
        lambda world: {"redrivePolicy": redrive(dead(world, "brief", messageRetentionSeconds=3600))},
        "redrivePolicy",
        "keeps messages at least",
    ),
    Case(
        "queues.subscription",
        _SUBSCRIPTION,
        subscription,
        {"endpoint": "https://sqs.example.com/q"},
        "endpoint",
        "an endpoint for sqs",
    ),
    Case(
        "queues.subscription",
        _SUBSCRIPTION,
        subscription,
        lambda world: {"endpoint": taken(world)},
        "endpoint",
        "doesn't have this topic yet",
    ),
    Case(
        "queues.subscription", _SUBSCRIPTION, subscription, {"filterPolicy": "orders"}, "filterPolicy", "a JSON object"
    ),
    Case("queues.subscription", _SUBSCRIPTION, subscription, {"protocol": "mqtt"}, "protocol", "sqs, lambda"),
    Case(
        "queues.topics_may_send",
        _SUBSCRIPTION,
        subscription,
        lambda world: {"endpoint": world.make(_QUEUE, "closed", {}).arn},
        "endpoint",
        "lets sns.amazonaws.com send",
    ),
    Case(
        "queues.keys_of_subscribed_queues",
        _SUBSCRIPTION,
        subscription,
        lambda world: {"endpoint": deaf(world)},
        "endpoint",
        "whose key lets sns.amazonaws.com",
    ),
    Case(
        "queues.keys_of_subscribed_queues",
        _SUBSCRIPTION,
        subscription,
        lambda world: {"endpoint": open_queue(world, "aws-key", kmsMasterKeyId="alias/aws/sqs")},
        "endpoint",
        "can't use alias/aws/sqs",
    ),
)
