"""Lines that machines read, that can't be forged, and that hold nothing which they must not."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.observe.reading import Written, configured, parsed
from groundplan_chassis.observe import correlation
from groundplan_chassis.observe.redaction import HIDDEN, LONGEST_TEXT, Redaction

log = logging.getLogger("chassis.tests")
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJl"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    with configured(tmp_path, ["nickname"]) as written:
        yield written


def test_a_line_has_what_saved_queries_ask_for(written: Written) -> None:
    token = correlation.begin("request-1")
    log.info("paid %s", "order 1", extra={"event": "audit", "subject": "u-1", "aggregate_id": "o-1"})
    correlation.end(token)
    (line,) = written.lines()
    assert line["level"] == "info"
    assert line["message"] == "paid order 1"
    assert (line["service"], line["role"], line["logger"]) == ("order", "api", "chassis.tests")
    assert line["correlation_id"] == "request-1"
    assert (line["event"], line["subject"], line["aggregate_id"]) == ("audit", "u-1", "o-1")
    assert line["time"].endswith("Z")
    assert len(line["time"]) == len("2026-01-01T00:00:00.000Z")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, "debug"),
        (logging.INFO, "info"),
        (logging.WARNING, "warning"),
        (logging.ERROR, "error"),
        (logging.CRITICAL, "error"),
    ],
)
def test_levels(written: Written, level: int, expected: str) -> None:
    log.log(level, "text")
    assert [line["level"] for line in written.lines()] == [expected]


def test_an_error_says_its_kind_and_place_and_no_values(written: Written) -> None:
    password = "hunter2"
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ConnectionError(f"postgres://order:{password}@db/order") from error
    except ConnectionError:
        log.exception("the database is away")
    (line,) = written.lines()
    assert line["error"] == "ConnectionError"
    assert line["level"] == "error"
    assert password not in json.dumps(line)
    assert "db/order" in line["detail"]
    assert line["stack"][0].startswith("after KeyError")
    assert "test_logs.py" in line["stack"][-1]


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.NotNullViolationError("null value in column"),
        asyncpg.DataError("invalid input for query argument $2: 'Ada Lovelace' (expected int)"),
        ValueError("'Ada Lovelace' is not a valid Status"),
        KeyError("Ada Lovelace"),
        RuntimeError('no place for "Ada Lovelace" here'),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_an_error_quotes_is_not_logged(written: Written, error: Exception) -> None:
    """Also where it is the cause of another."""
    if isinstance(error, asyncpg.PostgresError):
        error.detail = "Failing row contains (1, Ada Lovelace)"
    for raised in (error, RuntimeError("a change failed")):
        try:
            raise raised from (None if raised is error else error)
        except Exception:
            log.exception("a request failed")
    lines = written.lines()
    assert [line["error"] for line in lines] == [type(error).__name__, "RuntimeError"]
    assert lines[1]["stack"][0].startswith(f"after {type(error).__name__}")
    assert "Lovelace" not in json.dumps(lines)


def test_what_a_line_may_not_forge(written: Written) -> None:
    hostile = 'name\n{"level":"info","message":"forged"}\r\n\x1b[31m\x9b31m\u2028\u202e'
    log.info(hostile, extra={"event": hostile, "level": "info", "service": "another", "time": "never"})
    raw = written.raw()
    assert raw.count(b"\n") == 1
    (line,) = parsed(raw)
    assert line["service"] == "order"
    assert line["field_service"] == "another"
    for active in ("\x1b", "\x9b", "\u2028", "\u202e"):
        assert active.encode() not in raw


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {TOKEN}",
        f"token {TOKEN} refused",
        "password=hunter2secret",
        'body {"password": "hunter2secret"}',
        "api_key: hunter2secret",
        "postgres://order:hunter2secret@db:5432/order",
        "key AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----\nhunter2secret\n-----END PRIVATE KEY-----",
        "mail to jane.doe+shop@mail.example.com please",
    ],
)
def test_secrets_are_known_by_their_shape(written: Written, text: str) -> None:
    log.info("%s", text, extra={"note": text, "nested": {"list": [text, {"deep": text}]}})
    raw = written.raw().decode()
    for secret in ("hunter2secret", TOKEN[-10:], "AKIAIOSFODNN7EXAMPLE", "jane.doe"):
        assert secret not in raw
    assert HIDDEN in raw


@given(
    local=st.from_regex(r"[a-z0-9!#$*+^_~-]+(\.[a-z0-9!#$*+^_~-]+)*", fullmatch=True)
    | st.sampled_from(["a" * 65, "a" * 200, "m\u00fcller", "\u00e9ric", "\u043e\u043b\u044f", "ann\u00e9.x"]),
    host=st.sampled_from(["example.com", "a.b", "m\u00fcller.example", "xn--mller-kva.example", "a" * 63 + ".example"]),
    around=st.sampled_from(
        ["{}", "to {} now", "<{}>", "email={}", "'{}'", '{{"to":"{}"}}', "mailto:{}", "\u201e{}\u201c"]
    ),
)
def test_every_address_is_known_by_its_shape(local: str, host: str, around: str) -> None:
    """However long it is: at most 64 characters of the first part, in ASCII, were looked for."""
    shown = Redaction().text(around.format(f"{local}@{host}"))
    assert shown == around.format(HIDDEN)


@pytest.mark.parametrize("given", ["jane.doe@example.com", TOKEN, "AKIAIOSFODNN7EXAMPLE", "a\u2028b\u202ec"])
def test_a_correlation_id_is_a_text_like_any_other(written: Written, given: str) -> None:
    """It comes with a request's header or another service's event, and the access line hid what is in it already."""
    before = correlation.begin(given)
    try:
        log.info("text")
    finally:
        correlation.end(before)
    assert written.lines()[-1]["correlation_id"] == Redaction().text(given) != given


@pytest.mark.parametrize("quote", ["'", '"', "`"])
def test_a_long_value_in_an_error_is_hidden_too(quote: str) -> None:
    """Of a value of a megabyte the beginning was shown, once its end was looked for: with 100 kB that took minutes."""
    value = "hunter2 \\" + quote if quote != "`" else "hunter2 "
    error = ValueError(f"expected a number, got {quote}{value * 100_000}")
    shown = Redaction().error(error)
    assert shown == f"expected a number, got … ({len(str(error))} characters)"
    closed = Redaction().error(ValueError(f"got {quote}hunter2{quote}, {'x' * 5000}"))
    assert closed.startswith(f"got {HIDDEN}, xxx")
    assert "hunter2" not in closed


@pytest.mark.parametrize(
    "field",
    [
        "password",
        "Password",
        "accessToken",
        "Set-Cookie",
        "authorization",
        "email",
        "phone_number",
        "nickname",
        "Nickname",
    ],
)
def test_fields_are_hidden_by_their_names(written: Written, field: str) -> None:
    log.info("text", extra={field: "visible?", "inner": {field: ["visible?"]}})
    assert b"visible?" not in written.raw()


def test_what_is_not_secret_stays(written: Written) -> None:
    kept = {
        "statement": "SELECT id FROM orders WHERE status = $1",
        "rows": 3,
        "share": 0.5,
        "arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:order-AbCdEf",
    }
    log.info("order 42 at 10:00", extra=kept)
    (line,) = written.lines()
    assert line["message"] == "order 42 at 10:00"
    assert kept.items() <= line.items()


def test_values_are_bounded(written: Written) -> None:
    endless: list[object] = []
    endless.append(endless)
    log.info("x" * 100_000, extra={"many": list(range(10_000)), "deep": endless, "data": b"bytes", "other": object()})
    raw = written.raw()
    assert len(raw) < 3 * LONGEST_TEXT
    (line,) = parsed(raw)
    assert line["data"] == "5 bytes"


def test_a_line_that_cannot_be_made_says_so(written: Written) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    for message, arguments, extra in (("text", (), {"broken": Broken()}), ("%d", ("no number",), {})):
        record = log.makeRecord("x", logging.INFO, __file__, 1, message, arguments, None, extra=extra)
        written.handler.handle(record)
    lines = written.lines()
    assert [line["message"] for line in lines] == ["a log line could not be made", "%d"]
    assert lines[0]["error"] == "RuntimeError"


@given(
    st.text(), st.dictionaries(st.text(), st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists))
)
def test_any_value_can_be_shown(text: str, value: dict[str, object]) -> None:
    shown = Redaction().value({text: value})
    encoded = json.dumps(shown)
    assert json.loads(encoded) is not None
    encoded.encode()


def test_others_loggers_write_lines_too(written: Written) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.access").info("GET /secret?email=a@b.example")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("an old way", stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    lines = written.lines()
    assert [line["logger"] for line in lines] == ["uvicorn.error", "py.warnings", "chassis"]
    assert lines[-1]["error"] == "ZeroDivisionError"


def test_a_level_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "warning")
    with configured(tmp_path, level=None) as written:
        log.info("no")
        log.warning("yes")
        assert [line["message"] for line in written.lines()] == ["yes"]


async def test_each_task_has_its_own_correlation_id() -> None:
    token = correlation.begin("outer")
    inner = correlation.begin("inner")
    assert correlation.current() == "inner"
    correlation.end(inner)
    assert correlation.current() == "outer"
    correlation.end(token)
    assert correlation.current() is None
