"""Who wrote what, and who read personal data: what the query `audit` of the logs finds (h11)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chassis.tests.http.shop import Stage, as_
from groundplan_chassis.access import Caller
from groundplan_chassis.http.app import create_app
from groundplan_chassis.observe import names
from groundplan_components.observability._log_queries import service_queries

BODY = {"status": "placed", "total": "12.50"}


def audited(lines: list[bytes]) -> list[dict[str, Any]]:
    """What the query's filter lets through, by the fields that it shows."""
    query = service_queries()["audit"]
    assert f'filter {names.LOG_EVENT} = "{names.LOG_AUDIT}"' in query
    return [
        {key: found[key] for key in ("subject", "operation", "aggregate_id")}
        for found in map(json.loads, lines)
        if found[names.LOG_EVENT] == names.LOG_AUDIT
    ]


@pytest.fixture(params=[frozenset(), frozenset({"note"}), frozenset({"another resource's"})])
def personal(request: pytest.FixtureRequest) -> frozenset[str]:
    found: frozenset[str] = request.param
    return found


async def test_every_write_and_every_read_of_personal_data(stage: Stage, personal: frozenset[str]) -> None:
    app: Any = stage.app
    service = replace(stage.service(), personal_fields=personal)
    stage.client._transport.app = create_app(service, "api", app._context)  # type: ignore[attr-defined]
    scopes = frozenset({"shop/read", "shop/write"})
    stage.tokens.callers |= {
        "ada": Caller("ada", frozenset({"admin"}), scopes, "", 0),
        "eve": Caller("eve", frozenset({"customer"}), scopes, "", 0),
    }
    made = await stage.client.post("/api/v1/orders", json=BODY)
    path, identifier = made.headers["location"], made.json()["data"]["id"]
    reads = "note" in personal

    def line(operation: str, ids: str = identifier) -> dict[str, str]:
        return {"subject": "ada", "operation": operation, "aggregate_id": ids}

    expected = [line("POST /api/v1/orders")]
    await stage.client.get(path)
    expected += [line("GET /api/v1/orders/{id}")] * reads
    stage.cached[stage.orders.calls[-1].id] = await stage.orders.get(stage.orders.calls[-1])  # type: ignore[assignment]
    await stage.client.get(path)
    expected += [line("GET /api/v1/orders/{id}")] * reads
    other = stage.orders.add(customer_id="anna")
    listed = await stage.client.get("/api/v1/orders?sort=created_at")
    ids = ",".join(item["id"] for item in listed.json()["data"])
    assert str(other.id) in ids
    expected += [line("GET /api/v1/orders", ids)] * reads
    # What is refused is no access.
    assert (await stage.client.get(path, headers=as_("eve"))).status_code == 404
    assert (await stage.client.delete(path, headers=as_("eve"))).status_code == 403
    await stage.client.put(path, json=BODY)
    expected.append(line("PUT /api/v1/orders/{id}"))
    await stage.client.delete(path)
    expected.append(line("DELETE /api/v1/orders/{id}"))
    assert audited(stage.lines) == expected
