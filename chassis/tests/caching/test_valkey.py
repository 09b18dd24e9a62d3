"""The client on real servers: TLS, users, passwords that change, servers that go and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest
import uvloop

from chassis.tests.caching.clients import QUICK, KnownLogin, client_of, connected, settings_of
from chassis.tests.waiting import until
from groundplan_chassis.caching import AWAY, Script, Valkey
from groundplan_chassis.caching import valkey as module
from groundplan_chassis.caching.login import SecretLogins
from groundplan_chassis.secrets import Secrets, SecretUnavailable
from groundplan_chassis.trust import tls_context
from groundplan_devkit import names
from groundplan_devkit.ports import free_port
from groundplan_devkit.servers import Servers
from groundplan_devkit.servers import Valkey as RunningValkey
from groundplan_devkit.servers import servers as running_servers
from groundplan_devkit.testing import CacheUser

INCREASE = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


async def test_values_are_kept_under_the_prefix_and_for_their_time(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        assert await valkey.get("a") is None
        assert await valkey.set("a", b"\x00\xff\r\n", seconds=100)
        assert await valkey.get("a") == b"\x00\xff\r\n"
        assert 0 < int(cache_user.valkey.execute("TTL", f"{cache_user.prefix}a")) <= 100
        assert await valkey.delete("a")
        assert await valkey.get("a") is None
        assert await valkey.set("a", b"", seconds=0.0001)


async def test_many_at_once_are_not_mixed_up(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:

        async def one(number: int) -> None:
            for turn in range(20):
                value = b"%d-%d" % (number, turn)
                assert await valkey.set(f"k{number}", value, seconds=60)
                assert await valkey.get(f"k{number}") == value

        await asyncio.gather(*(one(number) for number in range(50)))


def test_on_the_loop_that_services_run_on(cache_user: CacheUser) -> None:
    async def use() -> list[bytes | None]:
        async with connected(cache_user) as valkey:
            assert await valkey.run(INCREASE, valkey.prefix + b"n", 2) == 2
            await asyncio.gather(*(valkey.set(f"k{number}", b"%d" % number, seconds=60) for number in range(100)))
            return [await valkey.get(f"k{number}") for number in range(100)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(use()) == [b"%d" % number for number in range(100)]


async def test_large_values_pass(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        value = bytes(range(256)) * 4096
        assert await valkey.set("large", value, seconds=60)
        assert await valkey.get("large") == value


async def test_a_script_that_the_server_does_not_know_is_sent(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        key = valkey.prefix + b"n"
        for expected in (2, 4, 6):
            cache_user.valkey.execute("SCRIPT", "FLUSH")
            assert await valkey.run(INCREASE, key, 2) == expected
        replies = await asyncio.gather(*(valkey.run(INCREASE, key, 1) for _ in range(50)))
        assert replies == list(range(7, 57))


async def test_s4_other_services_keys_are_out_of_reach_and_that_is_reported_without_them(
    cache_user: CacheUser, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(cache_user) as valkey:
        assert await valkey.ask(b"other:secret-key", ("GET", "other:secret-key")) is AWAY
        assert await valkey.ask(b"x", ("FLUSHALL",)) is AWAY
        assert await valkey.ask(b"x", ("SCAN", "0")) is AWAY
        # It is one command that was refused, not the cache that is away.
        assert valkey.reachable
        assert await valkey.get("a") is None
    assert "compare COMMANDS" in caplog.text
    assert "secret-key" not in caplog.text


async def test_s2_a_server_with_a_strange_certificate_gets_no_data(
    cache_user: CacheUser, caplog: pytest.LogCaptureFixture
) -> None:
    if not cache_user.valkey.tls:
        pytest.fail("the local cache must speak TLS")
    valkey = client_of(cache_user, tls=tls_context())
    await valkey.start()
    assert not valkey.reachable
    assert await valkey.get("a") is None
    await valkey.close()
    assert "certificate verify failed" in caplog.text
    assert cache_user.password not in caplog.text


async def test_s2_a_certificate_for_another_name_is_strange_too(cache_user: CacheUser) -> None:
    # The certificate has this machine's names; this is one of its addresses that isn't among them.
    valkey = client_of(cache_user, host="127.0.0.2")
    await valkey.start()
    assert not valkey.reachable
    await valkey.close()


async def test_a_wrong_password_is_tried_anew_with_the_current_secret(
    cache_user: CacheUser, caplog: pytest.LogCaptureFixture
) -> None:
    logins = KnownLogin(cache_user.username, "of-yesterday")
    logins.new = KnownLogin(cache_user.username, cache_user.password).old
    async with connected(cache_user, logins=logins) as valkey:
        assert valkey.reachable
        assert await valkey.set("a", b"1", seconds=60)
    assert True in logins.calls
    assert "of-yesterday" not in caplog.text
    assert cache_user.password not in caplog.text


class Stored:
    """Secrets Manager, as `groundplan_chassis.secrets` shows it."""

    def __init__(self, **fields: str) -> None:
        self.fields = fields
        self.calls: list[tuple[str, bool]] = []

    async def get(self, arn: str, *, fresh: bool = False) -> dict[str, str]:
        self.calls.append((arn, fresh))
        return self.fields


async def test_s5_user_and_password_are_those_of_the_secret(cache_user: CacheUser) -> None:
    stored = Stored(username=cache_user.username, password=cache_user.password)
    settings = settings_of(cache_user)
    valkey = await Valkey.open(settings, cast(Secrets, stored), cache_user.tls, client_name="order-api")
    assert valkey.reachable
    assert "name=order-api" in cache_user.valkey.execute("CLIENT", "LIST")
    await valkey.close()
    assert set(stored.calls) == {(settings.secret_arn, False)}


async def test_s5_a_secret_that_lacks_something_is_reported_and_the_cache_is_away(
    cache_user: CacheUser, caplog: pytest.LogCaptureFixture
) -> None:
    stored = Stored(password=cache_user.password)
    valkey = await Valkey.open(settings_of(cache_user), cast(Secrets, stored), cache_user.tls)
    assert not valkey.reachable
    await valkey.close()
    assert "it has no username; expected" in caplog.text
    assert cache_user.password not in caplog.text
    with pytest.raises(SecretUnavailable, match="username"):
        await SecretLogins(cast(Secrets, stored), "arn").current(fresh=True)


async def test_without_a_good_password_the_cache_is_away_and_nothing_else(cache_user: CacheUser) -> None:
    async with connected(cache_user, logins=KnownLogin(cache_user.username, "wrong")) as valkey:
        assert not valkey.reachable
        assert await valkey.get("a") is None
        assert not await valkey.set("a", b"1", seconds=60)
        assert not await valkey.delete("a")


async def test_a_start_without_a_server(cache_user: CacheUser, unused_address: int) -> None:
    user = CacheUser(cache_user.username, cache_user.password, cache_user.prefix, at_port(cache_user, unused_address))
    async with connected(user) as valkey:
        assert not valkey.reachable
        assert await valkey.get("a") is None


@pytest.fixture
def unused_address() -> int:
    return free_port()


def at_port(user: CacheUser, port: int) -> RunningValkey:
    return msgspec.structs.replace(user.valkey, ports=[port])


@pytest.fixture(params=["clustered", "single"])
def private_user(
    needs_servers: None, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Servers, CacheUser]]:
    """A server of the test's own, in both of the modes that ElastiCache has."""
    directory = tmp_path / "servers"
    directory.mkdir()
    with running_servers("valkey", directory=directory, clustered=request.param == "clustered") as servers:
        assert servers.valkey is not None
        servers.valkey.add_user("order", "secret-one", names.access_string("order:"))
        yield servers, CacheUser("order", "secret-one", "order:", servers.valkey)


async def test_s5_a_rotated_password_takes_effect_without_a_restart(
    private_user: tuple[Servers, CacheUser], caplog: pytest.LogCaptureFixture
) -> None:
    _, user = private_user
    logins = KnownLogin(user.username, "secret-one")
    async with connected(user, logins=logins) as valkey:
        assert await valkey.set("a", b"1", seconds=60)
        user.valkey.add_user("order", "secret-two", names.access_string("order:"))
        logins.new = KnownLogin(user.username, "secret-two").old
        # ElastiCache ends connections now and then; what is logged in stays so until then.
        user.valkey.execute("CLIENT", "KILL", "USER", "order")
        await until(lambda: True in logins.calls and valkey.reachable)
        assert await valkey.get("a") == b"1"
    assert "secret-" not in caplog.text


async def test_c2_a_server_that_dies_is_a_miss_at_once_and_is_used_again_when_it_is_back(
    private_user: tuple[Servers, CacheUser], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    servers, user = private_user
    backs: list[int] = []
    async with connected(user) as valkey:
        valkey.when_back(lambda: backs.append(1))
        assert await valkey.set("a", b"1", seconds=60)
        for turn in range(1, 4):
            servers.kill("valkey")
            await until(lambda: not valkey.reachable)
            for _ in range(1000):
                # Done before the first caller waits.
                assert valkey.ask(b"order:a", ("GET", "order:a")).result() is AWAY
            servers.start("valkey")
            await until(lambda: valkey.reachable)
            assert await valkey.set("a", b"2", seconds=60)
            assert await valkey.get("a") == b"2"
            assert len(backs) == turn
    assert caplog.text.count("is back after") == 3


async def test_c2_commands_under_way_when_a_server_dies_end_too(private_user: tuple[Servers, CacheUser]) -> None:
    servers, user = private_user
    async with connected(user) as valkey:
        stop = False
        outcomes: set[str] = set()

        async def ask() -> None:
            while not stop:
                reply = await valkey.ask(b"order:a", ("GET", "order:a"))
                outcomes.add("away" if reply is AWAY else "answer")
                if reply is AWAY:
                    await asyncio.sleep(0.001)

        asking = [asyncio.create_task(ask()) for _ in range(20)]
        await until(lambda: "answer" in outcomes)
        await asyncio.to_thread(servers.kill, "valkey")
        await until(lambda: "away" in outcomes)
        outcomes.clear()
        await asyncio.to_thread(servers.start, "valkey")
        await until(lambda: "answer" in outcomes)
        stop = True
        await asyncio.gather(*asking)


async def test_c2_a_server_that_hangs_costs_one_time_out_and_is_used_again_when_it_answers(
    private_user: tuple[Servers, CacheUser],
) -> None:
    servers, user = private_user
    async with connected(user, answer_seconds=QUICK) as valkey:
        assert await valkey.set("a", b"1", seconds=60)
        servers.pause("valkey")
        try:
            assert await valkey.get("a") is None
            await until(lambda: not valkey.reachable)
            # A hanging server still accepts connections: it counts as away until it has answered.
            for _ in range(50):
                assert valkey.ask(b"order:a", ("GET", "order:a")).result() is AWAY
                await asyncio.sleep(0.02)
        finally:
            servers.resume("valkey")
        await until(lambda: valkey.reachable)
        assert await valkey.get("a") == b"1"


@pytest.mark.asyncio(loop_scope="function")
async def test_closing_leaves_nothing_behind(private_user: tuple[Servers, CacheUser]) -> None:
    servers, user = private_user
    before = asyncio.all_tasks()
    for kill in (False, True):
        valkey = client_of(user)
        await valkey.start()
        if kill:
            servers.kill("valkey")
            await until(lambda valkey=valkey: not valkey.reachable)  # type: ignore[misc]
        await valkey.close()
        assert asyncio.all_tasks() == before
    servers.start("valkey")
    await until(lambda: "user=order" not in user.valkey.execute("CLIENT", "LIST"))


async def test_a_start_does_not_wait_for_a_server_that_hangs(
    private_user: tuple[Servers, CacheUser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.1)
    servers, user = private_user
    servers.pause("valkey")
    try:
        async with connected(user) as valkey:
            assert not valkey.reachable
            assert await valkey.get("a") is None
            servers.resume("valkey")
            await until(lambda: valkey.reachable)
    finally:
        servers.resume("valkey")


async def test_a_server_out_of_memory_or_read_only_refuses_for_the_moment(
    private_user: tuple[Servers, CacheUser], caplog: pytest.LogCaptureFixture
) -> None:
    _, user = private_user
    async with connected(user) as valkey:
        user.valkey.execute("CONFIG", "SET", "maxmemory-policy", "noeviction")
        user.valkey.execute("CONFIG", "SET", "maxmemory", "1")
        assert not await valkey.set("a", b"1", seconds=60)
        assert await valkey.get("a") is None
        user.valkey.execute("CONFIG", "SET", "maxmemory", "0")
        assert await valkey.set("a", b"1", seconds=60)
    assert "refuses for the moment: OOM" in caplog.text
