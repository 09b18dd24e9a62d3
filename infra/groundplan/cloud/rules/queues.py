"""SQS and SNS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.policies import as_document, listed, principals_of, statements_of
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, whole

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
_PROTOCOLS = {
    "sqs": r"arn:aws[a-z-]*:sqs:.+",
    "lambda": r"arn:aws[a-z-]*:lambda:.+",
    "firehose": r"arn:aws[a-z-]*:firehose:.+",
    "application": r"arn:aws[a-z-]*:sns:.+:endpoint/.+",
    "https": r"https://.+",
    "http": r"http://.+",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "email-json": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "sms": r"\+?[\d-]+",
}


@rule(QUEUE)
def queue(item: Item, _: Cloud) -> Iterator[Broken]:
    """Messages are kept 60 s to 14 days, hidden up to 12 hours, delayed up to 15 minutes, polled up to 20 s, and up
    to 1 MiB large.

    Source: SQS API, CreateQueue, Attributes.
    """
    yield from between(item, "messageRetentionSeconds", 60, 1_209_600)
    yield from between(item, "visibilityTimeoutSeconds", 0, 43_200)
    yield from between(item, "delaySeconds", 0, 900)
    yield from between(item, "receiveWaitTimeSeconds", 0, 20)
    yield from between(item, "maxMessageSize", 1024, 1_048_576)
    yield from between(item, "kmsDataKeyReusePeriodSeconds", 60, 86_400)
    if item.known("sqsManagedSseEnabled") is True and item.get("kmsMasterKeyId") is not None:
        yield Broken("sqsManagedSseEnabled", "false, as kmsMasterKeyId is given", "choose one of the two")
    fifo = item.get("fifoQueue", False) is True
    if item.physical_name and fifo != item.physical_name.endswith(".fifo"):
        yield Broken(
            "name",
            "a name that ends with .fifo exactly when fifoQueue is true",
            "make the two agree",
            item.physical_name,
        )
    for name in ("contentBasedDeduplication", "deduplicationScope", "fifoThroughputLimit"):
        if not fifo and item.get(name) not in (None, False):
            yield Broken(name, "a FIFO queue", "set fifo_queue, or remove it")


@rule(QUEUE, "aws:sqs/redrivePolicy:RedrivePolicy")
def redrive(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A redrive policy is JSON with a queue of the same kind and 1 to 1000 receives; the dead-letter queue keeps
    messages longer.

    Source: SQS developer guide, Using dead-letter queues; SQS API, SetQueueAttributes, RedrivePolicy.
    """
    text = item.known("redrivePolicy")
    if not isinstance(text, str) or not text:
        return
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or "deadLetterTargetArn" not in policy or "maxReceiveCount" not in policy:
        yield Broken(
            "redrivePolicy", "JSON with deadLetterTargetArn and maxReceiveCount", "build it with Output.json_dumps"
        )
        return
    count = policy["maxReceiveCount"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        yield Broken("redrivePolicy", "maxReceiveCount as a whole number from 1 to 1000", "correct it", count)
    target = policy["deadLetterTargetArn"]
    dead = cloud.find(QUEUE, target)
    if dead is None:
        if not any(each.adopted for each in cloud.named(target)):
            yield Broken(
                "redrivePolicy",
                "deadLetterTargetArn of a queue that exists",
                "pass the dead-letter queue's arn",
                target,
                absent=True,
            )
        return
    source = cloud.find(QUEUE, item.known("queueUrl")) or item
    if (dead.get("fifoQueue", False) is True) != (source.get("fifoQueue", False) is True):
        yield Broken(
            "redrivePolicy", "a dead-letter queue of the same kind (FIFO or not)", "create one of the same kind", target
        )
    own, theirs = source.get("messageRetentionSeconds", 345_600), dead.get("messageRetentionSeconds", 345_600)
    if isinstance(own, int) and isinstance(theirs, int) and theirs < own:
        yield Broken(
            "redrivePolicy",
            f"a dead-letter queue that keeps messages at least {own} s, as this queue does",
            "keep them longer there",
            theirs,
        )


@rule(SUBSCRIPTION)
def subscription(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A subscription's endpoint is of its protocol's form and exists; Firehose needs a role; filters are JSON.

    Source: SNS API, Subscribe.
    """
    protocol, endpoint = item.known("protocol"), item.known("endpoint")
    yield from one_of(item, "protocol", *_PROTOCOLS)
    if isinstance(endpoint, str) and protocol in _PROTOCOLS and re.fullmatch(_PROTOCOLS[protocol], endpoint) is None:
        yield Broken(
            "endpoint", f"an endpoint for {protocol}", "pass the queue's or function's arn, an address or a URL"
        )
    if protocol == "firehose" and item.get("subscriptionRoleArn") is None:
        yield Broken("subscriptionRoleArn", "the role that writes to Firehose", "set subscription_role_arn")
    if item.known("rawMessageDelivery") is True and protocol not in (None, "sqs", "http", "https", "firehose"):
        yield Broken("rawMessageDelivery", "false for this protocol", "remove it")
    for name in ("filterPolicy", "redrivePolicy", "deliveryPolicy"):
        text = item.known(name)
        if isinstance(text, str) and as_document(text) is None:
            yield Broken(name, "a JSON object", "build it with json.dumps")
    yield from one_of(item, "filterPolicyScope", "MessageAttributes", "MessageBody")
    topic, queue_ = cloud.referred(item, "topic"), cloud.find(QUEUE, endpoint)
    if (
        topic is not None
        and queue_ is not None
        and queue_.get("fifoQueue", False) is True
        and topic.get("fifoTopic", False) is not True
    ):
        yield Broken("endpoint", "a standard queue, as the topic is a standard one", "make both FIFO, or neither")
    for other in cloud.others(item, "topic"):
        if (other.known("protocol"), other.known("endpoint")) == (protocol, endpoint) and isinstance(endpoint, str):
            yield Broken(
                "endpoint", f"an endpoint that doesn't have this topic yet; {other.urn} does", "keep one subscription"
            )


@whole
def topics_may_send(cloud: Cloud) -> Iterator[Broken]:
    """A queue that subscribes to a topic has a policy that lets SNS send to it.

    Source: SNS developer guide, Fanout to Amazon SQS queues.
    """
    for item in cloud.of(SUBSCRIPTION):
        target = cloud.find(QUEUE, item.known("endpoint"))
        if item.known("protocol") != "sqs" or target is None:
            continue
        documents = [as_document(target.known("policy"))]
        documents += [
            as_document(each.known("policy"))
            for each in cloud.of("aws:sqs/queuePolicy:QueuePolicy")
            if each.known("queueUrl") in (target.id, target.outputs.get("url"))
        ]
        statements = [
            statement for document in documents if document is not None for statement in statements_of(document)
        ]
        allowed = any(
            statement.get("Effect") == "Allow"
            and any(principal in ("sns.amazonaws.com", "*") for principal in principals_of(statement))
            and any(action.lower() in ("sqs:sendmessage", "sqs:*") for action in listed(statement.get("Action")))
            for statement in statements
        )
        if not allowed:
            yield Broken(
                "endpoint",
                f"a queue whose policy lets sns.amazonaws.com send; {target.urn} has none",
                "add a QueuePolicy with sqs:SendMessage for the topic",
                item=item,
            )


@whole
def keys_of_subscribed_queues(cloud: Cloud) -> Iterator[Broken]:
    """A queue that is encrypted by a customer key lets SNS use that key, or messages are lost silently.

    Source: SNS developer guide, Enabling server-side encryption for a topic with an encrypted queue.
    """
    for item in cloud.of(SUBSCRIPTION):
        target = cloud.find(QUEUE, item.known("endpoint"))
        key = cloud.find("aws:kms/key:Key", target.known("kmsMasterKeyId")) if target is not None else None
        if target is None or item.known("protocol") != "sqs":
            continue
        if str(target.known("kmsMasterKeyId")) == "alias/aws/sqs":
            yield Broken(
                "endpoint",
                "a queue with a customer key: SNS can't use alias/aws/sqs",
                "give the queue a key of your own",
                item=item,
            )
        elif (
            key is not None
            and isinstance(key.known("policy"), str)
            and "sns.amazonaws.com" not in str(key.known("policy"))
        ):
            yield Broken(
                "endpoint",
                f"a queue whose key lets sns.amazonaws.com use it; {key.urn} doesn't",
                "allow kms:GenerateDataKey* and kms:Decrypt for sns.amazonaws.com",
                item=item,
            )


@rule(TOPIC)
def topic_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A FIFO topic's name ends with .fifo; only such topics deduplicate by content.

    Source: SNS API, CreateTopic, Attributes.
    """
    fifo = item.get("fifoTopic", False)
    if item.physical_name and isinstance(fifo, bool) and fifo != item.physical_name.endswith(".fifo"):
        expected = "a name that ends with .fifo exactly when fifoTopic is true"
        yield Broken("name", expected, "make the two agree", item.physical_name)
    for name in ("contentBasedDeduplication", "archivePolicy", "fifoThroughputScope"):
        if fifo is False and item.get(name) not in (None, False, ""):
            yield Broken(name, "a FIFO topic", "set fifo_topic, or remove it")
