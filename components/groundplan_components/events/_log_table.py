"""The event log as a table: columns, partition projection and saved queries."""

import pulumi
from pulumi_aws import glue

from groundplan_components.events.log_bucket import EVENTS_PREFIX

TABLE = "events"

EVENT_COLUMNS = (
    ("event_id", "string", "UUID; the same event may be in the log twice, with the same id"),
    ("event_type", "string", "`order.placed`"),
    ("aggregate_type", "string", "`order`"),
    ("aggregate_id", "string", "UUID of what the event happened to"),
    ("version", "bigint", "The aggregate's version that the event led to"),
    ("occurred_at", "string", "When it happened, ISO 8601 in UTC"),
    ("actor", "string", "Subject of whoever caused it"),
    ("correlation_id", "string", "The request that caused it, across services"),
    ("payload", "string", "The event's own data, as JSON text"),
)
"""The envelope that services publish, one JSON object each: (name, Hive type, description)."""


def projection(bucket: str, events: list[str], retention_days: int) -> dict[str, str]:
    """Partition projection of the table: new days and events need no added partition.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    """
    return {
        "EXTERNAL": "TRUE",
        "classification": "json",
        "compressionType": "gzip",
        "projection.enabled": "true",
        "projection.event.type": "enum",
        "projection.event.values": ",".join(sorted(events)),
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": f"NOW-{retention_days}DAYS,NOW",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
        "projection.hour.type": "integer",
        "projection.hour.range": "0,23",
        "projection.hour.digits": "2",
        "storage.location.template": f"s3://{bucket}/{EVENTS_PREFIX}event=${{event}}/day=${{day}}/hour=${{hour}}/",
    }


def saved_queries(database: str) -> dict[str, tuple[str, str]]:
    """Saved queries: name → (description, SQL). Question marks are parameters of a run."""
    table = f'"{database}"."{TABLE}"'
    return {
        "history": (
            "All that happened to one aggregate, in order (D2): event type, aggregate id, first and last day",
            f"SELECT DISTINCT version, occurred_at, event_type, actor, event_id, payload\nFROM {table}\n"
            "WHERE event LIKE ? AND aggregate_id = ? AND day BETWEEN ? AND ?\nORDER BY version",
        ),
        "actor": (
            "What one person did (D2): subject, first and last day",
            f"SELECT DISTINCT occurred_at, event_type, aggregate_type, aggregate_id, event_id\nFROM {table}\n"
            "WHERE actor = ? AND day BETWEEN ? AND ?\nORDER BY occurred_at",
        ),
        "volume": (
            "Events by day and type: first and last day",
            f"SELECT day, event, count(DISTINCT event_id) AS events\nFROM {table}\n"
            "WHERE day BETWEEN ? AND ?\nGROUP BY day, event\nORDER BY day, event",
        ),
    }


def storage(bucket: pulumi.Input[str]) -> glue.CatalogTableStorageDescriptorArgs:
    # This SerDe returns a nested object such as `payload` as JSON text; Hive's own returns nothing.
    # https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
    return glue.CatalogTableStorageDescriptorArgs(
        location=pulumi.Output.concat("s3://", bucket, "/", EVENTS_PREFIX),
        input_format="org.apache.hadoop.mapred.TextInputFormat",
        output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        compressed=True,
        ser_de_info=glue.CatalogTableStorageDescriptorSerDeInfoArgs(
            name="openx",
            serialization_library="org.openx.data.jsonserde.JsonSerDe",
            # One malformed line must not fail a whole audit query.
            parameters={"ignore.malformed.json": "TRUE"},
        ),
        columns=[
            glue.CatalogTableStorageDescriptorColumnArgs(name=column, type=hive_type, comment=comment)
            for column, hive_type, comment in EVENT_COLUMNS
        ],
    )
