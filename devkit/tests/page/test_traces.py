"""Traces on the page of `make dev`: what the chassis exports is what is shown."""

from __future__ import annotations

from groundplan_devkit.dev.page.spans import Span
from groundplan_devkit.dev.page.traces import MOST_POLLS, MOST_SPANS, MOST_TRACES, Traces


def span(
    trace: str, number: int, kind: str = "client", *, parent: str = "", name: str = "SELECT", **more: object
) -> Span:
    known: dict[str, object] = {
        "trace_id": trace,
        "span_id": f"{number:016x}",
        "parent_id": parent,
        "process": "order-command",
        "name": name,
        "kind": kind,
        "start_ns": number * 1_000_000,
        "end_ns": (number + 2) * 1_000_000,
        "failure": None,
        "attributes": {},
    }
    return Span(**{**known, **more})  # type: ignore[arg-type]


def test_a_request_is_followed_through_processes_in_whichever_order_they_export() -> None:
    traces = Traces()
    traces.add([span("a", 9, "consumer", name="handle order.placed", process="payment-consumer", failure="Refused")])
    traces.add([span("a", 5, "producer", name="publish order.placed", process="order-relay")])
    http = {"http.request.method": "PUT", "http.route": "/api/v1/orders/{id}", "http.response.status_code": 200}
    traces.add([span("a", 2, parent=f"{1:016x}"), span("a", 1, "server", name="request", attributes=http)])
    [found] = traces.summaries()
    assert found["title"] == "PUT /api/v1/orders/{id}"
    assert found["processes"] == ["order-command", "order-relay", "payment-consumer"]
    assert (found["status"], found["failed"], found["duration_ms"], found["answered_ms"]) == (200, 1, 10.0, 2.0)
    whole = traces.trace("a")
    assert whole is not None
    assert [(each["title"], each["depth"], each["offset_ms"]) for each in whole["spans"]] == [
        ("PUT /api/v1/orders/{id}", 0, 0.0),
        ("SELECT", 1, 1.0),
        ("publish order.placed", 0, 4.0),
        ("handle order.placed", 0, 8.0),
    ]
    assert traces.trace("b") is None
    assert traces.summaries("placed payment") == [found]
    assert traces.summaries("nothing") == []
    assert traces.summaries(failed=True) == [found]


def test_polls_push_out_no_request_and_nothing_grows_without_end() -> None:
    traces = Traces()
    traces.add([span("request", 1, "server", name="request")])
    traces.add(span(f"poll {number}", number) for number in range(MOST_POLLS * 3))
    assert [each["id"] for each in traces.summaries()] == ["request"]
    assert traces.trace("poll 0") is None
    traces.add(span("request", number) for number in range(MOST_SPANS + 4))
    held = traces.trace("request")
    assert held is not None
    assert (len(held["spans"]), held["left_out"]) == (MOST_SPANS, 5)
    traces.add(span(f"other {number}", number, "server") for number in range(MOST_TRACES))
    assert traces.trace("request") is None


def test_parents_in_a_circle_end() -> None:
    traces = Traces()
    traces.add([span("a", 1, "server", parent=f"{2:016x}"), span("a", 2, parent=f"{1:016x}")])
    assert traces.trace("a") is not None
