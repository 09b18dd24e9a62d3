"""Clients write and read where reads follow later (h12, A4): generated sequences against what is promised.

With the token of their last write of an item clients read that version or a later one, or 404 after its deletion.
Without a token they read some version of the past, in their order. Writes never lag: If-Match has the newest version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.tests.http.shop import ORDERS, Order, Orders, Stage, document
from groundplan_chassis.access import Access, Caller
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http import handling
from groundplan_chassis.http.openapi import openapi_document
from groundplan_chassis.http.operations import Call, Operation

PATH = "/api/v1/orders"
BODY = {"status": "placed", "total": "12.50"}


class Rows(Orders):
    """The write model. Each change is told to the read model, which comes to it later."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[UUID, Order | None]] = []
        self.created: dict[UUID, Document] = {}
        """By idempotency key."""

    def add(self, **values: Any) -> Order:
        order = super().add(**{"updated_at": datetime.now(UTC)} | values)
        self.changes.append((order.id, order))
        return order

    async def create(self, call: Call) -> Document:
        if call.idempotency_key is None:
            return await super().create(call)
        if call.idempotency_key not in self.created:
            self.created[call.idempotency_key] = await super().create(call)
        return self.created[call.idempotency_key]

    async def update(self, call: Call) -> Document:
        found = await super().update(call)
        self.changes.append((call.id, self.rows[call.id]))
        return found

    async def delete(self, call: Call) -> None:
        await super().delete(call)
        self.changes.append((call.id, None))


class ReadModel(Orders):
    """Follows one change with each read, and as many as it is told to."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self._rows = rows

    def follow(self, most: int = 1) -> None:
        for identifier, row in self._rows.changes[:most]:
            if row is None:
                self.rows.pop(identifier, None)
            else:
                self.rows[identifier] = row
        del self._rows.changes[:most]

    async def get(self, call: Call) -> Document | None:
        row = self.rows.get(call.id)
        self.follow()
        return None if row is None else document(row)

    async def list(self, call: Call) -> Page:
        page = await super().list(call)
        self.follow()
        return page


def operations(rows: Rows, model: ReadModel) -> list[Operation]:
    access = Access.of("admin")
    handlers: dict[Any, Any] = {
        "create": rows.create,
        "update": rows.update,
        "delete": rows.delete,
        "get": model.get,
        "list": model.list,
    }
    return [Operation(kind=kind, resource=ORDERS, handler=each, access=access) for kind, each in handlers.items()]


@dataclass
class Client:
    """Does one thing after the other, and checks each answer."""

    http: httpx.AsyncClient
    model: ReadModel
    tokens: dict[str, str] = field(default_factory=dict)
    """Of the last write of each item, by its path."""
    versions: dict[str, int] = field(default_factory=dict)
    """The newest of each item; 0: deleted."""
    tags: dict[str, str] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    """The newest version that was read without a token; -1: its deletion."""
    keys: list[tuple[str, str]] = field(default_factory=list)

    async def create(self, _: int) -> None:
        key = str(UUID(int=len(self.keys) + 1, version=4))
        answer = await self._created(key)
        self.keys.append((key, answer.headers["location"]))
        self._wrote(answer.headers["location"], answer, 1)

    async def create_again(self, number: int) -> None:
        """The answer is the first one's, and its token says when that was; what was deleted since may be gone."""
        if self.keys:
            key, path = self.keys[number % len(self.keys)]
            answer = await self._created(key)
            assert answer.headers["location"] == path
            assert answer.headers["consistency-token"].split(".")[1] == "1"
            if self.versions[path]:
                found = await self.http.get(path, headers={"consistency-token": answer.headers["consistency-token"]})
                assert found.status_code == 200

    async def update(self, number: int) -> None:
        if path := self._path(number):
            answer = await self.http.put(path, json=BODY, headers={"if-match": self.tags[path]})
            assert answer.status_code == 200, "the newest version is matched, before the read model has it too"
            self._wrote(path, answer, self.versions[path] + 1)

    async def update_stale(self, number: int) -> None:
        if (path := self._path(number)) and self.versions[path] > 1:
            answer = await self.http.put(path, json=BODY, headers={"if-match": f'"{self.versions[path] - 1}"'})
            assert answer.status_code == 412

    async def delete(self, number: int) -> None:
        if path := self._path(number):
            answer = await self.http.delete(path)
            assert answer.status_code == 204
            self._wrote(path, answer, 0)

    async def read_own(self, number: int) -> None:
        """With the token of the last write."""
        if not self.tokens:
            return
        path = list(self.tokens)[number % len(self.tokens)]
        answer = await self.http.get(path, headers={"consistency-token": self.tokens[path]})
        if self.versions[path] == 0:
            assert answer.status_code == 404
        else:
            assert (answer.status_code, answer.json()["data"]["version"]) == (200, self.versions[path])
            assert answer.headers["etag"] == self.tags[path], "the representation is the one that the write answered"

    async def read_any(self, number: int) -> None:
        """Without a token: of the past, and never further back than before."""
        if not self.tokens:
            return
        path = list(self.tokens)[number % len(self.tokens)]
        answer = await self.http.get(path)
        shown = self.shown.get(path, 0)
        if answer.status_code == 404:
            assert shown == 0 or self.versions[path] == 0
            self.shown[path] = -1 if shown else 0
        else:
            version = answer.json()["data"]["version"]
            assert shown >= 0, "what was gone does not come back"
            assert shown <= version
            assert version <= self.versions[path] or self.versions[path] == 0
            self.shown[path] = version

    async def read_list(self, _: int) -> None:
        answer = await self.http.get(PATH)
        assert answer.status_code == 200
        for item in answer.json()["data"]:
            newest = self.versions[f"{PATH}/{item['id']}"]
            assert newest == 0 or item["version"] <= newest

    async def follow(self, number: int) -> None:
        """The read model, by itself."""
        self.model.follow(number)

    def _path(self, number: int) -> str | None:
        living = [path for path, version in self.versions.items() if version]
        return living[number % len(living)] if living else None

    async def _created(self, key: str) -> httpx.Response:
        answer = await self.http.post(PATH, json=BODY, headers={"idempotency-key": key})
        assert answer.status_code == 201
        return answer

    def _wrote(self, path: str, answer: httpx.Response, version: int) -> None:
        self.versions[path] = version
        self.tokens[path] = answer.headers["consistency-token"]
        self.tags[path] = answer.headers.get("etag", "")


STEPS: Sequence[Callable[[Client, int], Any]] = (
    Client.create,
    Client.create_again,
    Client.update,
    Client.update_stale,
    Client.delete,
    Client.read_own,
    Client.read_any,
    Client.read_list,
    Client.follow,
)


def staged() -> tuple[Stage, ReadModel]:
    rows = Rows()
    model = ReadModel(rows)
    stage = Stage(orders=rows, operations=operations(rows, model))
    stage.tokens.callers["ada"] = Caller("ada", frozenset({"admin"}), frozenset({"shop/read", "shop/write"}), "", 0)
    return stage, model


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=30))
def test_what_a_client_reads_is_what_is_promised(steps: list[tuple[Callable[[Client, int], Any], int]]) -> None:
    async def no_wait(_: float) -> None: ...

    async def run() -> None:
        stage, model = staged()
        client = Client(stage.client, model)
        async with stage.client:
            for step, number in steps:
                await step(client, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handling, "asyncio", SimpleNamespace(sleep=no_wait))
        # As many looks as there may be changes before the one that is waited for.
        patch.setattr(handling, "CONSISTENCY_SECONDS", 100.0)
        asyncio.run(run())


async def test_every_write_gives_a_token_and_documents_it() -> None:
    stage, _ = staged()
    paths = openapi_document(stage.service())["paths"]
    documented = {
        method: set(answer["headers"])
        for item in paths.values()
        for method, operation in item.items()
        for status, answer in operation["responses"].items()
        if status in ("200", "201", "204") and method != "get"
    }
    assert documented.keys() == {"post", "put", "delete"}
    made = await stage.client.post(PATH, json=BODY)
    path = made.headers["location"]
    answers = {
        "post": made,
        "put": await stage.client.put(path, json=BODY),
        "delete": await stage.client.delete(path),
    }
    for method, answer in answers.items():
        assert "Consistency-Token" in documented[method], method
        assert answer.headers["consistency-token"].startswith(path.rpartition("/")[2]), method
    await stage.client.aclose()


async def test_what_another_has_deleted_is_told_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The read model knows a row that is gone as little as one that has not come yet: the token's time decides."""
    monkeypatch.setattr(handling, "CONSISTENCY_SECONDS", 0.0)
    stage, model = staged()
    made = await stage.client.post(PATH, json=BODY)
    path, token = made.headers["location"], made.headers["consistency-token"]
    await stage.client.delete(path)
    model.follow(9)
    early = await stage.client.get(path, headers={"consistency-token": token})
    assert (early.status_code, early.headers["retry-after"]) == (503, "1")
    monkeypatch.setattr(handling, "FOLLOWED_SECONDS", -1)
    assert (await stage.client.get(path, headers={"consistency-token": token})).status_code == 404
    await stage.client.aclose()
