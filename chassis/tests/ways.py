"""A way to a server of this machine on which things go wrong, as networks and machines do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, get_args

HOST = "127.0.0.1"
Fault = Literal["frozen", "refused", "slow", "reset"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
SLOW_SECONDS = 0.03
"""For each part of what is said, in either direction."""


class Way:
    """Passes bytes on, until something goes wrong."""

    def __init__(self, port: int) -> None:
        """``port``: the server's."""
        self._server_port = port
        self._fault: Fault | None = None
        self._well = asyncio.Event()
        self._well.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.WriteTransport] = set()
        self.port = 0

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def break_(self, fault: Fault) -> None:
        """``frozen``: connections are taken and nothing comes; ``refused``: none is, and open ones end; ``slow``;
        ``reset``: those that are open and those that are taken end at once."""
        self._fault = fault
        if fault == "frozen":
            self._well.clear()
        if fault == "refused":
            assert self._server is not None
            self._server.close()
        if fault in ("refused", "reset"):
            for each in tuple(self._open):
                each.abort()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._well.set()
        for each in tuple(self._open):
            each.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault == "reset":
            writer.transport.abort()
            return
        from_server, to_server = await asyncio.open_connection(HOST, self._server_port)
        both = {writer.transport, to_server.transport}
        self._open |= both
        try:
            await until_one_ends(both, self._pass(reader, to_server), self._pass(from_server, writer))
        finally:
            self._open -= both

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._well.wait()
                if self._fault == "slow":
                    await asyncio.sleep(SLOW_SECONDS)
                writer.write(data)
                await writer.drain()


async def until_one_ends(transports: Iterable[asyncio.WriteTransport], *directions: Coroutine[Any, Any, None]) -> None:
    """Passes on in all directions until one has ended, then ends the others and breaks the connections."""
    ends = [asyncio.create_task(each) for each in directions]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for transport in transports:
            transport.abort()


@asynccontextmanager
async def way_to(port: int) -> AsyncIterator[Way]:
    way = Way(port)
    await way.listen()
    try:
        yield way
    finally:
        await way.close()
