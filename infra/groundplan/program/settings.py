"""Settings of pods: their names, and the sources of their values.

Settings are plain text. Passwords stay in Secrets Manager, and settings hold the secrets' ARNs.
"""

from __future__ import annotations

import pulumi

from groundplan.capacity import WorkloadPlan
from groundplan.program.context import StackContext
from groundplan.program.databases import ServiceDatabase
from groundplan.program.events import Events, projector
from groundplan_components.cache import Cache
from groundplan_components.events import dead_letter_topic_name, group_name
from groundplan_components.identity import Identity
from groundplan_components.shared import namespace

Settings = dict[str, pulumi.Input[str]]


def of_service(stack: StackContext, identity: Identity, service: str) -> Settings:
    """Settings that all workloads of a service share."""
    requirements, limit = stack.system.requirements, stack.system.edge.rate_limit
    return {
        "SYSTEM_NAME": stack.system.name,
        "ENVIRONMENT_NAME": stack.environment.name,
        "SERVICE_NAME": service,
        "AWS_REGION": stack.environment.region,
        "METRICS_NAMESPACE": namespace(stack.scope),
        "SLOW_QUERY_MS": str(requirements.query_p95_ms),
        "RATE_LIMIT_REQUESTS": str(limit.requests),
        "RATE_LIMIT_SECONDS": str(limit.per_seconds),
        "TOKEN_ISSUER": identity.issuer,
        "TOKEN_JWKS_URL": identity.jwks_uri,
        "TOKEN_CLIENT_IDS": pulumi.Output.json_dumps(list(identity.client_ids.values())),
    }


def of_database(database: ServiceDatabase, service: str) -> Settings:
    """One entry for each shard, in the order of the shard map, which states from which day on how many shards take new
    keys."""
    return {
        "DATABASE_SHARDS": pulumi.Output.json_dumps(
            [
                {
                    "writer": shard.writer,
                    "secret_arn": shard.credentials.secret_arns[service],
                    "readers": shard.readers,
                    "reader_port": shard.reader_port,
                    "reader_secret_arn": shard.reader_secret_arn(service),
                }
                for shard in database.shards
            ]
        ),
        "DATABASE_SHARD_MAP": pulumi.Output.json_dumps(
            [{"since": since, "shards": shards} for since, shards in database.plan.shard_generations]
        ),
        "DATABASE_NAME": database.shards[0].credentials.database_names[service],
    }


def of_migration(database: ServiceDatabase) -> Settings:
    """Settings of the migration only: each shard's administrator, and the instance's address instead of its proxy's."""
    return {
        "DATABASE_ADMIN": pulumi.Output.json_dumps(
            [
                {"host": shard.instance.address, "secret_arn": shard.instance.admin_secret_arn}
                for shard in database.shards
            ]
        )
    }


def of_cache(cache: Cache, service: str) -> Settings:
    return {
        "CACHE_HOST": cache.endpoint,
        "CACHE_READER_HOST": cache.reader_endpoint,
        "CACHE_PORT": cache.port.apply(str),
        "CACHE_CLUSTERED": str(cache.clustered).lower(),
        "CACHE_KEY_PREFIX": cache.key_prefixes[service],
        "CACHE_SECRET_ARN": cache.secret_arns[service],
    }


def of_events(events: Events, service: str) -> Settings:
    """Topics of the service's own events."""
    published = [topic.event for topic in events.plan.topics if topic.publisher == service]
    kafka, queues = events.kafka, events.queues
    if kafka is not None:
        return {
            "EVENTS_BROKER": "kafka",
            "KAFKA_BOOTSTRAP": kafka.bootstrap_brokers,
            "EVENT_TOPICS": pulumi.Output.json_dumps({event: kafka.topic_names[event] for event in published}),
        }
    assert queues is not None
    return {
        "EVENTS_BROKER": "sqs",
        "EVENT_TOPICS": pulumi.Output.json_dumps({event: queues.topic_arns[event] for event in published}),
    }


def of_reader(stack: StackContext, events: Events, reader: str) -> Settings:
    """Events that a consumer or projector reads, and its dead letters."""
    followed = [
        topic.event
        for topic in events.plan.topics
        if reader in topic.consumers or reader in map(projector, topic.projectors)
    ]
    kafka, queues = events.kafka, events.queues
    if kafka is not None:
        return {
            "EVENT_GROUP": group_name(stack.system.name, reader),
            "EVENT_SOURCES": pulumi.Output.json_dumps({event: kafka.topic_names[event] for event in followed}),
            "EVENT_DEAD_LETTERS": dead_letter_topic_name(stack.system.name, reader),
        }
    assert queues is not None
    return {
        "EVENT_SOURCES": pulumi.Output.json_dumps(followed),
        "EVENT_QUEUE_URL": queues.queue_urls[reader],
        "EVENT_DEAD_LETTERS": queues.dead_letter_urls[reader],
    }


def of_workload(workload: WorkloadPlan) -> Settings:
    return {
        "WORKLOAD_ROLE": workload.role,
        "DATABASE_WRITER_CONNECTIONS": str(workload.primary_connections),
        "DATABASE_READER_CONNECTIONS": str(workload.replica_connections),
    }


def of_traces(stack: StackContext) -> Settings:
    """The collector's address is the pod's node's, which `Workload` adds."""
    return {"OTEL_TRACES_SAMPLER_ARG": f"{stack.environment.trace_share:g}"}


def reader_of(workload: WorkloadPlan) -> str | None:
    """The name under which a workload reads events; None if it reads none."""
    if workload.role == "consumer":
        return workload.service
    return projector(workload.service) if workload.role == "projector" else None
