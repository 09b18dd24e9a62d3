"""The five operations, their envelopes, and what goes with them (R1, R3)."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from chassis.http.conditions import etag
from tests.chassis.http.shop import Stage, as_, document


def tag(version: int, body: bytes) -> str:
    return etag(version, body).decode()


BODY = {"status": "placed", "total": "12.50"}


async def test_create_answers_201_with_the_item_its_version_and_its_place(stage: Stage) -> None:
    answer = await stage.client.post("/api/v1/orders", json=BODY)
    assert answer.status_code == 201
    item = answer.json()
    assert item["data"]["total"] == "12.50"
    assert item["meta"] == {}
    assert item["links"] == {"self": f"/api/v1/orders/{item['data']['id']}"}
    assert answer.headers["location"] == item["links"]["self"]
    assert answer.headers["etag"] == tag(1, answer.content)
    assert answer.headers["cache-control"] == "no-store"


async def test_get_answers_the_document_as_it_was_stored(stage: Stage) -> None:
    order = stage.orders.add(note='ü \u2028 " \\')
    answer = await stage.client.get(f"/api/v1/orders/{order.id}")
    assert answer.status_code == 200
    assert document(order).body in answer.content
    assert answer.json()["data"]["note"] == order.note
    assert answer.json()["links"]["self"] == f"/api/v1/orders/{order.id}"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_an_id_may_be_written_in_capitals(stage: Stage) -> None:
    order = stage.orders.add(id=UUID("0190b7a0-0000-7000-8000-abcdefabcdef"))
    assert (await stage.client.get(f"/api/v1/orders/{str(order.id).upper()}")).status_code == 200


async def test_head_is_get_without_the_body(stage: Stage) -> None:
    order = stage.orders.add()
    head = await stage.client.head(f"/api/v1/orders/{order.id}")
    get = await stage.client.get(f"/api/v1/orders/{order.id}")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


async def test_update_replaces_and_raises_the_version(stage: Stage) -> None:
    order = stage.orders.add()
    answer = await stage.client.put(f"/api/v1/orders/{order.id}", json={"status": "paid", "total": "1"})
    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == "paid"
    assert answer.headers["etag"] == tag(2, answer.content)


async def test_delete_answers_nothing(stage: Stage) -> None:
    order = stage.orders.add()
    answer = await stage.client.delete(f"/api/v1/orders/{order.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    assert (await stage.client.delete(f"/api/v1/orders/{order.id}")).status_code == 404


async def test_a_post_may_carry_an_idempotency_key(stage: Stage) -> None:
    key = "0190163d-8694-739b-aea5-966c26f8ad91"
    await stage.client.post("/api/v1/orders", json=BODY, headers={"idempotency-key": key})
    await stage.client.post("/api/v1/orders", json=BODY)
    assert [call.idempotency_key for call in stage.orders.calls] == [UUID(key), None]


async def test_a_handler_that_finds_nothing_is_404(stage: Stage) -> None:
    answer = await stage.client.get("/api/v1/orders/0190b7a0-0000-7000-8000-000000000001")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "Not found", "details": []}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ('"7", W/{tag}', 304),
        ("*", 304),
        ('"1"', 200),
        ('"1-00000000"', 200),
        ('"2"', 200),
        ("1", 200),
        ('"1', 200),
        ("", 200),
    ],
)
async def test_a_get_of_what_the_client_has_is_304(stage: Stage, given: str, expected: int) -> None:
    order = stage.orders.add()
    known = (await stage.client.get(f"/api/v1/orders/{order.id}")).headers["etag"]
    headers = {"if-none-match": given.replace("{tag}", known)}
    answer = await stage.client.get(f"/api/v1/orders/{order.id}", headers=headers)
    assert answer.status_code == expected
    assert answer.headers["etag"] == known
    if expected == 304:
        assert answer.content == b""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"1"', 200),
        ('"1-1a2b3c4d"', 200),
        ("*", 200),
        ('"1", "2"', 200),
        ('W/"7", "3-1a2b3c4d","1"', 200),
        ('"2", "3"', 412),
        ('"2"', 412),
        ('W/"1"', 412),
        ('"somebody-else"', 412),
        ('"99999999999"', 412),
        (", ".join(f'"{version}"' for version in range(1, 20)), 400),
        ('"1" "2"', 400),
        ("1", 400),
        ("", 400),
    ],
)
async def test_a_put_may_insist_on_a_version(stage: Stage, given: str, expected: int) -> None:
    order = stage.orders.add()
    answer = await stage.client.put(f"/api/v1/orders/{order.id}", json=BODY, headers={"if-match": given})
    assert answer.status_code == expected
    assert stage.orders.rows[order.id].version == (2 if expected == 200 else 1)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_change_of_what_must_not_be_there_changes_nothing(stage: Stage, method: str) -> None:
    order = stage.orders.add()

    async def status(path: str, given: str) -> int:
        body = BODY if method == "PUT" else None
        return (await stage.client.request(method, path, json=body, headers={"if-none-match": given})).status_code

    assert await status(f"/api/v1/orders/{order.id}", "*") == 412
    assert await status("/api/v1/orders/0190b7a0-0000-7000-8000-000000000001", "*") == 404
    assert await status(f"/api/v1/orders/{order.id}", '"2"') == 400
    assert stage.orders.rows[order.id] == order


async def test_another_releases_representation_is_not_the_one_that_the_client_has(stage: Stage) -> None:
    order = stage.orders.add()
    path = f"/api/v1/orders/{order.id}"
    known = (await stage.client.get(path)).headers["etag"]
    stored = document(order)
    stage.peeks[order.id] = msgspec.structs.replace(stored, body=stored.body.replace(b"{", b'{"new": 1, ', 1))
    answer = await stage.client.get(path, headers={"if-none-match": known})
    assert answer.status_code == 200
    assert answer.json()["data"]["new"] == 1
    assert answer.headers["etag"] != known


async def test_the_owner_of_what_is_created_is_the_caller(stage: Stage) -> None:
    answer = await stage.client.post("/api/v1/orders", json=BODY, headers=as_("anna"))
    assert answer.json()["data"]["customer_id"] == "anna"


async def test_an_update_without_the_owner_leaves_that_to_the_handler(stage: Stage) -> None:
    order = stage.orders.add(customer_id="anna")
    await stage.client.put(f"/api/v1/orders/{order.id}", json=BODY)
    assert stage.orders.calls[-1].body.customer_id is None
    assert stage.orders.rows[order.id].customer_id == "anna"
