"""Settings of Kafka's brokers and topics, as text."""

import json

from groundplan_components.events._kafka_args import KafkaKind

HOUR_MS = 3_600_000


def server_properties(kind: KafkaKind, replication: int, min_in_sync: int, retention_hours: int) -> str:
    """The cluster's configuration file, with the properties that the given kind allows.

    Express manages replication and leader election itself and refuses a file that names them:
    https://docs.aws.amazon.com/msk/latest/developerguide/msk-configuration-express-read-write.html
    """
    properties = {"auto.create.topics.enable": "false", "log.retention.ms": str(retention_hours * HOUR_MS)}
    if kind is KafkaKind.STANDARD:
        properties |= {
            "default.replication.factor": str(replication),
            "min.insync.replicas": str(min_in_sync),
            "unclean.leader.election.enable": "false",
        }
    return "".join(f"{key}={value}\n" for key, value in sorted(properties.items()))


def topic_configs(kind: KafkaKind, min_in_sync: int, retention_hours: int) -> str:
    """A topic's own settings, as the JSON text that the provider expects.

    The record's time is its arrival at the broker, because Firehose computes the freshness of the event log from it
    (https://docs.aws.amazon.com/firehose/latest/dev/msk-troubleshooting.html); events carry their own time.
    """
    configs = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(retention_hours * HOUR_MS),
    }
    if kind is KafkaKind.STANDARD:
        configs["min.insync.replicas"] = str(min_in_sync)
    return json.dumps(configs, sort_keys=True)
