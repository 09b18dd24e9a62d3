"""The cache as ElastiCache gives it: TLS, cluster mode, users who reach their own keys only."""

from __future__ import annotations

import socket
import ssl
import subprocess
from typing import Any

import pytest

from groundplan_devkit.ports import HOST
from groundplan_devkit.servers import Valkey
from groundplan_devkit.servers.valkey import SLOTS
from groundplan_devkit.testing import CacheUser, PrivateServers, trusting


def ask(user: CacheUser, *command: str) -> str:
    return user.valkey.execute_as(user.username, user.password, *command)


def ping(port: int, context: ssl.SSLContext | None) -> bytes:
    """What the server answers to an inline command; raises OSError where the connection is refused."""
    with socket.create_connection((HOST, port), timeout=10) as plain:
        connection = context.wrap_socket(plain, server_hostname=HOST) if context else plain
        with connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100)


def test_a_user_does_with_its_own_keys_what_services_do(cache_user: CacheUser) -> None:
    key = f"{cache_user.prefix}a"
    assert ask(cache_user, "SET", key, "1") == "OK"
    assert ask(cache_user, "GET", key) == "1"
    assert ask(cache_user, "EVAL", "return redis.call('incr', KEYS[1])", "1", key) == "2"


@pytest.mark.parametrize(
    "command",
    [("GET", "another:a"), ("SCAN", "0"), ("KEYS", "*"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("ACL", "LIST")],
)
def test_a_user_reaches_nothing_else(cache_user: CacheUser, command: tuple[str, ...]) -> None:
    with pytest.raises(RuntimeError, match="NOPERM"):
        ask(cache_user, *command)


def test_a_login_needs_a_name_and_the_right_password(cache_user: CacheUser) -> None:
    with pytest.raises(RuntimeError, match="NOAUTH"):
        cache_user.valkey.execute_as("", "", "GET", f"{cache_user.prefix}a")
    with pytest.raises(RuntimeError, match=r"WRONGPASS|NOAUTH"):
        cache_user.valkey.execute_as(cache_user.username, "wrong", "GET", f"{cache_user.prefix}a")


def test_plain_text_is_refused(cache_user: CacheUser) -> None:
    try:
        answer = ping(cache_user.port, None)
    except OSError:
        answer = b""
    assert not answer.startswith((b"+PONG", b"-NOAUTH"))


def test_the_server_proves_who_it_is(cache_user: CacheUser) -> None:
    assert ping(cache_user.port, trusting(cache_user.valkey.authority)).startswith(b"-NOAUTH")
    with pytest.raises(ssl.SSLCertVerificationError):
        ping(cache_user.port, ssl.create_default_context())


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


def test_a_cluster_of_three_nodes_is_one_cache(private_servers: PrivateServers) -> None:
    valkey = private_servers("valkey", cache_nodes=3).valkey
    assert valkey is not None
    valkey.add_user("order", "x" * 40, "on ~order:* +@all")
    user = CacheUser("order", "x" * 40, "order:", valkey)
    for number in range(30):
        ask(user, "SET", f"order:{number}", str(number))
    assert [ask(user, "GET", f"order:{number}") for number in range(30)] == [str(number) for number in range(30)]
    held = [int(valkey.execute("DBSIZE", node=node)) for node in range(3)]
    assert sum(held) == 30
    assert all(held)


def test_rules_that_a_server_does_not_know_are_left_out(valkey_server: Valkey) -> None:
    valkey_server.add_user("older", "x" * 40, "on ~older:* +get -no-such-command")
    try:
        listed = next(line for line in valkey_server.execute("ACL", "LIST").splitlines() if "user older" in line)
        assert "+get" in listed
        assert "no-such-command" not in listed
    finally:
        valkey_server.remove_user("older")


def test_no_secret_is_among_the_arguments_of_a_process(valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments can be read by everybody on the machine."""
    seen: list[str] = []
    run = subprocess.run

    def recording(command: list[str], **more: Any) -> Any:
        seen.extend(command)
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", recording)
    valkey_server.add_user("careful", "s3cret" * 6, "on ~careful:* +get")
    valkey_server.remove_user("careful")
    assert seen
    assert not [each for each in seen if "s3cret" in each or valkey_server.operator_password in each]
