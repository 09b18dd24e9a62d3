"""The latest traces, in memory: a request, what it published, and what other services did about it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from groundplan_devkit.dev.page.spans import Span

MOST_TRACES = 500
MOST_POLLS = 100
"""Traces with nothing but statements are polls, of an outbox that has nothing, say: they push out no request's."""
MOST_SPANS = 2000
"""Of one trace. What comes after them is counted only."""


class Traces:
    """Those that came last. Spans of a trace come in any order, and from several processes."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, list[Span]] = OrderedDict()
        self._polls: OrderedDict[str, list[Span]] = OrderedDict()
        self._left_out: dict[str, int] = {}

    def add(self, spans: Iterable[Span]) -> None:
        for span in spans:
            held = self._requests.get(span.trace_id)
            if held is None:
                held = self._polls.setdefault(span.trace_id, [])
                if span.kind != "client":
                    self._requests[span.trace_id] = self._polls.pop(span.trace_id)
            if len(held) < MOST_SPANS:
                held.append(span)
            else:
                self._left_out[span.trace_id] = self._left_out.get(span.trace_id, 0) + 1
        for traces, most in ((self._requests, MOST_TRACES), (self._polls, MOST_POLLS)):
            while len(traces) > most:
                gone, _ = traces.popitem(last=False)
                self._left_out.pop(gone, None)

    def summaries(self, text: str = "", *, failed: bool = False) -> list[dict[str, Any]]:
        """Newest first. ``text``: in a span's title, a process's name or the trace's id."""
        wanted = text.lower().split()
        found = []
        for trace_id, spans in reversed(self._requests.items()):
            if failed and not any(span.failure for span in spans):
                continue
            said = " ".join({trace_id, *(span.title for span in spans), *(span.process for span in spans)}).lower()
            if all(word in said for word in wanted):
                found.append(_summary(trace_id, spans))
        return found

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """All spans of one, in the order in which they began; None: it isn't here, or not yet."""
        spans = self._requests.get(trace_id) or self._polls.get(trace_id)
        if not spans:
            return None
        first = min(span.start_ns for span in spans)
        depths = _depths(spans)
        return {
            **_summary(trace_id, spans),
            "left_out": self._left_out.get(trace_id, 0),
            "spans": [
                {
                    "process": span.process,
                    "title": span.title,
                    "kind": span.kind,
                    "depth": depths[span.span_id],
                    "offset_ms": _ms(span.start_ns - first),
                    "duration_ms": _ms(span.end_ns - span.start_ns),
                    "failure": span.failure,
                    "attributes": span.attributes,
                }
                for span in sorted(spans, key=lambda span: (span.start_ns, depths[span.span_id]))
            ],
        }


def _summary(trace_id: str, spans: list[Span]) -> dict[str, Any]:
    first, last = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    named = min(spans, key=lambda span: (span.kind == "client", span.start_ns))
    return {
        "id": trace_id,
        "title": named.title,
        "status": named.attributes.get("http.response.status_code"),
        "started": first / 1e9,
        "duration_ms": _ms(last - first),
        "answered_ms": _ms(named.end_ns - named.start_ns) if named.kind == "server" else None,
        "processes": list(dict.fromkeys(span.process for span in sorted(spans, key=lambda span: span.start_ns))),
        "spans": len(spans),
        "failed": sum(span.failure is not None for span in spans),
    }


def _depths(spans: list[Span]) -> dict[str, int]:
    """How deep each lies in others of its trace; parents that are not here count for nothing."""
    by_id = {span.span_id: span for span in spans}
    depths: dict[str, int] = {}
    for span in spans:
        depth, parent, seen = 0, by_id.get(span.parent_id), {span.span_id}
        while parent is not None and parent.span_id not in seen:
            seen.add(parent.span_id)
            depth, parent = depth + 1, by_id.get(parent.parent_id)
        depths[span.span_id] = depth
    return depths


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
