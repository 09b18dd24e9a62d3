"""A connection to one server, with the current user and password from Secrets Manager."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg
import msgspec
from asyncpg import exceptions as postgres

from groundplan_chassis.database import limits
from groundplan_chassis.environment import Address
from groundplan_chassis.secrets import SecretUnavailable

SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
"""https://www.postgresql.org/docs/current/protocol-message-formats.html"""


class SecretSource(Protocol):
    """The source of passwords (`groundplan_chassis.secrets.Secrets`)."""

    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        """The secret's fields, `username` and `password` among them; ``fresh``: the remembered password was refused."""
        ...


if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    # Generic in its stubs only.
    _Connection = asyncpg.Connection


class Connection(_Connection):
    """A connection with an expiry."""

    replaced_at: float
    """By the event loop's clock."""
    address: Address


@dataclass(frozen=True, slots=True)
class Login:
    """User and database of a login."""

    database: str
    secret_arn: str
    secrets: SecretSource
    tls: ssl.SSLContext | None
    """None: in plain text."""

    async def connect(self, address: Address) -> Connection:
        """A new connection.

        A rotated password is fetched once the old one is refused. Raises what asyncpg, the network and the secrets
        raise.
        """
        try:
            return await self._connect(address, await self.secrets.get(self.secret_arn))
        except (postgres.InvalidPasswordError, postgres.InvalidAuthorizationSpecificationError):
            return await self._connect(address, await self.secrets.get(self.secret_arn, fresh=True))

    async def _connect(self, address: Address, secret: Mapping[str, str]) -> Connection:
        connection = await self._enter(address, secret)
        try:
            await connection.set_type_codec("jsonb", encoder=_to_json, decoder=_from_json, schema="pg_catalog")
        except BaseException:
            connection.terminate()
            raise
        # Not all at once, though all were opened together.
        life = limits.CONNECTION_LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        connection.replaced_at = asyncio.get_running_loop().time() + life
        connection.address = address
        _give_up_unacknowledged(connection)
        return connection

    async def _enter(self, address: Address, secret: Mapping[str, str]) -> Connection:
        # No parameters of the session, here or later: PgBouncer refuses them and RDS Proxy would keep the connection
        # to one client. The database has its time-outs from the migration (`provisioning.py`).
        return await asyncpg.connect(
            host=address.host,
            port=address.port,
            user=secret["username"],
            password=secret["password"],
            database=self.database,
            ssl=self.tls if self.tls is not None else False,
            timeout=limits.CONNECT_SECONDS,
            command_timeout=limits.COMMAND_SECONDS,
            statement_cache_size=limits.MOST_CACHED_STATEMENTS,
            connection_class=Connection,
        )

    async def probe(self, address: Address) -> None:
        """Returns once the server has answered anything, a refusal too; raises what the network says.

        A server without time for a login within `limits.PROBE_LOGIN_SECONDS` has to send one byte only, and so has one
        whose password can't be had. A login alone is no answer: a pooler in front of a frozen server gives it.
        """
        try:
            try:
                async with asyncio.timeout(limits.PROBE_LOGIN_SECONDS):
                    connection = await self._enter(address, await self.secrets.get(self.secret_arn))
            except (TimeoutError, SecretUnavailable):
                await _first_byte(address)
                return
            try:
                await connection.fetchval("SELECT 1")
            finally:
                connection.terminate()
        except (postgres.PostgresError, postgres.InterfaceError):
            return


async def _first_byte(address: Address) -> None:
    """Returns once the server has sent a byte or closed the connection; the kernel of a frozen one does neither.

    It costs the server a process, and no cryptography.
    """
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(SSL_REQUEST)
        await reader.read(1)
    finally:
        writer.close()


def _give_up_unacknowledged(connection: Connection) -> None:
    """Lets the kernel end a connection to a machine that is gone; asyncpg has no option for it."""
    transport: asyncio.Transport | None = getattr(connection, "_transport", None)
    raw = transport.get_extra_info("socket") if transport is not None else None
    # Linux has it; elsewhere `limits.COMMAND_SECONDS` remains.
    option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if raw is not None and option is not None:
        raw.setsockopt(socket.IPPROTO_TCP, option, limits.UNACKNOWLEDGED_MS)


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _from_json(text: str) -> object:
    return msgspec.json.decode(text)
