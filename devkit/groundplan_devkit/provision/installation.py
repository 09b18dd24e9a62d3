"""One system on local servers, like one stack in the cloud."""

from __future__ import annotations

import datetime
import json
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from groundplan.capacity import EventsPlan, Plan, TopicPlan, WorkloadPlan, plan
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from groundplan_devkit import names
from groundplan_devkit.ports import HOST
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import shards, topics
from groundplan_devkit.provision.queues import Queues
from groundplan_devkit.provision.stored_secrets import StoredSecrets
from groundplan_devkit.secrets import password
from groundplan_devkit.servers import Servers
from groundplan_devkit.servers.kafka import SCRAM_USER
from groundplan_devkit.servers.pgbouncer import Pooler
from groundplan_devkit.servers.pgbouncer import end as end_pooler
from groundplan_devkit.servers.pgbouncer import start as start_pooler
from groundplan_devkit.servers.postgres import ADMINISTRATOR
from groundplan_devkit.servers.running import Kind

REGION = "eu-central-1"
STACK = "local"
LOAD_SHARE = 0.05
"""As of the stack `dev`: pools of a size that one PostgreSQL server holds for all services together."""
MIGRATE = "migrate"


def local_stack(*, replicas: bool = True, load_share: float = LOAD_SHARE) -> Environment:
    """The local stack: services read from replicas as in production, without redundancy."""
    return Environment(
        name=STACK,
        region=REGION,
        require_domain=False,
        load_share=load_share,
        multi_zone=False,
        read_replicas=replicas,
        database_proxy=False,
    )


class Installation:
    """Makes what a service needs when its settings are asked for, and finds what is there already.

    With a ``label`` everything has other names, so that tests don't meet; SYSTEM_NAME and so the scopes of tokens stay.
    """

    def __init__(
        self,
        system: System,
        servers: Servers,
        *,
        label: str = "",
        stack: Environment | None = None,
        visibility_seconds: int = names.VISIBILITY_SECONDS,
        pooled: bool = False,
        kafka_security: Literal["plaintext", "scram"] = "plaintext",
    ) -> None:
        """``visibility_seconds``: how long SQS hides what a consumer has received and not finished.

        ``pooled``: replicas are read through PgBouncer, by users who may only read, as where load asks for it.
        ``kafka_security``: `scram` for TLS and a password, as MSK takes them.
        """
        self.system, self.servers, self.label = system, servers, label
        replicas = bool(servers.postgres and all(shard.replicas for shard in servers.postgres.shards))
        self.stack = stack or local_stack(replicas=replicas)
        self._visibility_seconds, self._pooled, self._kafka_security = visibility_seconds, pooled, kafka_security
        self._created: set[str] = set()

    @cached_property
    def plan(self) -> Plan:
        return plan(self.system, self.stack)

    @property
    def scope(self) -> str:
        """`shop-local`, and the label."""
        return "-".join(part for part in (self.system.name, STACK, self.label) if part)

    @property
    def event_log_bucket(self) -> str:
        return f"{self.scope}-event-log"

    @cached_property
    def secrets(self) -> StoredSecrets:
        aws = self.servers.aws
        if aws is None:
            raise self._lacking("aws")
        return StoredSecrets(aws, self.stack.region, self.scope)

    def roles(self, service: str) -> tuple[str, ...]:
        """The roles that the service's processes have, `migrate` apart."""
        return tuple(workload.role for workload in self.plan.workloads_of(service))

    def settings(self, service: str, role: str) -> dict[str, str]:
        """The names of `groundplan.program.settings` for this role, with values of this machine."""
        shared = {
            **self._of_service(service),
            **self._of_database(service),
            **self._of_cache(service),
            **self._of_events(service),
        }
        if role == MIGRATE:
            return {**shared, "DATABASE_ADMIN": json.dumps(self._admins(service))}
        workload = self._workload(service, role)
        return {
            **shared,
            "WORKLOAD_ROLE": workload.role,
            "DATABASE_WRITER_CONNECTIONS": str(workload.primary_connections),
            "DATABASE_READER_CONNECTIONS": str(workload.replica_connections),
            **self._of_reader(workload),
        }

    def machine(self) -> dict[str, str]:
        """The variables of local processes only: AWS endpoint, certificate authority, and servers without TLS."""
        variables = {"TRUST_FILE": self.servers.authority}
        if self.servers.aws:
            variables |= self.servers.aws.environment(self.stack.region)
        if self.servers.kafka and self._kafka:
            variables["KAFKA_SECURITY"] = self._kafka_security
            if self._kafka_security == "scram":
                content = {"username": SCRAM_USER, "password": self.servers.kafka.scram_password}
                variables["KAFKA_SECRET_ARN"] = self.secrets.arn("kafka", content)
        if self.servers.postgres and not all(shard.tls for shard in self.servers.postgres.shards):
            variables["DATABASE_TLS"] = "off"
        if self.servers.valkey and not self.servers.valkey.tls:
            variables["CACHE_TLS"] = "off"
        return variables

    def shards_of(self, service: str) -> int:
        """Databases that the service's rows spread over here."""
        return shards.shards_of(self.plan, service)

    def database_name(self, service: str) -> str:
        """Also the name of its user."""
        return f"{names.sql_name(service)}_{names.sql_name(self.label)}" if self.label else names.sql_name(service)

    def key_prefix(self, service: str) -> str:
        """The prefix of the service's keys in the cache."""
        return f"{self.label}-{service}:" if self.label else f"{service}:"

    def topic(self, event: str) -> str:
        """The Kafka topic of an event."""
        return names.topic_name(self.events_scope, event)

    def remove(self) -> None:
        """Remove databases, users, topics, queues and secrets."""
        for pooler in self.__dict__.pop("_poolers", []):
            end_pooler(pooler)
        if self.servers.postgres:
            for service in self.system.services:
                if f"database {service}" in self._created:
                    name = self.database_name(service)
                    # `_clone` is what a rotation adds, `_reader` who reads through the pooler.
                    roles = [name, f"{name}_owner", f"{name}_reader", f"{name}_clone"]
                    self.servers.postgres.drop(name, *roles)
        if self.servers.valkey:
            for service in self.system.services:
                if f"cache {service}" in self._created:
                    self.servers.valkey.remove_user(self.key_prefix(service).rstrip(":"))
        if "topics" in self._created and self.servers.kafka:
            topics.delete(self.servers.kafka.bootstrap, [topic.name for topic in self._topics()])
        if "queues" in self.__dict__:
            self.queues.remove()
        if "secrets" in self.__dict__:
            self.secrets.remove()
        self._created.clear()

    @cached_property
    def queues(self) -> Queues:
        """SNS and SQS; only where the system's broker is SQS."""
        aws, events = self.servers.aws, self._events
        if aws is None:
            raise self._lacking("aws")
        return Queues(
            aws,
            self.stack.region,
            self.scope,
            {topic.event: _readers(topic) for topic in events.topics},
            retention_hours=events.retention_hours,
            visibility_seconds=self._visibility_seconds,
        )

    def _of_service(self, service: str) -> dict[str, str]:
        requirements, limit = self.system.requirements, self.system.edge.rate_limit
        identity = self.servers.identity
        if identity is None:
            raise self._lacking("identity")
        return {
            "SYSTEM_NAME": self.system.name,
            "ENVIRONMENT_NAME": STACK,
            "SERVICE_NAME": service,
            "AWS_REGION": self.stack.region,
            "METRICS_NAMESPACE": f"{self.system.name}-{STACK}/services",
            "SLOW_QUERY_MS": str(requirements.query_p95_ms),
            "RATE_LIMIT_REQUESTS": str(limit.requests),
            "RATE_LIMIT_SECONDS": str(limit.per_seconds),
            "TOKEN_ISSUER": identity.issuer.url,
            "TOKEN_JWKS_URL": identity.issuer.jwks_url,
            "TOKEN_CLIENT_IDS": json.dumps(identity.client_ids),
        }

    def _of_database(self, service: str) -> dict[str, str]:
        postgres = self.servers.postgres
        if postgres is None:
            raise self._lacking("postgres")
        planned, count = self.plan.database_of(service), self.shards_of(service)
        if len(postgres.shards) < count:
            raise Unavailable(
                f"database of {service}",
                f"{len(postgres.shards)} of its {count} shards",
                "a PostgreSQL server for each shard",
                f"start more: groundplan servers up --shards {count}",
            )
        self._created.add(f"database {service}")
        addresses = []
        for number, shard in enumerate(postgres.shards[:count]):
            secret = self._database_secret(service, number)
            ports = [replica.port for replica in shard.replicas] if planned.replicas else []
            if ports and self._pooled:
                ports = [self._poolers[number].port]
            addresses.append(
                {
                    "writer": f"{HOST}:{shard.primary.port}",
                    "secret_arn": secret,
                    "readers": [f"{HOST}:{port}" for port in ports],
                    "reader_port": ports[0] if ports else shard.primary.port,
                    "reader_secret_arn": self._reader_secret(service, number) if ports and self._pooled else secret,
                }
            )
        today = datetime.datetime.now(datetime.UTC).date()
        generations = [
            {"since": since, "shards": width} for since, width in shards.generations_of(self.plan, service, today)
        ]
        return {
            "DATABASE_SHARDS": json.dumps(addresses),
            "DATABASE_SHARD_MAP": json.dumps(generations),
            "DATABASE_NAME": self.database_name(service),
        }

    def _database_secret(self, service: str, shard: int) -> str:
        assert self.servers.postgres is not None
        name = self.database_name(service)
        return self.secrets.arn(
            f"database-{shard + 1}/{service}",
            {
                "engine": "postgres",
                "host": HOST,
                "port": str(self.servers.postgres.shards[shard].primary.port),
                "dbname": name,
                "username": name,
                "password": self._password(f"database-{shard + 1}-{service}"),
                "ssl": "true",
                "masterarn": self._admin_secret(shard),
            },
        )

    def _reader_secret(self, service: str, shard: int) -> str:
        """The secret of the pooler's reading user, which the migration creates (`groundplan.program.databases`)."""
        content = {
            "username": f"{self.database_name(service)}_reader",
            "password": self._password(f"database-{shard + 1}-{service}-reader"),
        }
        return self.secrets.arn(f"database-{shard + 1}/{service}-reader", content)

    @cached_property
    def _poolers(self) -> list[Pooler]:
        """One a shard, for all services."""
        postgres = self.servers.postgres
        assert postgres is not None
        services = list(self.system.services)
        poolers = []
        for shard in range(len(postgres.shards)):
            readers = [self.secrets.read(self._reader_secret(service, shard)) for service in services]
            poolers.append(
                start_pooler(
                    Path(self.servers.directory),
                    postgres,
                    name=f"pgbouncer-{shard + 1}{'-' if self.label else ''}{self.label}",
                    databases=[self.database_name(service) for service in services],
                    users={reader["username"]: reader["password"] for reader in readers},
                    shard=shard,
                )
            )
        return poolers

    def _admin_secret(self, shard: int) -> str:
        assert self.servers.postgres is not None
        held = self.servers.postgres.shards[shard]
        return self.secrets.arn(
            f"database-{shard + 1}/admin",
            {
                "engine": "postgres",
                "host": HOST,
                "port": str(held.primary.port),
                "username": ADMINISTRATOR,
                "password": held.admin_password,
                "ssl": "true",
            },
        )

    def _admins(self, service: str) -> list[dict[str, str]]:
        assert self.servers.postgres is not None
        held = self.servers.postgres.shards[: self.shards_of(service)]
        return [
            {"host": f"{HOST}:{shard.primary.port}", "secret_arn": self._admin_secret(number)}
            for number, shard in enumerate(held)
        ]

    def _of_cache(self, service: str) -> dict[str, str]:
        if self.plan.cache is None:
            return {}
        valkey = self.servers.valkey
        if valkey is None:
            raise self._lacking("valkey")
        prefix = self.key_prefix(service)
        content = {
            "host": HOST,
            "reader": HOST,
            "port": str(valkey.port),
            "username": prefix.rstrip(":"),
            "password": self._password(f"cache-{service}"),
            "prefix": prefix,
            "tls": "true" if valkey.tls else "false",
            "cluster": "true" if valkey.clustered else "false",
        }
        arn = self.secrets.arn(f"cache/{service}", content)
        if f"cache {service}" not in self._created:
            held = self.secrets.read(arn)
            valkey.add_user(held["username"], held["password"], names.access_string(prefix))
            self._created.add(f"cache {service}")
        return {
            "CACHE_HOST": HOST,
            "CACHE_READER_HOST": HOST,
            "CACHE_PORT": str(valkey.port),
            "CACHE_CLUSTERED": str(valkey.clustered).lower(),
            "CACHE_KEY_PREFIX": prefix,
            "CACHE_SECRET_ARN": arn,
        }

    def _of_events(self, service: str) -> dict[str, str]:
        if self.plan.events is None:
            return {}
        published = [topic.event for topic in self._events.topics if topic.publisher == service]
        if not self._kafka:
            arns = {event: self.queues.topic_arns[event] for event in published}
            return {"EVENTS_BROKER": "sqs", "EVENT_TOPICS": json.dumps(arns)}
        kafka = self.servers.kafka
        if kafka is None:
            raise self._lacking("kafka")
        if "topics" not in self._created:
            topics.create(kafka.bootstrap, self._topics())
            self._created.add("topics")
        return {
            "EVENTS_BROKER": "kafka",
            "KAFKA_BOOTSTRAP": kafka.bootstrap if self._kafka_security == "plaintext" else kafka.secure_bootstrap,
            "EVENT_TOPICS": json.dumps({event: self.topic(event) for event in published}),
        }

    def _of_reader(self, workload: WorkloadPlan) -> dict[str, str]:
        reader = {"consumer": workload.service, "projector": names.projector(workload.service)}.get(workload.role)
        if reader is None or self.plan.events is None:
            return {}
        followed = [topic.event for topic in self._events.topics if reader in _readers(topic)]
        if self._kafka:
            return {
                "EVENT_GROUP": names.group_name(self.events_scope, reader),
                "EVENT_SOURCES": json.dumps({event: self.topic(event) for event in followed}),
                "EVENT_DEAD_LETTERS": names.dead_letter_topic_name(self.events_scope, reader),
            }
        return {
            "EVENT_SOURCES": json.dumps(followed),
            "EVENT_QUEUE_URL": self.queues.queue_urls[reader],
            "EVENT_DEAD_LETTERS": self.queues.dead_letter_urls[reader],
        }

    def _topics(self) -> list[topics.Topic]:
        hours = self._events.retention_hours
        readers = {reader for topic in self._events.topics for reader in _readers(topic)}
        return [
            *(topics.Topic(self.topic(topic.event), topic.partitions, hours) for topic in self._events.topics),
            *(
                topics.Topic(
                    names.dead_letter_topic_name(self.events_scope, reader), 1, max(names.DEAD_LETTER_HOURS, hours)
                )
                for reader in sorted(readers)
            ),
        ]

    @property
    def events_scope(self) -> str:
        return f"{self.system.name}-{self.label}" if self.label else self.system.name

    @property
    def _events(self) -> EventsPlan:
        assert self.plan.events is not None
        return self.plan.events

    @property
    def _kafka(self) -> bool:
        return self.plan.events is not None and self.plan.events.kafka is not None

    def _workload(self, service: str, role: str) -> WorkloadPlan:
        for workload in self.plan.workloads_of(service):
            if workload.role == role:
                return workload
        known = ", ".join((*self.roles(service), MIGRATE))
        raise Unavailable(f"role {role} of {service}", "no such role", f"one of {known}", "choose one of them")

    def _password(self, purpose: str) -> str:
        """Kept with the servers' data where these outlive a test; of a label's system only its secret knows it."""
        if self.label:
            return secrets.token_hex(20)
        return password(Path(self.servers.directory), f"{self.scope}-{purpose}")

    def _lacking(self, kind: Kind) -> Unavailable:
        return Unavailable(
            f"server {kind}",
            "not started",
            f"{kind} among the servers",
            f"start it: groundplan servers up {kind}",
        )


def _readers(topic: TopicPlan) -> list[str]:
    return [*topic.consumers, *(names.projector(service) for service in topic.projectors)]
