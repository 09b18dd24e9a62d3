"""Traces by OpenTelemetry, sent where OTEL_EXPORTER_OTLP_ENDPOINT says, or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; without
either spans cost a function call.

The W3C trace context (`traceparent`) comes in with requests and events and goes out with them. Where a request brings
none, its trace's id is the request's own id, if that is a UUID: what an event causes later, in another process, then
lands in the same trace, as the correlation id is all that travels through the database.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self

from groundplan_chassis.observe import correlation

if TYPE_CHECKING:
    from opentelemetry.context import Context as OtelContext
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    from groundplan_chassis.observe.metrics import Metrics

ENDPOINT_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own name for the collector's address (OTLP over HTTP, `http://collector:4318`)."""
TRACES_VARIABLE: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
"""OpenTelemetry's own name for the address of a collector that takes spans alone (`http://collector:4318/v1/traces`)."""
SAMPLE_VARIABLE: Final = "OTEL_TRACES_SAMPLER_ARG"
"""OpenTelemetry's own name for the share of traces that are kept, 0 to 1."""
_RANDOM: Final = (1 << 56) - 1
"""Bits of a trace's id that are random in every UUID too: above them stands its variant, always the same, by which
small shares would keep no trace at all. W3C Trace Context, level 2, "Random trace id flag"."""
METRIC_SECONDS: Final = 15
"""Between two deliveries of metrics."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]


class Spanning(Protocol):
    """A span that ends with its ``with`` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def set(self, name: str, value: str | int | float | bool, /) -> None:
        """Adds an attribute. Values are seen by everybody who may read traces: nothing secret, nothing personal."""

    def fail(self, description: str, /) -> None:
        """Marks what the span stands for as failed."""


class _NoSpan:
    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set(self, _name: str, _value: str | int | float | bool, /) -> None:
        return None

    def fail(self, _description: str, /) -> None:
        return None


_NOTHING: Final = _NoSpan()
_tracer: Tracer | None = None
_provider: TracerProvider | None = None
_meter_provider: MeterProvider | None = None


def enabled() -> bool:
    """Whether spans are exported; check it before expensive preparations."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Mapping[str, str | int | float | bool] | None = None,
    parent: Mapping[str, str] | None = None,
    correlation_id: str | None = None,
) -> Spanning:
    """A span named after what it stands for, without ids in the name: `GET /api/v1/orders/{id}`.

    ``parent``: headers with a `traceparent`, of a request or an event; else the current span is the parent.
    ``correlation_id``: the trace's id where there is no parent and it is a UUID; the one that is being handled
    (`groundplan_chassis.observe.correlation`) when absent.
    """
    if _tracer is None:
        return _NOTHING
    return _OpenSpan(_tracer, name, kind, attributes, parent, correlation_id)


def record(
    name: str,
    kind: Kind,
    started_ns: int,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    correlation_id: str | None = None,
    failure: str | None = None,
) -> None:
    """A span of what is over, in the trace of its own request: members of a batch belong to different ones.

    ``started_ns``: `time.time_ns()` at its beginning. ``failure``: why it failed.
    """
    if _tracer is None:
        return
    from opentelemetry.context import Context as OtelContext
    from opentelemetry.trace import SpanKind, Status, StatusCode

    around = _named_after(correlation_id, OtelContext())
    over = _tracer.start_span(name, around, SpanKind[kind.upper()], dict(attributes or {}), start_time=started_ns)
    if failure is not None:
        over.set_status(Status(StatusCode.ERROR, failure))
    over.end()


def inject() -> dict[str, str]:
    """The current span's context as headers, for a request or an event that goes out; empty when there is none."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers


def current_trace_id() -> str | None:
    """The current trace's id as 32 hexadecimal digits, for log lines."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def configure(system: str, environment: str, service: str, role: str, metrics: Metrics | None = None) -> None:
    """Starts sending spans, and ``metrics``, to the collector that the environment names; else does nothing.

    A deployed service's metrics are lines of its log, so its collector is named for spans alone.
    """
    global _tracer, _provider, _meter_provider
    whole = bool(os.environ.get(ENDPOINT_VARIABLE))
    if not (whole or os.environ.get(TRACES_VARIABLE)):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": system,
            "deployment.environment.name": environment,
            "service.instance.id": os.environ.get("HOSTNAME", ""),
            "groundplan.role": role,
        }
    )

    class _Share(TraceIdRatioBased):
        TRACE_ID_LIMIT = _RANDOM

    share = float(os.environ.get(SAMPLE_VARIABLE) or 1.0)
    # Any caller can say that its request is to be traced: the share counts for those too, by the trace's id, on which
    # all processes decide alike.
    sampler = ParentBased(_Share(share), remote_parent_sampled=_Share(share))
    _provider = TracerProvider(resource=resource, sampler=sampler)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("chassis")
    if metrics is not None and whole:
        _meter_provider = _metrics_to_collector(resource, metrics)


def close() -> None:
    """Exports the remaining spans and stops."""
    global _tracer, _provider, _meter_provider
    provider, meter_provider = _provider, _meter_provider
    _tracer = _provider = _meter_provider = None
    if provider is not None:
        provider.shutdown()
    if meter_provider is not None:
        meter_provider.shutdown()


class _OpenSpan:
    """A span of OpenTelemetry, current while its block runs."""

    __slots__ = ("_attributes", "_correlation_id", "_kind", "_name", "_parent", "_span", "_token", "_tracer")

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        kind: Kind,
        attributes: Mapping[str, str | int | float | bool] | None,
        parent: Mapping[str, str] | None,
        correlation_id: str | None,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._parent = parent
        self._correlation_id = correlation_id
        self._span: Span
        self._token: Any = None

    def __enter__(self) -> Self:
        from opentelemetry import context, trace

        around = _context_of(self._parent, self._correlation_id)
        self._span = self._tracer.start_span(
            self._name, around, trace.SpanKind[self._kind.upper()], dict(self._attributes or {})
        )
        self._token = context.attach(trace.set_span_in_context(self._span, around))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from opentelemetry import context

        if kind is not None:
            # The kind alone: a message may hold what must not be told.
            self.fail(kind.__name__)
            self._span.set_attribute("error.type", kind.__name__)
        context.detach(self._token)
        self._span.end()

    def set(self, name: str, value: str | int | float | bool) -> None:
        self._span.set_attribute(name, value)

    def fail(self, description: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, description))


def _context_of(parent: Mapping[str, str] | None, correlation_id: str | None) -> OtelContext:
    """The context to start in: a remote parent, else the current span, else a trace named after the request."""
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    here = context.get_current()
    if parent and "traceparent" in parent:
        return TraceContextTextMapPropagator().extract(dict(parent), here)
    correlation_id = correlation_id or correlation.current()
    if trace.get_current_span(here).get_span_context().is_valid:
        return here
    return _named_after(correlation_id, here)


def _named_after(correlation_id: str | None, here: OtelContext) -> OtelContext:
    """A context whose trace's id is the request's, where that is a UUID; else ``here``."""
    from opentelemetry import trace

    if correlation_id is None:
        return here
    try:
        trace_id = uuid.UUID(correlation_id).int
    except ValueError:
        return here
    # A parent span that does not exist: only its trace id is used.
    root = trace.SpanContext(
        trace_id,
        trace_id & 0xFFFF_FFFF_FFFF_FFFF or 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(_sampled(trace_id)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(root), here)


def _sampled(trace_id: int) -> int:
    """The same decision in every process, as the sampler takes it."""
    share = float(os.environ.get(SAMPLE_VARIABLE) or 1.0)
    return int((trace_id & _RANDOM) < round(share * (_RANDOM + 1)))


def _metrics_to_collector(resource: Resource, metrics: Metrics) -> MeterProvider:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from groundplan_chassis.observe.telemetry import Telemetry

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=METRIC_SECONDS * 1000)
    provider = MeterProvider([reader], resource=resource)
    metrics.observe(Telemetry(provider.get_meter("chassis")))
    return provider
