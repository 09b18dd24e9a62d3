"""Every refusal is in the error envelope (R4), and tells nobody more than they may know."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

from chassis.http import app as app_module
from chassis.http.errors import Conflict, Detail, Unavailable
from tests.chassis.http.shop import Stage, Verdict, as_

ORDER = "/api/v1/orders/0190b7a0-0000-7000-8000-000000000001"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error; fails where the answer is not in its envelope."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert content.keys() == {"error"}
    assert content["error"].keys() == {"code", "message", "details"}
    for detail in content["error"]["details"]:
        assert detail.keys() == {"field", "message"}
    found: dict[str, Any] = content["error"]
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v1/orders/",
        "/api/v1/order",
        "/api/v2/orders",
        "/api/v1/orders/17",
        "/api/v1/orders/0190b7a0000070008000000000000001",
        "/api/v1/orders/0190b7a0-0000-7000-8000-00000000000g",
        "/api/v1/orders/0190b7a0-0000-7000-8000-000000000001/lines",
        "/api/v1/orders/0190b7a0-0000-7000-8000-000000000001%0a",
        "/api/v1/orders/..%2f..%2fetc%2fpasswd",
        "/api/v1/orders%00",
        "//api/v1/orders",
        "/API/V1/ORDERS",
        "/api/v1/offers/0190b7a0-0000-7000-8000-000000000001",
    ],
)
async def test_what_isnt_there_is_404(stage: Stage, path: str) -> None:
    answer = await stage.client.get(path)
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/api/v1/orders", "GET, HEAD, POST"),
        ("OPTIONS", "/api/v1/orders", "GET, HEAD, POST"),
        ("TRACE", ORDER, "DELETE, GET, HEAD, PUT"),
        ("POST", ORDER, "DELETE, GET, HEAD, PUT"),
        ("PUT", "/api/v1/offers", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_lacks_is_405_with_those_that_it_has(
    stage: Stage, method: str, path: str, allow: str
) -> None:
    answer = await stage.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert error_of(answer)["code"] == "METHOD_NOT_ALLOWED"


async def test_methods_are_told_apart_by_case(stage: Stage) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    # httpx writes methods in capitals, whatever it is given.
    scope: dict[str, Any] = {
        "type": "http",
        "method": "get",
        "path": "/api/v1/orders",
        "headers": [],
        "query_string": b"",
        "client": None,
    }
    await stage.app(scope, _nothing, send)
    assert sent[0]["status"] == 405


async def _nothing() -> Any:
    return {"type": "http.request"}


async def test_what_nobody_expected_is_500_and_told_to_the_log_alone(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_call: object) -> None:
        raise RuntimeError("the password is hunter2")

    stage.orders.get = fail  # type: ignore[method-assign, assignment]
    broken = Stage(orders=stage.orders)
    answer = await broken.client.get(ORDER)
    assert answer.status_code == 500
    assert error_of(answer) == {"code": "INTERNAL_ERROR", "message": "Something went wrong", "details": []}
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.__dict__["operation"] == "GET /api/v1/orders/{id}"


async def test_what_a_handler_refuses_is_answered_with_its_details(stage: Stage) -> None:
    async def refuse(_call: object) -> None:
        raise Conflict("Taken", [Detail("email", "is in use")])

    stage.orders.get = refuse  # type: ignore[method-assign, assignment]
    answer = await Stage(orders=stage.orders).client.get(ORDER)
    assert answer.status_code == 409
    assert error_of(answer) == {
        "code": "CONFLICT",
        "message": "Taken",
        "details": [{"field": "email", "message": "is in use"}],
    }


async def test_what_is_away_is_503_with_the_time_to_wait(stage: Stage) -> None:
    async def away(_call: object) -> None:
        raise Unavailable(retry_after=3)

    stage.orders.get = away  # type: ignore[method-assign, assignment]
    answer = await Stage(orders=stage.orders).client.get(ORDER)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "3"
    assert error_of(answer)["code"] == "SERVICE_UNAVAILABLE"


async def test_a_handler_that_takes_too_long_is_503(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_call: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(app_module, "DEADLINE_SECONDS", 0.01)
    stage.orders.get = sleep  # type: ignore[method-assign, assignment]
    answer = await Stage(orders=stage.orders).client.get(ORDER)
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "SERVICE_UNAVAILABLE"


async def test_a_time_out_inside_a_handler_is_no_deadline_of_ours(stage: Stage) -> None:
    async def fail(_call: object) -> None:
        raise TimeoutError

    stage.orders.get = fail  # type: ignore[method-assign, assignment]
    assert (await Stage(orders=stage.orders).client.get(ORDER)).status_code == 500


async def test_every_answer_carries_the_same_headers(stage: Stage) -> None:
    order = stage.orders.add()
    answers = [
        await stage.client.get(f"/api/v1/orders/{order.id}"),
        await stage.client.get("/api/v1/orders"),
        await stage.client.get("/nowhere"),
        await stage.client.post("/api/v1/orders", content=b"{"),
        await stage.client.get(f"/api/v1/orders/{order.id}", headers={"if-none-match": "*"}),
        await stage.client.delete(f"/api/v1/orders/{order.id}"),
        await stage.client.get("/api/v1/orders", headers=as_("nobody")),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 415, 304, 204, 401]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["ratelimit-policy"] == '"client";q=100;w=60'
        assert answer.headers["ratelimit"] == '"client";r=99;t=1'
        assert answer.headers["x-request-id"]
        assert "connection" not in answer.headers


async def test_while_a_process_drains_connections_end_with_their_answer(stage: Stage) -> None:
    stage.health.drain()
    assert (await stage.client.get("/api/v1/orders")).headers["connection"] == "close"


async def test_the_verdict_of_the_rate_limit_comes_before_everything_else(stage: Stage) -> None:
    stage.limiter.verdict = Verdict(allowed=False, remaining=0, reset_seconds=60, retry_after=7)
    requests = [
        ("GET", ORDER, as_("ada")),
        ("GET", "/nowhere", {}),
        ("GET", ORDER, as_("new-stranger")),
        ("GET", ORDER, as_("eve")),
        ("POST", "/api/v1/orders", as_("ada")),
    ]
    for method, path, headers in requests:
        answer = await stage.client.request(method, path, headers=headers)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["ratelimit"] == '"client";r=0;t=60'
        assert error_of(answer) == {"code": "RATE_LIMITED", "message": "Too many requests", "details": []}
    assert stage.orders.calls == []
    assert stage.tokens.verified == []


async def test_websockets_are_refused_and_lifespan_has_nothing_to_do(stage: Stage) -> None:
    sent: list[Any] = []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": next(events)}

    await stage.app({"type": "lifespan"}, receive, send)
    await stage.app({"type": "websocket"}, _nothing, send)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
        "websocket.close",
    ]


async def test_one_line_and_one_measurement_of_each_answer(stage: Stage) -> None:
    answer = await stage.client.get("/api/v1/orders?secret=hunter2", headers={"x-request-id": "trace-1"})
    assert answer.headers["x-request-id"] == "trace-1"
    (line,) = [json.loads(each) for each in stage.lines]
    assert line["route"] == "/api/v1/orders"
    assert line["status"] == 400
    assert line["correlation_id"] == "trace-1"
    assert "hunter2" not in str(stage.lines)
