"""The event broker: Kafka, or SNS topics and SQS queues."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from groundplan_chassis.environment import Address, Environment, address
from groundplan_chassis.settings._roles import READING, Role

_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    bootstrap: tuple[Address, ...]
    security: Literal["iam", "scram", "plaintext"]
    """Everything but `iam` is for local use."""
    secret_arn: str | None
    """User and password for `scram`; None else."""
    topics: Mapping[str, str]
    """Topic of each event that this service publishes."""
    sources: Mapping[str, str]
    """Topic of each event that this process follows; empty for roles that follow none."""
    group: str
    """Consumer group; empty for roles that follow none."""
    dead_letters: str
    """Topic; empty for roles that follow none."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """SNS topics to publish to, and one SQS queue to read from."""

    topics: Mapping[str, str]
    """ARN of the SNS topic of each event that this service publishes."""
    sources: frozenset[str]
    """Events that arrive in the queue; empty for roles that follow none."""
    queue_url: str
    """Empty for roles that follow none."""
    dead_letters: str
    """URL of a queue; empty for roles that follow none."""


def read_events(environment: Environment, role: Role, local: bool) -> KafkaSettings | QueueSettings | None:
    if role in READING or role == "relay" or environment.has("EVENTS_BROKER"):
        broker = environment.choice("EVENTS_BROKER", ("kafka", "sqs"))
        topics = _by_event(environment, "EVENT_TOPICS", "a JSON object of this service's events and their topics")
        reads = role in READING
        schemes = ("http", "https") if local else ("https",)
        return _kafka(environment, topics, reads) if broker == "kafka" else _queues(environment, topics, reads, schemes)
    return None


def _kafka(environment: Environment, topics: Mapping[str, str], reads: bool) -> KafkaSettings:
    security = environment.choice("KAFKA_SECURITY", ("iam", "scram", "plaintext"), "iam")
    return KafkaSettings(
        bootstrap=environment.parsed(
            "KAFKA_BOOTSTRAP",
            lambda value: tuple(address(broker, 0) for broker in value.split(",")),
            (),
            "host:port of brokers, with commas between them",
        ),
        security=cast(Literal["iam", "scram", "plaintext"], security),
        secret_arn=environment.arn("KAFKA_SECRET_ARN") if security == "scram" else None,
        topics=topics,
        sources=_by_event(environment, "EVENT_SOURCES", "a JSON object of events and their topics") if reads else {},
        group=environment.text("EVENT_GROUP", expected="the consumer group") if reads else "",
        dead_letters=environment.text("EVENT_DEAD_LETTERS", expected="a topic") if reads else "",
    )


def _queues(
    environment: Environment, topics: Mapping[str, str], reads: bool, schemes: tuple[str, ...]
) -> QueueSettings:
    sources: frozenset[str] = frozenset()
    if reads:
        sources = environment.json("EVENT_SOURCES", frozenset[str], frozenset(), "a JSON list of events")
        _check_events(environment, "EVENT_SOURCES", sources)
    return QueueSettings(
        topics=topics,
        sources=sources,
        queue_url=environment.url("EVENT_QUEUE_URL", schemes) if reads else "",
        dead_letters=environment.url("EVENT_DEAD_LETTERS", schemes) if reads else "",
    )


def _by_event(environment: Environment, name: str, expected: str) -> Mapping[str, str]:
    found = environment.json(name, dict[str, str], {}, expected)
    _check_events(environment, name, found)
    if not all(found.values()):
        environment.refuse(name, "a topic for every event", "deploy again with `make up`")
    return found


def _check_events(environment: Environment, name: str, events: Mapping[str, str] | frozenset[str]) -> None:
    if not all(_EVENT.fullmatch(event) for event in events):
        environment.refuse(name, "events as system.yaml names them, `order.placed`", "deploy again with `make up`")
