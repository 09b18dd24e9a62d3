"""Events: Kafka or SNS and SQS, and the event log in S3."""

from groundplan_components.events._kafka_access import dead_letter_topic_name, group_name, topic_name
from groundplan_components.events._kafka_args import KafkaArgs, KafkaKind, KafkaMonitoring, KafkaTopicArgs
from groundplan_components.events._log_args import EventLogArgs
from groundplan_components.events._queues_args import QueuesArgs, QueueTopicArgs
from groundplan_components.events.kafka import KAFKA_PORT, Kafka
from groundplan_components.events.log import EventLog
from groundplan_components.events.log_bucket import EventLogBucket, EventLogBucketArgs, EventLogLock
from groundplan_components.events.log_query import EventQuery, EventQueryArgs
from groundplan_components.events.queues import Queues

__all__ = [
    "KAFKA_PORT",
    "EventLog",
    "EventLogArgs",
    "EventLogBucket",
    "EventLogBucketArgs",
    "EventLogLock",
    "EventQuery",
    "EventQueryArgs",
    "Kafka",
    "KafkaArgs",
    "KafkaKind",
    "KafkaMonitoring",
    "KafkaTopicArgs",
    "QueueTopicArgs",
    "Queues",
    "QueuesArgs",
    "dead_letter_topic_name",
    "group_name",
    "topic_name",
]
