"""Cluster mode: the server of each key by slots, and a topology that may change while the cluster serves.

https://valkey.io/topics/cluster-spec/
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from groundplan_chassis.caching.link import UNREACHABLE, Connect, Link, reason_of
from groundplan_chassis.caching.replies import AWAY, Reply
from groundplan_chassis.environment import Address

SLOTS: Final = 16_384
PAUSE_SECONDS: Final = 1.0
"""Pause between topology queries while a node is unavailable: a replica takes over some seconds after its primary is
gone."""
_ASK: Final = ("CLUSTER", "SLOTS")
_MOST_TOLD: Final = 100
"""Reasons that were logged; some have a server's own words in them."""

log = logging.getLogger(__name__)


def slot_of(key: bytes) -> int:
    """The slot of a key: of the text between its first braces, if there is any."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return binascii.crc_hqx(key, 0) % SLOTS


class Cluster:
    """Links to all primaries. Replicas are not used: a key that they lack would look like a missing one."""

    def __init__(
        self,
        seed: Address,
        make_link: Callable[[Address], Link],
        connect: Connect,
    ) -> None:
        """``seed``: any node, or a name that resolves to one; ``connect`` opens a connection for one command."""
        self._seed = seed
        self._make_link = make_link
        self._connect = connect
        self.links: dict[Address, Link] = {}
        self._by_slot: list[Link | None] = [None] * SLOTS
        self._doubted = asyncio.Event()
        self._known = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._told: set[str] = set()

    def start(self) -> None:
        self.doubt()
        self._task = asyncio.create_task(self._maintain(), name="cache topology")

    async def attempted(self) -> None:
        await self._known.wait()
        await asyncio.gather(*(link.attempted() for link in list(self.links.values())))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(*(link.close() for link in self.links.values()))

    def link_of(self, key: bytes) -> Link | None:
        """None: no known node holds the key's slot."""
        return self._by_slot[slot_of(key)]

    def doubt(self) -> None:
        """The known topology may be out of date: query it again."""
        self._doubted.set()

    async def _maintain(self) -> None:
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            try:
                slots = await self._ask()
                if slots is not None:
                    self._told.clear()
                    self._follow(slots)
            except Exception as error:
                # A mistake of the program: the topology is asked for again, or no later change would be followed.
                slots = None
                self._report(f"an unexpected {type(error).__name__}", error)
            self._known.set()
            if slots is None or not self._complete():
                self._doubted.set()
            # Also when all is well: redirections come by the thousand, and are of one cause.
            await asyncio.sleep(PAUSE_SECONDS if self._doubted.is_set() else PAUSE_SECONDS / 10)

    def _complete(self) -> bool:
        return bool(self.links) and all(link.connection is not None for link in self.links.values())

    async def _ask(self) -> list[tuple[int, int, Address]] | None:
        """The topology from the first node that answers; None where none does."""
        for link in self.links.values():
            if link.connection is not None:
                slots = _parsed(await link.ask(_ASK), link.address)
                if slots:
                    return slots
                self._report(f"{link.address}: no topology in the answer")
        for address in dict.fromkeys([self._seed, *self.links]):
            try:
                connection = await self._connect(address)
            except UNREACHABLE as error:
                self._report(f"{address}: {reason_of(error)}")
                continue
            try:
                slots = _parsed(await connection.ask(_ASK), address)
            finally:
                connection.drop("asked and answered")
            if slots:
                return slots
            self._report(f"{address}: no topology in the answer")
        return None

    def _report(self, reason: str, error: Exception | None = None) -> None:
        """Logs each reason once, until the topology is known again; ``error``: what the log shows the stack of."""
        if reason not in self._told:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told.add(reason)
            log.warning("the cache's topology is not known: %s", reason, extra={"event": "cache_away"}, exc_info=error)

    def _follow(self, slots: Iterable[tuple[int, int, Address]]) -> None:
        by_slot: list[Link | None] = [None] * SLOTS
        used: dict[Address, Link] = {}
        for first, last, address in slots:
            link = self.links.get(address) or used.get(address)
            if link is None:
                link = self._make_link(address)
                link.start()
            used[address] = link
            by_slot[first : last + 1] = [link] * (last + 1 - first)
        gone = [link for address, link in self.links.items() if address not in used]
        self.links, self._by_slot = used, by_slot
        for link in gone:
            link.retire()


def _parsed(reply: Reply, queried: Address) -> list[tuple[int, int, Address]]:
    """First slot, last slot and primary of each range; empty for a reply that is no topology."""
    if reply is AWAY or not isinstance(reply, list):
        return []
    ranges = []
    for entry in reply:
        try:
            first, last, primary, *_ = cast(list[Any], entry)
            ranges.append((int(first), int(last), _node(primary, queried)))
        except (ValueError, TypeError, IndexError, AttributeError):
            return []
    return ranges if all(0 <= first <= last < SLOTS for first, last, _ in ranges) else []


def _node(primary: list[Any], queried: Address) -> Address:
    """Its host name where it has one, which certificates are made out to; where it knows no address of its own, that
    under which it was asked."""
    host, port = primary[0], int(primary[1])
    details = primary[3] if len(primary) > 3 else []
    names = dict(zip(details[::2], details[1::2], strict=False))
    name = names.get(b"hostname") or host
    if name in (None, b"", b"?"):
        return Address(queried.host, port)
    return Address(name.decode(), port)
