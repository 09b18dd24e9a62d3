"""Environments of processes, for tests of what is made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:sample-AbCdEf"

SHARD: dict[str, Any] = {
    "writer": "writer.example.com",
    "secret_arn": SECRET,
    "readers": ["reader-1.example.com", "reader-2.example.com:5433"],
    "reader_port": 6432,
    "reader_secret_arn": f"{SECRET}-reader",
}


def of_api(**changes: str | None) -> dict[str, str]:
    """Of an API process with Kafka; None takes a variable away."""
    return _changed(
        {
            "SYSTEM_NAME": "shop",
            "ENVIRONMENT_NAME": "prod",
            "SERVICE_NAME": "order",
            "WORKLOAD_ROLE": "api",
            "AWS_REGION": "eu-central-1",
            "METRICS_NAMESPACE": "shop-prod/services",
            "SLOW_QUERY_MS": "20",
            "RATE_LIMIT_REQUESTS": "100",
            "RATE_LIMIT_SECONDS": "60",
            "TOKEN_ISSUER": "https://issuer.example.com/pool",
            "TOKEN_JWKS_URL": "https://issuer.example.com/pool/.well-known/jwks.json",
            "TOKEN_CLIENT_IDS": json.dumps(["web"]),
            "DATABASE_NAME": "order",
            "DATABASE_SHARDS": json.dumps([SHARD]),
            "DATABASE_SHARD_MAP": json.dumps([{"since": "2000-01-01", "shards": 1}]),
            "DATABASE_WRITER_CONNECTIONS": "8",
            "DATABASE_READER_CONNECTIONS": "4",
            "CACHE_HOST": "cache.example.com",
            "CACHE_READER_HOST": "cache-reader.example.com",
            "CACHE_PORT": "6379",
            "CACHE_CLUSTERED": "true",
            "CACHE_KEY_PREFIX": "order:",
            "CACHE_SECRET_ARN": SECRET,
            "EVENTS_BROKER": "kafka",
            "KAFKA_BOOTSTRAP": "b-1.example.com:9098,b-2.example.com:9098",
            "EVENT_TOPICS": json.dumps({"order.placed": "shop.order.placed"}),
        },
        changes,
    )


def of_consumer(**changes: str | None) -> dict[str, str]:
    return _changed(
        of_api(
            WORKLOAD_ROLE="consumer",
            EVENT_GROUP="shop.order",
            EVENT_SOURCES=json.dumps({"payment.settled": "shop.payment.settled"}),
            EVENT_DEAD_LETTERS="shop.order.dead-letter",
        ),
        changes,
    )


def of_queue_consumer(**changes: str | None) -> dict[str, str]:
    queues = "https://sqs.eu-central-1.amazonaws.com/123456789012"
    return _changed(
        of_api(
            WORKLOAD_ROLE="consumer",
            EVENTS_BROKER="sqs",
            KAFKA_BOOTSTRAP=None,
            EVENT_TOPICS=json.dumps({"order.placed": "arn:aws:sns:eu-central-1:123456789012:order-placed"}),
            EVENT_SOURCES=json.dumps(["payment.settled"]),
            EVENT_QUEUE_URL=f"{queues}/order",
            EVENT_DEAD_LETTERS=f"{queues}/order-dead-letter",
        ),
        changes,
    )


def of_migration(**changes: str | None) -> dict[str, str]:
    return _changed(
        of_api(
            WORKLOAD_ROLE=None,
            DATABASE_WRITER_CONNECTIONS=None,
            DATABASE_READER_CONNECTIONS=None,
            DATABASE_ADMIN=json.dumps([{"host": "writer.example.com", "secret_arn": SECRET}]),
        ),
        changes,
    )


def local(**changes: str | None) -> dict[str, str]:
    """An API process on a developer's machine."""
    return _changed(
        of_api(
            ENVIRONMENT_NAME="local",
            TOKEN_ISSUER="http://127.0.0.1:9000",
            TOKEN_JWKS_URL="http://127.0.0.1:9000/jwks.json",
            AWS_ENDPOINT_URL="http://127.0.0.1:5000",
            DATABASE_TLS="off",
            CACHE_TLS="off",
            KAFKA_SECURITY="plaintext",
            KAFKA_BOOTSTRAP="127.0.0.1:9092",
            PORT="18080",
        ),
        changes,
    )


def _changed(variables: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return dict(_items({**variables, **changes}))


def _items(variables: dict[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        if value is not None:
            yield name, value
