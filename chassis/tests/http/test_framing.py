"""Where messages end: nothing that a client puts into a body runs as a request of its own (RFC 9112, 11.2)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from chassis.tests.http.framing import (
    CHUNK_FAULTS,
    FRAMING_FAULTS,
    HEAD_FAULTS,
    LAST_CHUNKS,
    LINE_FAULTS,
    Generator,
    disagreement,
    read_by_server,
)
from chassis.tests.http.served import served
from chassis.tests.http.shop import Stage
from chassis.tests.http.sockets import ACCEPTED, SMUGGLED, exchange
from groundplan_chassis.connection import UNREAD_BYTES
from groundplan_chassis.http.bodies import MOST_BYTES

STREAMS = int(os.environ.get("FRAMING_STREAMS", "500"))
"""`make prove` reads 100,000."""
SEED = int(os.environ.get("FRAMING_SEED", "20261129"))

stage = Stage()
ORDER = b'{"status": "placed", "total": "1"}'
POST = b"POST /api/v1/orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n"
LAST = b"GET /health/live HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(stage) as found:
        yield found


async def test_streams_end_where_a_second_parser_sees_their_end() -> None:
    generator = Generator(SEED)
    valid = messages = refused = 0
    for number in range(STREAMS):
        stream = generator.stream()
        read = await read_by_server(stream.segments)
        found = disagreement(stream, read)
        assert found is None, f"stream {number} of seed {SEED}: {found}\n{stream.segments}\n{read}"
        valid += stream.messages is not None
        messages += len(read.messages)
        refused += any(status != 200 for status in read.statuses)
    # That much of everything, or the generator has lost its teeth.
    assert min(valid, messages, refused) > STREAMS // 5


@pytest.mark.parametrize("head", ACCEPTED)
def test_an_upgrade_is_ignored_and_the_body_is_read(port: int, head: bytes) -> None:
    for body, status in ((ORDER, 201), (SMUGGLED, 400)):
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        chunks = b"Transfer-Encoding: chunked\r\n\r\n"
        for segments in (
            [POST + head + length, body],
            [POST + head + length + body],
            [POST + head + length[:-2], length[-2:] + body],
            [POST + head + chunks, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)],
        ):
            assert [answer.status for answer in exchange(port, [*segments, LAST])] == [status, 200]


def test_upgrades_one_after_the_other_are_requests(port: int) -> None:
    request = b"GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ada\r\n" + ACCEPTED[0] + b"\r\n"
    assert [answer.status for answer in exchange(port, [request * 20, LAST])] == [200] * 21


# `Transfer_Encoding` is a header of another name: there is no body, and what follows is a request.
@pytest.mark.parametrize("fault", [fault for fault in FRAMING_FAULTS if not fault.startswith(b"Transfer_")])
def test_a_body_without_one_length_is_refused(port: int, fault: bytes) -> None:
    head = POST + fault.replace(b"%d", b"%d" % len(SMUGGLED)) + b"\r\n\r\n"
    for body in (SMUGGLED, b"0\r\n\r\n" + SMUGGLED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)):
        _refused(port, [head, body, LAST])
        _refused(port, [head + body + LAST])


@pytest.mark.parametrize("fault", CHUNK_FAULTS)
def test_chunks_that_two_parsers_read_in_two_ways_are_refused_after_the_head_too(port: int, fault: bytes) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    _refused(port, [head, fault, SMUGGLED, LAST])
    _refused(port, [head + fault + SMUGGLED + LAST])


@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_request_line_of_another_protocol_is_refused(port: int, fault: bytes) -> None:
    _refused(port, [fault + b"\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED), SMUGGLED, LAST])


@pytest.mark.parametrize("fault", HEAD_FAULTS)
def test_a_head_with_other_ends_of_lines_is_refused(port: int, fault: bytes) -> None:
    _refused(port, [b"GET / HTTP/1.1\r\nHost: a\r\n" + fault, SMUGGLED, LAST])


def test_a_broken_request_is_refused_after_the_answers_to_those_before_it(port: int) -> None:
    good = b"GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ada\r\n\r\n"
    broken = POST + b"Transfer-Encoding: chunked\r\n\r\nX\r\n"
    for segments in (
        [good * 3 + broken + LAST],
        [good * 3, broken, LAST],
        [good * 2 + good + broken[:-3], b"X\r\n" + LAST],
    ):
        answers = exchange(port, segments)
        assert [answer.status for answer in answers] == [200, 200, 200, 400]
        assert answers[-1].headers["connection"] == "close"


def test_http_1_0_has_no_chunks_and_no_second_request(port: int) -> None:
    old = POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Connection: keep-alive\r\n"
    _refused(port, [old + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n" + SMUGGLED, LAST])
    content = b"Content-Length: %d\r\n\r\n" % len(ORDER) + ORDER
    assert [answer.status for answer in exchange(port, [old + content + SMUGGLED + LAST])] == [201]


def test_nothing_runs_after_the_last_request(port: int) -> None:
    assert [answer.status for answer in exchange(port, [LAST + SMUGGLED + SMUGGLED])] == [200]


def test_an_answer_without_continue_ends_the_connection(port: int) -> None:
    """The client may send the body all the same, or leave it out: the server can't know."""
    head = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    [answer] = exchange(port, [head, SMUGGLED, LAST])
    assert (answer.status, answer.headers["connection"]) == (404, "close")


def test_an_unread_body_is_skipped(port: int) -> None:
    for method in (b"GET", b"DELETE", b"POST"):
        head = method + b" /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
        assert [answer.status for answer in exchange(port, [head, SMUGGLED, LAST])] == [404, 200]
        assert [answer.status for answer in exchange(port, [head + SMUGGLED + LAST])] == [404, 200]


def test_an_early_refusal_reaches_a_client_that_is_still_sending(port: int) -> None:
    body = b" " * (8 * MOST_BYTES)
    for head in (
        POST + b"Content-Length: %d\r\n\r\n" % len(body),
        POST + b"Transfer-Encoding: chunked\r\n\r\n800000\r\n",
    ):
        [answer] = exchange(port, [head + body])
        assert (answer.status, answer.headers["connection"]) == (413, "close")
    [answer] = exchange(port, [POST + b"Transfer-Encoding: chunked\r\n\r\nX\r\n" + body])
    assert answer.status == 400


def test_an_unread_body_has_an_end(port: int) -> None:
    """The connection is kept for what a client sends anyway, not for as much as it likes."""
    head = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    small, large = b" " * (UNREAD_BYTES // 2), b" " * (8 * UNREAD_BYTES)
    assert [answer.status for answer in exchange(port, [head % len(small), small + LAST])] == [404, 200]
    assert [answer.status for answer in exchange(port, [head % len(large), large + LAST])] == [404]


def test_trailers_are_no_headers(port: int) -> None:
    head = POST.replace(b"Authorization: Bearer ada\r\n", b"") + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"%x\r\n%b\r\n0\r\nAuthorization: Bearer ada\r\n\r\n" % (len(ORDER), ORDER)
    assert [answer.status for answer in exchange(port, [head + chunks + LAST])] == [401, 200]


def test_a_trailer_may_end_the_connection(port: int) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert [answer.status for answer in exchange(port, [head, LAST_CHUNKS, LAST])] == [400]
    early = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert [answer.status for answer in exchange(port, [early, LAST_CHUNKS, LAST])] == [404]


def test_chunks_of_next_to_nothing_but_extensions_are_refused(port: int) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    _refused(port, [head, b"1;" + b"a" * 100_000, b"a" * 100_000 + b"\r\nx\r\n0\r\n\r\n"])
    _refused(port, [head, b"1\r\nx\r\n0\r\nX: " + b"a" * 100_000, b"a" * 100_000 + b"\r\n\r\n"])


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "URI_TOO_LONG"),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "URI_TOO_LONG"),
        (b"GET /" + b"a" * 70_000, 414, "URI_TOO_LONG"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: aaaa\r\n" * 9_000 + b"\r\n", 431, "HEADERS_TOO_LARGE"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000, 431, "HEADERS_TOO_LARGE"),
    ],
)
def test_a_head_that_is_too_long_says_what_is(port: int, head: bytes, status: int, code: str) -> None:
    for segments in (
        [head],
        [head[:9_000], head[9_000:]],
        [head[at : at + 4_000] for at in range(0, len(head), 4_000)],
    ):
        _refused(port, segments, status, code)


def test_a_head_that_begins_with_the_end_of_a_body_is_bounded_too(port: int) -> None:
    first = POST + b"Content-Length: %d\r\n\r\n" % len(ORDER)
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000
    rest = b"a" * 40_000 + b"\r\n\r\n"
    assert [answer.status for answer in exchange(port, [first, ORDER + head, rest])] == [201, 431]


def test_a_long_body_is_no_part_of_the_next_head(port: int) -> None:
    body = b" " * 100_000 + ORDER
    first = POST + b"Content-Length: %d\r\n\r\n" % len(body)
    answers = exchange(port, [first, body + LAST[:10], LAST[10:]])
    assert [answer.status for answer in answers] == [201, 200]


def _refused(port: int, segments: list[bytes], status: int = 400, code: str = "BAD_REQUEST") -> None:
    answers = exchange(port, segments)
    assert [answer.status for answer in answers] == [status]
    assert answers[0].headers["connection"] == "close"
    assert json.loads(answers[0].body)["error"]["code"] == code


@pytest.mark.parametrize("before", [b"/", b"/a", b"/a?", b"/a?b=", b"http://a/", b"http://a", b"http://a/b?", b""])
async def test_a_target_is_read_as_it_stands_or_refused(before: bytes) -> None:
    """What a proxy judges is what the application serves: no character changes the path or cuts it."""
    served = 0
    for byte in range(0x21, 0x7F):
        for after in (b"", b"c", b"/c", b"?c", b"#c", b"@c/d", b":80/d"):
            target = b"%b%c%b" % (before, byte, after)
            read = await read_by_server([b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target])
            assert read.statuses in ([200], [400]), target
            if read.statuses == [200]:
                served += 1
                scheme, authority, path = target.partition(b"://") if b"://" in target else (b"", b"", target)
                if authority:
                    cut = min((path + b"/?").index(end) for end in (b"/", b"?"))
                    path = path[cut:]
                    assert scheme.isalpha()
                # A query without a character is none.
                name, _, query = path.partition(b"?")
                expected = b"%b?%b" % (name, query) if query else name
                assert [message[1] for message in read.messages] == [expected], target
    assert served or not before
