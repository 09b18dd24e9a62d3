"""What a process is told by its environment, typed, checked, and refused when it would be unsafe.

The names and shapes are those that `groundplan.program.settings` gives to a service's pods; a test holds both together.
Passwords are never among them: they stand in Secrets Manager, and `groundplan_chassis.secrets` fetches them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self, cast

import msgspec

from groundplan_chassis.environment import Address, Environment, address, secret_arn
from groundplan_chassis.problems import ProblemsFound

LOCAL: Final = "local"
"""The one environment in which what would be unsafe elsewhere is allowed."""

Role = Literal["api", "command", "query", "consumer", "relay", "projector", "migrate"]
ROLES: Final[tuple[Role, ...]] = ("api", "command", "query", "consumer", "relay", "projector", "migrate")
SERVING: Final[frozenset[str]] = frozenset({"api", "command", "query"})
READING: Final[frozenset[str]] = frozenset({"consumer", "projector"})
"""Roles that follow events."""

PORT: Final = 8080
"""Of requests and health endpoints (`components/groundplan_components/workload/workload.py`)."""
POSTGRES_PORT: Final = 5432
MOST_SHARDS: Final = 64
"""As many as the declaration allows, and as fit into the six bits of an identifier that name one."""
MOST_CONNECTIONS: Final = 1000
"""Of one process to one database. PostgreSQL itself has fewer on all but the largest instances."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SQL_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class Shard:
    """One database: where to write, where to read, and the secrets of who may."""

    writer: Address
    secret_arn: str
    readers: tuple[Address, ...]
    """None: everything is read from the writer."""
    reader_secret_arn: str
    """Equal to ``secret_arn`` unless a pooler with users of its own stands before the readers."""

    @property
    def pooled(self) -> bool:
        """Readers are reached through PgBouncer, which shares connections between transactions."""
        return bool(self.readers) and self.reader_secret_arn != self.secret_arn


@dataclass(frozen=True, slots=True)
class ShardGeneration:
    """From a day (UTC) on, new keys spread over the first ``shards`` shards; older keys stay where they are."""

    since: datetime.date
    shards: int


@dataclass(frozen=True, slots=True)
class DatabaseAdmin:
    """A shard's administrator, whom only the migration knows: the instance itself, not its proxy."""

    address: Address
    secret_arn: str


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    name: str
    shards: tuple[Shard, ...]
    shard_map: tuple[ShardGeneration, ...]
    """In the order of their days; the first has begun."""
    writer_connections: int
    """Of this process to the writer of each shard, at most. 0: it reads from replicas only."""
    reader_connections: int
    """Of this process to all readers of a shard together, at most."""
    admins: tuple[DatabaseAdmin, ...]
    """One a shard, in their order; empty unless the role is `migrate`."""
    tls: bool
    """False only locally."""
    slow_query_ms: int
    """A statement that takes longer is logged (T2)."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    address: Address
    reader: Address
    clustered: bool
    """The server speaks the cluster protocol."""
    key_prefix: str
    """What every key and channel must begin with: the user may touch no other."""
    secret_arn: str
    tls: bool
    """False only locally."""


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """A token bucket that holds ``requests`` and fills up in ``seconds`` (S7)."""

    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Whose access tokens are good (S3)."""

    issuer: str
    jwks_url: str
    client_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    bootstrap: tuple[Address, ...]
    security: Literal["iam", "scram", "plaintext"]
    """Everything but `iam` is for local use."""
    secret_arn: str | None
    """User and password for `scram`; None else."""
    topics: Mapping[str, str]
    """Topic of each event that this service publishes."""
    sources: Mapping[str, str]
    """Topic of each event that this process follows; empty for roles that follow none."""
    group: str
    """Consumer group; empty for roles that follow none."""
    dead_letters: str
    """Topic; empty for roles that follow none."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """SNS topics to publish to, and one SQS queue to read from."""

    topics: Mapping[str, str]
    """ARN of the SNS topic of each event that this service publishes."""
    sources: frozenset[str]
    """Events that arrive in the queue; empty for roles that follow none."""
    queue_url: str
    """Empty for roles that follow none."""
    dead_letters: str
    """URL of a queue; empty for roles that follow none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a process is told from outside."""

    system: str
    environment: str
    service: str
    role: Role
    region: str
    metrics_namespace: str
    port: int
    aws_endpoint_url: str | None
    """None outside local use: the SDK finds AWS by itself."""
    trust_file: Path | None
    """Certificate authorities to trust instead of the known ones; locally only."""
    database: DatabaseSettings
    cache: CacheSettings | None
    """None: no resource of the system is cached, and the rate limit counts in each process by itself."""
    rate_limit: RateLimitSettings
    tokens: TokenSettings
    events: KafkaSettings | QueueSettings | None
    """None: no service of the system publishes anything."""

    @property
    def local(self) -> bool:
        return self.environment == LOCAL

    @classmethod
    def from_environment(cls, variables: Mapping[str, str], role: str | None = None) -> Self:
        """Reads the variables of a process.

        ``role`` is the program's argument; without one, or for a command that is no role, WORKLOAD_ROLE counts. Raises
        ProblemsFound with every mistake: what, its value unless it may be secret, what was expected, what to do.
        """
        environment = Environment(variables)
        settings = cls._read(environment, role)
        if environment.problems:
            raise ProblemsFound("settings", environment.problems)
        return settings

    @classmethod
    def _read(cls, environment: Environment, role: str | None) -> Self:
        name = environment.text("ENVIRONMENT_NAME", expected="the stack's name, `prod` for example")
        local = name == LOCAL
        known_role = _role(environment, role)
        endpoint = None
        if environment.has("AWS_ENDPOINT_URL"):
            endpoint = environment.url("AWS_ENDPOINT_URL", ("http", "https") if local else ("https",))
        settings = cls(
            system=_named(environment, "SYSTEM_NAME"),
            environment=name,
            service=_named(environment, "SERVICE_NAME"),
            role=known_role,
            region=environment.parsed(
                "AWS_REGION", _matching(_REGION), "", "an AWS region, `eu-central-1` for example"
            ),
            metrics_namespace=environment.text("METRICS_NAMESPACE", expected="CloudWatch's namespace of the services"),
            port=environment.whole("PORT", 0 if local else 1024, 65_535, PORT),
            aws_endpoint_url=endpoint,
            trust_file=_trust_file(environment),
            database=_database(environment, known_role, local),
            cache=_cache(environment),
            rate_limit=RateLimitSettings(
                environment.whole("RATE_LIMIT_REQUESTS", 1, 2_000_000),
                environment.whole("RATE_LIMIT_SECONDS", 1, 3600, unit="seconds"),
            ),
            tokens=_tokens(environment, local),
            events=_events(environment, known_role, local),
        )
        if not local:
            _refuse_local_only(environment)
        return settings


_LOCAL_ONLY: Final = ("PORT", "TRUST_FILE", "DATABASE_TLS", "CACHE_TLS", "KAFKA_SECURITY", "KAFKA_SECRET_ARN")
"""What weakens or moves something, and is for `make dev` and tests."""


def _refuse_local_only(environment: Environment) -> None:
    for name in _LOCAL_ONLY:
        if environment.has(name):
            environment.refuse(
                name,
                f"nothing: it is for local use, where ENVIRONMENT_NAME is `{LOCAL}`",
                "remove it from the process's environment",
            )


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(value)
        return value

    return parse


def _named(environment: Environment, variable: str) -> str:
    return environment.parsed(variable, _matching(_NAME), "", "a name of lower-case letters, digits, single hyphens")


def _role(environment: Environment, argument: str | None) -> Role:
    # The migration is given its role as an argument alone.
    told = environment.choice("WORKLOAD_ROLE", ROLES, argument if argument in ROLES else None)
    if argument in ROLES and told != argument:
        environment.refuse(
            "WORKLOAD_ROLE",
            f"`{argument}`, as the program's argument says",
            "start the process with its own settings: each role has its own",
        )
    return cast(Role, told)


def _trust_file(environment: Environment) -> Path | None:
    if not environment.has("TRUST_FILE"):
        return None
    path = Path(environment.text("TRUST_FILE"))
    if not path.is_file():
        environment.refuse("TRUST_FILE", "a file of certificates (PEM)", "start the local servers, which write it")
    return path


class _ShardJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    writer: str
    secret_arn: str
    readers: tuple[str, ...]
    reader_port: int
    reader_secret_arn: str

    def read(self) -> Shard:
        return Shard(
            writer=address(self.writer, POSTGRES_PORT),
            secret_arn=secret_arn(self.secret_arn),
            readers=tuple(address(reader, self.reader_port) for reader in self.readers),
            reader_secret_arn=secret_arn(self.reader_secret_arn),
        )


class _GenerationJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    since: datetime.date
    shards: int


class _AdminJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    host: str
    secret_arn: str


def _database(environment: Environment, role: Role, local: bool) -> DatabaseSettings:
    shards = _shards(environment)
    admins: tuple[DatabaseAdmin, ...] = ()
    writer_connections = reader_connections = 0
    if role == "migrate":
        admins = _admins(environment, len(shards))
    else:
        writer_connections = environment.whole("DATABASE_WRITER_CONNECTIONS", 0, MOST_CONNECTIONS)
        reader_connections = environment.whole("DATABASE_READER_CONNECTIONS", 0, MOST_CONNECTIONS)
        _check_connections(environment, shards, writer_connections, reader_connections)
    return DatabaseSettings(
        name=environment.parsed("DATABASE_NAME", _matching(_SQL_NAME), "", "a PostgreSQL name that needs no quotes"),
        shards=shards,
        shard_map=_shard_map(environment, len(shards)),
        writer_connections=writer_connections,
        reader_connections=reader_connections,
        admins=admins,
        tls=environment.choice("DATABASE_TLS", ("on", "off"), "on") == "on",
        slow_query_ms=environment.whole("SLOW_QUERY_MS", 1 if not local else 0, 60_000, unit="milliseconds"),
    )


def _shards(environment: Environment) -> tuple[Shard, ...]:
    expected = "a JSON list of shards with writer, secret_arn, readers, reader_port and reader_secret_arn"
    found = environment.json("DATABASE_SHARDS", tuple[_ShardJson, ...], (), expected)
    if not environment.has("DATABASE_SHARDS"):
        return ()
    try:
        shards = tuple(shard.read() for shard in found)
    except ValueError as error:
        environment.refuse("DATABASE_SHARDS", f"hosts and the ARNs of secrets ({error})", "deploy again with `make up`")
        return ()
    if not 1 <= len(shards) <= MOST_SHARDS and not environment.problems:
        environment.refuse("DATABASE_SHARDS", f"1 to {MOST_SHARDS} shards", "deploy again with `make up`")
    return shards


def _shard_map(environment: Environment, shards: int) -> tuple[ShardGeneration, ...]:
    expected = "a JSON list of generations with `since` (a day) and `shards`, the oldest first"
    name = "DATABASE_SHARD_MAP"
    found = environment.json(name, tuple[_GenerationJson, ...], (), expected)
    generations = tuple(ShardGeneration(each.since, each.shards) for each in found)
    days = [generation.since for generation in generations]
    counts = [generation.shards for generation in generations]
    if generations and (days != sorted(set(days)) or counts != sorted(counts) or counts[0] < 1):
        environment.refuse(name, "days that rise, and shards that never become fewer", "mend shard_map in system.yaml")
    elif generations and shards and counts[-1] > shards:
        environment.refuse(
            name, f"at most the {shards} shards that DATABASE_SHARDS lists", "deploy both together with `make up`"
        )
    elif generations and days[0] > datetime.datetime.now(datetime.UTC).date():
        environment.refuse(name, "a first generation that has begun", "give it a day that has come, in system.yaml")
    elif not generations and environment.has(name) and not any(each.where == name for each in environment.problems):
        environment.refuse(name, "one generation at least", "deploy again with `make up`")
    return generations


def _admins(environment: Environment, shards: int) -> tuple[DatabaseAdmin, ...]:
    name = "DATABASE_ADMIN"
    expected = "a JSON list with host and secret_arn of each shard's administrator"
    found = environment.json(name, tuple[_AdminJson, ...], (), expected)
    try:
        admins = tuple(DatabaseAdmin(address(each.host, POSTGRES_PORT), secret_arn(each.secret_arn)) for each in found)
    except ValueError as error:
        environment.refuse(name, f"hosts and the ARNs of secrets ({error})", "deploy with `make up`")
        return ()
    if found and shards and len(admins) != shards:
        environment.refuse(name, f"one administrator for each of the {shards} shards", "deploy with `make up`")
    return admins


def _check_connections(environment: Environment, shards: tuple[Shard, ...], writers: int, readers: int) -> None:
    if writers == readers == 0 and environment.has("DATABASE_WRITER_CONNECTIONS"):
        environment.refuse(
            "DATABASE_WRITER_CONNECTIONS",
            "at least 1 here or in DATABASE_READER_CONNECTIONS",
            "a process without connections can do nothing: deploy again with `make up`",
        )
    if readers and shards and not all(shard.readers for shard in shards):
        environment.refuse(
            "DATABASE_READER_CONNECTIONS",
            "0 while a shard of DATABASE_SHARDS has no readers",
            "deploy both together with `make up`",
        )


def _cache(environment: Environment) -> CacheSettings | None:
    names = ("CACHE_HOST", "CACHE_READER_HOST", "CACHE_PORT", "CACHE_CLUSTERED", "CACHE_KEY_PREFIX", "CACHE_SECRET_ARN")
    given = [environment.has(name) for name in names]
    tls = environment.choice("CACHE_TLS", ("on", "off"), "on") == "on"
    if not any(given):
        return None
    port = environment.whole("CACHE_PORT", 1, 65_535)
    return CacheSettings(
        address=environment.address("CACHE_HOST", port),
        reader=environment.address("CACHE_READER_HOST", port),
        clustered=environment.choice("CACHE_CLUSTERED", ("true", "false")) == "true",
        key_prefix=environment.parsed(
            "CACHE_KEY_PREFIX", _matching(re.compile(r"[a-z0-9-]+:")), "", "the service's name and a colon"
        ),
        secret_arn=environment.arn("CACHE_SECRET_ARN"),
        tls=tls,
    )


def _tokens(environment: Environment, local: bool) -> TokenSettings:
    schemes = ("http", "https") if local else ("https",)
    clients = environment.json("TOKEN_CLIENT_IDS", frozenset[str], frozenset(), "a JSON list of OAuth client ids")
    if environment.has("TOKEN_CLIENT_IDS") and not all(clients):
        environment.refuse("TOKEN_CLIENT_IDS", "client ids that are not empty", "deploy again with `make up`")
    if environment.has("TOKEN_CLIENT_IDS") and not clients and not environment.problems:
        environment.refuse("TOKEN_CLIENT_IDS", "at least one client id: else every token is refused", "use `make up`")
    return TokenSettings(
        issuer=environment.url("TOKEN_ISSUER", schemes),
        jwks_url=environment.url("TOKEN_JWKS_URL", schemes),
        client_ids=clients,
    )


def _events(environment: Environment, role: Role, local: bool) -> KafkaSettings | QueueSettings | None:
    if role in READING or role == "relay" or environment.has("EVENTS_BROKER"):
        broker = environment.choice("EVENTS_BROKER", ("kafka", "sqs"))
        topics = _by_event(environment, "EVENT_TOPICS", "a JSON object of this service's events and their topics")
        reads = role in READING
        schemes = ("http", "https") if local else ("https",)
        return _kafka(environment, topics, reads) if broker == "kafka" else _queues(environment, topics, reads, schemes)
    return None


def _kafka(environment: Environment, topics: Mapping[str, str], reads: bool) -> KafkaSettings:
    security = environment.choice("KAFKA_SECURITY", ("iam", "scram", "plaintext"), "iam")
    return KafkaSettings(
        bootstrap=environment.parsed(
            "KAFKA_BOOTSTRAP",
            lambda value: tuple(address(broker, 0) for broker in value.split(",")),
            (),
            "host:port of brokers, with commas between them",
        ),
        security=cast(Literal["iam", "scram", "plaintext"], security),
        secret_arn=environment.arn("KAFKA_SECRET_ARN") if security == "scram" else None,
        topics=topics,
        sources=_by_event(environment, "EVENT_SOURCES", "a JSON object of events and their topics") if reads else {},
        group=environment.text("EVENT_GROUP", expected="the consumer group") if reads else "",
        dead_letters=environment.text("EVENT_DEAD_LETTERS", expected="a topic") if reads else "",
    )


def _queues(
    environment: Environment, topics: Mapping[str, str], reads: bool, schemes: tuple[str, ...]
) -> QueueSettings:
    sources: frozenset[str] = frozenset()
    if reads:
        sources = environment.json("EVENT_SOURCES", frozenset[str], frozenset(), "a JSON list of events")
        _check_events(environment, "EVENT_SOURCES", sources)
    return QueueSettings(
        topics=topics,
        sources=sources,
        queue_url=environment.url("EVENT_QUEUE_URL", schemes) if reads else "",
        dead_letters=environment.url("EVENT_DEAD_LETTERS", schemes) if reads else "",
    )


def _by_event(environment: Environment, name: str, expected: str) -> Mapping[str, str]:
    found = environment.json(name, dict[str, str], {}, expected)
    _check_events(environment, name, found)
    if not all(found.values()):
        environment.refuse(name, "a topic for every event", "deploy again with `make up`")
    return found


def _check_events(environment: Environment, name: str, events: Mapping[str, str] | frozenset[str]) -> None:
    if not all(_EVENT.fullmatch(event) for event in events):
        environment.refuse(name, "events as system.yaml names them, `order.placed`", "deploy again with `make up`")
