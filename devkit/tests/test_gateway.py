"""The gateway's stand-in: which service answers, and what is said for whom."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.tests.http.framing import CHUNK_FAULTS, FRAMING_FAULTS
from chassis.tests.http.sockets import ACCEPTED, SMUGGLED, exchange
from devkit.tests.conftest import SHOP, shop
from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.program.routes import public_resources
from groundplan_components.gateway._responses import RESPONSES
from groundplan_devkit.dev.gateway import LARGEST_BODY, Gateway, listening, refusal
from groundplan_devkit.ports import free_port
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import local_stack

LAST = b"GET /api/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def echo(request: Request) -> Response:
    """What a service was asked."""
    if request.url.path.endswith("/304"):
        return Response(status_code=304, headers={"etag": '"7"'})
    if request.url.path.endswith("/slow"):
        raise httpx.ReadTimeout("slow")
    body = await request.body()
    return JSONResponse(
        {
            "at": request.url.netloc,
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode()] for name, value in request.headers.raw],
            "body": body.decode(),
        },
        headers={"etag": '"1"'},
    )


def gateway(system: System) -> Gateway:
    planned = plan(system, local_stack())
    services = httpx.ASGITransport(
        app=Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "DELETE"])])
    )
    addresses = {workload.name: f"http://{workload.name}" for workload in planned.workloads}
    return Gateway(public_resources(system, planned), addresses, client=httpx.AsyncClient(transport=services))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=gateway(shop()).app(), client=("127.0.0.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as found:
        yield found


def headers_of(answer: httpx.Response, name: str) -> list[str]:
    return [value for key, value in answer.json()["headers"] if key == name]


@pytest.mark.parametrize(
    ("method", "path", "workload"),
    [
        ("GET", "/api/v1/orders", "order-query"),
        ("GET", "/api/v1/orders/1", "order-query"),
        ("POST", "/api/v1/orders", "order-command"),
        ("PUT", "/api/v1/orders/1", "order-command"),
        ("DELETE", "/api/v1/orders/1", "order-command"),
        ("GET", "/api/v1/payments", "card-payment-api"),
        ("POST", "/api/v1/payments", "card-payment-api"),
    ],
)
async def test_reads_and_writes_go_where_they_are_answered(
    client: httpx.AsyncClient, method: str, path: str, workload: str
) -> None:
    answer = await client.request(method, path)
    assert answer.json()["at"] == workload
    assert answer.json()["method"] == method


async def test_what_a_client_says_of_itself_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/orders", headers={"x-viewer-ip": "6.6.6.6", "x-request-id": "mine"})
    assert headers_of(answer, "x-viewer-ip") == ["127.0.0.1"]
    [request_id] = headers_of(answer, "x-request-id")
    assert request_id != "mine"
    other = await client.get("/api/v1/orders")
    assert headers_of(other, "x-request-id") != [request_id]


async def test_everything_else_arrives_as_it_was_sent(client: httpx.AsyncClient) -> None:
    body = json.dumps({"total": "1.50"})
    answer = await client.post(
        "/api/v1/orders/a%2Fb?sort=-status&filter=%C3%A4+b",
        content=body,
        headers={"authorization": "Bearer t", "idempotency-key": "k", "content-type": "application/json"},
    )
    answered: dict[str, Any] = answer.json()
    assert answered["path"] == "/api/v1/orders/a%2Fb"
    assert answered["query"] == "sort=-status&filter=%C3%A4+b"
    assert answered["body"] == body
    assert headers_of(answer, "authorization") == ["Bearer t"]
    assert headers_of(answer, "idempotency-key") == ["k"]
    assert headers_of(answer, "content-length") == [str(len(body))]
    assert answer.headers["etag"] == '"1"'


async def test_not_modified_has_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/orders/304")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"7"')


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/ordersx", "/api/v1/nothing", "/api/v2/orders", "/health/live"]
)
async def test_other_paths_are_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "Not found", "details": []}}


async def test_an_internal_service_has_no_way_in() -> None:
    declared = {**SHOP["services"]["card-payment"], "exposure": "internal"}
    system = System.model_validate({**SHOP, "services": {**SHOP["services"], "card-payment": declared}})
    transport = httpx.ASGITransport(app=gateway(system).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/api/v1/payments")).status_code == 404
        assert (await client.get("/api/v1/orders")).status_code == 200


async def test_the_health_of_the_way_is_not_the_services(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/health")).status_code == 200


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/orders", content=b"x" * (LARGEST_BODY + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_service_that_does_not_answer_in_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/orders/slow")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "GATEWAY_TIMEOUT")


async def test_a_service_that_is_away() -> None:
    system = shop()
    planned = plan(system, local_stack())
    # Port 9 (discard) of this machine has no listener.
    away = Gateway(public_resources(system, planned), {each.name: "http://127.0.0.1:9" for each in planned.workloads})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away.app()), base_url="http://gateway") as client:
        answer = await client.get("/api/v1/orders")
    await away.client.aclose()
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "BAD_GATEWAY")


def test_refusals_are_worded_as_the_gateways() -> None:
    worded = {(code, message) for _, code, message in RESPONSES.values()}
    assert {
        ("NOT_FOUND", "Not found"),
        ("PAYLOAD_TOO_LARGE", "The body is too large"),
        ("GATEWAY_TIMEOUT", "The service did not answer in time"),
        ("BAD_GATEWAY", "The service could not be reached"),
    } <= worded
    assert json.loads(bytes(refusal(404, "NOT_FOUND", "Not found").body))["error"]["details"] == []


@pytest.mark.parametrize("head", [*ACCEPTED, b""])
async def test_a_body_stays_a_body_with_any_requested_upgrade(head: bytes) -> None:
    port = free_port()
    post = b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\n" + head
    length = b"Content-Length: %d\r\n\r\n" % len(SMUGGLED)
    chunks = b"Transfer-Encoding: chunked\r\n\r\n"
    async with listening(gateway(shop()), port):
        for segments in (
            [post + length, SMUGGLED],
            [post + length + SMUGGLED],
            [post + chunks, b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)],
        ):
            first, last = await asyncio.to_thread(exchange, port, [*segments, LAST])
            answered = json.loads(first.body)
            assert (answered["method"], answered["path"], answered["body"]) == (
                "POST",
                "/api/v1/orders",
                SMUGGLED.decode(),
            )
            assert {name for name, _ in answered["headers"]}.isdisjoint({"upgrade", "http2-settings"})
            assert last.status == 200


@pytest.mark.parametrize(
    "fault", [*FRAMING_FAULTS, *(b"Transfer-Encoding: chunked\r\n\r\n" + each for each in CHUNK_FAULTS)]
)
async def test_a_body_without_one_end_never_becomes_a_request(fault: bytes) -> None:
    port = free_port()
    head = b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\n" + fault.replace(b"%d", b"%d" % len(SMUGGLED)) + b"\r\n\r\n"
    async with listening(gateway(shop()), port):
        answers = await asyncio.to_thread(exchange, port, [head, b"0\r\n\r\n" + SMUGGLED, LAST])
    # A header of another name frames nothing: what follows is no request either.
    expected = [200, 400] if fault.startswith(b"Transfer_") else [400]
    assert [answer.status for answer in answers] == expected
    assert answers[-1].headers["connection"] == "close"
    assert json.loads(answers[-1].body)["error"]["code"] == "BAD_REQUEST"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_posts_while_it_asks_for_http_2() -> None:
    port = free_port()
    async with listening(gateway(shop()), port):
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--max-time", "10", "--http2", "--data", "total=1"),
            f"http://127.0.0.1:{port}/api/v1/orders",
            stdout=asyncio.subprocess.PIPE,
        )
        answered, _ = await curl.communicate()
    assert json.loads(answered)["body"] == "total=1"


async def test_headers_of_one_connection_go_no_further(client: httpx.AsyncClient) -> None:
    headers = {"connection": "keep-alive, X-Hop", "x-hop": "1", "expect": "100-continue", "x-kept": "1"}
    answer = await client.get("/api/v1/orders", headers=headers)
    assert [headers_of(answer, name) for name in ("x-hop", "expect", "x-kept")] == [[], [], ["1"]]


async def test_it_listens_on_this_machine_and_lets_go_of_its_port() -> None:
    port = free_port()
    for _ in range(2):
        async with listening(gateway(shop()), port), httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/api/v1/orders")).json()["at"] == "order-query"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Unavailable, match="in use"):
        async with listening(gateway(shop()), port):
            pass
