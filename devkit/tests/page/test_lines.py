"""Logs on the page of `make dev`: read as they grow, searched, and added up."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from groundplan_devkit.dev.page.lines import MOST_SHOWN, Lines


def line(message: str, **fields: object) -> str:
    return json.dumps({"time": "2026-11-30T10:00:00.000Z", "level": "info", "message": message, **fields}) + "\n"


def test_lines_are_read_as_they_come_and_found_by_all_words_process_kind_level_and_trace(tmp_path: Path) -> None:
    request = uuid.uuid4()
    api, relay = tmp_path / "order-api.log", tmp_path / "order-relay.log"
    lines = Lines()
    lines.add("order-api", api)
    lines.add("order-relay", relay)
    lines.read()
    assert lines.found() == {"lines": [], "more": 0, "read": 0}
    api.write_text(line("created", event="audit", correlation_id=str(request)) + "Traceback\n" + line("ha")[:10])
    relay.write_text(line("the broker is away", level="warning") + line("dead", level="critical"))
    lines.read()
    assert [each["message"] for each in lines.found("away BROKER")["lines"]] == ["the broker is away"]
    assert [each["message"] for each in lines.found(kind="audit")["lines"]] == ["created"]
    assert [each["message"] for each in lines.found(trace_id=request.hex)["lines"]] == ["created"]
    assert [each["level"] for each in lines.found(level="warning")["lines"]] == ["warning", "error"]
    assert {each["message"] for each in lines.found(process="order-api")["lines"]} == {"created", "Traceback"}
    # Half of a line waits for its end; a log that begins anew is read anew.
    with api.open("a") as file:
        file.write(line("ha")[10:])
    lines.read()
    assert lines.found("ha", process="order-api")["lines"][-1]["message"] == "ha"
    api.write_text(line("again"))
    lines.read()
    assert lines.found("again")["lines"]


def test_metrics_are_added_up_and_are_no_lines(tmp_path: Path) -> None:
    log = tmp_path / "order-query.log"
    log.write_text(2 * (json.dumps({"_aws": {}, "service": "order", "cache_hits": 3, "cache_misses": 1}) + "\n"))
    lines = Lines()
    lines.add("order-query", log)
    lines.read()
    assert lines.counts("order-query") == {"cache_hits": 6, "cache_misses": 2}
    assert lines.found()["lines"] == []


def test_slow_statements_are_one_row_each_the_costliest_first(tmp_path: Path) -> None:
    log = tmp_path / "order-api.log"
    slow = [("SELECT 1", 30.0), ("SELECT 2", 50.0), ("SELECT 1", 40.0)]
    log.write_text("".join(line("slow", event="slow_query", statement=said, duration_ms=took) for said, took in slow))
    lines = Lines()
    lines.add("order-api", log)
    lines.read()
    found = [(each["statement"], each["times"], each["most_ms"]) for each in lines.slow_statements()]
    assert found == [("SELECT 1", 2, 40.0), ("SELECT 2", 1, 50.0)]


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "order-api.log"
    log.write_text("".join(line(f"number {number}") for number in range(MOST_SHOWN + 5)))
    lines = Lines()
    lines.add("order-api", log)
    lines.read()
    found = lines.found()
    assert (len(found["lines"]), found["more"]) == (MOST_SHOWN, 5)
    assert found["lines"][-1]["message"] == f"number {MOST_SHOWN + 4}"
