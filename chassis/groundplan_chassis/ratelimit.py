"""Rate limit by client (S7): a token bucket in Valkey, exact over all processes.

One round trip, one atomic script, the server's clock. While the cache is away each process has buckets of its own: the
limit then holds for each process, not for all together, and no request is refused because the cache is away.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Final

from groundplan_chassis.buckets import Limit, LocalBuckets, Verdict, verdict_of
from groundplan_chassis.caching.connection import Question
from groundplan_chassis.caching.packing import Prepared
from groundplan_chassis.caching.replies import AWAY, Reply
from groundplan_chassis.caching.scripts import Script
from groundplan_chassis.caching.valkey import Valkey

MOST_LOCAL_BUCKETS: Final = 10_000
"""Most local buckets of one process: two megabytes. More addresses are the web ACL's concern."""

_TAKE: Final = """\
-- KEYS[1]: the bucket, `<debt> <microsecond>`.
-- Returns the debt after the request, or minus the debt when it is refused.
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local debt, elapsed = 0, 0
local bucket = redis.call('GET', key)
if bucket then
  local owed, since = string.match(bucket, '^(%d+) (%d+)$')
  elapsed = now - since
  if elapsed < COST then
    debt = owed - math.max(0, elapsed) * REQUESTS
    if debt < 0 then
      debt = 0
    end
  end
end
local allowed = debt + COST <= CAPACITY
if allowed then
  debt = debt + COST
end
-- A refusal changes nothing, unless the clock was set back: then what is owed counts from its new time on.
if allowed or elapsed < 0 then
  -- A bucket that is full again need not be remembered. Rounded up, to milliseconds.
  local expiry = math.ceil(debt / PAID_A_MILLISECOND)
  redis.call('SET', key, string.format('%d %d', debt, now), 'PX', string.format('%d', expiry))
end
return allowed and debt or -debt
"""


def take_script(limit: Limit) -> Script:
    """Takes one request from a bucket. Numbers that are the limit's stand in the script, and numbers are written as
    whole ones: so the server has a fifth less to do, most of it between text and numbers
    (docs/adr/0023-http-protocol.md)."""
    source = _TAKE
    for name, number in {
        "COST": limit.cost,
        "REQUESTS": limit.requests,
        "CAPACITY": limit.capacity,
        "PAID_A_MILLISECOND": limit.paid_a_second // 1000,
    }.items():
        source = source.replace(name, str(number))
    return Script(source)


class RateLimiter:
    """One limit for all operations of a service, by key: a client's address, or a subject."""

    def __init__(self, valkey: Valkey | None, limit: Limit, *, most_local: int = MOST_LOCAL_BUCKETS) -> None:
        """``valkey``: None where the system has no cache."""
        self._valkey = valkey
        self._limit = limit
        self._prefix = b"" if valkey is None else valkey.prefix + b"rate:%d:%d:" % (limit.requests, limit.seconds)
        self._take = Prepared(take_script(limit).call, ())
        self._local = LocalBuckets(limit, most_local)

    def take(self, key: str) -> Awaitable[Verdict]:
        """Takes one request from the bucket; the command leaves now. Never raises for an unavailable cache."""
        taken = _Taken(self._take, self._prefix + key.encode(), limiter=self, client=key)
        if self._valkey is None:
            taken.answer(AWAY)
        else:
            self._valkey.put(taken)
        return taken

    def read_verdict(self, key: str, reply: Reply) -> Verdict:
        """The verdict in the script's reply; from the local bucket without one."""
        if type(reply) is not int:
            return self._local.take(key, time.monotonic_ns() // 1000)
        return verdict_of(self._limit, abs(reply), reply > 0)


class _Taken(Question[Verdict], kw_only=True, eq=False):
    limiter: RateLimiter
    client: str

    def result(self, reply: Reply) -> Verdict:
        return self.limiter.read_verdict(self.client, reply)
