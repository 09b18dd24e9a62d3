"""A client reads what it has written, also where reads follow later (h12, A4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.tests.http.shop import ORDERS, Order, Orders, Stage, as_, document
from groundplan_chassis.access import Access, Caller
from groundplan_chassis.documents import Document
from groundplan_chassis.http import handling
from groundplan_chassis.http.admission import WAITS_OF_CALLER
from groundplan_chassis.http.operations import Call, Operation

BODY = {"status": "placed", "total": "12.50"}


class ReadModel:
    """Follows the rows after so many reads of an item's new version."""

    def __init__(self, rows: Orders, reads: int) -> None:
        self.rows, self.left = rows, reads
        self.known: dict[UUID, Document] = {}

    async def get(self, call: Call) -> Document | None:
        row = self.rows.rows.get(call.id)
        if self.left > 0:
            self.left -= 1
        elif row is not None:
            self.known[call.id] = document(row)
        else:
            self.known.pop(call.id, None)
        return self.known.get(call.id)


class JustWritten(Orders):
    """Tokens say when that was."""

    def add(self, **values: Any) -> Order:
        return super().add(**{"updated_at": datetime.now(UTC)} | values)


def stage_of(reads: int) -> tuple[Stage, ReadModel]:
    rows = JustWritten()
    model = ReadModel(rows, reads)
    access = Access.of("admin")
    kinds = [
        Operation(kind="get", resource=ORDERS, handler=model.get, access=access),
        Operation(kind="create", resource=ORDERS, handler=rows.create, access=access),
        Operation(kind="update", resource=ORDERS, handler=rows.update, access=access),
    ]
    stage = Stage(orders=rows, operations=kinds)
    caller = Caller("ada", frozenset({"admin"}), frozenset({"shop/read", "shop/write"}), "", 0)
    stage.tokens.callers["ada"] = caller
    return stage, model


async def test_what_was_created_is_found_at_its_location() -> None:
    stage, model = stage_of(3)
    made = await stage.client.post("/api/v1/orders", json=BODY)
    path, token = made.headers["location"], made.headers["consistency-token"]
    assert (await stage.client.get(path)).status_code == 404, "without the token: as it is where it is read"
    found = await stage.client.get(path, headers={"consistency-token": token})
    assert (found.status_code, found.json()["data"]["version"]) == (200, 1)
    model.left = 2
    changed = await stage.client.put(path, json=BODY)
    assert (await stage.client.get(path)).json()["data"]["version"] == 1
    found = await stage.client.get(path, headers={"consistency-token": changed.headers["consistency-token"]})
    assert found.json()["data"]["version"] == 2


async def test_what_does_not_follow_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "CONSISTENCY_SECONDS", 0.05)
    stage, _ = stage_of(10**6)
    made = await stage.client.post("/api/v1/orders", json=BODY)
    path, token = made.headers["location"], made.headers["consistency-token"]
    late = await stage.client.get(path, headers={"consistency-token": token})
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    identifier, version, seconds = token.split(".")
    old = f"{identifier}.{version}.{int(seconds) - 61}"
    gone = await stage.client.get(path, headers={"consistency-token": old})
    assert gone.status_code == 404, "it has been deleted since"


async def test_one_caller_waits_for_few_writes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token can be made up: each such read asked some thirteen times, any number of them at once (h5)."""
    monkeypatch.setattr(handling, "CONSISTENCY_SECONDS", 0.3)
    stage, _ = stage_of(0)
    both = frozenset({"shop/read", "shop/write"})
    stage.tokens.callers["ben"] = Caller("ben", frozenset({"admin"}), both, "", 0)
    made = await stage.client.post("/api/v1/orders", json=BODY)
    path, token = made.headers["location"], made.headers["consistency-token"]
    identifier, _, seconds = token.split(".")
    made_up = {"consistency-token": f"{identifier}.2147483647.{seconds}"}
    waiting = [asyncio.create_task(stage.client.get(path, headers=made_up)) for _ in range(30)]
    await asyncio.sleep(0.1)
    # What needs no wait is answered, and others wait.
    assert (await stage.client.get(path, headers={"consistency-token": token})).status_code == 200
    late = await stage.client.get(path, headers=made_up | as_("ben"))
    assert late.status_code == 503
    statuses = Counter(answer.status_code for answer in await asyncio.gather(*waiting))
    assert statuses == {503: WAITS_OF_CALLER, 429: 30 - WAITS_OF_CALLER}
    assert (await stage.client.get(path, headers=made_up)).status_code == 503, "the places are free again"


async def test_another_items_token_changes_nothing_and_a_wrong_one_is_refused() -> None:
    stage, _ = stage_of(0)
    made = await stage.client.post("/api/v1/orders", json=BODY)
    path = made.headers["location"]
    assert (await stage.client.get(path, headers={"consistency-token": f"{uuid4()}.7.1"})).status_code == 200
    for wrong in ("", "1", "x.1.1", f"{uuid4()}.x.1", f"{uuid4()}.1.1 "[:-1] + ".1"):
        answer = await stage.client.get(path, headers={"consistency-token": wrong})
        assert answer.status_code == 400
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["Consistency-Token"]


async def test_another_ones_item_stays_unknown() -> None:
    """The token is no right to read."""
    stage, _ = stage_of(0)
    made = await stage.client.post("/api/v1/orders", json=BODY)
    own = [replace(each, access=Access.of("customer:own")) for each in stage.operations]
    other = Stage(orders=stage.orders, operations=own)
    other.tokens.callers["bert"] = Caller("bert", frozenset({"customer"}), frozenset({"shop/read"}), "", 0)
    token = made.headers["consistency-token"]
    found = await other.client.get(made.headers["location"], headers={**as_("bert"), "consistency-token": token})
    assert found.status_code == 404
