"""The cache client: small, pipelining, and never the cause of a failed request.

Everything is asked of primaries. Commands are sent when the method is called, not when its result is awaited: what is
asked in one tick of the event loop leaves together.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import time
from collections.abc import Callable, Generator
from typing import Any, Final, Self

import hiredis

from groundplan_chassis.caching.cluster import Cluster
from groundplan_chassis.caching.connection import ANSWER_SECONDS, Connection, LoginRefused, Pending, Question, connect
from groundplan_chassis.caching.link import Link
from groundplan_chassis.caching.login import Login, Logins, SecretLogins
from groundplan_chassis.caching.replies import AWAY, Argument, Command, Reply
from groundplan_chassis.caching.scripts import Script
from groundplan_chassis.environment import Address
from groundplan_chassis.secrets import Secrets
from groundplan_chassis.settings import CacheSettings

OPEN_SECONDS: Final = 2.0
"""Time that a start waits for the cache; then it goes on without it."""
_TELL_SECONDS: Final = 60.0
"""Pause between two log lines about the same kind of refusal."""
_MOST_TOLD: Final = 100
"""Kinds of refusal whose last line is remembered: the server's own words."""
_OF_THE_MOMENT: Final = frozenset({"LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY", "OOM", "ASK", "MOVED"})

log = logging.getLogger(__name__)


class Valkey:
    """Open it with `open` and close it in the event loop that uses it."""

    def __init__(
        self,
        settings: CacheSettings,
        logins: Logins,
        tls: ssl.SSLContext | None,
        *,
        client_name: str = "chassis",
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._settings = settings
        self._logins = logins
        self._tls = tls
        self._client_name = client_name
        self._answer_seconds = answer_seconds
        self.prefix: Final = settings.key_prefix.encode()
        self._when_back: list[Callable[[], None]] = []
        self._told: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._cluster: Cluster | None = None
        self._link: Link | None = None
        if settings.clustered:
            self._cluster = Cluster(settings.address, self._make_link, self._connect)
        else:
            self._link = self._make_link(settings.address)
        self.attached: dict[object, Any] = {}
        """Objects with the lifetime of this client, see `CachedResource`."""

    @classmethod
    async def open(
        cls, settings: CacheSettings, secrets: Secrets, tls: ssl.SSLContext | None, *, client_name: str = "chassis"
    ) -> Self:
        """Connect, or keep trying in the background: an unavailable cache stops no process from starting.

        ``tls`` is None only where the settings say so, locally. ``client_name`` shows in the server's CLIENT LIST.
        """
        valkey = cls(settings, SecretLogins(secrets, settings.secret_arn), tls, client_name=client_name)
        await valkey.start()
        return valkey

    async def start(self) -> None:
        route = self._cluster or self._link
        assert route is not None
        route.start()
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await route.attempted()
        except TimeoutError:
            log.warning("the cache did not answer within %g s; going on without it", OPEN_SECONDS)

    async def close(self) -> None:
        route = self._cluster or self._link
        assert route is not None
        await route.close()

    @property
    def reachable(self) -> bool:
        """Whether any server is available."""
        return any(link.connection is not None for link in self._links())

    def when_back(self, call: Callable[[], None]) -> None:
        """Call this each time that a server becomes available."""
        self._when_back.append(call)

    def ask(self, key: bytes, command: Command) -> asyncio.Future[Reply]:
        """Send a command to the server that holds the key, which must begin with the prefix. Never raises."""
        link = self._cluster.link_of(key) if self._cluster is not None else self._link
        if link is not None and (connection := link.connection) is not None:
            return connection.ask(command)
        future: asyncio.Future[Reply] = self._loop.create_future()
        future.set_result(AWAY)
        return future

    def run(self, script: Script, key: bytes, *arguments: Argument) -> asyncio.Future[Reply]:
        """Run a script on one key."""
        return self.ask(key, (*script.call, key, *arguments))

    def put(self, question: Question[Any]) -> None:
        """As `ask`, of a command of which only the key is new."""
        key = question.key
        link = self._cluster.link_of(key) if self._cluster is not None else self._link
        if link is not None and (connection := link.connection) is not None:
            connection.send(question, question.prepared.packed(key))
        else:
            question.answer(AWAY)

    def get(self, key: str) -> Value:
        """``await valkey.get("name")``: the value, or None without one or without an answer.

        The prefix is put before the key.
        """
        full = self.prefix + key.encode()
        return Value(self.ask(full, ("GET", full)))

    async def set(self, key: str, value: bytes, *, seconds: float) -> bool:
        """Store a value for at most this time; whether it was stored."""
        full = self.prefix + key.encode()
        return await self.ask(full, ("SET", full, value, "PX", max(1, round(seconds * 1000)))) == b"OK"

    async def delete(self, key: str) -> bool:
        """Whether the key is deleted for certain."""
        full = self.prefix + key.encode()
        return await self.ask(full, ("DEL", full)) is not AWAY

    def _links(self) -> list[Link]:
        if self._cluster is not None:
            return list(self._cluster.links.values())
        assert self._link is not None
        return [self._link]

    def _make_link(self, address: Address) -> Link:
        return Link(address, self._connect, self._on_change)

    async def _connect(self, address: Address) -> Connection:
        """Log in with the known secret, and once more with the newest one after a refusal."""
        try:
            return await self._connect_as(await self._logins.current(fresh=False), address)
        except LoginRefused:
            return await self._connect_as(await self._logins.current(fresh=True), address)

    async def _connect_as(self, login: Login, address: Address) -> Connection:
        return await connect(
            address,
            tls=self._tls,
            server_name=self._server_name(address),
            user=login.user,
            password=login.password,
            client_name=self._client_name,
            on_error=self._on_error,
            answer_seconds=self._answer_seconds,
        )

    def _server_name(self, address: Address) -> str:
        """The host name that the certificate must have. A node that the cluster names by number has the cluster's."""
        try:
            ipaddress.ip_address(address.host)
        except ValueError:
            return address.host
        return self._settings.address.host

    def _on_change(self, link: Link) -> None:
        if link.connection is None:
            if self._cluster is not None:
                self._cluster.doubt()
            return
        for call in self._when_back:
            call()

    def _on_error(self, connection: Connection, error: hiredis.ReplyError, pending: Pending) -> None:
        """Handles an error reply: the command is sent elsewhere or in another form, or gets AWAY."""
        text = str(error)
        code, _, rest = text.partition(" ")
        if code == "NOSCRIPT" and not pending.redirected:
            _, digest, *others = pending.words()
            pending.command = ("EVAL", Script.known[str(digest)].source, *others)
            pending.redirected = True
            connection.send(pending)
            return
        if code in ("MOVED", "ASK") and self._cluster is not None and not pending.redirected:
            if code == "MOVED":
                self._cluster.doubt()
            pending.redirected = True
            if self._redirect(rest, pending, asking=code == "ASK"):
                return
        elif code == "READONLY":
            # The name now leads to another server, or the topology is an old one.
            connection.drop("it has become a replica")
            if self._cluster is not None:
                self._cluster.doubt()
        elif code in ("NOAUTH", "WRONGPASS"):
            connection.drop("the login has ended")
        self._report(code, text)
        pending.answer(AWAY)

    def _redirect(self, target: str, pending: Pending, *, asking: bool) -> bool:
        """Whether the command could be sent to where the server says (`<slot> <host>:<port>`)."""
        assert self._cluster is not None
        host, _, port = target.rpartition(" ")[2].rpartition(":")
        link = self._cluster.links.get(Address(host, int(port))) if host and port.isdigit() else None
        if link is None or link.connection is None:
            return False
        if asking:
            link.connection.ask(("ASKING",))
        link.connection.send(pending)
        return True

    def _report(self, code: str, text: str) -> None:
        now = time.monotonic()
        if now - self._told.get(code, -_TELL_SECONDS) < _TELL_SECONDS:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[code] = now
        if code in _OF_THE_MOMENT:
            log.warning("the cache refuses for the moment: %s", code, extra={"event": "cache_refused"})
        elif code == "NOPERM":
            # The text names the command, never a key.
            log.error(
                "the cache's user lacks a right: %s; compare COMMANDS of groundplan_components.cache.cache",
                text.split(" ('")[0],
                extra={"event": "cache_refused", "error": code},
            )
        else:
            log.error("the cache refused a command: %s", text, extra={"event": "cache_refused", "error": code})


class Value:
    """The answer to a GET that has been sent."""

    __slots__ = ("_reply",)

    def __init__(self, reply: asyncio.Future[Reply]) -> None:
        self._reply = reply

    def __await__(self) -> Generator[Any, None, bytes | None]:
        reply = yield from self._reply
        return reply if type(reply) is bytes else None
