"""What a process makes of its environment, and what it refuses."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.environments import (
    SECRET,
    SHARD,
    local,
    of_api,
    of_consumer,
    of_migration,
    of_queue_consumer,
)
from groundplan_chassis.environment import Address, address
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import KafkaSettings, QueueSettings, Settings, ShardGeneration

TOMORROW = (datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)).isoformat()


def problems(variables: dict[str, str], role: str | None = None) -> dict[str, str]:
    """What was refused, by variable."""
    with pytest.raises(ProblemsFound) as caught:
        Settings.from_environment(variables, role)
    assert all(problem.expected and problem.remedy for problem in caught.value.problems)
    return {problem.where: str(problem) for problem in caught.value.problems}


def refusals(variables: dict[str, str], role: str) -> str:
    """What is said of the variables; empty when there is nothing to say."""
    try:
        Settings.from_environment(variables, role)
    except ProblemsFound as error:
        return str(error)
    return ""


def test_an_api_process() -> None:
    settings = Settings.from_environment(of_api(), "api")
    assert (settings.system, settings.environment, settings.service, settings.role) == ("shop", "prod", "order", "api")
    assert settings.port == 8080
    assert not settings.local
    (shard,) = settings.database.shards
    assert shard.writer == Address("writer.example.com", 5432)
    assert shard.readers == (Address("reader-1.example.com", 6432), Address("reader-2.example.com", 5433))
    assert shard.pooled
    assert settings.database.shard_map == (ShardGeneration(datetime.date(2000, 1, 1), 1),)
    assert settings.database.tls
    assert settings.cache is not None
    assert settings.cache.reader == Address("cache-reader.example.com", 6379)
    assert settings.cache.tls
    assert settings.tokens.client_ids == frozenset({"web"})
    assert isinstance(settings.events, KafkaSettings)
    assert settings.events.security == "iam"
    assert settings.events.bootstrap == (Address("b-1.example.com", 9098), Address("b-2.example.com", 9098))
    assert settings.events.sources == {}


def test_a_consumer_of_a_topic_and_of_a_queue() -> None:
    kafka = Settings.from_environment(of_consumer(), "consumer").events
    assert isinstance(kafka, KafkaSettings)
    assert kafka.sources == {"payment.settled": "shop.payment.settled"}
    assert (kafka.group, kafka.dead_letters) == ("shop.order", "shop.order.dead-letter")
    queue = Settings.from_environment(of_queue_consumer(), "consumer").events
    assert isinstance(queue, QueueSettings)
    assert queue.sources == frozenset({"payment.settled"})
    assert queue.queue_url.endswith("/order")


def test_a_migration_knows_administrators_and_no_pools() -> None:
    database = Settings.from_environment(of_migration(), "migrate").database
    assert [str(admin.address) for admin in database.admins] == ["writer.example.com:5432"]
    assert (database.writer_connections, database.reader_connections) == (0, 0)


def test_what_a_system_lacks_is_absent() -> None:
    names = [name for name in of_api() if name.startswith(("CACHE_", "EVENT", "KAFKA_"))]
    settings = Settings.from_environment(of_api(**dict.fromkeys(names)), "api")
    assert settings.cache is None
    assert settings.events is None


def test_a_command_takes_the_role_from_the_environment() -> None:
    assert Settings.from_environment(of_consumer(), "replay").role == "consumer"
    assert Settings.from_environment(of_consumer()).role == "consumer"


def test_local_relaxations(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text("")
    settings = Settings.from_environment(local(TRUST_FILE=str(authority)), "api")
    assert settings.local
    assert settings.port == 18080
    assert settings.trust_file == authority
    assert settings.aws_endpoint_url == "http://127.0.0.1:5000"
    assert not settings.database.tls
    assert settings.cache is not None
    assert not settings.cache.tls
    assert isinstance(settings.events, KafkaSettings)
    assert settings.events.security == "plaintext"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_JWKS_URL", "http://issuer.example.com/jwks.json"),
        ("TOKEN_ISSUER", "http://issuer.example.com"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
        ("DATABASE_TLS", "off"),
        ("DATABASE_TLS", "on"),
        ("CACHE_TLS", "off"),
        ("KAFKA_SECURITY", "plaintext"),
        ("KAFKA_SECURITY", "scram"),
        ("TRUST_FILE", "/dev/null"),
        ("PORT", "9000"),
    ],
)
def test_what_is_unsafe_is_refused_outside_local_use(name: str, value: str) -> None:
    assert name in problems(of_api(**{name: value}), "api")


@pytest.mark.parametrize("environment", ["prod", "staging", "dev", "Local", "local "])
def test_only_the_exact_name_is_local(environment: str) -> None:
    found = problems(local(ENVIRONMENT_NAME=environment), "api")
    assert {"DATABASE_TLS", "CACHE_TLS", "KAFKA_SECURITY", "TOKEN_ISSUER", "AWS_ENDPOINT_URL", "PORT"} <= found.keys()


def test_all_errors_are_reported_at_once() -> None:
    found = problems(
        of_api(
            SYSTEM_NAME=None,
            AWS_REGION="Frankfurt",
            RATE_LIMIT_REQUESTS="many",
            DATABASE_SHARDS="[",
            CACHE_PORT="70000",
            TOKEN_CLIENT_IDS='{"web": 1}',
            KAFKA_BOOTSTRAP="broker one",
        ),
        "api",
    )
    assert found.keys() >= {
        "SYSTEM_NAME",
        "AWS_REGION",
        "RATE_LIMIT_REQUESTS",
        "DATABASE_SHARDS",
        "CACHE_PORT",
        "TOKEN_CLIENT_IDS",
        "KAFKA_BOOTSTRAP",
    }
    assert "missing" in found["SYSTEM_NAME"]
    assert "'Frankfurt'" in found["AWS_REGION"]


def test_nothing_at_all() -> None:
    assert len(problems({}, "api")) > 10


AWKWARD = (
    "",
    "x",
    "[]",
    "{}",
    "null",
    "[null]",
    '{"a":1}',
    "-1",
    "1e9",
    "\n",
    "\ud800",
    "http://",
    "http://[",
    "\U0001f600",
)


@pytest.mark.parametrize("name", sorted({*of_consumer(), *of_queue_consumer(), *of_migration()}))
def test_any_value_of_a_variable_leads_to_settings_or_problems(name: str) -> None:
    for base, role in ((of_consumer(), "consumer"), (of_queue_consumer(), "consumer"), (of_migration(), "migrate")):
        for value in AWKWARD:
            assert refusals({**base, name: value}, role).isascii() or value == AWKWARD[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_SHARDS", "[]"),
        ("DATABASE_SHARDS", json.dumps([{**SHARD, "extra": 1}])),
        ("DATABASE_SHARDS", json.dumps([{**SHARD, "writer": "no host"}])),
        ("DATABASE_SHARDS", json.dumps([{**SHARD, "secret_arn": "arn:aws:s3:::bucket"}])),
        ("DATABASE_SHARDS", json.dumps([SHARD] * 65)),
        ("DATABASE_SHARD_MAP", "[]"),
        ("DATABASE_SHARD_MAP", json.dumps([{"since": "2000-01-01", "shards": 2}])),
        ("DATABASE_SHARD_MAP", json.dumps([{"since": "2000-01-01", "shards": 0}])),
        ("DATABASE_SHARD_MAP", json.dumps([{"since": TOMORROW, "shards": 1}])),
        ("DATABASE_SHARD_MAP", json.dumps([{"since": "soon", "shards": 1}])),
        (
            "DATABASE_SHARD_MAP",
            json.dumps([{"since": "2020-01-01", "shards": 1}, {"since": "2010-01-01", "shards": 1}]),
        ),
        ("DATABASE_NAME", 'order"; DROP DATABASE'),
        ("TOKEN_CLIENT_IDS", "[]"),
        ("TOKEN_CLIENT_IDS", '[""]'),
        ("TOKEN_ISSUER", "https://user:password@issuer.example.com"),
        ("EVENT_TOPICS", '{"Order Placed": "x"}'),
        ("EVENT_TOPICS", '{"order.placed": ""}'),
        ("CACHE_KEY_PREFIX", "order"),
        ("CACHE_KEY_PREFIX", "*:"),
        ("RATE_LIMIT_REQUESTS", "0"),
        ("RATE_LIMIT_REQUESTS", "١٢"),
        ("WORKLOAD_ROLE", "consumer"),
        ("WORKLOAD_ROLE", "root"),
        ("EVENTS_BROKER", "rabbit"),
    ],
)
def test_a_value_out_of_bounds(name: str, value: str) -> None:
    assert name in problems(of_api(**{name: value}), "api")


def test_a_later_generation_may_be_planned() -> None:
    generations = [{"since": "2000-01-01", "shards": 1}, {"since": TOMORROW, "shards": 2}]
    variables = of_api(DATABASE_SHARDS=json.dumps([SHARD, SHARD]), DATABASE_SHARD_MAP=json.dumps(generations))
    assert [each.shards for each in Settings.from_environment(variables, "api").database.shard_map] == [1, 2]


def test_a_process_without_connections_is_refused() -> None:
    found = problems(of_api(DATABASE_WRITER_CONNECTIONS="0", DATABASE_READER_CONNECTIONS="0"), "api")
    assert "DATABASE_WRITER_CONNECTIONS" in found


def test_reading_from_replicas_that_are_not_there_is_refused() -> None:
    shard = {**SHARD, "readers": []}
    assert "DATABASE_READER_CONNECTIONS" in problems(of_api(DATABASE_SHARDS=json.dumps([shard])), "api")


def test_every_shard_needs_its_administrator() -> None:
    variables = of_migration(DATABASE_SHARDS=json.dumps([SHARD, SHARD]))
    assert "DATABASE_ADMIN" in problems(variables, "migrate")


@pytest.mark.parametrize("role", ["consumer", "projector", "relay"])
def test_a_role_of_events_needs_a_broker(role: str) -> None:
    names = [name for name in of_api() if name.startswith(("EVENT", "KAFKA_"))]
    found = problems(of_api(WORKLOAD_ROLE=role, **dict.fromkeys(names)), role)
    assert "EVENTS_BROKER" in found


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("TOKEN_ISSUER", "ftp://admin:hunter2@host", "hunter2"),
        ("CACHE_SECRET_ARN", "-----BEGIN RSA PRIVATE KEY-----abc", "abc"),
        ("DATABASE_SHARDS", '[{"password": "hunter2"}]', "hunter2"),
        ("CACHE_SECRET_ARN", '{"username":"order","password":"hunter2"}', "hunter2"),
    ],
)
def test_what_may_be_a_secret_is_not_shown(name: str, value: str, hidden: str) -> None:
    assert hidden not in problems(of_api(**{name: value}), "api")[name]


def test_a_long_or_unprintable_value_is_shown_short_and_safe() -> None:
    shown = problems(of_api(AWS_REGION="\x1b[31m\n" + "x" * 10_000), "api")["AWS_REGION"]
    assert len(shown) < 500
    assert "\x1b" not in shown
    assert shown.count("\n") == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db", Address("db", 1)),
        ("db.example.com:5433", Address("db.example.com", 5433)),
        ("127.0.0.1:6432", Address("127.0.0.1", 6432)),
        ("[::1]:5432", Address("::1", 5432)),
        ("[::1]", Address("::1", 1)),
        ("db_1.svc", Address("db_1.svc", 1)),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert address(text, 1) == expected


@pytest.mark.parametrize(
    "text", ["", ":1", "db:", "db:0", "db:65536", "db:x", "a b", "http://db", "[::1", "[x]", "-db", "db:1:2"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        address(text, 1)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        found = address(text, 1)
    except ValueError:
        return
    assert found.host
    assert 1 <= found.port <= 65_535


def test_the_arn_of_a_secret_is_of_secrets_manager() -> None:
    assert "CACHE_SECRET_ARN" in problems(of_api(CACHE_SECRET_ARN=SECRET.replace("secretsmanager", "ssm")), "api")
