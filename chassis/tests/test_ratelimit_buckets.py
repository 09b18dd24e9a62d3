"""The arithmetic of the token bucket (S7), against a model with fractions, and Lua's against Python's on a server."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from groundplan_chassis.buckets import LARGEST, MICROSECONDS, Limit, LocalBuckets, paid_back, verdict_of
from groundplan_chassis.ratelimit import take_script
from groundplan_devkit.testing import CacheUser

limits = st.builds(Limit, requests=st.integers(1, 2_000_000), seconds=st.integers(1, 3600))
small_limits = st.builds(Limit, requests=st.integers(1, 7), seconds=st.integers(1, 11))
gaps = st.lists(st.integers(0, 3_000_000), max_size=60)
"""Microseconds between requests."""


class Model:
    """A bucket of tokens, as the textbook has it."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.tokens = Fraction(limit.requests)
        self.since = 0

    def take(self, now: int) -> bool:
        rate = Fraction(self.limit.requests, self.limit.seconds * MICROSECONDS)
        self.tokens = min(Fraction(self.limit.requests), self.tokens + rate * max(0, now - self.since))
        self.since = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@settings(deadline=None)
@given(small_limits, gaps)
def test_s7_the_bucket_is_the_textbook_s_to_the_microsecond(limit: Limit, gaps: list[int]) -> None:
    model, buckets, now = Model(limit), LocalBuckets(limit, 10), 0
    for gap in gaps:
        now += gap
        allowed = model.take(now)
        verdict = buckets.take("client", now)
        assert verdict.allowed is allowed
        assert verdict.remaining == math.floor(model.tokens)
        missing = limit.requests - model.tokens
        assert verdict.reset_seconds == math.ceil(missing * limit.seconds / limit.requests)
        short = 1 - model.tokens
        assert verdict.retry_after == (math.ceil(short * limit.seconds / limit.requests) if short > 0 else 0)


@settings(deadline=None)
@given(small_limits, gaps)
def test_s7_who_waits_for_retry_after_is_let_through(limit: Limit, gaps: list[int]) -> None:
    buckets, now = LocalBuckets(limit, 10), 0
    for gap in gaps:
        now += gap
        verdict = buckets.take("client", now)
        if not verdict.allowed:
            now += verdict.retry_after * MICROSECONDS
            assert buckets.take("client", now).allowed


@settings(deadline=None)
@given(small_limits, gaps)
def test_s7_no_window_lets_more_through_than_a_full_bucket_and_what_drips_in(limit: Limit, gaps: list[int]) -> None:
    buckets, now, passed = LocalBuckets(limit, 10), 0, list[int]()
    for gap in gaps:
        now += gap
        if buckets.take("client", now).allowed:
            passed.append(now)
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            dripped = Fraction((passed[last] - start) * limit.requests, limit.cost)
            assert last - first + 1 <= limit.requests + dripped


@settings(deadline=None)
@given(limits, st.data())
def test_debts_stay_exact_in_lua_s_numbers(limit: Limit, data: st.DataObject) -> None:
    debt = data.draw(st.integers(0, limit.capacity))
    elapsed = data.draw(st.integers(-(10**12), 10**16))
    assert limit.capacity < LARGEST
    assert 0 <= paid_back(limit, debt, elapsed) <= debt
    # In the script the product is formed only for less than a window.
    if elapsed < limit.cost:
        assert elapsed * limit.requests < LARGEST
    verdict = verdict_of(limit, debt, True)
    assert 0 <= verdict.remaining <= limit.requests
    assert 0 <= verdict.reset_seconds <= limit.seconds
    assert (verdict.retry_after == 0) is (verdict.remaining > 0)


def test_a_clock_that_is_set_back_pays_nothing_and_goes_on_from_there() -> None:
    buckets = LocalBuckets(Limit(1, 10), 10)
    assert buckets.take("client", 1_000_000_000).allowed
    assert not buckets.take("client", 0).allowed
    assert not buckets.take("client", 9_999_999).allowed
    assert buckets.take("client", 10_000_000).allowed


def test_clients_have_buckets_of_their_own() -> None:
    buckets = LocalBuckets(Limit(1, 10), 10)
    assert buckets.take("a", 0).allowed
    assert buckets.take("b", 0).allowed
    assert not buckets.take("a", 0).allowed


def test_the_number_of_local_buckets_is_bounded_and_the_busy_stay() -> None:
    buckets = LocalBuckets(Limit(2, 1000), 3)
    for number in range(100):
        buckets.take("busy", 0)
        buckets.take(f"passing-{number}", 0)
        assert len(buckets) <= 3
    assert not buckets.take("busy", 0).allowed


@pytest.mark.parametrize(("requests", "seconds"), [(0, 1), (1, 0), (-1, 60), (2**40, 3600)])
def test_a_limit_that_can_t_be_kept_exactly_is_refused(requests: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Limit(requests, seconds)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=small_limits | limits, gaps=st.lists(st.integers(-1_000_000, 3_000_000), max_size=30))
@example(limit=Limit(2_000_000, 3600), gaps=[0, 1, 0, 1])
def test_s7_lua_counts_as_python_does(cache_user: CacheUser, limit: Limit, gaps: list[int]) -> None:
    """The script itself, on the server, with its clock in our hands."""
    script = take_script(limit).source
    source = script.replace("redis.call('TIME')", "ARGV")
    assert source != script
    key = f"{cache_user.prefix}bucket"
    run = cache_user.valkey.execute
    run("DEL", key)
    buckets, now = LocalBuckets(limit, 10), 1_795_000_000 * MICROSECONDS
    steps = []
    for gap in gaps:
        now += gap
        steps.append((now, buckets.take("client", now)))
    if not steps:
        return
    # All steps in one script: one process of the client a sequence.
    calls = "\n".join(
        f"KEYS, ARGV = {{'{key}'}}, {{'{moment // MICROSECONDS}', '{moment % MICROSECONDS}'}}; "
        f"results[#results + 1] = string.format('%.0f', take())"
        for moment, _ in steps
    )
    program = (
        f"local KEYS, ARGV\nlocal results = {{}}\nlocal function take()\n{source}\nend\n{calls}\n"
        "return table.concat(results, ' ')"
    )
    said = run("EVAL", program, "1", key).strip('"').split()
    assert [verdict_of(limit, abs(int(debt)), int(debt) > 0) for debt in said] == [verdict for _, verdict in steps]
