"""What is written in one tick leaves in one write, in its order, and a connection's end neither loses nor adds any."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from chassis.joined_writes import JoinedWrites


class Recording:
    """A transport that remembers what is asked of it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.closing = True
        self.done.append("closed")

    def write_eof(self) -> None:
        self.done.append("ended")

    def abort(self) -> None:
        self.closing = True
        self.done.append("aborted")

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return f"the transport's {name}"


@pytest.fixture
def transport() -> Recording:
    return Recording()


@pytest.fixture
async def joined(transport: Recording) -> JoinedWrites:
    return JoinedWrites(cast(asyncio.Transport, transport), asyncio.get_running_loop())


async def test_head_and_body_leave_together(joined: JoinedWrites, transport: Recording) -> None:
    joined.write(b"head ")
    joined.write(b"body")
    assert transport.done == []
    await asyncio.sleep(0)
    assert transport.done == [b"head body"]
    joined.write(b"another")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert transport.done == [b"head body", b"another"]


async def test_what_was_written_leaves_before_the_end(joined: JoinedWrites, transport: Recording) -> None:
    joined.write(b"last ")
    joined.write(b"words")
    joined.close()
    await asyncio.sleep(0)
    assert transport.done == [b"last words", "closed"]


async def test_what_was_written_leaves_before_half_of_the_end(joined: JoinedWrites, transport: Recording) -> None:
    joined.write(b"last words")
    joined.write_eof()
    await asyncio.sleep(0)
    assert transport.done == [b"last words", "ended"]


async def test_an_abort_sends_nothing(joined: JoinedWrites, transport: Recording) -> None:
    joined.write(b"never")
    joined.abort()
    await asyncio.sleep(0)
    assert transport.done == ["aborted"]


async def test_a_connection_that_has_ended_meanwhile_takes_nothing(joined: JoinedWrites, transport: Recording) -> None:
    joined.write(b"too late")
    transport.closing = True
    await asyncio.sleep(0)
    joined.close()
    assert transport.done == ["closed"]


async def test_all_else_is_the_transports_own(joined: JoinedWrites) -> None:
    assert joined.get_extra_info("peername") == "the transport's peername"
    assert joined.is_closing() is False
