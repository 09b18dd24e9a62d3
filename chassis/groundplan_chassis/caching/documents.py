"""Cache-aside copies of documents (C2) with the invalidation that the resource declares (C3).

A document is a hash. Its field `version` is the newest known version. It stays for a while without a copy, as a
tombstone: no older version is stored there, neither one from a replica that lags nor one from a slow reader. Each
representation of the resource has its own field for its copy, named by a fingerprint of its fields: during a
deployment processes of two releases serve one key, neither reads what the other wrote, and a change invalidates both.

The effect of the three kinds of invalidation after a commit:

- `expiry`: the process that made the change drops the copy if the cache is available; else the copy expires.
- `event`: as well, and again when the change's event arrives (`changed`), also after a crash of the first process.
- `write_through`: the copy is dropped before the commit (`writing`) and the new document is stored after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Generator
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from uuid import UUID

import msgspec

from groundplan_chassis.caching.connection import Question
from groundplan_chassis.caching.packing import Prepared
from groundplan_chassis.caching.replies import AWAY, Reply
from groundplan_chassis.caching.scripts import Script
from groundplan_chassis.caching.valkey import Valkey
from groundplan_chassis.deprecation import warn_renamed
from groundplan_chassis.documents import Document, decode, encode
from groundplan_chassis.http.errors import NotFound
from groundplan_chassis.observe import names

if TYPE_CHECKING:
    from groundplan_chassis.context import Context

Invalidation = Literal["expiry", "event", "write_through"]
Load = Callable[[], Awaitable[Document | None]]

NEGATIVE_SECONDS: Final = 5.0
"""Time for which a missing id is cached, so that repeated requests for it don't reach the database."""
VERSION_SECONDS: Final = 600.0
"""Time for which the newest version stays without a copy: longer than a replica may lag; an alarm
rings after 360 s (`REPLICA_LAG_SECONDS` of groundplan_components.database)."""
WRITING_SECONDS: Final = 10.0
"""Longest time from `writing` to the commit: twice the statement time-out (5 s,
`groundplan_chassis.database`)."""
EARLY_SECONDS: Final = 1.0
"""Scale of the early refresh: with this much time left one in e readers loads anew, with seven times as much one in a
thousand. So one reader of a busy document replaces the copy before it expires, instead of all readers after it has. A
load takes some milliseconds; the idea is from Vattani et al., "Optimal Probabilistic Cache Stampede Prevention", VLDB
2015."""
MOST_BYTES: Final = 256 * 1024
"""Largest copy in bytes. A larger one would delay the small ones that share the connection."""
MOST_PENDING: Final = 10_000
"""Most invalidations that wait for the cache to be available again."""
RETRY_SECONDS: Final = 0.25
"""Pause between retries of pending invalidations."""
_MOST_MISSED: Final = 10_000
_HEADER: Final = 8
"""Bytes at the start of a copy: its expiry, in milliseconds since the epoch."""

STORE: Final = Script(
    """\
-- KEYS[1]: the document. ARGV: its version, name of the copy, the copy, milliseconds to keep it.
-- Returns 0, or the newer version that is known already.
local known = redis.call('HGET', KEYS[1], 'version')
if known then
  if tonumber(known) > tonumber(ARGV[1]) then
    return tonumber(known)
  end
  if known ~= ARGV[1] then
    -- Copies in other representations are of an older version.
    redis.call('DEL', KEYS[1])
  end
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
"""
)
DROP: Final = Script(
    """\
-- KEYS[1]: the document. ARGV: a version that it has or will have, milliseconds to remember that.
-- Removes copies of older versions.
local known = redis.call('HGET', KEYS[1], 'version')
if known and tonumber(known) > tonumber(ARGV[1]) then
  return 0
end
if known ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'version', ARGV[1])
end
-- Copies have an end of their own.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
"""
)

log = logging.getLogger(__name__)


class Counter(Protocol):
    """Counts hits and misses; `groundplan_chassis.observe.metrics.Metrics` is one."""

    def count(self, name: str, n: int = 1) -> None: ...


class _Found(Enum):
    ABSENT = "absent"
    """The document is known not to exist."""


_ABSENT: Final[Literal[_Found.ABSENT]] = _Found.ABSENT


class CachedResource:
    """The cache of one resource, as its service declares it: built without any I/O, and called with the context.

    ``order_cache = CachedResource("order", Order, invalidation="event", seconds=3600)``, then
    ``await order_cache(context).get(id, load)``.
    """

    def __init__(self, resource: str, item: type[msgspec.Struct], *, invalidation: Invalidation, seconds: int) -> None:
        """``item``: the fields of a document's body; ``seconds``: the longest life of a copy."""
        self.resource = resource
        self.invalidation = invalidation
        self.seconds = seconds
        self.representation = fingerprint(item)

    def __call__(self, context: Context) -> DocumentCache:
        """The resource's cache in this process; without a cache server one that is always empty."""
        valkey: Valkey | None = context.cache
        attached = _without_cache if valkey is None else valkey.attached
        cache: DocumentCache | None = attached.get(self)
        if cache is None:
            cache = attached[self] = DocumentCache(
                valkey,
                self.resource,
                self.invalidation,
                self.seconds,
                representation=self.representation,
                counter=context.metrics,
            )
        return cache


_without_cache: Final[dict[object, Any]] = {}


def fingerprint(item: type[msgspec.Struct]) -> str:
    """A digest that changes with the fields of a document and with the storage format."""
    schemas = [msgspec.json.schema(item), msgspec.json.schema(Document)]
    return hashlib.sha256(msgspec.json.encode(schemas, order="sorted")).hexdigest()[:12]


class DocumentCache:
    """The copies of one resource."""

    def __init__(
        self,
        valkey: Valkey | None,
        resource: str,
        invalidation: Invalidation,
        seconds: int,
        *,
        representation: str = "1",
        counter: Counter | None = None,
    ) -> None:
        """``valkey``: None where the system has no cache; ``representation``: copies are separate for each one."""
        self._valkey = valkey
        self._invalidation = invalidation
        self._milliseconds = seconds * 1000
        self._kept = b"%d" % round(1000 * max(seconds, VERSION_SECONDS))
        self._prefix = b"" if valkey is None else valkey.prefix + b"document:" + resource.encode() + b":"
        self._field = b"copy:" + representation.encode()
        self._lookup = Prepared((b"HGET",), (self._field,))
        self._early = 1000 * min(EARLY_SECONDS, seconds / 20)
        self._resource = resource
        self._counter = counter
        self._loads: dict[UUID, asyncio.Task[Document | None]] = {}
        self._missed: set[UUID] = set()
        """Ids that `lookup` has just missed: the `get` that follows does not read the cache again."""
        self._pending: dict[UUID, int] = {}
        """Versions of pending invalidations. Until they are sent, copies of these documents are not used."""
        self._retrying: asyncio.Task[None] | None = None

    def lookup(self, id: UUID) -> Awaitable[Document | None]:
        """Read the cache only. The command is sent now, in one write with the other commands of this tick.

        None: no copy, or the cache is unavailable. Raises NotFound, when awaited, for an id that is known not to exist.
        """
        if self._valkey is None or (self._pending and id in self._pending):
            return _NotAsked()
        asked = _Lookup(self._lookup, self._key(id), cache=self, id=id)
        self._valkey.put(asked)
        return asked

    def peek(self, id: UUID) -> Awaitable[Document | None]:
        """Deprecated: the former name of `lookup`."""
        warn_renamed("DocumentCache.peek", "DocumentCache.lookup", removed_in="groundplan-chassis 0.3")
        return self.lookup(id)

    async def get(self, id: UUID, load: Load, fresh: Load | None = None) -> Document | None:
        """The document, from the cache or else by ``load``; None where it doesn't exist.

        ``fresh`` loads from the primary. It is called when the document of ``load``, from a replica, is older than the
        newest version that the cache knows. Callers in one process that miss the same document share one load, unless
        the document changes meanwhile. Raises what the loads raise.
        """
        if id in self._missed:
            self._missed.discard(id)
        else:
            found = self._read(await self._fetch(id))
            if found is not None:
                self._count(names.CACHE_HITS)
                return None if found is _ABSENT else found
        self._count(names.CACHE_MISSES)
        loading = self._loads.get(id)
        if loading is None:
            loading = self._loads[id] = asyncio.create_task(self._load(id, load, fresh))
            loading.add_done_callback(lambda done: self._loaded(id, done))
        # A caller that gives up takes nothing from the others.
        return await asyncio.shield(loading)

    async def writing(self, id: UUID, version: int) -> None:
        """Before the commit of ``version``, for `write_through`: from here on no older copy is served or stored.

        So a process that dies between the commit and `written` leaves no old copy behind. After a rollback the
        document is not cached for some seconds. Does nothing for the other kinds of invalidation.
        """
        if self._invalidation == "write_through" and self._valkey is not None:
            await self._drop(id, version, WRITING_SECONDS)

    async def written(self, document: Document) -> None:
        """After the commit of a create or update."""
        self._forget(document.id)
        if self._invalidation != "write_through":
            await self.changed(document.id, document.version)
        elif await self._store(document.id, document.version, encode(document), self._milliseconds) is AWAY:
            self._retry_later(document.id, document.version)

    async def deleted(self, id: UUID, version: int) -> None:
        """After the commit of a delete; ``version``: the last one that there was, or the one after it."""
        self._forget(id)
        # An id never comes back, so that its absence may be remembered as long as a copy.
        if await self._store(id, version + 1, b"", self._milliseconds) is AWAY:
            self._retry_later(id, version + 1)

    async def changed(self, id: UUID, version: int) -> None:
        """Call this for each event of a committed version, in any order and number."""
        self._forget(id)
        if self._valkey is not None and await self._drop(id, version, VERSION_SECONDS) is AWAY:
            self._retry_later(id, version)

    async def invalidations_sent(self) -> None:
        """Returns once no invalidation is pending."""
        while self._retrying is not None:
            await asyncio.shield(self._retrying)

    def read_lookup(self, id: UUID, reply: Reply) -> Document | None:
        """The document of a lookup's reply."""
        found = self._read(reply)
        if found is None:
            if len(self._missed) >= _MOST_MISSED:
                self._missed.clear()
            self._missed.add(id)
            return None
        if self._counter is not None:
            self._counter.count(names.CACHE_HITS)
        if found is _ABSENT:
            raise NotFound
        return found

    async def _fetch(self, id: UUID) -> Reply:
        if self._valkey is None or id in self._pending:
            return None
        key = self._key(id)
        return await self._valkey.ask(key, self._lookup.command(key))

    def _key(self, id: UUID) -> bytes:
        return self._prefix + b"%032x" % id.int

    def _read(self, reply: Reply) -> Document | Literal[_Found.ABSENT] | None:
        """None: nothing that may be served."""
        if type(reply) is not bytes:
            return None
        left = int.from_bytes(reply[:_HEADER]) - time.time() * 1000
        if left <= 0:
            return None
        if len(reply) == _HEADER:
            return _ABSENT
        if left < 10 * self._early and random.random() < math.exp(-left / self._early):  # noqa: S311
            return None
        try:
            return decode(reply[_HEADER:])
        except msgspec.MsgspecError:
            log.exception("a copy of %s in the cache can't be read", self._resource)
            return None

    async def _load(self, id: UUID, load: Load, fresh: Load | None) -> Document | None:
        if id in self._pending:
            return await (fresh or load)()
        document = await load()
        # Who asks from here on finds the copy, or learns of a change that this load has missed.
        if self._loads.get(id) is asyncio.current_task():
            self._forget(id)
        if await self._fill(id, document) and fresh is not None:
            document = await fresh()
            await self._fill(id, document)
        return document

    async def _fill(self, id: UUID, document: Document | None) -> bool:
        """Store the loaded document. True: it is older than the newest known version."""
        if document is None:
            reply = await self._store(id, 0, b"", round(1000 * NEGATIVE_SECONDS))
        else:
            reply = await self._store(id, document.version, encode(document), self._milliseconds)
        return type(reply) is int and reply > 0

    async def _store(self, id: UUID, version: int, content: bytes, milliseconds: int) -> Reply:
        if self._valkey is None:
            return None
        if len(content) > MOST_BYTES:
            return await self._drop(id, version, VERSION_SECONDS)
        key = self._key(id)
        until = round(time.time() * 1000) + milliseconds
        kept = self._kept if version else b"%d" % milliseconds
        return await self._valkey.run(STORE, key, b"%d" % version, self._field, until.to_bytes(_HEADER) + content, kept)

    async def _drop(self, id: UUID, version: int, seconds: float) -> Reply:
        assert self._valkey is not None
        return await self._valkey.run(DROP, self._key(id), b"%d" % version, round(1000 * seconds))

    def _forget(self, id: UUID) -> None:
        """Later calls must not share a load that began before this moment."""
        self._loads.pop(id, None)

    def _loaded(self, id: UUID, done: asyncio.Task[Document | None]) -> None:
        if self._loads.get(id) is done:
            del self._loads[id]
        if not done.cancelled():
            done.exception()

    def _retry_later(self, id: UUID, version: int) -> None:
        pending = self._pending
        pending[id] = max(version, pending.pop(id, 0))
        if len(pending) > MOST_PENDING:
            del pending[next(iter(pending))]
            log.error(
                "the cache has been away for more changes of %s than can be remembered; copies may be up to %d s old",
                self._resource,
                self._milliseconds // 1000,
                extra={"event": "cache_changes_lost"},
            )
        if self._retrying is None:
            self._retrying = asyncio.create_task(self._retry_invalidations())

    async def _retry_invalidations(self) -> None:
        try:
            while self._pending:
                await asyncio.sleep(RETRY_SECONDS)
                some = list(self._pending.items())[:1000]
                replies = await asyncio.gather(*(self._drop(id, version, VERSION_SECONDS) for id, version in some))
                for (id, version), reply in zip(some, replies, strict=True):
                    # A newer version may have become pending meanwhile.
                    if reply is not AWAY and self._pending.get(id) == version:
                        del self._pending[id]
        finally:
            # Also of a mistake of the program: the next invalidation that is pending starts another.
            self._retrying = None

    def _count(self, name: str) -> None:
        if self._counter is not None:
            self._counter.count(name)


class _Lookup(Question[Document | None], kw_only=True, eq=False):
    cache: DocumentCache
    id: UUID

    def result(self, reply: Reply) -> Document | None:
        return self.cache.read_lookup(self.id, reply)


class _NotAsked:
    def __await__(self) -> Generator[Any, None, None]:
        return None
        yield
