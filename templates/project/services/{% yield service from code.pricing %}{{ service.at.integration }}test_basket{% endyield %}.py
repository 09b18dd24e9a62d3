"""Lines of an order: its total and its prices are the service's (S9)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan_devkit.deployed import DeployedService

pytestmark = pytest.mark.xdist_group("order")

ORDERS, LINES = "/api/v1/orders", "/api/v1/order-lines"
CUSTOMER = "00000000-0000-4000-8000-ba5ce7000001"
TOTAL = "SELECT total::text, version FROM orders WHERE id = %s"


@pytest.fixture
def order(service: DeployedService) -> dict[str, Any]:
    answer = service.caller("customer", CUSTOMER).post(ORDERS, {"currency": "EUR"})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()["data"]
    assert (found["status"], found["total"]) == ("open", "0.00")
    return found


def line(order: dict[str, Any], quantity: int = 2) -> dict[str, Any]:
    return {"order_id": order["id"], "article": "Chair", "quantity": quantity}


def total(service: DeployedService, order: dict[str, Any]) -> str:
    return str(service.rows(TOTAL, order["id"])[0]["total"])


def test_the_total_is_that_of_the_lines(service: DeployedService, order: dict[str, Any]) -> None:
    customer = service.caller("customer", CUSTOMER)
    made = customer.post(LINES, line(order))
    assert made.status_code == 201
    assert made.json()["data"]["unit_price"] == "12.50"
    customer.post(LINES, line(order, 1))
    assert total(service, order) == "37.50"
    assert customer.delete(made.headers["location"]).status_code == 204
    assert total(service, order) == "12.50"


def test_nobody_says_what_it_costs(service: DeployedService, order: dict[str, Any]) -> None:
    customer = service.caller("customer", CUSTOMER)
    for path, body, field in (
        (ORDERS, {"currency": "EUR", "total": "0.01"}, "total"),
        (LINES, line(order) | {"unit_price": "0.01"}, "unit_price"),
        (LINES, line(order) | {"customer_id": CUSTOMER}, "customer_id"),
    ):
        answer = customer.post(path, body)
        assert answer.status_code == 422
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_states_follow_their_steps(service: DeployedService, order: dict[str, Any]) -> None:
    customer = service.caller("customer", CUSTOMER)
    path = f"{ORDERS}/{order['id']}"

    def put(status: str) -> int:
        return customer.put(path, {"currency": "EUR", "status": status}).status_code

    assert put("placed") == 422, "there is nothing in it"
    assert customer.post(LINES, line(order)).status_code == 201
    assert [put(status) for status in ("paid", "shipped")] == [422, 422]
    assert put("placed") == 200
    assert [put(status) for status in ("paid", "open", "shipped")] == [403, 422, 422]
    assert customer.post(LINES, line(order)).status_code == 409, "no longer open"
    assert customer.put(path, {"currency": "USD"}).status_code == 422


def test_another_ones_order_takes_no_lines(service: DeployedService, order: dict[str, Any]) -> None:
    stranger = service.caller("customer", "00000000-0000-4000-8000-ba5ce7000002")
    assert stranger.post(LINES, line(order)).status_code == 422
    assert total(service, order) == "0.00"
