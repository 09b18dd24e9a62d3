"""The services: for each its migration, and its workloads with an identity of their own (A1, A4, P3)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan_components.cache.cache import VALKEY_PORT, Cache
from groundplan_components.database.instance import POSTGRES_PORT
from groundplan_components.shared.iam import Statement, policy
from groundplan_components.identity.user_pool import Identity
from groundplan_components.events.kafka import SASL_IAM_PORT, Kafka
from groundplan_components.gateway.load_balancer import LoadBalancer
from groundplan_components.workload.migration import Migration
from groundplan_components.workload._network_policy import Destination
from groundplan_components.database.pooler import LISTEN_PORT
from groundplan_components.workload.service_role import ServiceRole
from groundplan_components.workload.workload import PORT, Workload, WorkloadArgs
from groundplan.capacity import WorkloadPlan
from groundplan.program import settings
from groundplan.program.databases import ServiceDatabase
from groundplan.program.events import Events
from groundplan.program.ground import Ground
from groundplan.program.settings import Settings
from groundplan.program.site import Site

HTTPS_PORT = 443
SERVING = {"api", "command", "query"}


@dataclass(frozen=True)
class Neighbours:
    """All that a service talks to."""

    identity: Identity
    databases: list[ServiceDatabase]
    cache: Cache | None
    events: Events | None
    balancer: LoadBalancer

    def database_of(self, service: str) -> ServiceDatabase:
        return next(database for database in self.databases if service in database.plan.services)


def declare_services(site: Site, ground: Ground, neighbours: Neighbours) -> None:
    """Services whose image is there; each of the others is named with what to do about it."""
    missing = [service for service in site.system.services if service not in site.environment.images]
    for service in site.system.services:
        if service not in missing:
            _declare_service(site, ground, neighbours, service)
    if missing:
        pulumi.log.info(
            f"{_listed(missing)} left out: no image yet. Push one to the repository that the stack output `images` "
            f"names, then: pulumi config set --path images.{missing[0]} <repository>@<digest> (the pipeline does both)."
        )


def _listed(services: list[str]) -> str:
    shown = ", ".join(services[:5])
    return shown if len(services) <= 5 else f"{shown} and {len(services) - 5} more services"


def _declare_service(site: Site, ground: Ground, neighbours: Neighbours, service: str) -> None:
    database = neighbours.database_of(service)
    shared = {
        **settings.of_service(site, neighbours.identity, service),
        **settings.of_database(database, service),
        **(settings.of_cache(neighbours.cache, service) if neighbours.cache else {}),
        **(settings.of_events(neighbours.events, service) if neighbours.events else {}),
    }
    migration = _migration(site, ground, database, service, shared)
    for workload in site.plan.workloads_of(service):
        _workload(site, ground, neighbours, workload, shared, migration)


def _migration(site: Site, ground: Ground, database: ServiceDatabase, service: str, shared: Settings) -> Migration:
    name = f"{service}-migration"
    secrets = [
        arn for shard in database.shards for arn in (shard.instance.admin_secret_arn, *shard.secret_arns(service))
    ]
    return Migration(
        name,
        {
            "namespace": ground.namespace,
            "system": site.system.name,
            "image": site.environment.images[service],
            "command": ["migrate"],
            "environment": {**shared, **settings.of_migration(database)},
            "identity": _role(site, ground, name, _secret_reading(site, secrets)).association_id,
            "egress": [*_to_data(ground, POSTGRES_PORT), _to_aws()],
        },
        ground.cluster.options(),
    )


def _workload(
    site: Site, ground: Ground, neighbours: Neighbours, workload: WorkloadPlan, shared: Settings, migration: Migration
) -> None:
    reader = settings.reader_of(workload)
    events = neighbours.events
    args: WorkloadArgs = {
        "namespace": ground.namespace,
        "system": site.system.name,
        "role": workload.role,
        "image": site.environment.images[workload.service],
        "min_pods": workload.min_pods,
        "max_pods": workload.max_pods,
        "cpu_millicores": workload.cpu_millicores,
        "memory_mib": workload.memory_mib,
        "cpu_target_percent": workload.target_cpu_percent,
        "command": [workload.role],
        "environment": {
            **shared,
            **settings.of_workload(workload),
            **(settings.of_reader(site, events, reader) if events and reader else {}),
        },
        "identity": _role(site, ground, workload.name, _permissions(site, neighbours, workload)).association_id,
        "migration": migration.completed,
        "egress": _destinations(site, ground, neighbours, workload),
        "serves": workload.role in SERVING,
        "callers": _callers(site, workload),
        "spread_zones": site.environment.multi_zone,
    }
    target = neighbours.balancer.target_group_arns.get(workload.name)
    if target is not None and ground.cluster.binding is not None:
        args["target_group_arn"] = target
        args["binding"] = ground.cluster.binding
        args["ingress_cidrs"] = list(ground.private_cidrs)
    Workload(workload.name, args, ground.cluster.options())


def _role(site: Site, ground: Ground, account: str, statements: list[Statement]) -> ServiceRole:
    return ServiceRole(
        f"{site.scope}-{account}",
        {
            "cluster_name": ground.cluster_name,
            "namespace": site.scope,
            "service_account": account,
            "policy": policy(*statements),
        },
        site.here(),
    )


def _permissions(site: Site, neighbours: Neighbours, workload: WorkloadPlan) -> list[Statement]:
    service = workload.service
    secrets = [arn for shard in neighbours.database_of(service).shards for arn in shard.secret_arns(service)]
    if neighbours.cache:
        secrets.append(neighbours.cache.secret_arns[service])
    statements = _secret_reading(site, secrets)
    events = neighbours.events
    if events and workload.role == "relay":
        statements += events.publishing(service)
    reader = settings.reader_of(workload)
    if events and reader:
        statements += events.consuming(reader)
    return statements


def _secret_reading(site: Site, arns: list[pulumi.Output[str]]) -> list[Statement]:
    return [
        {"sid": "Secrets", "actions": ["secretsmanager:GetSecretValue"], "resources": list(arns)},
        {
            "sid": "SecretsKey",
            "actions": ["kms:Decrypt"],
            "resources": [site.key("secrets")],
            "conditions": {
                "StringEquals": {"kms:ViaService": f"secretsmanager.{site.environment.region}.amazonaws.com"}
            },
        },
    ]


def _callers(site: Site, workload: WorkloadPlan) -> list[str]:
    """An internal service answers every other service's workloads; a public one, the load balancer alone."""
    if not _answers_inside(site, workload):
        return []
    return [other.name for other in site.plan.workloads if other.service != workload.service]


def _answers_inside(site: Site, workload: WorkloadPlan) -> bool:
    return workload.role in SERVING and site.system.services[workload.service].exposure == "internal"


def _destinations(site: Site, ground: Ground, neighbours: Neighbours, workload: WorkloadPlan) -> list[Destination]:
    internal: list[Destination] = [
        {"pods": other.name, "ports": [PORT]}
        for other in site.plan.workloads
        if other.service != workload.service and _answers_inside(site, other)
    ]
    poolers: list[Destination] = [
        {"pods": f"{shard.name}-readers", "ports": [LISTEN_PORT]}
        for shard in neighbours.database_of(workload.service).shards
        if shard.reading and workload.replica_connections
    ]
    ports = [POSTGRES_PORT]
    if neighbours.cache:
        ports.append(VALKEY_PORT)
    if neighbours.events and isinstance(neighbours.events.broker, Kafka):
        ports.append(SASL_IAM_PORT)
    return [*_to_data(ground, *ports), *poolers, *internal, _to_aws()]


def _to_data(ground: Ground, *ports: int) -> list[Destination]:
    return [{"cidr": cidr, "ports": list(ports)} for cidr in ground.data_cidrs]


def _to_aws() -> Destination:
    """AWS's own interfaces, behind endpoints or not: their addresses change, so no narrower network can be named."""
    return {"cidr": "0.0.0.0/0", "ports": [HTTPS_PORT]}
