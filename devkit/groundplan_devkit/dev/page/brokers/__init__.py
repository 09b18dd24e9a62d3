"""Topics, who reads them, and dead letters, as the broker has them: on Kafka and on SQS."""

from __future__ import annotations

from groundplan_devkit.dev.page.brokers.port import Broker, Letter, Reader, Topic, readers_of
from groundplan_devkit.provision import Installation

__all__ = ["Broker", "Letter", "Reader", "Topic", "broker_of", "readers_of"]


def broker_of(installation: Installation) -> Broker | None:
    """None: the system has no events."""
    planned = installation.plan.events
    if planned is None:
        return None
    if planned.kafka is not None:
        from groundplan_devkit.dev.page.brokers.kafka import KafkaTopics

        return KafkaTopics(installation)
    from groundplan_devkit.dev.page.brokers.queues import QueueTopics

    return QueueTopics(installation)
