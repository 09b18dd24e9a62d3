"""Who may do what (S3, S4): deny by default, own rows, scopes; refusals are audited."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import msgspec
import pytest

from chassis.tests.http.shop import NOW, Stage, as_, document
from groundplan_chassis.access import Access
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.fields import Timestamp
from groundplan_chassis.http.operations import Call, Operation, ResourceApi

BODY = {"status": "placed", "total": "12.50"}


def denials(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [
        {name: record.__dict__[name] for name in ("subject", "operation", "reason")}
        for record in caplog.records
        if record.__dict__.get("event") == "access_denied"
    ]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "ada",
        "Bearer",
        "Bearer ",
        "Basic YWRhOmFkYQ==",
        "Bearer\tada",
        "bearer stranger",
        "Bearer new-stranger",
        "Bearer ada ada",
        "Bearer ad\u00e4",
        "Bearer " + "a" * 10_000,
    ],
)
async def test_requests_without_a_valid_token_are_refused(stage: Stage, header: str | None) -> None:
    stage.client.headers.pop("authorization")
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    answer = await stage.client.get("/api/v1/orders", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert stage.orders.calls == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(stage: Stage, scheme: str) -> None:
    answer = await stage.client.get("/api/v1/orders", headers={"authorization": f"{scheme} ada"})
    assert answer.status_code == 200


async def test_a_token_that_isnt_remembered_is_verified(stage: Stage) -> None:
    order = stage.orders.add(customer_id="anna")
    assert (await stage.client.get(f"/api/v1/orders/{order.id}", headers=as_("new-anna"))).status_code == 200
    assert stage.tokens.verified == ["new-anna"]


async def test_a_role_that_no_grant_names_is_refused_and_audited(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await stage.client.get("/api/v1/orders", headers=as_("eve"))
    assert answer.status_code == 403
    assert answer.json()["error"] == {"code": "FORBIDDEN", "message": "Not allowed", "details": []}
    assert denials(caplog) == [{"subject": "eve", "operation": "GET /api/v1/orders", "reason": "Not allowed"}]


@pytest.mark.parametrize(
    ("token", "method", "expected"),
    [("reader", "GET", 200), ("reader", "POST", 403), ("scopeless", "GET", 403), ("scopeless", "POST", 403)],
)
async def test_a_token_is_good_for_what_it_was_given_for(stage: Stage, token: str, method: str, expected: int) -> None:
    answer = await stage.client.request(method, "/api/v1/orders", headers=as_(token))
    assert answer.status_code == expected


async def test_another_owners_row_is_as_if_it_werent_there(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    order = stage.orders.add(customer_id="anna")
    path = f"/api/v1/orders/{order.id}"
    absent = "/api/v1/orders/0190b7a0-0000-7000-8000-ffffffffffff"
    for method, content in [("GET", None), ("PUT", BODY)]:
        others = await stage.client.request(method, path, json=content, headers=as_("ben"))
        nobodys = await stage.client.request(method, absent, json=content, headers=as_("ben"))
        assert others.status_code == nobodys.status_code == 404
        assert others.content == nobodys.content
    assert [each["reason"] for each in denials(caplog)] == ["not the owner"] * 2
    assert (await stage.client.get(path, headers=as_("anna"))).status_code == 200
    assert (await stage.client.get(path, headers=as_("ada"))).status_code == 200


async def test_another_owners_row_is_hidden_in_the_cache_too(stage: Stage) -> None:
    order = stage.orders.add(customer_id="anna")
    answer = await stage.client.get(f"/api/v1/orders/{order.id}", headers=as_("anna"))
    stage.cached[order.id] = document(order)
    others = await stage.client.get(
        f"/api/v1/orders/{order.id}", headers=as_("ben") | {"if-none-match": answer.headers["etag"]}
    )
    assert others.status_code == 404


async def test_a_list_holds_own_rows_alone(stage: Stage) -> None:
    stage.orders.add(customer_id="anna")
    stage.orders.add(customer_id="ben")
    mine = (await stage.client.get("/api/v1/orders", headers=as_("anna"))).json()
    assert [item["customer_id"] for item in mine["data"]] == ["anna"]
    assert stage.orders.calls[-1].query.owner == "anna"
    every = (await stage.client.get("/api/v1/orders")).json()
    assert len(every["data"]) == 2
    # Asking for another's rows by filter finds none.
    others = (await stage.client.get("/api/v1/orders?customer_id=ben", headers=as_("anna"))).json()
    assert others["data"] == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_caller_can_not_give_rows_to_others(
    stage: Stage, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    order = stage.orders.add(customer_id="anna")
    path = "/api/v1/orders" if method == "POST" else f"/api/v1/orders/{order.id}"
    answer = await stage.client.request(method, path, json={**BODY, "customer_id": "ben"}, headers=as_("anna"))
    assert answer.status_code == 403
    assert len(denials(caplog)) == 1
    nobodys = await stage.client.request(method, path, json={**BODY, "customer_id": ""}, headers=as_("anna"))
    assert nobodys.status_code == 403
    own = await stage.client.request(method, path, json={**BODY, "customer_id": "anna"}, headers=as_("anna"))
    assert own.status_code in (200, 201)


async def test_who_may_touch_all_rows_may_give_them_to_others(stage: Stage) -> None:
    answer = await stage.client.post("/api/v1/orders", json={**BODY, "customer_id": "ben"})
    assert answer.json()["data"]["customer_id"] == "ben"


async def test_an_owner_may_be_of_another_type_than_string() -> None:
    class Owned(msgspec.Struct, frozen=True):
        name: str
        owner: UUID | None = None

    class Item(Owned, frozen=True, kw_only=True):
        id: UUID

    seen: list[object] = []

    async def create(call: Call) -> Document:
        seen.append(call.body.owner)
        return Document(UUID(int=1), 1, str(call.body.owner), NOW, b"{}")

    resource = ResourceApi(name="thing", path="/api/v1/things", body=Owned, item=Item, owner="owner")
    operation = Operation(kind="create", resource=resource, handler=create, access=Access.of("customer:own"))
    subject = "0190163d-8694-739b-aea5-966c26f8ad91"
    stage = Stage(operations=[operation])
    stage.tokens.callers["uuid"] = msgspec.structs.replace(stage.tokens.callers["anna"], subject=subject)
    for content, status in [
        ({"name": "a"}, 201),
        ({"name": "a", "owner": subject.upper()}, 201),
        ({"name": "a", "owner": str(UUID(int=2))}, 403),
    ]:
        answer = await stage.client.post("/api/v1/things", json=content, headers=as_("uuid"))
        assert answer.status_code == status
    assert seen == [UUID(subject)] * 2
    # Whose subject is no UUID can own none of these.
    assert (await stage.client.post("/api/v1/things", json={"name": "a"}, headers=as_("anna"))).status_code == 403


async def test_no_row_is_of_a_subject_that_can_own_none() -> None:
    """Tokens of machines have no UUID for a subject: their own rows are none, and no mistake of a request."""

    class Owned(msgspec.Struct, frozen=True):
        owner: UUID

    class Item(Owned, frozen=True, kw_only=True):
        id: UUID
        created_at: Timestamp
        updated_at: Timestamp

    asked: list[str | None] = []

    async def find(call: Call) -> Page:
        asked.append(call.query.owner)
        return Page((), 0)

    resource = ResourceApi(name="thing", path="/api/v1/things", body=Owned, item=Item, owner="owner")
    operation = Operation(kind="list", resource=resource, handler=find, access=Access.of("customer:own", "admin"))
    subject = "0190163d-8694-739b-aea5-966c26f8ad91"
    stage = Stage(operations=[operation])
    stage.tokens.callers["uuid"] = msgspec.structs.replace(stage.tokens.callers["anna"], subject=subject)
    for who in ("anna", "uuid"):
        answer = await stage.client.get("/api/v1/things", headers=as_(who))
        assert (answer.status_code, answer.json()["data"], answer.json()["meta"]["total"]) == (200, [], 0)
        # What is wrong in the request is told all the same.
        assert (await stage.client.get("/api/v1/things?limit=0", headers=as_(who))).status_code == 400
    assert asked == [subject]


async def test_anyone_needs_no_token(stage: Stage) -> None:
    stage.client.headers.pop("authorization")
    assert (await stage.client.get("/api/v1/offers")).status_code == 200
    assert stage.orders.calls[-1].query.owner is None
    # A token that is given is looked at all the same.
    assert (await stage.client.get("/api/v1/offers", headers=as_("stranger"))).status_code == 401


async def test_tokens_reach_no_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await stage.client.get("/api/v1/orders", headers=as_("eyJhbGciOi.secret.part"))
    assert "secret" not in caplog.text + str(stage.lines)
