"""The broker of the settings, behind the port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.dead_letters import DeadLetterTopic
from groundplan_chassis.events.kafka.publisher import KafkaPublisher
from groundplan_chassis.events.kafka.redrive import DeadLetterReader
from groundplan_chassis.events.kafka.subscription import KafkaSubscription
from groundplan_chassis.events.port import DeadLetters, Publisher, Subscription
from groundplan_chassis.events.queues.clients import Clients
from groundplan_chassis.events.queues.publisher import SnsPublisher
from groundplan_chassis.events.queues.redrive import DeadLetterQueue
from groundplan_chassis.events.queues.subscription import QueueSubscription
from groundplan_chassis.settings import KafkaSettings

if TYPE_CHECKING:
    from groundplan_chassis.context import Context


@dataclass(frozen=True, slots=True)
class Broker:
    """Creates the publisher and subscription of a process. Close it at the end."""

    context: Context
    clients: Clients
    """Of AWS."""

    @classmethod
    def of(cls, context: Context) -> Broker:
        return cls(context, Clients(context.settings))

    async def publisher(self) -> Publisher:
        """Raises SecretUnavailable."""
        events = self.context.settings.events
        assert events is not None, "the settings of a relay name a broker"
        if isinstance(events, KafkaSettings):
            return KafkaPublisher(await self._connection(events))
        return SnsPublisher(events, self.clients)

    async def subscription(self) -> Subscription:
        """Raises SecretUnavailable."""
        events, metrics = self.context.settings.events, self.context.metrics
        assert events is not None, "the settings of a reader name a broker"
        if isinstance(events, KafkaSettings):
            connection = await self._connection(events)
            return KafkaSubscription(connection, DeadLetterTopic(connection, metrics), metrics=metrics)
        return QueueSubscription(events, self.clients, metrics)

    async def dead_letters(self) -> DeadLetters:
        """Raises SecretUnavailable."""
        events, metrics = self.context.settings.events, self.context.metrics
        assert events is not None, "the settings of a reader name a broker"
        if isinstance(events, KafkaSettings):
            connection = await self._connection(events)
            return DeadLetterReader(connection, DeadLetterTopic(connection, metrics))
        return DeadLetterQueue(events, self.clients)

    async def close(self) -> None:
        await self.clients.close()

    async def _connection(self, events: KafkaSettings) -> Connection:
        return await Connection.of(self.context.settings, events, self.context.secrets)
