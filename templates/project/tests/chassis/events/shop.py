"""A small service for the tests: orders with a read model, in the tables that the architecture document shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from chassis.clock import SystemClock
from chassis.context import Context
from chassis.database.changes import Change, ReadModelChange
from chassis.database.database import Database
from chassis.database.transaction import Record, Transaction
from chassis.environment import Address
from chassis.events.event import Event, encode
from chassis.events.port import Delivery
from chassis.events.projection import Projection
from chassis.identifiers import new_id
from chassis.observe.metrics import Metrics
from chassis.settings import (
    DatabaseSettings,
    KafkaSettings,
    QueueSettings,
    RateLimitSettings,
    Role,
    Settings,
    Shard,
    ShardGeneration,
    TokenSettings,
)
from infra.architecture.data_model import service_ddl
from infra.system.model import System

STREAM = "order.read_model"
PLACED = "order.placed"
SETTLED = "payment.settled"

DECLARED = {
    "name": "shop",
    "identity": {"roles": ["customer", "admin"]},
    "services": {
        "order": {
            "cqrs": True,
            "resources": {
                "order": {
                    "owner": "customer_id",
                    "fields": {
                        "customer_id": {"type": "string", "required": True, "indexed": True},
                        "status": {"type": "enum", "values": ["placed", "paid"], "required": True, "indexed": True},
                        "total": {"type": "decimal", "required": True, "indexed": True},
                        "due": {"type": "date", "indexed": True},
                    },
                    "operations": {
                        "list": ["admin"],
                        "get": ["admin"],
                        "create": ["customer"],
                        "update": ["admin"],
                        "delete": ["admin"],
                    },
                }
            },
            "publishes": [PLACED],
            "consumes": [SETTLED],
        },
        "payment": {
            "resources": {
                "payment": {
                    "fields": {"order_id": {"type": "reference", "to": "order.order", "required": True}},
                    "operations": {"list": ["admin"], "create": ["admin"]},
                }
            },
            "publishes": [SETTLED],
            "consumes": [PLACED],
        },
    },
}


def tables() -> str:
    """The order service's database."""
    return service_ddl(System.model_validate(DECLARED), "order")


def document(row: Record) -> bytes:
    """An order as the API answers it."""
    return msgspec.json.encode({name: value for name, value in row.items() if name != "deleted_at"})


ORDERS = Projection("order", "orders", ("customer_id", "status", "total", "due"), document)


@dataclass(frozen=True)
class Credentials:
    """One user for every secret."""

    user: str
    password: str

    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        del arn, fresh
        return {"username": self.user, "password": self.password}


class NoStatements:
    """Measures nothing."""

    def finished(self, statement: str, started: float) -> None:
        del statement, started


@dataclass
class Told:
    """What was counted and measured, by name."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics("tests", "order", lambda line: self.lines.append(msgspec.json.decode(line)))

    def total(self, name: str) -> int:
        self.metrics.flush()
        return sum(line[name] for line in self.lines if isinstance(line.get(name), int))

    def values(self, name: str) -> list[float]:
        self.metrics.flush()
        return [value for line in self.lines if isinstance(line.get(name), dict) for value in line[name]["Values"]]


def database_settings(name: str, ports: list[int], connections: int = 8) -> DatabaseSettings:
    shards = tuple(Shard(Address("127.0.0.1", port), "", (), "") for port in ports)
    return DatabaseSettings(
        name=name,
        shards=shards,
        shard_map=(ShardGeneration(date(2026, 1, 1), len(shards)),),
        writer_connections=connections,
        reader_connections=0,
        admins=(),
        tls=True,
        slow_query_ms=20,
    )


def settings(
    role: Role,
    database: DatabaseSettings,
    events: KafkaSettings | QueueSettings | None,
    endpoint_url: str | None = None,
    **more: Any,
) -> Settings:
    return Settings(
        system="shop",
        environment="local",
        service="order",
        role=role,
        region="eu-central-1",
        metrics_namespace="tests",
        port=0,
        aws_endpoint_url=endpoint_url,
        trust_file=more.get("trust_file"),
        database=database,
        cache=None,
        rate_limit=RateLimitSettings(100, 60),
        tokens=TokenSettings("http://127.0.0.1", "http://127.0.0.1", frozenset({"client"})),
        events=events,
    )


def context(settings: Settings, database: Database | None, told: Told, secrets: Any = None) -> Context:
    absent: Any = None
    given: Any = database
    return Context(
        settings=settings,
        clock=SystemClock(),
        metrics=told.metrics,
        requests=absent,
        statements=absent,
        secrets=secrets,
        health=absent,
        database=given,
        cache=None,
        tokens=absent,
        limiter=absent,
        client_address=absent,
    )


async def place(transaction: Transaction, identifier: UUID | None = None, total: str = "9.90") -> UUID:
    """A new order: its row, its history, its events."""
    identifier = identifier or new_id(transaction.shard)
    row = await transaction.fetchrow(
        "INSERT INTO orders (id, customer_id, status, total, due) VALUES ($1, 'c-1', 'placed', $2, '2026-12-24') "
        "RETURNING *",
        identifier,
        Decimal(total),
    )
    assert row is not None
    await _record(transaction, row, "create", PLACED)
    return identifier


async def change(transaction: Transaction, identifier: UUID, total: str) -> int:
    """Another total; returns the version that this led to."""
    row = await transaction.fetchrow(
        "UPDATE orders SET total = $2, version = version + 1, updated_at = now() WHERE id = $1 RETURNING *",
        identifier,
        Decimal(total),
    )
    assert row is not None
    await _record(transaction, row, "update", None)
    return int(row["version"])


async def delete(transaction: Transaction, identifier: UUID) -> int:
    row = await transaction.fetchrow(
        "UPDATE orders SET deleted_at = now(), version = version + 1, updated_at = now() WHERE id = $1 RETURNING *",
        identifier,
    )
    assert row is not None
    await _record(transaction, row, "delete", None)
    return int(row["version"])


async def _record(transaction: Transaction, row: Record, operation: Any, event: str | None) -> None:
    await transaction.record(
        Change(
            event_type=event or f"order.{operation}d",
            aggregate_type="order",
            aggregate_id=row["id"],
            version=row["version"],
            actor="c-1",
            correlation_id="request-1",
            payload={"total": str(row["total"])},
            topics=(event,) if event else (),
            read_model=ReadModelChange(stream=STREAM, operation=operation),
        )
    )


def event_of(aggregate: UUID | None = None, version: int = 1, name: str = SETTLED, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "event_id": new_id(),
        "event_type": name,
        "aggregate_type": name.partition(".")[0],
        "aggregate_id": aggregate or new_id(),
        "version": version,
        "occurred_at": datetime.now(UTC),
        "actor": "c-1",
        "correlation_id": "request-1",
        "payload": "{}",
    }
    return Event(**(fields | more))


def stream_event(aggregate: UUID, version: int, operation: str = "update", **more: Any) -> Event:
    """An event of the read-model stream."""
    payload = {"resource": "order", "operation": operation}
    return event_of(aggregate, version, STREAM, **({"payload": msgspec.json.encode(payload).decode()} | more))


def delivery(event: Event | bytes, position: int | None = 0, name: str | None = None, partition: int = 0) -> Delivery:
    body = event if isinstance(event, bytes) else encode(event)
    told = name if name is not None or isinstance(event, bytes) else event.event_type
    return Delivery(body, told, "topic", partition, position)
