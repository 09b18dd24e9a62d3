"""What is told of answers and of statements."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from chassis.tests.observe.reading import Line
from chassis.tests.observe.test_metrics import Output
from groundplan_chassis.observe import names
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.redaction import Redaction
from groundplan_chassis.observe.requests import LINES_A_SECOND, SAMPLE, RequestLog
from groundplan_chassis.observe.statements import LONGEST_STATEMENT, SLOW_LINES_A_SECOND, StatementLog, one_line


class Observing:
    """Takes what the metrics gathered."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.values: dict[str, list[float]] = {}

    def counted(self, name: str, count: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + count

    def recorded(self, name: str, value: float, count: int) -> None:
        self.values.setdefault(name, []).extend([value] * count)


class Recorder:
    """A request log, and what came of it."""

    def __init__(self) -> None:
        self.output = Output()
        self.metrics = Metrics("n", "order", Output())
        self.observing = Observing()
        self.metrics.observe(self.observing)
        self.log = RequestLog("order", "api", self.metrics, Redaction(), self.output)

    def finished(self, **changes: Any) -> None:
        given: dict[str, Any] = {
            "method": "GET",
            "route": "/api/v1/orders/{id}",
            "status": 200,
            "started": time.perf_counter(),
            "request_id": "r-1",
        }
        self.log.finished(**given | changes)

    def lines(self) -> list[Line]:
        return self.output.lines()


def test_a_write_has_a_line() -> None:
    recorded = Recorder()
    recorded.finished(method="POST", route="/api/v1/orders", status=201, subject="u-1", size=512)
    (line,) = recorded.lines()
    assert line["event"] == names.LOG_REQUEST
    assert (line["service"], line["role"], line["level"]) == ("order", "api", "info")
    assert (line["correlation_id"], line["subject"]) == ("r-1", "u-1")
    assert (line["method"], line["route"], line["status"], line["bytes"]) == ("POST", "/api/v1/orders", 201, 512)
    assert line["duration_ms"] >= 0
    assert "sampled" not in line


def test_metrics_count_every_answer() -> None:
    recorded = Recorder()
    for status in (200, 200, 404, 500, 503):
        recorded.finished(status=status, started=time.perf_counter() - 0.05)
    recorded.metrics.flush()
    assert recorded.observing.counts == {names.REQUESTS: 5, names.REQUEST_ERRORS: 2}
    durations = recorded.observing.values[names.REQUEST_DURATION_MS]
    assert len(durations) == 5
    assert min(durations) >= 49


def test_failures_are_errors_with_their_code() -> None:
    recorded = Recorder()
    recorded.finished(status=500, code="INTERNAL_ERROR")
    recorded.finished(status=404, code="NOT_FOUND")
    assert [(line["level"], line["code"]) for line in recorded.lines()] == [
        ("error", "INTERNAL_ERROR"),
        ("info", "NOT_FOUND"),
    ]


def test_successful_reads_are_sampled() -> None:
    recorded = Recorder()
    for _ in range(3 * SAMPLE):
        recorded.finished()
    lines = recorded.lines()
    assert len(lines) == 3
    assert {line["sampled"] for line in lines} == {SAMPLE}


def test_a_slow_read_has_a_line() -> None:
    recorded = Recorder()
    recorded.finished(started=time.perf_counter() - 1)
    (line,) = recorded.lines()
    assert line["duration_ms"] >= 1000


def test_a_flood_is_bounded_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorder()
    monkeypatch.setattr(time, "time", lambda: 1_000_000.5)
    for _ in range(LINES_A_SECOND + 300):
        recorded.finished(status=429)
    monkeypatch.setattr(time, "time", lambda: 1_000_001.5)
    recorded.finished(status=429)
    lines = recorded.lines()
    assert len(lines) == LINES_A_SECOND + 1
    assert lines[-1]["suppressed"] == 300
    recorded.metrics.flush()
    assert recorded.observing.counts[names.REQUESTS] == LINES_A_SECOND + 301


def test_a_line_holds_no_secret_and_forges_nothing() -> None:
    recorded = Recorder()
    recorded.finished(status=401, request_id='x"}\n{"forged":1', subject="jane@mail.example.com")
    raw = b"".join(recorded.output.data)
    assert raw.count(b"\n") == 1
    assert b"jane" not in raw


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0190163D-8694-439b-aea5-966c26f8ad91", "0190163D-8694-439b-aea5-966c26f8ad91"),
        ("trace-1", "trace-1"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl", "[hidden]"),
        ("AKIAIOSFODNN7EXAMPLE", "[hidden]"),
    ],
)
def test_an_id_that_is_a_secret_is_in_no_line(given: str, shown: str) -> None:
    recorded = Recorder()
    recorded.log.audited(request_id=given, subject="u-1", operation="GET /", items=())
    recorded.finished(status=404, request_id=given)
    assert [line["correlation_id"] for line in recorded.lines()] == [shown, shown]


def test_a_slow_statement_is_logged_without_its_values(caplog: pytest.LogCaptureFixture) -> None:
    metrics, observing = Metrics("n", "order", Output()), Observing()
    metrics.observe(observing)
    statements = StatementLog(metrics, slow_ms=20)
    with caplog.at_level(logging.WARNING):
        statements.finished("SELECT 1", time.perf_counter())
        statements.finished(
            "SELECT *\n  FROM users\n WHERE name = 'Jane O''Hara' AND id = $1", time.perf_counter() - 0.05, rows=3
        )
    (record,) = caplog.records
    assert record.__dict__["event"] == names.LOG_SLOW_QUERY
    assert record.__dict__["statement"] == "SELECT * FROM users WHERE name = '…' AND id = $1"
    assert record.__dict__["duration_ms"] >= 49
    assert record.__dict__["rows"] == 3
    metrics.flush()
    assert len(observing.values[names.QUERY_DURATION_MS]) == 2


def test_a_flood_of_slow_statements_does_not_become_one_of_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out is counted, and its number told with the next line; metrics have all."""
    metrics, observing = Metrics("n", "order", Output()), Observing()
    metrics.observe(observing)
    statements = StatementLog(metrics, slow_ms=20)
    monkeypatch.setattr(time, "monotonic", lambda: 7.5)
    with caplog.at_level(logging.WARNING):
        for _ in range(SLOW_LINES_A_SECOND + 30):
            statements.finished("SELECT 1", time.perf_counter() - 0.05)
        assert len(caplog.records) == SLOW_LINES_A_SECOND
        monkeypatch.setattr(time, "monotonic", lambda: 8.5)
        statements.finished("SELECT 1", time.perf_counter() - 0.05)
        statements.finished("SELECT 1", time.perf_counter() - 0.05)
    assert [record.__dict__.get("suppressed") for record in caplog.records[-3:]] == [None, 30, None]
    metrics.flush()
    assert len(observing.values[names.QUERY_DURATION_MS]) == SLOW_LINES_A_SECOND + 32


def test_a_long_statement_is_cut() -> None:
    assert len(one_line("SELECT " + "x" * 10_000)) == LONGEST_STATEMENT + 1
