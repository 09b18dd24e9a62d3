"""The pooler before a replica: by transaction, with users who may only read."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from devkit.tests.conftest import shop
from groundplan_chassis.settings import Settings
from groundplan_devkit.environment import process_environment
from groundplan_devkit.ports import HOST
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Postgres, Servers, pooler
from groundplan_devkit.testing import FreshDatabase, label


async def test_statements_share_server_connections(
    database: FreshDatabase, postgres_server: Postgres, tmp_path: Path
) -> None:
    """The replica has the database a moment after its primary."""
    replica = postgres_server.shards[0].replicas[0].process
    replica.wait_until(lambda: can_be_read(database))
    with pooler(
        tmp_path, postgres_server, databases=[database.name], users={database.user: database.password}
    ) as running:
        connections = [
            await asyncpg.connect(
                host=HOST,
                port=running.port,
                user=database.user,
                password=database.password,
                database=database.name,
                statement_cache_size=0,
                ssl=False,
            )
            for _ in range(40)
        ]
        try:
            found = [
                await each.fetchrow("SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS replica")
                for each in connections
            ]
            assert all(row is not None and row["replica"] for row in found)
            assert len({row["pid"] for row in found if row is not None}) <= 20
        finally:
            for each in connections:
                await each.close()
    assert not running.process.alive()
    assert not list(tmp_path.glob("pgbouncer-1*/*"))
    assert not list(tmp_path.glob("*.elsewhere"))


async def test_a_wrong_password_is_refused(database: FreshDatabase, postgres_server: Postgres, tmp_path: Path) -> None:
    users = {database.user: database.password}
    with (
        pooler(tmp_path, postgres_server, databases=[database.name], users=users) as running,
        pytest.raises(asyncpg.PostgresError),
    ):
        await asyncpg.connect(
            host=HOST, port=running.port, user=database.user, password="wrong", database=database.name, ssl=False
        )


def can_be_read(database: FreshDatabase) -> bool:
    try:
        return database.postgres.execute("SELECT 1", database=database.name, replica=0) == "1"
    except RuntimeError:
        return False


def test_services_get_it_and_of_their_readers(servers: Servers) -> None:
    installation = Installation(shop(), servers, label=label(), pooled=True)
    try:
        settings = Settings.from_environment(process_environment(installation, "order", "query"), "query")
        [shard] = settings.database.shards
        assert shard.pooled
        assert servers.postgres is not None
        assert shard.readers[0].port not in {node.port for held in servers.postgres.shards for node in held.nodes}
        held = installation.secrets.read(shard.reader_secret_arn)
        assert held["username"] == f"{installation.database_name('order')}_reader"
        # Who writes is as before.
        variables = json.loads(installation.settings("card-payment", "api")["DATABASE_SHARDS"])
        assert variables[0]["secret_arn"] != shard.reader_secret_arn
    finally:
        installation.remove()


def test_the_broker_can_be_asked_for_as_the_cloud_has_it(servers: Servers) -> None:
    installation = Installation(shop(), servers, label=label(), kafka_security="scram")
    try:
        settings = Settings.from_environment(process_environment(installation, "order", "relay"), "relay")
        assert servers.kafka is not None
        variables = process_environment(installation, "order", "relay")
        assert variables["KAFKA_BOOTSTRAP"] == servers.kafka.secure_bootstrap
        held = installation.secrets.read(variables["KAFKA_SECRET_ARN"])
        assert held == {"username": "services", "password": servers.kafka.scram_password}
        assert settings.events is not None
    finally:
        installation.remove()
