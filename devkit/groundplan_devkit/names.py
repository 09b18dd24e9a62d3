"""The cloud's names, without Pulumi's SDK, which takes seconds to import; a test compares both."""

from __future__ import annotations

COMMANDS = (
    "-@all +@read +@write +@connection +@transaction +@scripting +@pubsub -@dangerous "
    "-scan -randomkey -dbsize -pubsub -function -script|flush -script|kill "
    "+info +cluster|slots +cluster|shards +cluster|nodes +cluster|myid +time"
)
"""What a service's cache user may do (`groundplan_components.cache.cache`)."""
VISIBILITY_SECONDS = 180
"""How long a message that was received is hidden (`groundplan_components.events.queues`)."""
MAX_RECEIVES = 5
LONGEST_POLL_SECONDS = 20
LONGEST_RETENTION_HOURS = 336
DEAD_LETTER_HOURS = 336
"""Of Kafka's topics for what consumers give up on, at least (`groundplan_components.events.kafka`)."""


def sql_name(service: str) -> str:
    """Name of a service's database and user (`groundplan_components.database.credentials`)."""
    return service.replace("-", "_")


def access_string(prefix: str) -> str:
    """What a cache user may do with keys and channels of a prefix (`groundplan_components.cache.cache`)."""
    return f"on ~{prefix}* &{prefix}* {COMMANDS}"


def topic_name(system: str, event: str) -> str:
    """(`groundplan_components.events`)"""
    return f"{system}.{event}"


def group_name(system: str, reader: str) -> str:
    return f"{system}.{reader}"


def dead_letter_topic_name(system: str, reader: str) -> str:
    return f"{system}.{reader}.dead-letter"


def slug(event: str) -> str:
    """An event in SNS's letters (`groundplan_components.events.queues`)."""
    return event.replace(".", "-")


def projector(service: str) -> str:
    """The reader that feeds a service's read model (`groundplan.program.events`)."""
    return f"{service}-projector"
