"""A wire between a client and PostgreSQL that can be cut at the worst moment: while a COMMIT is under way."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from chassis.tests.ways import HOST, until_one_ends

Fault = Literal["answer", "request"]
"""What of a COMMIT gets lost: the server's answer to it, so that it took place, or the COMMIT itself."""

_COMMIT = b"COMMIT;"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class Wire:
    """Clients speak to it in plain text, it to the server with TLS where that has TLS."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self._server_port = port
        self._tls = tls
        self.port = 0
        self.faults: list[Fault] = []
        """For the next commits, one each."""
        self.commits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until an end closes it or it is cut."""
        from_server, to_server = await self._connect()
        losing = asyncio.Event()

        async def upwards() -> None:
            while data := await reader.read(65_536):
                if _COMMIT in data:
                    self.commits += 1
                    fault = self.faults.pop(0) if self.faults else None
                    if fault == "request":
                        return
                    if fault == "answer":
                        losing.set()
                to_server.write(data)
                await to_server.drain()

        async def downwards() -> None:
            while data := await from_server.read(65_536):
                if losing.is_set():
                    return
                writer.write(data)
                await writer.drain()

        await until_one_ends((writer.transport, to_server.transport), upwards(), downwards())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(HOST, self._server_port)
        if self._tls is not None:
            writer.write(_SSL_REQUEST)
            assert await reader.readexactly(1) == b"S"
            await writer.start_tls(self._tls, server_hostname=HOST)
        return reader, writer


@asynccontextmanager
async def wire_to(port: int, tls: ssl.SSLContext | None) -> AsyncIterator[Wire]:
    wire = Wire(port, tls)
    server = await asyncio.start_server(wire.serve, HOST, 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()
