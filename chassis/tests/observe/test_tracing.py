"""Traces: nothing without a collector; with one, spans and metrics arrive there, and their ids cross processes."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from groundplan_chassis.observe import names, tracing
from groundplan_chassis.observe.metrics import Metrics

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """An OpenTelemetry collector's HTTP endpoint, which keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        keep = self.bodies.append

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep((self.path, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def spans(self) -> dict[str, Span]:
        found = {}
        for path, body in self.bodies:
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    found.update({span.name: span for scope in resource.scope_spans for span in scope.spans})
        return found

    def resource(self) -> dict[str, str]:
        body = next(body for path, body in self.bodies if path == "/v1/traces")
        attributes = ExportTraceServiceRequest.FromString(body).resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv(tracing.ENDPOINT_VARIABLE, collector.address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield collector
    tracing.close()
    collector.close()


def test_without_a_collector_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tracing.ENDPOINT_VARIABLE, raising=False)
    tracing.configure("shop", "prod", "order", "api")
    assert not tracing.enabled()
    with tracing.span("anything", parent={"traceparent": REMOTE}) as span:
        span.set("key", 1)
        span.fail("text")
        assert tracing.inject() == {}
        assert tracing.current_trace_id() is None
    assert span is tracing.span("another")


def test_spans_arrive_nested_with_kind_attributes_and_resource(collector: Collector) -> None:
    tracing.configure("shop", "prod", "order", "api")
    with tracing.span("GET /api/v1/orders/{id}", "server", {"http.request.method": "GET"}, {"traceparent": REMOTE}):
        assert tracing.current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
        with tracing.span("select", "client") as inner:
            inner.set("db.rows", 3)
            headers = tracing.inject()
    tracing.close()
    spans = collector.spans()
    outer, inner_span = spans["GET /api/v1/orders/{id}"], spans["select"]
    assert outer.trace_id.hex() == inner_span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert outer.parent_span_id.hex() == "b7ad6b7169203331"
    assert inner_span.parent_span_id == outer.span_id
    assert (outer.kind, inner_span.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert headers["traceparent"].split("-")[2] == inner_span.span_id.hex()
    resource = collector.resource()
    assert (resource["service.name"], resource["service.namespace"]) == ("order", "shop")
    assert resource["deployment.environment.name"] == "prod"


def test_a_failure_is_named_by_its_kind(collector: Collector) -> None:
    tracing.configure("shop", "prod", "order", "api")
    with pytest.raises(ValueError, match="hunter2"), tracing.span("work"):
        raise ValueError("password hunter2")
    tracing.close()
    span = collector.spans()["work"]
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "ValueError")
    assert not span.events
    assert b"hunter2" not in b"".join(body for _, body in collector.bodies)


def test_a_request_and_what_its_event_causes_elsewhere_are_one_trace(collector: Collector) -> None:
    """All that crosses the outbox is the correlation id."""
    tracing.configure("shop", "prod", "order", "api")
    request_id = str(uuid.uuid4())
    with tracing.span("request", correlation_id=request_id):
        pass
    with tracing.span("event", correlation_id=request_id):
        pass
    with tracing.span("other", correlation_id="not a uuid"):
        pass
    tracing.close()
    spans = collector.spans()
    assert spans["request"].trace_id.hex() == spans["event"].trace_id.hex() == request_id.replace("-", "")
    assert spans["other"].trace_id != spans["event"].trace_id


def test_members_of_a_batch_are_in_the_traces_of_their_own_requests(collector: Collector) -> None:
    tracing.configure("shop", "prod", "order", "relay")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    with tracing.span("batch", correlation_id=first):
        tracing.record("publish a", "producer", 1_000, {"messaging.message.id": "1"}, correlation_id=second)
        tracing.record("publish b", "producer", 2_000, correlation_id=second, failure="NoAnswer")
    tracing.close()
    spans = collector.spans()
    assert spans["batch"].trace_id.hex() == first.replace("-", "")
    published, failed = spans["publish a"], spans["publish b"]
    assert published.trace_id.hex() == failed.trace_id.hex() == second.replace("-", "")
    assert (published.kind, published.start_time_unix_nano) == (Span.SPAN_KIND_PRODUCER, 1_000)
    assert published.end_time_unix_nano > published.start_time_unix_nano
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, "NoAnswer")
    assert published.status.code == Status.STATUS_CODE_UNSET


def random_ids(count: int) -> list[str]:
    """As requests have them: UUIDs of version 4, the same in every run."""
    numbers = random.Random(1)  # noqa: S311
    return [str(uuid.UUID(int=numbers.getrandbits(128), version=4)) for _ in range(count)]


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_share_of_traces_is_kept_the_same_ones_everywhere(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """A UUID's variant is in the bits that OpenTelemetry's own sampler looks at: a tenth of them was none."""
    monkeypatch.setenv(tracing.SAMPLE_VARIABLE, str(share))
    tracing.configure("shop", "prod", "order", "api")
    ids = random_ids(200)
    for request_id in ids:
        for process in ("request", "event"):
            with tracing.span(f"{process} {request_id}", correlation_id=request_id):
                pass
    tracing.close()
    kept = {name.split()[1] for name in collector.spans()}
    assert share * 0.4 < len(kept) / 200 < share * 1.6
    assert collector.spans().keys() == {f"{process} {each}" for process in ("request", "event") for each in kept}


def test_a_caller_can_not_have_all_of_its_requests_traced(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """e12: each trace costs, and any caller can send the header that asks for one."""
    monkeypatch.setenv(tracing.SAMPLE_VARIABLE, "0.5")
    tracing.configure("shop", "prod", "order", "api")
    for each in random_ids(200):
        parent = {"traceparent": f"00-{uuid.UUID(each).hex}-b7ad6b7169203331-01"}
        with tracing.span(f"request {each}", parent=parent):
            pass
    tracing.close()
    assert 40 < len(collector.spans()) < 160


def test_a_deployed_service_sends_spans_and_keeps_metrics_in_its_log(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """e12: the agent on each node takes spans alone."""
    monkeypatch.delenv(tracing.ENDPOINT_VARIABLE)
    monkeypatch.setenv(tracing.TRACES_VARIABLE, f"{collector.address}/v1/traces")
    metrics = Metrics("n", "order", lambda _: None)
    tracing.configure("shop", "prod", "order", "api", metrics)
    with tracing.span("request"):
        metrics.count(names.REQUESTS, 1)
    metrics.flush()
    tracing.close()
    assert collector.spans().keys() == {"request"}
    assert {path for path, _ in collector.bodies} == {"/v1/traces"}


def test_a_malformed_parent_is_none(collector: Collector) -> None:
    tracing.configure("shop", "prod", "order", "api")
    for index, header in enumerate(("", "00-zz-zz-01", "x" * 5000, REMOTE[:-3])):
        with tracing.span(f"span {index}", parent={"traceparent": header}):
            pass
    tracing.close()
    assert all(span.parent_span_id == b"" for span in collector.spans().values())
    assert len(collector.spans()) == 4


def test_metrics_arrive_too(collector: Collector) -> None:
    metrics = Metrics("n", "order", lambda _: None)
    tracing.configure("shop", "prod", "order", "api", metrics)
    metrics.count(names.REQUESTS, 7)
    for value in (10, 20, 30):
        metrics.record(names.REQUEST_DURATION_MS, value)
    metrics.flush()
    tracing.close()
    body = next(body for path, body in collector.bodies if path == "/v1/metrics")
    (scope,) = ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics
    found = {metric.name: metric for metric in scope.metrics}
    assert found[names.REQUESTS].sum.data_points[0].as_int == 7
    histogram = found[names.REQUEST_DURATION_MS]
    assert histogram.unit == "ms"
    assert histogram.histogram.data_points[0].count == 3
    assert histogram.histogram.data_points[0].sum == pytest.approx(60, rel=0.02)
