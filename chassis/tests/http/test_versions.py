"""An earlier version of an API is answered by the same handlers, and says when it ends (R1, RFC 9745, RFC 8594)."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import warnings
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from openapi_spec_validator import validate

from chassis.tests.http.shop import ORDERS, Order, OrderBody, Orders, Stage, Status, as_, document
from groundplan_chassis.access import Access
from groundplan_chassis.authority import FieldAuthority, FieldRule
from groundplan_chassis.documents import Document
from groundplan_chassis.fields import Timestamp
from groundplan_chassis.http.lifetimes import Deprecation
from groundplan_chassis.http.openapi import openapi_document
from groundplan_chassis.http.operations import Call, Operation
from groundplan_chassis.http.versions import EarlierVersion

DEPRECATED = Deprecation(
    since=datetime.date(2026, 12, 1), sunset=datetime.date(2027, 6, 1), link="https://shop.example.com/v2"
)


class OrderV1Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    amount: Annotated[Decimal, msgspec.Meta(extra={"scale": 2, "minimum": 0, "maximum": 1_000_000})]
    status: Status
    customer_id: str | None = None
    remark: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class OrderV1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: UUID
    amount: Annotated[Decimal, msgspec.Meta(extra={"scale": 2, "minimum": 0, "maximum": 1_000_000})]
    status: Status
    customer_id: str
    remark: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp


def newest(body: OrderV1Body, before: Order | None) -> OrderBody:
    return OrderBody(
        status=body.status,
        total=body.amount,
        customer_id=body.customer_id,
        note=before.note if before else None,
        quantity=before.quantity if before else None,
        gift=body.remark is not None,
    )


def earlier(item: Order) -> OrderV1:
    return OrderV1(
        id=item.id,
        amount=item.total,
        status=item.status,
        customer_id=item.customer_id,
        remark="a gift" if item.gift else "",
        version=item.version,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


V1 = EarlierVersion(
    version=1,
    body=OrderV1Body,
    item=OrderV1,
    newest=newest,
    earlier=earlier,
    renamed={"amount": "total"},
    own=["remark"],
    deprecated=DEPRECATED,
)


class CompletingOrders(Orders):
    """As generated code does it: what is kept is known once the row is locked."""

    async def update(self, call: Call) -> Document:
        return await super().update(msgspec.structs.replace(call, body=call.body_on(self._row(call))))


@pytest.fixture
def stage() -> Stage:
    orders = CompletingOrders()
    resource = dataclasses.replace(ORDERS, path="/api/v2/orders")
    access = Access.of("customer:own", "admin")
    handlers: dict[Any, Any] = {
        "list": orders.list, "get": orders.get, "create": orders.create, "update": orders.update,
        "delete": orders.delete,
    }  # fmt: skip
    made = Stage(orders=orders)
    second = [
        Operation(
            kind=kind,
            resource=resource,
            handler=handler,
            access=access,
            lookup=made.look_up if kind == "get" else None,
        )
        for kind, handler in handlers.items()
    ]
    return Stage(orders=orders, cached=made.cached, operations=[*second, *V1.operations(second)])


async def test_both_versions_answer_of_the_same_rows(stage: Stage) -> None:
    order = stage.orders.add(note="kept", gift=True)
    first = await stage.client.get(f"/api/v1/orders/{order.id}")
    second = await stage.client.get(f"/api/v2/orders/{order.id}")
    assert first.json()["data"] == {
        "id": str(order.id),
        "amount": "12.50",
        "status": "placed",
        "customer_id": "anna",
        "remark": "a gift",
        "version": 1,
        "created_at": second.json()["data"]["created_at"],
        "updated_at": second.json()["data"]["updated_at"],
    }
    assert second.json()["data"]["note"] == "kept"
    assert first.json()["links"] == {"self": f"/api/v1/orders/{order.id}"}
    assert first.headers["etag"] != second.headers["etag"], "another representation"


async def test_the_earlier_version_says_when_it_ends(stage: Stage) -> None:
    order = stage.orders.add()
    for path, method in ((f"/api/v1/orders/{order.id}", "GET"), ("/api/v1/orders", "GET"), ("/api/v1/orders", "POST")):
        answer = await stage.client.request(method, path, content=b"no JSON")
        # RFC 9745, section 2.1: a date as structured fields have it.
        assert answer.headers["deprecation"] == "@1796083200"
        assert int(answer.headers["deprecation"][1:]) == datetime.datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        assert answer.headers["sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
        assert '<https://shop.example.com/v2>; rel="deprecation"; type="text/html"' in answer.headers["link"]
    unchanged = await stage.client.get(
        f"/api/v1/orders/{order.id}",
        headers={"if-none-match": (await stage.client.get(f"/api/v1/orders/{order.id}")).headers["etag"]},
    )
    assert (unchanged.status_code, unchanged.headers["sunset"]) == (304, "Tue, 01 Jun 2027 00:00:00 GMT")
    assert "deprecation" not in (await stage.client.get(f"/api/v2/orders/{order.id}")).headers
    assert "deprecation" not in (await stage.client.get("/api/v3/orders")).headers


async def test_an_update_through_it_keeps_what_it_can_not_say(stage: Stage) -> None:
    order = stage.orders.add(note="kept", quantity=7)
    body = {"amount": "99.00", "status": "paid"}
    answer = await stage.client.put(f"/api/v1/orders/{order.id}", json=body, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["data"]["amount"]) == (200, "99.00")
    changed = stage.orders.rows[order.id]
    assert (changed.total, changed.status, changed.note, changed.quantity) == (Decimal("99.00"), "paid", "kept", 7)
    again = await stage.client.put(f"/api/v1/orders/{order.id}", json=body, headers={"if-match": '"1"'})
    assert again.status_code == 412


async def test_create_and_delete_through_it(stage: Stage) -> None:
    made = await stage.client.post(
        "/api/v1/orders", json={"amount": "3.00", "status": "placed", "remark": "hello"}, headers=as_("anna")
    )
    assert made.status_code == 201
    identifier = made.json()["data"]["id"]
    assert made.headers["location"] == f"/api/v1/orders/{identifier}"
    assert made.json()["data"]["customer_id"] == "anna", "the caller owns it"
    assert stage.orders.rows[UUID(identifier)].gift is True
    assert (await stage.client.delete(f"/api/v1/orders/{identifier}")).status_code == 204
    assert (await stage.client.get(f"/api/v2/orders/{identifier}")).status_code == 404


async def test_its_bodies_are_checked_in_its_own_words(stage: Stage) -> None:
    answer = await stage.client.post("/api/v1/orders", json={"total": "3.00", "status": "placed", "remark": "x" * 21})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["error"]["details"]} == {"total", "amount", "remark"}


async def test_the_owner_is_the_caller_by_its_own_name_too() -> None:
    """A declaration leaves the owner's name as it is; a mapping written by hand may not (S4)."""

    class BuyerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        total: Decimal
        status: Status
        buyer: str | None = None

    class Bought(msgspec.Struct, frozen=True, kw_only=True):
        id: UUID
        total: Decimal
        buyer: str
        version: int
        created_at: Timestamp
        updated_at: Timestamp

    renamed: EarlierVersion[BuyerBody, Bought, OrderBody, Order] = EarlierVersion(
        version=1,
        body=BuyerBody,
        item=Bought,
        newest=lambda body, _: OrderBody(status=body.status, total=body.total, customer_id=body.buyer),
        earlier=lambda item: Bought(
            id=item.id,
            total=item.total,
            buyer=item.customer_id,
            version=item.version,
            created_at=item.created_at,
            updated_at=item.updated_at,
        ),
        renamed={"buyer": "customer_id"},
    )
    orders = CompletingOrders()
    resource = dataclasses.replace(ORDERS, path="/api/v2/orders")
    access = Access.of("customer:own", "admin")
    made = [
        Operation(kind="create", resource=resource, handler=orders.create, access=access),
        Operation(kind="update", resource=resource, handler=orders.update, access=access),
    ]
    stage = Stage(orders=orders, operations=[*made, *renamed.operations(made)])
    body = {"total": "1.00", "status": "placed"}
    for sent, status in ((body | {"buyer": "ben"}, 403), (body | {"buyer": "anna"}, 201), (body, 201)):
        answer = await stage.client.post("/api/v1/orders", json=sent, headers=as_("anna"))
        assert answer.status_code == status, sent
    assert {row.customer_id for row in orders.rows.values()} == {"anna"}
    mine = orders.add()
    answer = await stage.client.put(f"/api/v1/orders/{mine.id}", json=body | {"buyer": "ben"}, headers=as_("anna"))
    assert (answer.status_code, orders.rows[mine.id].customer_id) == (403, "anna")


async def test_lists_go_by_its_own_names(stage: Stage) -> None:
    for total in ("1.00", "2.00", "3.00"):
        stage.orders.add(total=Decimal(total))
    answer = await stage.client.get("/api/v1/orders?sort=-amount&limit=2")
    assert [each["amount"] for each in answer.json()["data"]] == ["3.00", "2.00"]
    link = answer.json()["links"]["next"]
    assert link.startswith("/api/v1/orders?")
    assert [each["amount"] for each in (await stage.client.get(link)).json()["data"]] == ["1.00"]
    found = await stage.client.get("/api/v1/orders?amount=2.00")
    assert [each["amount"] for each in found.json()["data"]] == ["2.00"]
    for name in ("total=2.00", "note=x", "remark=x", "sort=total"):
        assert (await stage.client.get(f"/api/v1/orders?{name}")).status_code == 400, name


async def test_copies_in_the_cache_serve_both(stage: Stage) -> None:
    order = stage.orders.add(gift=True)
    stage.cached[order.id] = document(order)
    del stage.orders.rows[order.id]
    first = await stage.client.get(f"/api/v1/orders/{order.id}")
    assert first.json()["data"]["remark"] == "a gift"
    stage.limiter.verdict.allowed = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (await stage.client.get(f"/api/v1/orders/{order.id}")).status_code == 429
        await asyncio.sleep(0)


async def test_rows_that_break_a_newer_rule_are_answered(stage: Stage) -> None:
    order = stage.orders.add(note="x" * 300, quantity=5000)
    assert (await stage.client.get(f"/api/v1/orders/{order.id}")).status_code == 200


def test_the_document_has_both_versions_and_keeps_the_names_of_the_first(stage: Stage) -> None:
    found = openapi_document(stage.service())
    validate(found)
    plain = openapi_document(Stage().service())
    first, second = found["paths"]["/api/v1/orders"]["get"], found["paths"]["/api/v2/orders"]["get"]
    assert first["operationId"] == plain["paths"]["/api/v1/orders"]["get"]["operationId"] == "list-orders"
    assert second["operationId"] == "list-orders-v2"
    assert (first["deprecated"], first["x-sunset"]) == (True, "2027-06-01")
    assert "may be gone from 2027-06-01" in first["description"]
    assert "deprecated" not in second
    assert {"Deprecation", "Sunset", "Link"} <= set(first["responses"]["200"]["headers"])
    assert set(found["components"]["schemas"]["Order"]["properties"]) >= {"amount", "remark"}
    assert set(found["components"]["schemas"]["Order_v2"]["properties"]) >= {"total", "note"}
    assert "Deprecation" not in plain["components"]["headers"]


def test_rules_of_fields_are_documented_and_held_to_in_both() -> None:
    authority: Any = FieldAuthority(OrderBody, Order, {"total": FieldRule(set_once=True), "note": FieldRule()})
    resource = dataclasses.replace(ORDERS, path="/api/v2/orders", authority=authority)
    orders = Orders()
    second = [Operation(kind="create", resource=resource, handler=orders.create, access=Access.of("admin"))]
    [first] = V1.operations(second)
    assert dict(first.resource.rules) == {"amount": FieldRule(set_once=True)}
    assert (first.resource.version, second[0].resource.version) == (1, 2)


def test_operations_of_one_resource_are_expected() -> None:
    orders = Orders()
    several = [
        Operation(kind="list", resource=each, handler=orders.list, access=Access.of("anyone"))
        for each in (ORDERS, dataclasses.replace(ORDERS, name="offer"))
    ]
    with pytest.raises(ValueError, match="one resource"):
        V1.operations(several)
    with pytest.raises(ValueError, match="/api/v2/orders"):
        V1.operations([dataclasses.replace(several[0], resource=dataclasses.replace(ORDERS, path="/orders"))])
