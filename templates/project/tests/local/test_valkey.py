"""The cache as ElastiCache gives it: TLS, cluster mode, users who reach their own keys only."""

from __future__ import annotations

import ssl
import subprocess

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError

from local.servers import Valkey
from local.servers.valkey import SLOTS
from local.testing import CacheUser, PrivateServers


def client(user: CacheUser, **different: str) -> RedisCluster:
    options = {"username": user.username, "password": user.password, **different}
    return RedisCluster(
        host=user.host, port=user.port, ssl=True, ssl_ca_certs=user.valkey.authority, decode_responses=True, **options
    )


async def test_a_user_does_with_its_own_keys_what_services_do(cache_user: CacheUser) -> None:
    async with client(cache_user) as cache:
        key = f"{cache_user.prefix}a"
        await cache.set(key, "1", ex=60)
        assert await cache.get(key) == "1"
        assert await cache.eval("return redis.call('incr', KEYS[1])", 1, key) == 2


@pytest.mark.parametrize(
    "command", [("get", "another:a"), ("scan", "0"), ("keys", "*"), ("flushall",), ("config", "get", "*")]
)
async def test_a_user_reaches_nothing_else(cache_user: CacheUser, command: tuple[str, ...]) -> None:
    connection = Redis(
        host=cache_user.host,
        port=cache_user.port,
        ssl=True,
        ssl_ca_certs=cache_user.valkey.authority,
        username=cache_user.username,
        password=cache_user.password,
    )
    async with connection:
        with pytest.raises(NoPermissionError):
            await connection.execute_command(*command)


async def test_nobody_comes_in_without_a_name_or_with_a_wrong_password(cache_user: CacheUser) -> None:
    async with Redis(
        host=cache_user.host, port=cache_user.port, ssl=True, ssl_ca_certs=cache_user.valkey.authority
    ) as nobody:
        with pytest.raises(AuthenticationError):
            await nobody.get(f"{cache_user.prefix}a")
    async with Redis(
        host=cache_user.host,
        port=cache_user.port,
        ssl=True,
        ssl_ca_certs=cache_user.valkey.authority,
        username=cache_user.username,
        password="wrong",
    ) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.get(f"{cache_user.prefix}a")


async def test_plain_text_is_refused(cache_user: CacheUser) -> None:
    async with Redis(host=cache_user.host, port=cache_user.port, username=cache_user.username) as plain:
        with pytest.raises(ConnectionError):
            await plain.ping()


async def test_the_server_proves_who_it_is(cache_user: CacheUser) -> None:
    async with Redis(host=cache_user.host, port=cache_user.port, ssl=True) as doubting:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await doubting.ping()


def test_it_is_set_up_as_the_cache_component_does(valkey_server: Valkey) -> None:
    assert "allkeys-lfu" in valkey_server.execute("CONFIG", "GET", "maxmemory-policy")
    assert f"cluster_slots_ok:{SLOTS}" in valkey_server.execute("CLUSTER", "INFO")


def test_a_user_outlives_a_restart_and_its_data_do_not(private_servers: PrivateServers) -> None:
    servers = private_servers("valkey")
    valkey = servers.valkey
    assert valkey is not None
    valkey.add_user("order", "x" * 40, "on ~order:* +@all")
    valkey.execute("SET", "order:a", "1")
    servers.kill("valkey")
    assert not servers.answers("valkey")
    servers.start("valkey")
    assert "user order on" in valkey.execute("ACL", "LIST")
    assert valkey.execute("GET", "order:a") == ""
    valkey.execute("SET", "order:b", "2")
    assert valkey.execute("GET", "order:b") == "2"


async def test_a_cluster_of_three_nodes_is_one_cache(private_servers: PrivateServers) -> None:
    valkey = private_servers("valkey", cache_nodes=3).valkey
    assert valkey is not None
    valkey.add_user("order", "x" * 40, "on ~order:* +@all")
    user = CacheUser("order", "x" * 40, "order:", valkey)
    async with client(user) as cache:
        for number in range(60):
            await cache.set(f"order:{number}", str(number))
        assert [await cache.get(f"order:{number}") for number in range(60)] == [str(number) for number in range(60)]
    held = [int(valkey.execute("DBSIZE", node=node)) for node in range(3)]
    assert sum(held) == 60
    assert all(held)


def test_rules_that_a_server_does_not_know_are_left_out(valkey_server: Valkey) -> None:
    valkey_server.add_user("older", "x" * 40, "on ~older:* +@read -no-such-command")
    try:
        listed = next(line for line in valkey_server.execute("ACL", "LIST").splitlines() if "user older" in line)
        assert "+@read" in listed or "+get" in listed
        assert "no-such-command" not in listed
    finally:
        valkey_server.remove_user("older")


def test_a_secret_is_never_among_the_arguments_of_a_process(
    valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments can be read by everybody on the machine."""
    seen: list[list[str]] = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **more: (seen.append(command), run(command, **more))[1])
    valkey_server.add_user("careful", "s3cret" * 6, "on ~careful:* +get")
    valkey_server.remove_user("careful")
    assert seen
    assert not any(
        "s3cret" in argument or valkey_server.operator_password in argument for each in seen for argument in each
    )
