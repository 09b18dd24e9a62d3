"""One connection: what leaves together, what comes back in order, what ends it. Against servers of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import hiredis
import pytest
import uvloop

from chassis.tests.waiting import until
from groundplan_chassis.caching import connection as module
from groundplan_chassis.caching.connection import Connection, LoginRefused, Pending, Question, ServerRefused, connect
from groundplan_chassis.caching.packing import Prepared, pack
from groundplan_chassis.caching.replies import AWAY, Reply
from groundplan_chassis.environment import Address

GREETING = b"+OK\r\n+OK\r\n+PONG\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def talking_to(serve: Serve, *, answer_seconds: float = 5.0) -> AsyncIterator[Connection]:
    """A connection to a server that logs everybody in and then does as the test says."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        await reader.readuntil(b"PING\r\n")
        writer.write(GREETING)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    handlers: list[asyncio.Task[None] | None] = []
    errors: list[str] = []

    def note(connection: Connection, error: hiredis.ReplyError, pending: Pending) -> None:
        del connection
        errors.append(str(error))
        pending.answer(AWAY)

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    made = await connect(
        Address(host, port),
        tls=None,
        server_name=None,
        user="user",
        password="secret",
        client_name="test",
        on_error=note,
        answer_seconds=answer_seconds,
    )
    try:
        yield made
    finally:
        made.drop("the test is over")
        server.close()
        await asyncio.gather(*(handler for handler in handlers if handler is not None))


async def test_what_is_asked_in_one_tick_leaves_in_one_write_and_is_answered_in_order() -> None:
    packets: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            packets.append(await reader.read(65536))
            for number in range(packets[-1].count(b"GET")):
                writer.write(b"$1\r\n%d\r\n" % number)
                # Answers in pieces are put together.
                await writer.drain()

    async with talking_to(serve) as connection:
        first = [connection.ask(("GET", f"k{number}")) for number in range(5)]
        assert await asyncio.gather(*first) == [b"0", b"1", b"2", b"3", b"4"]
        second = [connection.ask(("GET", f"k{number}")) for number in range(3)]
        assert await asyncio.gather(*second) == [b"0", b"1", b"2"]
    assert [packet.count(b"GET") for packet in packets] == [5, 3]


async def test_answers_of_every_kind_and_in_any_pieces() -> None:
    answers = b"$3\r\na\r\n\r\n$-1\r\n:7\r\n+OK\r\n*2\r\n$1\r\nx\r\n:1\r\n$0\r\n\r\n-NOPERM no\r\n:8\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        for position in range(len(answers)):
            writer.write(answers[position : position + 1])
            await writer.drain()
            await asyncio.sleep(0)

    async with talking_to(serve) as connection:
        replies = await asyncio.gather(*(connection.ask(("X",)) for _ in range(8)))
    assert replies == [b"a\r\n", None, 7, b"OK", [b"x", 1], b"", AWAY, 8]


async def test_words_of_a_command_may_hold_any_bytes() -> None:
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)
            writer.write(b"+OK\r\n")

    async with talking_to(serve) as connection:
        assert await connection.ask(("SET", "k\r\nFLUSHALL\r\n", b"\x00\xff", 7)) == b"OK"
    assert bytes(received) == b"*4\r\n$3\r\nSET\r\n$13\r\nk\r\nFLUSHALL\r\n\r\n$2\r\n\x00\xff\r\n$1\r\n7\r\n"


async def test_a_server_that_hangs_is_left() -> None:
    hanging = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read(65536)
        await hanging.wait()

    async with talking_to(serve, answer_seconds=0.05) as connection:
        replies = await asyncio.gather(*(connection.ask(("GET", "k")) for _ in range(10)))
        assert replies == [AWAY] * 10
        await connection.ended
        assert connection.reason == "no answer for 0.05 s"
        assert await connection.ask(("GET", "k")) is AWAY
        hanging.set()


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_pause_of_this_process_is_not_blamed_on_the_server(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """On both loops: after a pause one looks at its timers first, the other one at its sockets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(b"+OK\r\n" * data.count(b"GET"))

    async def ask_and_pause() -> None:
        async with talking_to(serve, answer_seconds=0.02) as connection:
            for _ in range(5):
                sent = connection.ask(("GET", "k"))
                # The command leaves in one turn of the loop, and in the same nothing else can be done for a while.
                asyncio.get_running_loop().call_soon(time.sleep, 0.06)
                assert await sent == b"OK"
            assert not connection.ended.done()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(ask_and_pause())


async def test_a_server_that_always_answers_is_never_left() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(0.03)
            writer.write(b"+OK\r\n" * data.count(b"GET"))

    async with talking_to(serve, answer_seconds=0.25) as connection:
        for _ in range(20):
            assert await connection.ask(("GET", "k")) == b"OK"
        # And idle times don't count.
        await asyncio.sleep(0.6)
        assert await connection.ask(("GET", "k")) == b"OK"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "an answer that is not Valkey's protocol"),
        (b"+OK\r\n+OK\r\n+OK\r\n", "an answer without a command"),
        (b"", "closed by the server"),
        (b"$100\r\nhalf", "closed by the server"),
    ],
)
async def test_nonsense_and_ends_are_answered_away(said: bytes, reason: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(said)
        await writer.drain()

    async with talking_to(serve) as connection:
        replies = await asyncio.gather(connection.ask(("GET", "a")), connection.ask(("GET", "b")))
        await connection.ended
        assert connection.reason == reason
        assert replies[1] is AWAY or said.startswith(b"+OK")


async def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b":1\r\n:2\r\n:3\r\n")
        await reader.read(65536)

    async with talking_to(serve) as connection:
        first, second, third = (connection.ask(("GET", "k")) for _ in range(3))
        second.cancel()
        assert (await first, await third) == (1, 3)


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    go = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        await go.wait()
        writer.write(b"+OK\r\n" * 10)
        await reader.read(65536)

    async with talking_to(serve) as connection:
        sent = [connection.ask(("GET", "k")) for _ in range(15)]
        assert [future.done() for future in sent] == [False] * 10 + [True] * 5
        go.set()
        assert await asyncio.gather(*sent) == [b"OK"] * 10 + [AWAY] * 5


async def test_a_server_that_reads_nothing_is_sent_no_more() -> None:
    go = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer
        await go.wait()

    async with talking_to(serve) as connection:
        value = b"x" * 1_000_000
        for number in range(200):
            sent = connection.ask(("SET", str(number), value))
            await asyncio.sleep(0)
            if sent.done():
                break
        assert sent.done()
        assert await sent is AWAY
        go.set()
        await connection.ended


async def test_a_burst_of_large_values_is_sent_whole() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = 0
        while data := await reader.read(65536):
            received += len(data)
            if received > 1_000_000:
                writer.write(b"+OK\r\n" * 100)
                received = 0

    async with talking_to(serve) as connection:
        sent = []
        for number in range(100):
            sent.append(connection.ask(("SET", str(number), b"x" * 10_000)))
            await asyncio.sleep(0)
        assert await asyncio.gather(*sent) == [b"OK"] * 100


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", LoginRefused),
        (b"+OK\r\n+OK\r\n-LOADING Redis is loading the dataset in memory\r\n", ServerRefused),
        (b"+OK\r\n+OK\r\n-MASTERDOWN Link with MASTER is down\r\n", ServerRefused),
        (b"", ConnectionError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ConnectionError),
    ],
)
async def test_a_connection_counts_when_the_server_has_let_us_in_and_answers(
    greeting: bytes, error: type[Exception]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        writer.write(greeting)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    with pytest.raises(error) as raised:
        await connect(
            Address(host, port),
            tls=None,
            server_name=None,
            user="user",
            password="secret-of-user",
            client_name="test",
            on_error=lambda *_: None,
        )
    assert "secret-of-user" not in str(raised.value)
    server.close()
    await server.wait_closed()


async def test_an_end_without_pending_commands_is_noticed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer

    async with talking_to(serve) as connection:
        await until(connection.ended.done)
        assert await connection.ask(("GET", "k")) is AWAY


class Length(Question[int]):
    """What the tests ask: how long a value is."""

    def result(self, reply: Reply) -> int:
        return len(reply) if isinstance(reply, bytes) else -1


GET = Prepared((b"GET",), ())


async def test_a_question_says_what_its_answer_says_before_and_after_the_answer_is_there() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            packets.append(await reader.read(65536))
            writer.write(b"$3\r\nabc\r\n$5\r\nabcde\r\n")

    packets: list[bytes] = []
    async with talking_to(serve) as connection:
        for _ in range(2):
            one, other = Length(GET, b"one"), Length(GET, b"other")
            for question in (one, other):
                connection.send(question, GET.packed(question.key))
            assert await one == 3
            assert other._waiter is None
            assert await other == 5
    assert packets == [pack(("GET", b"one")) + pack(("GET", b"other"))] * 2


async def test_a_question_whose_caller_has_gone_disturbs_none_after_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        await answered.wait()
        writer.write(b"$3\r\nabc\r\n$5\r\nabcde\r\n")

    async def ask(question: Length) -> int:
        return await question

    answered = asyncio.Event()
    async with talking_to(serve) as connection:
        one, other = Length(GET, b"one"), Length(GET, b"other")
        for question in (one, other):
            connection.send(question, GET.packed(question.key))
        gone = asyncio.create_task(ask(one))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        answered.set()
        assert await other == 5


async def test_questions_of_a_connection_that_ends_are_answered_too() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)

    async with talking_to(serve) as connection:
        question = Length(GET, b"one")
        connection.send(question)
        assert await question == -1
        late = Length(GET, b"one")
        connection.send(late)
        assert await late == -1
