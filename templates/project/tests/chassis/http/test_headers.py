"""Headers that mean to trick: repeated, contradicting, malformed, meant for a log."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.chassis.http.shop import Stage, as_
from tests.chassis.http.test_errors import error_of

BODY = json.dumps({"status": "placed", "total": "1"})


@pytest.mark.parametrize("given", ["Root=1-67891233-abcdef012345678912345678", "a", "A.b_c-d=e+f/g", "x" * 72])
async def test_the_gateways_request_id_goes_through(stage: Stage, given: str) -> None:
    assert (await stage.client.get("/nowhere", headers={"x-request-id": given})).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b" ",
        b"x" * 73,
        b"a b",
        b'a","level":"error","message":"forged',
        b"a\nlevel=error",
        b"a\r\nset-cookie: a=b",
        b"\x1b[31mred",
        b"\xff\xfe",
        "\u202e".encode(),
        b"${jndi:ldap://x}",
        b"%0d%0a",
    ],
)
async def test_any_other_is_replaced(stage: Stage, given: bytes) -> None:
    answer = await stage.client.get("/nowhere", headers=[(b"x-request-id", given)])
    assert uuid.UUID(answer.headers["x-request-id"]).version == 4
    assert "set-cookie" not in answer.headers
    for line in stage.lines:
        assert json.loads(line)["correlation_id"] == answer.headers["x-request-id"]


def test_new_request_ids_are_uuids_and_differ() -> None:
    from chassis.http.headers import request_id

    found = {request_id(None) for _ in range(1000)}
    assert len(found) == 1000
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in found} == {(4, uuid.RFC_4122)}


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "content-type", "x-request-id", "x-viewer-ip"])
async def test_a_header_that_comes_twice_is_refused(stage: Stage, name: str) -> None:
    stage.client.headers.pop("authorization")
    order = stage.orders.add()
    headers = {
        "authorization": "Bearer ada",
        "content-type": "application/json",
        "if-match": '"1"',
        "idempotency-key": str(uuid.uuid4()),
        "x-request-id": "a",
        "x-viewer-ip": "192.0.2.1",
    }
    twice = [*headers.items(), (name.title(), headers[name])]
    answer = await stage.client.put(f"/api/v1/orders/{order.id}", content=BODY, headers=twice)
    assert answer.status_code == 400
    assert error_of(answer)["details"] == [{"field": name, "message": "Given more than once"}]
    assert stage.orders.calls == []


async def test_lists_may_come_in_several_lines(stage: Stage) -> None:
    order = stage.orders.add()
    known = (await stage.client.get(f"/api/v1/orders/{order.id}")).headers["etag"]
    stage.limiter.keys.clear()
    headers = [("if-none-match", '"7"'), ("if-none-match", known), ("x-forwarded-for", "a"), ("x-forwarded-for", "b")]
    assert (await stage.client.get(f"/api/v1/orders/{order.id}", headers=headers)).status_code == 304
    assert stage.limiter.keys == ["a,b"]


@pytest.mark.parametrize(
    "key", ["", "1", "0190163d8694739baea5966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad91 x", "\u00fc", "'; --"]
)
async def test_an_idempotency_key_is_a_uuid(stage: Stage, key: str) -> None:
    answer = await stage.client.post(
        "/api/v1/orders",
        content=BODY,
        headers=[(b"content-type", b"application/json"), (b"idempotency-key", key.encode("latin-1"))],
    )
    assert answer.status_code == 400
    assert [each["field"] for each in error_of(answer)["details"]] == ["Idempotency-Key"]
    assert stage.orders.calls == []


async def test_tricks_with_methods_and_paths_in_headers_do_nothing(stage: Stage) -> None:
    order = stage.orders.add()
    headers = {
        **as_("anna"),
        "x-http-method-override": "DELETE",
        "x-original-url": "/api/v1/offers",
        "x-rewrite-url": "/admin",
        "x-forwarded-host": "evil.example",
        "x-forwarded-prefix": "/evil",
        "host": "evil.example",
        "forwarded": "for=127.0.0.1;host=evil.example",
        "transfer-encoding": "identity",
        "cookie": "authorization=Bearer ada",
    }
    answer = await stage.client.get(f"/api/v1/orders/{order.id}", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["links"]["self"] == f"/api/v1/orders/{order.id}"
    assert "evil" not in answer.text
    assert order.id in stage.orders.rows


async def test_the_rate_limit_goes_by_the_address_that_the_edge_has_seen(stage: Stage) -> None:
    await stage.client.get("/api/v1/orders", headers={"x-viewer-ip": "192.0.2.1", "x-forwarded-for": "192.0.2.9"})
    assert stage.limiter.keys == ["192.0.2.1"]


async def test_many_and_long_headers_are_nothing_special(stage: Stage) -> None:
    headers = {f"x-{number}": "y" * 500 for number in range(200)}
    assert (await stage.client.get("/api/v1/orders", headers=headers)).status_code == 200
