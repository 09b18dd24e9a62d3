"""The contract between this program and the services' code: which settings a pod of each role gets."""

from __future__ import annotations

import json

from infra.tests.program.graphs import Graph, on
from infra.tests.program.reading import migration_settings, settings

OF_ALL = {
    "AWS_REGION",
    "CACHE_CLUSTERED",
    "CACHE_HOST",
    "CACHE_KEY_PREFIX",
    "CACHE_PORT",
    "CACHE_READER_HOST",
    "CACHE_SECRET_ARN",
    "DATABASE_NAME",
    "DATABASE_SHARDS",
    "DATABASE_SHARD_MAP",
    "ENVIRONMENT_NAME",
    "EVENTS_BROKER",
    "EVENT_TOPICS",
    "METRICS_NAMESPACE",
    "RATE_LIMIT_REQUESTS",
    "RATE_LIMIT_SECONDS",
    "SERVICE_NAME",
    "SLOW_QUERY_MS",
    "SYSTEM_NAME",
    "TOKEN_CLIENT_IDS",
    "TOKEN_ISSUER",
    "TOKEN_JWKS_URL",
}
OF_WORKLOADS = {
    "DATABASE_READER_CONNECTIONS",
    "DATABASE_WRITER_CONNECTIONS",
    "OTEL_TRACES_SAMPLER_ARG",
    "WORKLOAD_ROLE",
}
OF_KAFKA = {"KAFKA_BOOTSTRAP"}
OF_READERS = {
    "kafka": {"EVENT_DEAD_LETTERS", "EVENT_GROUP", "EVENT_SOURCES"},
    "sqs": {"EVENT_DEAD_LETTERS", "EVENT_QUEUE_URL", "EVENT_SOURCES"},
}
SHARD = {"writer", "secret_arn", "readers", "reader_port", "reader_secret_arn"}


@on("prod", "queues", "dev")
def test_the_settings_of_each_role(graph: Graph) -> None:
    broker = str(graph.system.events.broker)
    shared = OF_ALL | (OF_KAFKA if broker == "kafka" else set())
    expected = dict.fromkeys(("api", "command", "query", "relay"), shared | OF_WORKLOADS)
    expected |= dict.fromkeys(("consumer", "projector"), expected["relay"] | OF_READERS[broker])
    assert {workload.role for workload in graph.plan.workloads} == expected.keys()
    for workload in graph.plan.workloads:
        assert settings(graph, workload.name).keys() == expected[workload.role], workload.name
    for service in graph.system.services:
        assert migration_settings(graph, service).keys() == shared | {"DATABASE_ADMIN"}, service


@on("prod", "queues", "sharded")
def test_what_the_settings_say(graph: Graph) -> None:
    scope = f"{graph.system.name}-{graph.environment.name}"
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["SYSTEM_NAME"] == graph.system.name
        assert told["ENVIRONMENT_NAME"] == graph.environment.name
        assert told["SERVICE_NAME"] == workload.service
        assert told["WORKLOAD_ROLE"] == workload.role
        assert told["AWS_REGION"] == graph.environment.region
        assert told["METRICS_NAMESPACE"] == f"{scope}/services"
        assert told["SLOW_QUERY_MS"] == str(graph.system.requirements.query_p95_ms)
        assert told["EVENTS_BROKER"] == graph.system.events.broker
        for shard in json.loads(told["DATABASE_SHARDS"]):
            assert shard.keys() == SHARD


@on("prod", "queues")
def test_a_changed_setting_rolls_out(graph: Graph) -> None:
    """Settings are named after what they say, and can't be changed under a running pod."""
    for workload in graph.plan.workloads:
        config = graph.one("kubernetes:core/v1:ConfigMap", f"{workload.name}-settings").inputs
        deployment = graph.one("kubernetes:apps/v1:Deployment", f"{workload.name}-deployment").inputs
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
        assert config["immutable"] is True
