"""What happens on the connection itself, behind the real server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from chassis.http.bodies import MOST_BYTES
from tests.chassis.http.served import served
from tests.chassis.http.shop import Stage

stage = Stage()
order = stage.orders.add()
BODY = b'{"status": "placed", "total": "1"}'
HEAD = b"Host: shop\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(stage) as found:
        yield found


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")

    def ask(self, data: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        self.socket.sendall(data)
        return self.answer(method)

    def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        status = int(self.stream.readline().split()[1])
        headers = {}
        while (line := self.stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name] = value
        length = 0 if method == "HEAD" or status in (204, 304) else int(headers["content-length"])
        return status, headers, self.stream.read(length)

    def ended(self) -> bool:
        """Whether the server has closed it; waits until then."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@pytest.fixture
def connection(port: int) -> Iterator[Connection]:
    found = Connection(port)
    yield found
    found.close()


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n".encode() + HEAD + b"\r\n"


def test_a_connection_serves_many_requests_of_all_kinds(connection: Connection) -> None:
    path = f"/api/v1/orders/{order.id}"
    for method, wanted, status in [
        ("GET", path, 200),
        ("HEAD", path, 200),
        ("GET", "/nowhere", 404),
        ("HEAD", "/nowhere", 404),
        ("PATCH", path, 405),
        ("GET", "/api/v1/orders?x=1", 400),
        ("POST", "/api/v1/orders", 400),
        ("GET", path, 200),
    ]:
        assert connection.ask(get(wanted, method), method)[0] == status
    tag = connection.ask(get(path))[1]["etag"].encode()
    assert connection.ask(get(path).replace(b"\r\n\r\n", b"\r\nIf-None-Match: " + tag + b"\r\n\r\n"))[0] == 304
    assert connection.ask(get(path))[0] == 200


def test_requests_that_are_sent_at_once_are_answered_in_their_order(connection: Connection) -> None:
    connection.socket.sendall(get(f"/api/v1/orders/{order.id}") + get("/nowhere") + get("/api/v1/orders"))
    assert [connection.answer()[0] for _ in range(3)] == [200, 404, 200]


def test_a_body_in_chunks_is_a_body(connection: Connection) -> None:
    head = b"POST /api/v1/orders HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    status, headers, body = connection.ask(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), "POST")
    assert status == 201
    assert headers["location"] == json.loads(body)["links"]["self"]


def test_a_body_that_is_too_large_ends_the_connection(connection: Connection) -> None:
    head = b"POST /api/v1/orders HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BYTES + 1)
    status, headers, body = connection.ask(head, "POST")
    assert status == 413
    assert headers["connection"] == "close"
    assert json.loads(body)["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert connection.ended()


def test_chunks_without_end_are_cut_off(connection: Connection) -> None:
    connection.socket.sendall(b"POST /api/v1/orders HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    sent = 0
    try:
        while sent < 4 * MOST_BYTES:
            connection.socket.sendall(chunk)
            sent += 65_536
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert sent < 4 * MOST_BYTES or connection.answer("POST")[0] == 413


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /api/v1/orders HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\x00: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_400_and_the_end(connection: Connection, data: bytes) -> None:
    status, headers, body = connection.ask(data)
    assert status == 400
    assert headers["content-type"] == "application/json"
    assert json.loads(body).keys() == {"error"}
    assert connection.ended()


def test_a_client_may_leave_at_any_time(port: int) -> None:
    for data in (
        b"",
        b"GET ",
        get("/api/v1/orders")[:-1],
        get("/api/v1/orders"),
        b"POST /api/v1/orders HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\n{",
    ):
        connection = Connection(port)
        connection.socket.sendall(data)
        connection.close()
    connection = Connection(port)
    assert connection.ask(get("/api/v1/orders"))[0] == 200
    connection.close()


def test_while_a_process_drains_it_lets_connections_go() -> None:
    draining = Stage()
    with served(draining) as port:
        connection = Connection(port)
        assert "connection" not in connection.ask(get("/api/v1/orders"))[1]
        draining.health.drain()
        status, headers, _ = connection.ask(get("/api/v1/orders"))
        assert (status, headers["connection"]) == (200, "close")
        assert connection.ended()
        connection.close()
