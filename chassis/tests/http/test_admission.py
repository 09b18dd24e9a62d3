"""What one caller may cost the others (h5, h6): lists at once, bytes in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.tests.http.shop import NOW, ORDERS, Order, Stage, as_
from chassis.tests.test_exchange import Client
from groundplan_chassis.access import Access
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.fields import Timestamp
from groundplan_chassis.http import admission, app
from groundplan_chassis.http.admission import LISTS_OF_CALLER, WALKS, WALKS_OF_CALLER, Bytes
from groundplan_chassis.http.app import Api
from groundplan_chassis.http.errors import Unavailable
from groundplan_chassis.http.operations import Call, Operation
from groundplan_chassis.http.queries import QueryType
from groundplan_chassis.http.sizes import PAGE_BYTES, largest_document


class Offer(msgspec.Struct):
    """Without a field that may be large."""

    id: UUID
    status: Annotated[str, msgspec.Meta(max_length=10)]
    customer_id: Annotated[str, msgspec.Meta(max_length=64)]
    note: Annotated[str, msgspec.Meta(max_length=255)]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


OFFERS = replace(
    ORDERS,
    name="offer",
    path="/api/v1/offers",
    item=Offer,
    filters=["status", "customer_id", "note"],
    sorts=["status", "customer_id"],
)


class Slow:
    """A list that waits until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.reading = 0

    async def __call__(self, _: Call) -> Page:
        self.reading += 1
        await self.go.wait()
        return Page([], 0)


@pytest.fixture
async def slow() -> Slow:
    return Slow()


@pytest.fixture
async def stage(slow: Slow) -> AsyncIterator[Stage]:
    kinds = [Operation(kind="list", resource=OFFERS, handler=slow, access=Access.of("anyone"))]
    found = Stage(operations=kinds)
    async with found.client:
        yield found


@pytest.mark.parametrize(
    ("query", "owner", "walks"),
    [
        ("", None, False),
        ("", "anna", False),
        ("page=400", None, False),
        ("status=paid", None, False),
        ("status=paid&sort=status", None, False),
        ("status=paid&sort=-created_at", None, False),
        ("sort=-status", None, False),
        ("sort=-status,-created_at,-id", None, False),
        ("sort=-status,created_at", None, True),
        ("sort=status,customer_id", None, True),
        ("status=paid&sort=customer_id", None, True),
        ("status=paid&customer_id=x", None, True),
        ("status=paid", "anna", True),
        ("sort=status", "anna", True),
        ("note=x", None, True),
    ],
)
def test_a_list_that_no_single_index_serves_is_known(query: str, owner: str | None, walks: bool) -> None:
    assert QueryType(OFFERS).parse(query.encode(), owner).walks is walks


def test_an_order_by_the_last_change_walks() -> None:
    assert QueryType(replace(OFFERS, sorts=["updated_at"])).parse(b"sort=updated_at").walks


async def at_once(stage: Stage, slow: Slow, queries: list[tuple[str, str]]) -> list[Any]:
    """Answers to requests of named callers that are all under way at the same time."""
    asked = [
        asyncio.ensure_future(stage.client.get(f"/api/v1/offers?{query}", headers=as_(caller)))
        for caller, query in queries
    ]
    while slow.reading + sum(each.done() for each in asked) < len(asked):
        await asyncio.sleep(0)
    slow.go.set()
    return await asyncio.gather(*asked)


async def test_a_caller_walks_through_a_table_twice_at_once(stage: Stage, slow: Slow) -> None:
    stage.tokens.callers |= {name: caller(name) for name in ("anna", "bert")}
    answers = await at_once(stage, slow, [("anna", "note=x")] * 30 + [("bert", "note=x"), ("bert", "")])
    statuses = [each.status_code for each in answers]
    assert statuses[:30].count(200) == WALKS_OF_CALLER
    assert statuses[:30].count(429) == 30 - WALKS_OF_CALLER
    assert statuses[30:] == [200, 200], "others are served meanwhile"
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    again = await stage.client.get("/api/v1/offers?note=x", headers=as_("anna"))
    assert again.status_code == 200, "once they have ended there is room again"


async def test_all_callers_together_leave_room_for_other_requests(stage: Stage, slow: Slow) -> None:
    names = [f"caller{number}" for number in range(10)]
    stage.tokens.callers |= {name: caller(name) for name in names}
    answers = await at_once(
        stage, slow, [(name, "note=x") for name in names] + [(name, "status=paid") for name in names]
    )
    walked = [each.status_code for each in answers[:10]]
    assert (walked.count(200), walked.count(503)) == (WALKS, 10 - WALKS)
    assert {each.headers["retry-after"] for each in answers if each.status_code == 503} == {"1"}
    assert {each.status_code for each in answers[10:]} == {200}


async def test_lists_that_an_index_serves_are_bounded_too(stage: Stage, slow: Slow) -> None:
    stage.tokens.callers["anna"] = caller("anna")
    statuses = [each.status_code for each in await at_once(stage, slow, [("anna", "")] * 20)]
    assert (statuses.count(200), statuses.count(429)) == (LISTS_OF_CALLER, 20 - LISTS_OF_CALLER)


def caller(name: str) -> Any:
    from groundplan_chassis.access import Caller

    return Caller(name, frozenset({"admin"}), frozenset({"shop/read", "shop/write"}), "", 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.booleans()), max_size=25))
def test_no_byte_is_lost_or_given_twice(takes: list[tuple[int, int, bool]]) -> None:
    """Requests that take, wait, give and are cancelled in any order: never too many, and all free at the end."""

    async def run() -> None:
        found = Bytes(16)

        async def one(count: int, pause: int) -> None:
            await found.take(count)
            assert found.taken <= 16
            try:
                for _ in range(pause):
                    await asyncio.sleep(0)
            finally:
                found.give(count)

        tasks = []
        for count, pause, cancelled in takes:
            tasks.append(asyncio.ensure_future(one(count, pause)))
            await asyncio.sleep(0)
            if cancelled:
                tasks[len(tasks) // 2].cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), result
        assert found.taken == 0

    asyncio.run(run())


async def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_SECONDS", 0.01)
    found = Bytes(10)
    await found.take(8)
    with pytest.raises(Unavailable):
        await found.take(3)
    with pytest.raises(Unavailable):
        found.take_now(3)
    found.give(8)
    assert found.taken == 0


async def test_a_large_answer_counts_until_the_client_has_taken_it(slow: Slow) -> None:
    """Not until it is written: a client that reads slowly would have as much memory as it likes."""
    document = Document(UUID(int=1), 1, None, NOW, b'{"x":"' + b"y" * 1_000_000 + b'"}')

    async def get(_: Call) -> Document:
        return document

    stage = Stage(operations=[Operation(kind="get", resource=OFFERS, handler=get, access=Access.of("anyone"))])
    api = stage.app
    assert isinstance(api, Api)
    held: list[int] = []
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            held.append(api._admission.bytes.taken)
            parts.append(message["body"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/api/v1/offers/{document.id}",
        "query_string": b"",
        "headers": [],
    }
    await api(scope, None, send)  # type: ignore[arg-type]  # there is no body to receive
    assert len(parts) > 10
    assert min(held) > 1_000_000
    assert api._admission.bytes.taken == 0
    assert b"".join(parts).startswith(b'{"data":{"x":"yyy')


def test_the_largest_document_is_known_from_its_fields() -> None:
    """Never less than one that there is; of an item without large fields less than a page has room for by far."""
    short = msgspec.defstruct("Short", [("id", UUID), ("name", Annotated[str, msgspec.Meta(max_length=100)])])
    assert len('"name":"",') + 600 < largest_document(short) < 1000
    assert largest_document(msgspec.defstruct("Long", [("name", str)])) > 1024 * 1024, (
        "a text without a length may be as large as a body"
    )
    assert 100 * largest_document(Order) > PAGE_BYTES, "a field of type json has no bound of its own"


class Stuck(Client):
    """Takes the beginning of an answer."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.protocol.pause_writing()


async def test_a_client_that_takes_nothing_is_no_error_of_the_service(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each wrote an error with its stack, as many as clients like, and had no access line (h13)."""
    monkeypatch.setattr(app, "SEND_SECONDS", 0.05)
    document = Document(UUID(int=1), 1, None, NOW, b'{"x":"' + b"y" * 1_000_000 + b'"}')

    async def get(_: Call) -> Document:
        return document

    stage = Stage(operations=[Operation(kind="get", resource=OFFERS, handler=get, access=Access.of("anyone"))])
    client = Stuck(stage.app)
    client.protocol.data_received(f"GET /api/v1/offers/{document.id} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await asyncio.sleep(0.2)
    assert client.closed
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    api = stage.app
    assert isinstance(api, Api)
    assert api._admission.bytes.taken == 0
    stage.metrics.flush()
    assert b'"requests":1' in b"".join(stage.lines).replace(b" ", b"")
