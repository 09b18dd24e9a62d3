"""The rate limit over processes and faults (S7), on a real server."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from chassis.tests.caching.clients import QUICK, connected
from chassis.tests.waiting import until
from groundplan_chassis import ratelimit
from groundplan_chassis.buckets import Limit
from groundplan_chassis.caching import Valkey
from groundplan_chassis.ratelimit import RateLimiter
from groundplan_devkit import names
from groundplan_devkit.servers import Servers
from groundplan_devkit.testing import CacheUser, PrivateServers

HOUR = 3600


async def test_s7_a_hundred_a_minute_are_let_through_and_no_more(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        limiter = RateLimiter(valkey, Limit(100, HOUR))
        for number in range(100):
            verdict = await limiter.take("client")
            assert verdict.allowed
            assert verdict.remaining == 99 - number
            assert verdict.retry_after == (0 if number < 99 else 36)
        refused = await limiter.take("client")
        assert (refused.allowed, refused.limit, refused.remaining) == (False, 100, 0)
        assert refused.retry_after == 36
        assert (await limiter.take("another")).remaining == 99


async def test_s7_the_limit_is_exact_over_processes_that_ask_at_once(cache_user: CacheUser) -> None:
    async with connected(cache_user) as one, connected(cache_user) as two, connected(cache_user) as three:
        limiters = [RateLimiter(valkey, Limit(100, HOUR)) for valkey in (one, two, three)]
        # A script that the server doesn't know yet is among what they race for.
        cache_user.valkey.execute("SCRIPT", "FLUSH")
        verdicts = await asyncio.gather(*(limiters[number % 3].take("client") for number in range(600)))
    assert sum(verdict.allowed for verdict in verdicts) == 100
    assert sorted(verdict.remaining for verdict in verdicts if verdict.allowed) == list(range(100))


async def test_s7_tokens_drip_in_by_the_server_s_clock(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        limiter = RateLimiter(valkey, Limit(50, 1))
        asked = passed = 0
        begun = time.monotonic()
        while time.monotonic() - begun < 0.5:
            asked += 1
            passed += (await limiter.take("client")).allowed
        ended = time.monotonic()
    # A full bucket, and one token each 20 ms.
    assert passed <= 50 + (ended - begun) * 50 + 1
    assert passed >= min(asked, 50 + 0.4 * 50)


async def test_a_bucket_that_is_full_again_is_not_kept(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        await RateLimiter(valkey, Limit(100, 60)).take("client")
        key = f"{cache_user.prefix}rate:100:60:client"
        # One request of a hundred in a minute is paid back in 600 ms.
        assert 0 < int(cache_user.valkey.execute("PTTL", key)) <= 600


async def test_another_limit_begins_with_full_buckets(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        assert (await RateLimiter(valkey, Limit(1, HOUR)).take("client")).remaining == 0
        assert (await RateLimiter(valkey, Limit(5, HOUR)).take("client")).remaining == 4


async def test_a_key_may_be_any_text(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        limiter = RateLimiter(valkey, Limit(1, HOUR))
        for key in ("2001:db8::/64", "ü\r\nSET x y", "{a}b", "", " "):
            assert (await limiter.take(key)).allowed
            assert not (await limiter.take(key)).allowed


@pytest.fixture
def private_user(private_servers: PrivateServers) -> tuple[Servers, CacheUser]:
    servers = private_servers("valkey")
    assert servers.valkey is not None
    servers.valkey.add_user("limited", "secret-of-limited", names.access_string("limited:"))
    return servers, CacheUser("limited", "secret-of-limited", "limited:", servers.valkey)


async def test_s7_without_the_cache_each_process_counts_by_itself_and_with_it_all_again(
    private_user: tuple[Servers, CacheUser],
) -> None:
    servers, user = private_user
    async with connected(user) as one, connected(user) as two:
        limiters = [RateLimiter(valkey, Limit(10, HOUR)) for valkey in (one, two)]
        for limiter in limiters:
            assert (await limiter.take("client")).allowed
        assert (await limiters[0].take("client")).remaining == 7

        servers.kill("valkey")
        await until(lambda: not one.reachable and not two.reachable)
        for limiter in limiters:
            verdicts = [await limiter.take("client") for _ in range(20)]
            assert sum(verdict.allowed for verdict in verdicts) == 10
            assert verdicts[-1].retry_after > 0

        servers.start("valkey")
        await until(lambda: one.reachable and two.reachable)
        # What the cache knew is gone with it; what counts is that it is one bucket again.
        remaining = [(await limiters[number % 2].take("client")).remaining for number in range(4)]
        assert remaining == [9, 8, 7, 6]


async def test_s7_a_hanging_server_delays_requests_briefly(private_user: tuple[Servers, CacheUser]) -> None:
    servers, user = private_user
    async with connected(user, answer_seconds=QUICK) as valkey:
        limiter = RateLimiter(valkey, Limit(10, HOUR))
        assert (await limiter.take("client")).remaining == 9
        servers.pause("valkey")
        try:
            verdicts = await asyncio.gather(*(limiter.take("client") for _ in range(20)))
            assert sum(verdict.allowed for verdict in verdicts) == 10
            await until(lambda: not valkey.reachable)
            # From now on no command is sent: the answer is there without waiting.
            question = limiter.take("client").__await__()
            with pytest.raises(StopIteration) as answer:
                next(question)
            assert not answer.value.value.allowed
        finally:
            servers.resume("valkey")
        await until(lambda: valkey.reachable)
        # Those that hung may have been counted, when it came to.
        assert (await limiter.take("client")).remaining <= 8


async def test_s7_where_there_is_no_cache_each_process_counts_by_itself() -> None:
    limiter = RateLimiter(None, Limit(2, HOUR))
    assert [(await limiter.take("client")).allowed for _ in range(3)] == [True, True, False]


async def test_s7_limit_and_document_are_asked_for_in_one_write(cache_user: CacheUser) -> None:
    async with connected(cache_user) as valkey:
        limiter = RateLimiter(valkey, Limit(10, HOUR))
        await limiter.take("client")
        written = count_writes(valkey)
        verdict, value = limiter.take("client"), valkey.get("document")
        assert (await verdict).remaining == 8
        assert await value is None
        assert len(written) == 1


def count_writes(valkey: Valkey) -> list[bytes]:
    """What goes out from here on, write by write."""
    written: list[bytes] = []
    (link,) = valkey._links()
    assert link.connection is not None
    transport = cast(asyncio.Transport, link.connection._transport)

    class Counting:
        def write(self, data: bytes) -> None:
            written.append(data)
            transport.write(data)

        def __getattr__(self, name: str) -> object:
            return getattr(transport, name)

    link.connection._transport = Counting()  # type: ignore[assignment]
    return written


async def test_local_buckets_are_bounded() -> None:
    limiter = RateLimiter(None, Limit(2, 60), most_local=5)
    for number in range(50):
        await limiter.take(f"client-{number}")
    assert len(limiter._local) == 5
    assert ratelimit.MOST_LOCAL_BUCKETS >= 1000
