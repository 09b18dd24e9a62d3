"""PostgreSQL as services meet it in the cloud: TLS, no superuser, a replica that follows, shards that are apart."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path

import asyncpg
import psutil
import pytest

from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.servers import Postgres, Servers, start, stop
from groundplan_devkit.servers.postgres import ADMINISTRATOR
from groundplan_devkit.testing import FreshDatabase, PrivateServers


async def replicated(postgres: Postgres, database: str, query: str, expected: str, replica: int = 0) -> None:
    """Wait until a replica answers so; the servers' own limit ends the waiting."""

    def answers() -> bool:
        try:
            return postgres.execute(query, database=database, replica=replica) == expected
        except RuntimeError:
            return False

    process = postgres.shards[0].replicas[replica].process
    await asyncio.to_thread(process.wait_until, answers)


async def test_a_fresh_database_is_its_users_own(database: FreshDatabase) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("CREATE TABLE things (id int PRIMARY KEY); INSERT INTO things VALUES (7)")
        assert await connection.fetchval("SELECT current_setting('is_superuser')") == "off"
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    finally:
        await connection.close()
    await replicated(database.postgres, database.name, "SELECT id FROM things", "7")


async def test_a_replica_writes_nothing(database: FreshDatabase) -> None:
    await replicated(database.postgres, database.name, "SELECT 1", "1")
    connection = await asyncpg.connect(database.replica_dsn)
    try:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("CREATE TABLE things (id int)")
    finally:
        await connection.close()


async def test_plain_text_is_refused(database: FreshDatabase) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await asyncpg.connect(database.dsn.partition("?")[0], ssl=False)


async def test_the_server_proves_who_it_is(database: FreshDatabase) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncpg.connect(database.dsn.partition("?")[0], ssl=ssl.create_default_context())


async def test_a_wrong_password_is_refused(database: FreshDatabase) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database.dsn.replace(database.password, "wrong"))


def test_the_administrator_is_no_superuser(postgres_server: Postgres) -> None:
    rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert postgres_server.execute(rights) == "f|t|t"
    assert postgres_server.execute("SELECT current_user") == ADMINISTRATOR
    with pytest.raises(RuntimeError, match=r"permission denied|must be superuser"):
        postgres_server.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_no_address_but_this_machines(postgres_server: Postgres) -> None:
    for process in postgres_server.processes():
        assert process.pid is not None
        addresses = {
            found.laddr.ip for found in psutil.Process(process.pid).net_connections() if found.status == "LISTEN"
        }
        assert addresses == {"127.0.0.1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")
def test_it_does_not_run_as_root(postgres_server: Postgres) -> None:
    for process in postgres_server.processes():
        assert process.pid is not None
        assert psutil.Process(process.pid).username() != "root"


async def test_what_was_acknowledged_outlives_a_killed_primary(private_servers: PrivateServers) -> None:
    servers = private_servers("postgres")
    postgres = servers.postgres
    assert postgres is not None
    address = servers.address("postgres-1")
    postgres.execute("CREATE DATABASE kept")
    postgres.execute("CREATE TABLE rows (id int); INSERT INTO rows VALUES (1)", database="kept")
    servers.kill("postgres-1")
    assert not servers.answers("postgres-1")
    servers.start("postgres-1")
    assert servers.address("postgres-1") == address
    postgres.execute("INSERT INTO rows VALUES (2)", database="kept")
    assert postgres.execute("SELECT sum(id) FROM rows", database="kept") == "3"
    # The replica that was left behind follows again by itself.
    await replicated(postgres, "kept", "SELECT sum(id) FROM rows", "3")


async def test_a_killed_replica_catches_up(private_servers: PrivateServers) -> None:
    servers = private_servers("postgres", replicas=2)
    postgres = servers.postgres
    assert postgres is not None
    postgres.execute("CREATE DATABASE kept")
    servers.kill("postgres-1-replica-1")
    postgres.execute("CREATE TABLE rows AS SELECT generate_series(1, 50000) AS id", database="kept")
    await replicated(postgres, "kept", "SELECT count(*) FROM rows", "50000", replica=1)
    servers.start("postgres-1-replica-1")
    await replicated(postgres, "kept", "SELECT count(*) FROM rows", "50000")


def test_a_paused_primary_does_not_answer(private_servers: PrivateServers) -> None:
    servers = private_servers("postgres", replicas=0)
    assert servers.postgres is not None
    servers.pause("postgres-1")
    assert not servers.answers("postgres-1")
    servers.resume("postgres-1")
    assert servers.postgres.execute("SELECT 1") == "1"


def test_shards_are_servers_of_their_own(private_servers: PrivateServers) -> None:
    servers = private_servers("postgres", shards=2, replicas=0)
    postgres = servers.postgres
    assert postgres is not None
    for shard in (0, 1):
        postgres.execute("CREATE DATABASE orders", shard=shard)
    postgres.execute("CREATE TABLE here (id int)", shard=0, database="orders")
    found = [
        postgres.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'here'", shard=shard, database="orders")
        for shard in (0, 1)
    ]
    assert found == ["1", "0"]
    assert postgres.shards[0].admin_password != postgres.shards[1].admin_password


@pytest.mark.usefixtures("needs_servers")
async def test_a_replica_can_be_added_to_a_primary_that_runs(tmp_path: Path) -> None:
    try:
        first = start(tmp_path, ["postgres"], replicas=0).postgres
        assert first is not None
        first.execute("CREATE DATABASE kept")
        first.execute("CREATE TABLE rows (id int); INSERT INTO rows VALUES (1)", database="kept")
        pid = first.shards[0].primary.process.pid
        second = start(tmp_path, ["postgres"], replicas=1).postgres
        assert second is not None
        assert second.shards[0].primary.process.pid == pid
        await replicated(second, "kept", "SELECT id FROM rows", "1")
    finally:
        stop(tmp_path, remove=True)


@pytest.mark.usefixtures("needs_servers")
def test_data_and_addresses_outlive_an_orderly_stop(tmp_path: Path) -> None:
    try:
        first = start(tmp_path, ["postgres"])
        assert first.postgres is not None
        first.postgres.execute("CREATE DATABASE kept")
        assert stop(tmp_path) == ["postgres-1", "postgres-1-replica-1"]
        assert ServerProcess.all_in(tmp_path) == []
        second: Servers = start(tmp_path, ["postgres"])
        assert second.postgres is not None
        assert second.postgres.dsn() == first.postgres.dsn()
        assert second.postgres.execute("SELECT count(*) FROM pg_database WHERE datname = 'kept'") == "1"
    finally:
        stop(tmp_path, remove=True)


@pytest.mark.usefixtures("needs_servers")
def test_durability_can_be_asked_for(tmp_path: Path) -> None:
    try:
        lasting = start(tmp_path, ["postgres"], replicas=0, durable=True).postgres
        assert lasting is not None
        assert lasting.execute("SHOW fsync") == "on"
        assert lasting.execute("SHOW synchronous_commit") == "on"
    finally:
        stop(tmp_path, remove=True)
