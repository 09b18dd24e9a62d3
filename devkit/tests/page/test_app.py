"""What the page of `make dev` answers, and whom it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import jwt
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette

from devkit.tests.conftest import SHOP
from groundplan.declaration.model import System
from groundplan_devkit.dev.page import app
from groundplan_devkit.dev.page.app import STATIC, TRACES_PATH, Page
from groundplan_devkit.dev.page.brokers import Letter, Reader, Topic
from groundplan_devkit.identity import Issuer, KeyRing
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation, local_stack
from groundplan_devkit.servers import Servers

HERE = "http://127.0.0.1:8080"


class Broker:
    """One dead letter; None: it does not answer."""

    letter: Letter | None = Letter("order.placed", "no acquirer", "", "shop.order.placed, partition 0, offset 1", "{}")

    async def state(self) -> tuple[list[Topic], list[Reader]]:
        if self.letter is None:
            raise Unavailable("Kafka", "no answer", "a broker that answers", "start it anew")
        topics = [Topic("order.placed", "order", 1, ["card-payment"])]
        return topics, [Reader("card-payment", "card-payment", "consumer", 0, 1)]

    async def letters(self, reader: str) -> list[Letter]:
        assert self.letter is not None
        return [self.letter] if reader == "card-payment" else []


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
async def client(tmp_path: Path, broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    servers = SimpleNamespace(
        identity=SimpleNamespace(issuer=Issuer("http://127.0.0.1:9999/pool", KeyRing(tmp_path))),
        postgres=None,
        processes=lambda: {"kafka": SimpleNamespace(alive=lambda: False)},
        address=lambda _: "127.0.0.1:9092",
    )
    installation = Installation(System.model_validate(SHOP), cast("Servers", servers), stack=local_stack())
    page = Page(installation, {}, lambda: True, broker)
    transport = httpx.ASGITransport(Starlette(routes=page.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client
    await page.aclose()


async def test_every_file_of_the_page_is_there_and_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).headers["location"] == "/dev/"
    for file in STATIC.iterdir():
        answer = await client.get(f"/dev/{file.name}")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        # Neither script nor style in the page, which its policy would refuse; no other host but for SVG's namespace.
        assert not re.search(r"<style|\sstyle=|\son\w+=", answer.text)
        assert set(re.findall(r"https?://[^\"'\s/]+", answer.text)) <= {"http://www.w3.org"}
        for named in re.findall(r'(?:from |src=|href=)"(?:\./)?([\w-]+\.\w+)"', answer.text):
            assert (STATIC / named).is_file(), named
    assert (await client.get("/dev/")).text == (STATIC / "index.html").read_text()
    for path in ("/dev/nothing.js", "/dev/%2e%2e/app.py", "/dev/../app.py"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": HERE}, 200),
        ({}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "["}, 403),
        ({"origin": "http://["}, 403),
        ({"host": "evil.example:8080"}, 403),
        ({"host": "evil.example:8080", "origin": "http://evil.example:8080"}, 403),
        ({"host": "localhost:8080", "origin": "http://localhost:8080"}, 200),
    ],
)
async def test_other_websites_get_nothing(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/dev/api/tokens", json={"role": "admin"}, headers=headers)
    assert answer.status_code == status, answer.text
    assert ("token" in answer.json()) == (status == 200)


async def test_a_token_has_the_role_and_the_subject(client: httpx.AsyncClient) -> None:
    answer = await client.post("/dev/api/tokens", json={"role": "customer", "subject": "anna"})
    claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    assert (claims["sub"], claims["cognito:groups"], claims["scope"]) == ("anna", ["customer"], "shop/read shop/write")
    assert claims["exp"] - claims["iat"] == answer.json()["seconds"]
    for body, status in (
        (b"no json", 400),
        (b"[]", 400),
        (b'{"role": "owner"}', 422),
        (json.dumps({"subject": 65 * "x"}).encode(), 422),
        (b'{"subject": " "}', 422),
    ):
        refused = await client.post("/dev/api/tokens", content=body)
        assert refused.status_code == status, body
        assert refused.json().keys() == {"what", "found", "remedy"}


async def test_spans_are_taken_and_shown(client: httpx.AsyncClient) -> None:
    export = ExportTraceServiceRequest()
    resource = export.resource_spans.add()
    for name, value in (("service.name", "order"), ("groundplan.role", "command")):
        resource.resource.attributes.add(key=name).value.string_value = value
    span = resource.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="request", kind=2)
    span.attributes.add(key="http.response.status_code").value.int_value = 201
    trace_id = (b"t" * 16).hex()
    assert (await client.get(f"/dev/api/traces/{trace_id}")).status_code == 404
    assert (await client.post(TRACES_PATH, content=export.SerializeToString())).status_code == 200
    [shown] = (await client.get("/dev/api/traces")).json()["traces"]
    assert (shown["processes"], shown["status"]) == (["order-command"], 201)
    whole = (await client.get(f"/dev/api/traces/{trace_id}")).json()
    assert whole["spans"][0]["attributes"] == {"http.response.status_code": 201}
    assert (await client.post(TRACES_PATH, content=b"\xff\xff")).status_code == 400


async def test_dead_letters_are_shown_and_handled_again_with_their_readers_settings(
    client: httpx.AsyncClient, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def run_service(_: Installation, *command: str, **options: Any) -> str:
        asked.extend([command, options["role"]])
        return '{"message": "dead letters: 1 handled, 0 refused again, 0 left"}\n{"message": "bye"}\n'

    monkeypatch.setattr(app, "run_service", run_service)
    events = (await client.get("/dev/api/events")).json()
    assert events["readers"][0]["dead_letters"] == 1
    [letter] = (await client.get("/dev/api/dead-letters/card-payment")).json()["letters"]
    assert letter["reason"] == "no acquirer"
    done = await client.post("/dev/api/dead-letters/order-projector/redrive")
    assert done.json() == {"outcome": "dead letters: 1 handled, 0 refused again, 0 left"}
    assert asked == [("order", "redrive"), "projector"]
    assert (await client.post("/dev/api/dead-letters/stranger/redrive")).status_code == 404
    broker.letter = None
    away = await client.get("/dev/api/events")
    assert (away.status_code, away.json()["remedy"]) == (503, "start it anew")


async def test_a_server_that_is_down_and_a_document_that_is_missing_are_told(client: httpx.AsyncClient) -> None:
    state = (await client.get("/dev/api/state")).json()
    assert state["servers"] == [{"name": "kafka", "address": "127.0.0.1:9092", "alive": False}]
    assert state["roles"] == ["customer", "admin"]
    told = (await client.get("/dev/api/documents")).json()["documents"]
    assert [each["service"] for each in told] == ["order", "card-payment"]
    assert all("make openapi" in each["problem"] for each in told)
