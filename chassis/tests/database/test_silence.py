"""A silent server is told from a slow one, and from a process that was held up itself."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from groundplan_chassis.database import limits
from groundplan_chassis.database.login import SSL_REQUEST, Login
from groundplan_chassis.database.silence import Watch
from groundplan_chassis.environment import Address
from groundplan_chassis.secrets import SecretUnavailable

# Every task of the loop is looked at.
pytestmark = pytest.mark.asyncio(loop_scope="function")

HERE = Address("127.0.0.1", 5432)
ELSEWHERE = Address("127.0.0.1", 5433)


class Terminated:
    """Stands for a connection."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def terminate(self) -> None:
        self.gone.set()


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SUSPICIOUS_SECONDS", 0.1)
    monkeypatch.setattr(limits, "PROBE_SECONDS", 0.3)


async def never(address: Address) -> None:
    del address
    await asyncio.Event().wait()


async def answers(address: Address) -> None:
    del address


async def unreachable(address: Address) -> None:
    raise OSError(113, f"no route to {address.host}")


def watching(probe: Callable[[Address], Awaitable[None]], told: list[Address]) -> Watch:
    async def report(address: Address) -> None:
        told.append(address)

    return Watch(probe, report)


@pytest.mark.parametrize("probe", [never, unreachable])
async def test_connections_to_a_silent_server_end(probe: Callable[[Address], Awaitable[None]]) -> None:
    told: list[Address] = []
    watch, first, second, idle = watching(probe, told), Terminated(), Terminated(), Terminated()
    watch.sent(idle, HERE)  # type: ignore[arg-type]
    watch.over(idle, answered=True)  # type: ignore[arg-type]
    watch.sent(first, HERE)  # type: ignore[arg-type]
    watch.sent(second, HERE)  # type: ignore[arg-type]
    await asyncio.wait_for(first.gone.wait(), 5)
    assert told == [HERE]
    assert second.gone.is_set()
    assert not idle.gone.is_set()
    assert watch.over(first, answered=False)  # type: ignore[arg-type]
    assert not watch.over(first, answered=False), "told once"  # type: ignore[arg-type]
    await watch.close()


async def test_a_slow_statement_goes_on_while_its_server_answers_the_probe() -> None:
    told: list[Address] = []
    watch, slow = watching(answers, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    await asyncio.sleep(0.8)
    assert not slow.gone.is_set()
    assert not watch.over(slow, answered=True)  # type: ignore[arg-type]
    await watch.close()


async def test_a_busy_server_that_answers_others_is_not_silent() -> None:
    """Its probe waits like all that is new: ending connections would only give it more to do."""
    told: list[Address] = []
    watch, slow = watching(never, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    for _ in range(16):
        quick = Terminated()
        watch.sent(quick, HERE)  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert not watch.over(quick, answered=True)  # type: ignore[arg-type]
    assert not slow.gone.is_set()
    assert told == []
    await watch.close()


async def test_a_process_that_was_held_up_says_nothing_about_the_server() -> None:
    told: list[Address] = []
    watch, slow = watching(never, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    await asyncio.sleep(0.25)
    time.sleep(0.8)
    await asyncio.sleep(0.01)
    assert not slow.gone.is_set()
    await watch.close()


async def test_other_servers_of_the_place_are_left_alone() -> None:
    told: list[Address] = []

    async def one_is_frozen(address: Address) -> None:
        await (never if address == HERE else answers)(address)

    watch, frozen, well = watching(one_is_frozen, told), Terminated(), Terminated()
    watch.sent(frozen, HERE)  # type: ignore[arg-type]
    watch.sent(well, ELSEWHERE)  # type: ignore[arg-type]
    await asyncio.wait_for(frozen.gone.wait(), 5)
    assert not well.gone.is_set()
    await watch.close()


CANCEL_REQUEST = struct.pack("!I", 80877102)


class Known:
    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        del arn, fresh
        return {"username": "shop", "password": "any"}


class Unknown(Known):
    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        del fresh
        raise SecretUnavailable(arn, "none here", "wait")


@asynccontextmanager
async def server_that(answers: Callable[[bytes], bytes]) -> AsyncIterator[Address]:
    """Stands for PostgreSQL: says what is given to each message of a client, and nothing more."""
    served: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        while received := await reader.read(1024):
            if received[4:8] == CANCEL_REQUEST:
                break
            writer.write(answers(received))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
        # asyncpg asks for the end of a statement that was given up, on a connection of its own.
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
    for each in served:
        await each.wait_closed()


def greets(received: bytes) -> bytes:
    return b"N" if received == SSL_REQUEST else b""


def lets_in(received: bytes) -> bytes:
    """AuthenticationOk, ParameterStatus and ReadyForQuery to a StartupMessage, as a pooler before a server does."""
    welcome = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0017.0\0Z\0\0\0\x05I"
    return welcome if b"user\0" in received else greets(received)


def silent(received: bytes) -> bytes:
    del received
    return b""


@pytest.mark.parametrize(
    ("answers", "secrets", "heard"),
    [
        pytest.param(greets, Known(), True, id="too busy for a login"),
        pytest.param(greets, Unknown(), True, id="of an unknown password"),
        pytest.param(lets_in, Known(), False, id="a pooler before a frozen one"),
        pytest.param(silent, Known(), False, id="frozen"),
        pytest.param(silent, Unknown(), False, id="frozen, of an unknown password"),
    ],
)
async def test_a_server_is_heard_that_has_no_time_for_a_login(
    answers: Callable[[bytes], bytes], secrets: Known, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROBE_LOGIN_SECONDS", 0.2)
    async with server_that(answers) as address:
        probe = asyncio.create_task(Login("shop", "arn", secrets, None).probe(address))
        done, _ = await asyncio.wait([probe], timeout=0.8)
        assert bool(done) is heard
        if heard:
            probe.result()
        probe.cancel()
        await asyncio.wait([probe])
