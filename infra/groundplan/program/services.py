"""The services: each has a migration, and workloads with separate identities (A1, A4, P3)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan.capacity import WorkloadPlan
from groundplan.program import settings
from groundplan.program.context import StackContext
from groundplan.program.databases import ServiceDatabase
from groundplan.program.events import Events
from groundplan.program.platform import Platform
from groundplan.program.settings import Settings
from groundplan_components.cache import VALKEY_PORT, Cache
from groundplan_components.database import POOLER_PORT, POSTGRES_PORT
from groundplan_components.events import KAFKA_PORT
from groundplan_components.gateway import LoadBalancer
from groundplan_components.identity import Identity
from groundplan_components.shared import Statement, policies
from groundplan_components.workload import (
    WORKLOAD_PORT,
    Destination,
    Migration,
    ServiceRole,
    ServiceRoleArgs,
    Workload,
    WorkloadArgs,
)

HTTPS_PORT = 443
SERVING = {"api", "command", "query"}


@dataclass(frozen=True)
class Dependencies:
    """Resources that services depend on."""

    identity: Identity
    databases: list[ServiceDatabase]
    cache: Cache | None
    events: Events | None
    balancer: LoadBalancer

    def database_of(self, service: str) -> ServiceDatabase:
        return next(database for database in self.databases if service in database.plan.services)


def declare_services(stack: StackContext, platform: Platform, dependencies: Dependencies) -> None:
    """Declare the services that have an image; log the others with the command that adds one."""
    missing = [service for service in stack.system.services if service not in stack.environment.images]
    for service in stack.system.services:
        if service not in missing:
            _declare_service(stack, platform, dependencies, service)
    if missing:
        pulumi.log.info(
            f"{_listed(missing)} left out: no image yet. Push one to the repository that the stack output `images` "
            f"names, then: pulumi config set --path images.{missing[0]} <repository>@<digest> (the pipeline does both)."
        )


def _listed(services: list[str]) -> str:
    shown = ", ".join(services[:5])
    return shown if len(services) <= 5 else f"{shown} and {len(services) - 5} more services"


def _declare_service(stack: StackContext, platform: Platform, dependencies: Dependencies, service: str) -> None:
    database = dependencies.database_of(service)
    shared = {
        **settings.of_service(stack, dependencies.identity, service),
        **settings.of_database(database, service),
        **(settings.of_cache(dependencies.cache, service) if dependencies.cache else {}),
        **(settings.of_events(dependencies.events, service) if dependencies.events else {}),
    }
    migration = _migration(stack, platform, database, service, shared)
    for workload in stack.plan.workloads_of(service):
        _workload(stack, platform, dependencies, workload, shared, migration)


def _migration(
    stack: StackContext, platform: Platform, database: ServiceDatabase, service: str, shared: Settings
) -> Migration:
    name = f"{service}-migration"
    secrets = [
        arn for shard in database.shards for arn in (shard.instance.admin_secret_arn, *shard.secret_arns(service))
    ]
    return stack.component(Migration)(
        name,
        {
            "namespace": platform.namespace,
            "system": stack.system.name,
            "image": stack.environment.images[service],
            "command": ["migrate"],
            "environment": {**shared, **settings.of_migration(database)},
            "identity": _role(stack, platform, name, _secret_reading(stack, secrets)).association_id,
            "egress": [*_to_data(platform, POSTGRES_PORT), _to_aws()],
        },
        platform.cluster.options(),
    )


def _workload(
    stack: StackContext,
    platform: Platform,
    dependencies: Dependencies,
    workload: WorkloadPlan,
    shared: Settings,
    migration: Migration,
) -> None:
    reader = settings.reader_of(workload)
    events = dependencies.events
    args: WorkloadArgs = {
        "namespace": platform.namespace,
        "system": stack.system.name,
        "role": workload.role,
        "image": stack.environment.images[workload.service],
        "min_pods": workload.min_pods,
        "max_pods": workload.max_pods,
        "cpu_millicores": workload.cpu_millicores,
        "memory_mib": workload.memory_mib,
        "cpu_target_percent": workload.target_cpu_percent,
        "command": [workload.role],
        "environment": {
            **shared,
            **settings.of_workload(workload),
            **(settings.of_traces(stack) if platform.span_port is not None else {}),
            **(settings.of_reader(stack, events, reader) if events and reader else {}),
        },
        "identity": _role(stack, platform, workload.name, _permissions(stack, dependencies, workload)).association_id,
        "migration": migration.completed,
        "egress": _destinations(stack, platform, dependencies, workload),
        "serves": workload.role in SERVING,
        "watched": True,
        "callers": _callers(stack, workload),
        "spread_zones": stack.environment.multi_zone,
    }
    if platform.span_port is not None:
        args["span_port"] = platform.span_port
    target = dependencies.balancer.target_group_arns.get(workload.name)
    if target is not None and platform.cluster.binding is not None:
        args["target_group_arn"] = target
        args["binding"] = platform.cluster.binding
        args["ingress_cidrs"] = list(platform.ingress_cidrs)
    stack.component(Workload)(workload.name, args, platform.cluster.options())


def _role(stack: StackContext, platform: Platform, account: str, statements: list[Statement]) -> ServiceRole:
    first, *more = policies(*statements)
    args: ServiceRoleArgs = {
        "cluster_name": platform.cluster_name,
        "namespace": stack.scope,
        "service_account": account,
        "policy": first,
    }
    if more:
        args["more_policies"] = list(more)
    return stack.component(ServiceRole)(f"{stack.scope}-{account}", args, stack.in_region())


def _permissions(stack: StackContext, dependencies: Dependencies, workload: WorkloadPlan) -> list[Statement]:
    service = workload.service
    secrets = [arn for shard in dependencies.database_of(service).shards for arn in shard.secret_arns(service)]
    if dependencies.cache:
        secrets.append(dependencies.cache.secret_arns[service])
    statements = _secret_reading(stack, secrets)
    events = dependencies.events
    if events and workload.role == "relay":
        statements += events.publishing(service)
    reader = settings.reader_of(workload)
    if events and reader:
        statements += events.consuming(reader)
    return statements


def _secret_reading(stack: StackContext, arns: list[pulumi.Output[str]]) -> list[Statement]:
    return [
        {"sid": "Secrets", "actions": ["secretsmanager:GetSecretValue"], "resources": list(arns)},
        {
            "sid": "SecretsKey",
            "actions": ["kms:Decrypt"],
            "resources": [stack.key("secrets")],
            "conditions": {
                "StringEquals": {"kms:ViaService": f"secretsmanager.{stack.environment.region}.amazonaws.com"}
            },
        },
    ]


def _callers(stack: StackContext, workload: WorkloadPlan) -> list[str]:
    """Callers of a workload: an internal service admits all other services' workloads, a public one the load balancer
    only."""
    if not _answers_inside(stack, workload):
        return []
    return [other.name for other in stack.plan.workloads if other.service != workload.service]


def _answers_inside(stack: StackContext, workload: WorkloadPlan) -> bool:
    return workload.role in SERVING and stack.system.services[workload.service].exposure == "internal"


def _destinations(
    stack: StackContext, platform: Platform, dependencies: Dependencies, workload: WorkloadPlan
) -> list[Destination]:
    internal: list[Destination] = [
        {"pods": other.name, "ports": [WORKLOAD_PORT]}
        for other in stack.plan.workloads
        if other.service != workload.service and _answers_inside(stack, other)
    ]
    poolers: list[Destination] = [
        {"pods": f"{shard.name}-readers", "ports": [POOLER_PORT]}
        for shard in dependencies.database_of(workload.service).shards
        if shard.reading and workload.replica_connections
    ]
    ports = [POSTGRES_PORT]
    if dependencies.cache:
        ports.append(VALKEY_PORT)
    if dependencies.events and dependencies.events.kafka is not None:
        ports.append(KAFKA_PORT)
    return [*_to_data(platform, *ports), *poolers, *internal, *_to_collector(platform), _to_aws()]


def _to_collector(platform: Platform) -> list[Destination]:
    """Of the pod's own node, whose address no policy can name more narrowly."""
    if platform.span_port is None:
        return []
    return [{"cidr": cidr, "ports": [platform.span_port]} for cidr in platform.private_cidrs]


def _to_data(platform: Platform, *ports: int) -> list[Destination]:
    return [{"cidr": cidr, "ports": list(ports)} for cidr in platform.data_cidrs]


def _to_aws() -> Destination:
    """AWS's APIs, with or without endpoints: their addresses change, so no narrower network is possible."""
    return {"cidr": "0.0.0.0/0", "ports": [HTTPS_PORT]}
