"""Databases of the services: shards, credentials, proxies and poolers (A2, D3)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan.capacity import DatabasePlan, PoolerPlan
from groundplan.program.context import StackContext
from groundplan.program.platform import Platform
from groundplan.stack.versions import running_postgres
from groundplan_components.database import Database, DatabaseArgs, DatabaseProxy, Pooler, ServiceCredentials, authority
from groundplan_components.keys import StoredSecret, generated_password


@dataclass(frozen=True)
class Reading:
    """One pooled address for the read replicas of a shard, with separate users that may only read."""

    pooler: Pooler
    secret_arns: dict[str, pulumi.Output[str]]
    """By service."""


@dataclass(frozen=True)
class Shard:
    """One PostgreSQL instance: addresses to write and to read, and the services' secrets."""

    name: str
    instance: Database
    proxy: DatabaseProxy | None
    credentials: ServiceCredentials
    reading: Reading | None

    @property
    def writer(self) -> pulumi.Output[str]:
        return self.proxy.endpoint if self.proxy else self.instance.address

    @property
    def readers(self) -> list[pulumi.Output[str]]:
        return [self.reading.pooler.host] if self.reading else self.instance.replica_addresses

    @property
    def reader_port(self) -> pulumi.Output[int]:
        return self.reading.pooler.port if self.reading else self.instance.port

    def secret_arns(self, service: str) -> list[pulumi.Output[str]]:
        """Secrets that the service's workloads may read."""
        own = [self.credentials.secret_arns[service]]
        return [*own, self.reading.secret_arns[service]] if self.reading else own

    def reader_secret_arn(self, service: str) -> pulumi.Output[str]:
        return (self.reading or self.credentials).secret_arns[service]


@dataclass(frozen=True)
class ServiceDatabase:
    """All shards of one planned database, in the order of the shard map."""

    plan: DatabasePlan
    shards: tuple[Shard, ...]


def declare_databases(stack: StackContext, platform: Platform) -> list[ServiceDatabase]:
    return [
        ServiceDatabase(
            planned, tuple(_shard(stack, platform, planned, number) for number in range(1, planned.shards + 1))
        )
        for planned in stack.plan.databases
    ]


def _shard(stack: StackContext, platform: Platform, planned: DatabasePlan, number: int) -> Shard:
    name = planned.instances[number - 1]
    environment = stack.environment
    instance = stack.component(Database)(name, _instance(stack, platform, planned, number), stack.in_region())
    credentials = stack.component(ServiceCredentials)(
        f"{name}-users",
        {
            "services": list(planned.services),
            "database_identifier": instance.identifier,
            "database_address": instance.address,
            "admin_secret_arn": instance.admin_secret_arn,
            "rotation_security_group_id": instance.rotation_security_group_id,
            "rotation_subnet_ids": platform.private_subnet_ids,
            "kms_key_arn": stack.key("secrets"),
            "proxied": planned.proxy,
            "protect": environment.protect,
            "log_days": environment.log_days,
            "alarm_topic_arn": stack.alarms.arn,
        },
        stack.in_region(),
    )
    proxy = None
    if planned.proxy:
        proxy = stack.component(DatabaseProxy)(
            f"{name}-proxy",
            {
                "vpc_id": platform.vpc_id,
                "subnet_ids": platform.data_subnet_ids,
                "client_security_group_ids": {"pods": platform.cluster.security_group_id},
                "database_identifier": instance.identifier,
                "database_security_group_id": instance.security_group_id,
                "secret_arns": dict(credentials.secret_arns),
                "kms_key_arn": stack.key("secrets"),
                "postgres_version": environment.postgres_version,
                "log_days": environment.log_days,
                "alarm_topic_arn": stack.alarms.arn,
                "slow_statement_ms": stack.system.requirements.query_p95_ms,
            },
            stack.in_region(),
        )
    reading = (
        _reading(stack, platform, planned, planned.pooler, name, instance, credentials) if planned.pooler else None
    )
    return Shard(name, instance, proxy, credentials, reading)


def _reading(
    stack: StackContext,
    platform: Platform,
    planned: DatabasePlan,
    sizes: PoolerPlan,
    shard: str,
    instance: Database,
    credentials: ServiceCredentials,
) -> Reading:
    """The migration creates the users; `groundplan_components.database.pooler` explains why their passwords do not
    rotate."""
    secrets: dict[str, pulumi.Output[str]] = {}
    users: dict[str, pulumi.Input[str]] = {}
    for service in planned.services:
        user = f"{credentials.user_names[service]}_reader"
        users[user] = generated_password(f"{shard}-{service}-reader-password", instance).result
        secrets[service] = stack.component(StoredSecret)(
            f"{shard}-{service}-reader",
            {
                "description": f"Database user of the service {service} that reads from replicas",
                "kms_key_arn": stack.key("secrets"),
                "content": {"username": user, "password": users[user]},
                "protect": stack.environment.protect,
            },
            stack.in_region(),
        ).arn
    pooler = stack.component(Pooler)(
        f"{shard}-readers",
        {
            "namespace": platform.namespace,
            "system": stack.system.name,
            "hosts": list(instance.replica_addresses),
            "databases": [credentials.database_names[service] for service in planned.services],
            "users": users,
            "replica_cidrs": list(platform.data_cidrs),
            "callers": [
                workload.name
                for service in planned.services
                for workload in stack.plan.workloads_of(service)
                if workload.replica_connections
            ],
            "pods": sizes.pods,
            "cpu_millicores": sizes.cpu_millicores,
            "memory_mib": sizes.memory_mib,
            "max_client_connections": sizes.max_client_connections,
            "server_connections": sizes.server_connections,
            "ca_bundle": authority(stack.environment.region),
            "spread_zones": stack.environment.multi_zone,
        },
        platform.cluster.options(),
    )
    return Reading(pooler, secrets)


def _instance(stack: StackContext, platform: Platform, planned: DatabasePlan, shard: int) -> DatabaseArgs:
    environment = stack.environment
    args: DatabaseArgs = {
        "vpc_id": platform.vpc_id,
        "subnet_ids": platform.data_subnet_ids,
        "client_security_group_ids": {"pods": platform.cluster.security_group_id},
        "rotation_subnet_ids": platform.private_subnet_ids,
        "kms_key_arn": stack.key("data"),
        "secrets_kms_key_arn": stack.key("secrets"),
        "instance_class": planned.instance_class,
        "storage_gib": planned.shard_storage_gb[shard - 1],
        "max_storage_gib": planned.shard_max_storage_gb[shard - 1],
        "postgres_version": environment.postgres_version,
        "replicas": planned.replicas,
        "replica_class": planned.replica_class,
        "multi_zone": planned.multi_zone,
        "protect": environment.protect,
        "backup_days": environment.backup_days,
        "max_connections": planned.max_connections,
        "slow_statement_ms": stack.system.requirements.query_p95_ms,
        "log_days": environment.log_days,
        "alarm_topic_arn": stack.alarms.arn,
    }
    running = running_postgres(environment)
    if running is not None and running != environment.postgres_version:
        args["running_postgres_version"] = running
    copy = environment.restored.databases.get(planned.instances[shard - 1])
    if copy is not None:
        args["restored_from"] = {"snapshot": copy.identifier, "kms_key_arn": copy.kms_key_arn}
    if planned.iops is not None:
        args["iops"] = planned.iops
    if planned.throughput_mibps is not None:
        args["throughput_mibps"] = planned.throughput_mibps
    return args
