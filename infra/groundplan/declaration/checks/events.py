"""Events: each consumer has a publisher, and names stay apart (A3).

Lengths need no check: the longest `<system>.<event>` has 101 characters, where Kafka allows 249 and SNS 256, and
queues' names are shortened where queues are made.
"""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import Broker, System
from groundplan.problems import Finding, did_you_mean, listed

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html:
# MessageRetentionPeriod is at most 1,209,600 seconds.
_SQS_RETENTION_HOURS = 14 * 24

# The stream that feeds a service's read model is `<service>.read_model`.
_READ_MODEL = ".read_model"


def check_events(system: System) -> list[Finding]:
    return [
        *_retention(system),
        *_publishers(system),
        *_colliding(system),
        *_consumed(system),
    ]


def _retention(system: System) -> Iterator[Finding]:
    hours = system.events.retention_hours
    if system.events.broker is Broker.SQS and hours > _SQS_RETENTION_HOURS:
        yield Finding(
            ("events", "retention_hours"),
            str(hours),
            f"at most {_SQS_RETENTION_HOURS} (14 days) with the broker `sqs`; the event log keeps events longer",
            f"write {_SQS_RETENTION_HOURS} or less, or choose the broker `kafka`",
        )


def _publishers(system: System) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, service in system.services.items():
        for position, event in enumerate(service.publishes):
            path = ("services", name, "publishes", position)
            resource = event.partition(".")[0]
            if event.endswith(_READ_MODEL):
                yield Finding(
                    path,
                    event,
                    "a name that no read model's own stream can have (A4)",
                    "name what happened, in the past tense",
                )
            elif event in first:
                who = "this service" if first[event] == name else f"the service `{first[event]}`"
                yield Finding(
                    path, event, f"an event that no other service publishes; {who} does already", "remove one"
                )
            elif resource not in service.resources:
                own = listed(f"{each}.…" for each in service.resources)
                remedy = did_you_mean(resource, service.resources, otherwise=f"name it {own}")
                yield Finding(path, event, f"an event of one of the service's own resources: {own}", remedy)
            first.setdefault(event, name)


def _colliding(system: System) -> Iterator[Finding]:
    # Kafka refuses a topic whose name differs from another's in dots and underscores only, since its metrics
    # would be one: https://kafka.apache.org/documentation/#basic_ops_add_topic, `InvalidTopicException`.
    first: dict[str, str] = {}
    for name, service in system.services.items():
        for position, event in enumerate(service.publishes):
            other = first.setdefault(event.replace(".", "_"), event)
            if other != event:
                yield Finding(
                    ("services", name, "publishes", position),
                    event,
                    f"a name that differs from `{other}` in more than a dot and an underscore, as Kafka demands",
                    "rename the event",
                )


def _consumed(system: System) -> Iterator[Finding]:
    published = system.published_events()
    for name, service in system.services.items():
        for position, event in enumerate(service.consumes):
            path = ("services", name, "consumes", position)
            if event in service.consumes[:position]:
                yield Finding(path, event, "each event once", "remove one of the two")
            elif event in service.publishes:
                yield Finding(
                    path,
                    event,
                    "an event of another service; a service knows what it did itself",
                    "remove it, and act where the service publishes it",
                )
            elif event not in published:
                otherwise = "publish it in the service that owns it"
                if published:
                    otherwise += f", or choose one of {listed(published)}"
                remedy = did_you_mean(event, published, otherwise)
                yield Finding(path, event, "an event that a service publishes", remedy)
