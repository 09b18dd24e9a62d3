"""Spans as services export them: OTLP over HTTP, in protobuf (https://opentelemetry.io/docs/specs/otlp/)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Received
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Value = str | int | float | bool
_KINDS = {
    Received.SPAN_KIND_SERVER: "server",
    Received.SPAN_KIND_CLIENT: "client",
    Received.SPAN_KIND_PRODUCER: "producer",
    Received.SPAN_KIND_CONSUMER: "consumer",
}


@dataclass(frozen=True)
class Span:
    """One span, with the process that it was in."""

    trace_id: str
    """32 hexadecimal digits; of a request without a parent they are its id."""
    span_id: str
    parent_id: str
    process: str
    """`order-command`."""
    name: str
    kind: str
    """`server`, `client`, `producer`, `consumer` or `internal`."""
    start_ns: int
    """Since 1970."""
    end_ns: int
    failure: str | None
    """Why it failed; None: it didn't."""
    attributes: dict[str, Value]

    @property
    def title(self) -> str:
        """What a person calls it: of a request its method and route, of a statement its text."""
        method, route = self.attributes.get("http.request.method"), self.attributes.get("http.route")
        if method and route:
            return f"{method} {route}"
        return str(self.attributes.get("db.query.text") or self.name)


def decoded(body: bytes) -> list[Span]:
    """The spans of one export. Raises ValueError for a body that is none."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise ValueError(f"no ExportTraceServiceRequest: {error}") from None
    return list(_spans(request))


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        of = _attributes(resource.resource.attributes)
        process = "-".join(str(of[name]) for name in ("service.name", "groundplan.role") if name in of)
        for scope in resource.scope_spans:
            for span in scope.spans:
                failed = span.status.code == Status.STATUS_CODE_ERROR
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    process=process or "unknown",
                    name=span.name,
                    kind=_KINDS.get(span.kind, "internal"),
                    start_ns=span.start_time_unix_nano,
                    end_ns=max(span.end_time_unix_nano, span.start_time_unix_nano),
                    failure=(span.status.message or "failed") if failed else None,
                    attributes=_attributes(span.attributes),
                )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Single values; lists and maps, which the chassis sends none of, are left out."""
    return {pair.key: value for pair in pairs if (value := _value(pair.value)) is not None}


def _value(of: AnyValue) -> Value | None:
    match of.WhichOneof("value"):
        case "string_value":
            return str(of.string_value)
        case "bool_value":
            return bool(of.bool_value)
        case "int_value":
            return int(of.int_value)
        case "double_value":
            return float(of.double_value)
    return None
