"""A small network, a key and a topic for data stores, and valid arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.backup import Backup, BackupArgs
from groundplan_components.cache import Cache, CacheArgs
from groundplan_components.database import (
    Database,
    DatabaseArgs,
    DatabaseProxy,
    DatabaseProxyArgs,
    ServiceCredentials,
    ServiceCredentialsArgs,
)

# Matches the passwords of `generated_password`, and no other value here.
PASSWORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{40}(?![A-Za-z0-9])")
PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"


@dataclass(frozen=True, slots=True)
class Platform:
    """Network, key and topic of data stores."""

    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Input[str]]
    pods: pulumi.Output[str]
    key: pulumi.Output[str]
    topic: pulumi.Output[str]


def _unchanged(_: object) -> None:
    """Leave the arguments unchanged."""


def platform() -> Platform:
    vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
    subnets = [
        aws.ec2.Subnet(
            f"data-{number}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{number}.0/24",
            availability_zone=f"eu-central-1{'abc'[number]}",
        )
        for number in range(3)
    ]
    pods = aws.ec2.SecurityGroup("pods", vpc_id=vpc.id, description="Pods")
    key = aws.kms.Key("data", description="Data", enable_key_rotation=True)
    topic = aws.sns.Topic("alarms", kms_master_key_id=key.arn)
    return Platform(vpc.id, [subnet.id for subnet in subnets], pods.id, key.arn, topic.arn)


def database_args(at: Platform) -> DatabaseArgs:
    return {
        "vpc_id": at.vpc_id,
        "subnet_ids": at.subnet_ids,
        "client_security_group_ids": {"pods": at.pods},
        "rotation_subnet_ids": at.subnet_ids[:1],
        "kms_key_arn": at.key,
        "instance_class": "db.m7g.large",
        "storage_gib": 100,
        "max_storage_gib": 1200,
        "max_connections": 500,
        "alarm_topic_arn": at.topic,
    }


def cache_args(at: Platform) -> CacheArgs:
    return {
        "vpc_id": at.vpc_id,
        "subnet_ids": at.subnet_ids,
        "client_security_group_ids": {"pods": at.pods},
        "kms_key_arn": at.key,
        "services": ["user", "order"],
        "node_type": "cache.m7g.large",
        "alarm_topic_arn": at.topic,
    }


def backup_args(at: Platform) -> BackupArgs:
    return {"kms_key_arn": at.key, "alarm_topic_arn": at.topic}


def credentials_args(at: Platform, database: Database) -> ServiceCredentialsArgs:
    return {
        "services": ["user", "order-history"],
        "database_identifier": database.identifier,
        "database_address": database.address,
        "admin_secret_arn": database.admin_secret_arn,
        "rotation_security_group_id": database.rotation_security_group_id,
        "rotation_subnet_ids": at.subnet_ids[:1],
        "kms_key_arn": at.key,
        "alarm_topic_arn": at.topic,
    }


def proxy_args(at: Platform, database: Database, secret_arns: Mapping[str, pulumi.Input[str]]) -> DatabaseProxyArgs:
    return {
        "vpc_id": at.vpc_id,
        "subnet_ids": at.subnet_ids,
        "client_security_group_ids": {"pods": at.pods},
        "database_identifier": database.identifier,
        "database_security_group_id": database.security_group_id,
        "secret_arns": dict(secret_arns),
        "kms_key_arn": at.key,
        "alarm_topic_arn": at.topic,
    }


def with_database(
    change: Callable[[DatabaseArgs], object] = _unchanged, name: str = "shop-order", given: Iterable[str] = ()
) -> Simulation:
    """A database with arguments changed by ``change``; ``given`` exists in the account."""

    def program() -> None:
        args = database_args(platform())
        change(args)
        database = Database(name, args)
        pulumi.export("replica_addresses", database.replica_addresses)
        pulumi.export("address", database.address)
        pulumi.export("port", database.port)
        pulumi.export("admin_secret_arn", database.admin_secret_arn)

    return simulate(program, given=given)


def with_credentials(change: Callable[[ServiceCredentialsArgs], object] = _unchanged) -> Simulation:
    """A database, and services' users in it."""

    def program() -> None:
        at = platform()
        args = credentials_args(at, Database("shop", database_args(at)))
        change(args)
        credentials = ServiceCredentials("shop-users", args)
        pulumi.export("secret_arns", credentials.secret_arns)
        pulumi.export("database_names", credentials.database_names)

    return simulate(program)


def with_proxy(change: Callable[[DatabaseProxyArgs], object] = _unchanged) -> Simulation:
    """A database, services' users in it, and a proxy for them."""

    def program() -> None:
        at = platform()
        database = Database("shop", database_args(at))
        credentials = ServiceCredentials("shop-users", {**credentials_args(at, database), "proxied": True})
        args = proxy_args(at, database, credentials.secret_arns)
        change(args)
        proxy = DatabaseProxy("shop-pool", args)
        pulumi.export("endpoint", proxy.endpoint)

    return simulate(program)


def with_cache(change: Callable[[CacheArgs], object] = _unchanged, name: str = "shop-cache") -> Simulation:
    def program() -> None:
        args = cache_args(platform())
        change(args)
        cache = Cache(name, args)
        pulumi.export("endpoint", cache.endpoint)
        pulumi.export("reader_endpoint", cache.reader_endpoint)

    return simulate(program)


def with_backup(change: Callable[[BackupArgs], object] = _unchanged, name: str = "shop") -> Simulation:
    def program() -> None:
        at = platform()
        args = backup_args(at)
        change(args)
        Backup(name, args)

    return simulate(program)


def urns(simulation: Simulation) -> set[str]:
    return {resource.urn for resource in simulation.resources}


def leaks(simulation: Simulation) -> list[str]:
    """`<type> <name> <path>` of every input that contains a password and isn't secret."""
    return [
        f"{resource.type} {resource.name} {path}"
        for resource in simulation.resources
        for path, text in _texts(resource.inputs, "")
        if PASSWORD.search(text) and not resource.is_secret(path)
    ]


def secret_texts(simulation: Simulation) -> list[str]:
    """Every secret input that contains a password."""
    return [
        text
        for resource in simulation.resources
        for path, text in _texts(resource.inputs, "")
        if PASSWORD.search(text) and resource.is_secret(path)
    ]


def only(simulation: Simulation, token: str) -> Resource:
    (found,) = simulation.of_type(token)
    return found


def _texts(value: object, path: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, Mapping):
        return [found for key, each in value.items() for found in _texts(each, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list | tuple):
        return [found for index, each in enumerate(value) for found in _texts(each, f"{path}[{index}]")]
    return []
