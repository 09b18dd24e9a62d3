"""A request is known by one id wherever something is told of it: in logs, in traces, to its handler."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from chassis.tests.http.shop import Stage, Verdict, as_
from groundplan_chassis.documents import Document
from groundplan_chassis.http.operations import Call
from groundplan_chassis.observe import correlation, tracing
from groundplan_chassis.observe.names import ACCESS_DENIED, RATE_LIMITED, REQUEST_ERRORS, REQUESTS

ABSENT = "/api/v1/orders/0190b7a0-0000-7000-8000-000000000001"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    return exporter


async def test_a_span_has_the_request_and_how_it_ended(stage: Stage, spans: InMemorySpanExporter) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await stage.client.get(ABSENT, headers={"traceparent": parent})
    (span,) = spans.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/orders/{id}",
        "http.response.status_code": 404,
    }
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("parent", ["", "x", "00-0-0-01", "\u00e4"])
async def test_a_trace_that_makes_no_sense_is_begun_anew(
    stage: Stage, spans: InMemorySpanExporter, parent: str
) -> None:
    headers = [(b"traceparent", parent.encode("latin-1")), (b"x-request-id", b"0190163d-8694-439b-aea5-966c26f8ad91")]
    assert (await stage.client.get("/nowhere", headers=headers)).status_code == 404
    (span,) = spans.get_finished_spans()
    assert (span.attributes or {})["http.route"] == "unknown"


async def test_a_failure_is_marked_as_one(stage: Stage, spans: InMemorySpanExporter) -> None:
    async def fail(_call: object) -> None:
        raise RuntimeError("hunter2")

    stage.orders.get = fail  # type: ignore[method-assign, assignment]
    await Stage(orders=stage.orders).client.get(ABSENT)
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "hunter2" not in str(span.to_json())


async def test_a_handler_works_under_the_requests_id(stage: Stage) -> None:
    seen: list[Any] = []

    async def look(call: Call) -> Document | None:
        seen.extend([call.request_id, correlation.current()])
        return None

    stage.orders.get = look  # type: ignore[method-assign]
    await Stage(orders=stage.orders).client.get(ABSENT, headers={"x-request-id": "the-id"})
    assert seen == ["the-id", "the-id"]
    assert correlation.current() is None


async def test_alarms_have_their_numbers(stage: Stage) -> None:
    order = stage.orders.add(customer_id="anna")
    await stage.client.get(ABSENT)
    await stage.client.get("/api/v1/orders", headers=as_("eve"))
    await stage.client.get(f"/api/v1/orders/{order.id}", headers=as_("ben"))
    stage.limiter.verdict = Verdict(allowed=False)
    await stage.client.get(ABSENT)
    stage.metrics.flush()
    (counts,) = [line for line in map(json.loads, stage.lines) if REQUESTS in line]
    assert {name: counts.get(name) for name in (REQUESTS, ACCESS_DENIED, RATE_LIMITED, REQUEST_ERRORS)} == {
        REQUESTS: 4,
        ACCESS_DENIED: 2,
        RATE_LIMITED: 1,
        REQUEST_ERRORS: None,
    }
