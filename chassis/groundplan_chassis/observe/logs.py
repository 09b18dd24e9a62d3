"""Log lines as JSON, one each, with the names that `groundplan_components.observability._log_queries` asks for.

Modules log by the standard library: ``logging.getLogger(__name__).info("text", extra={"event": "audit", …})``. What is
in ``extra`` becomes fields of the line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import msgspec

from groundplan_chassis.observe import correlation, tracing
from groundplan_chassis.observe.redaction import Redaction
from groundplan_chassis.observe.sink import Sink

LEVELS: Final = ("debug", "info", "warning", "error")
LEVEL_VARIABLE: Final = "LOG_LEVEL"
MOST_FRAMES: Final = 30
"""Most frames of a stack trace: the innermost ones."""

# Attributes of every record; all others came by `extra`.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_RESERVED: Final = frozenset({"time", "level", "service", "message", "logger"})
_encode = msgspec.json.Encoder().encode


class LineFormat:
    """Turns records and prepared fields into lines of bytes."""

    def __init__(self, service: str, role: str, redaction: Redaction) -> None:
        self.redaction = redaction
        self._constant = {"service": service, "role": role}

    def record(self, record: logging.LogRecord) -> bytes:
        """A record's line. Never raises: the line of a record that can't be formatted says so."""
        try:
            return self._record(record)
        except Exception as error:
            return self.line(
                "error", "a log line could not be made", {"error": type(error).__name__, "logger": record.name}
            )

    def _record(self, record: logging.LogRecord) -> bytes:
        fields: dict[str, object] = {"logger": record.name}
        for key, value in record.__dict__.items():
            if key not in _OWN:
                name = f"field_{key}" if key in _RESERVED else key
                fields[name] = "[hidden]" if self.redaction.hides(name) else self.redaction.value(value)
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            fields.setdefault("error", type(error).__name__)
            fields["detail"] = self.redaction.error(error)
            fields["stack"] = self._stack(error)
        return self.line(_level(record.levelno), self.redaction.text(_message(record)), fields, record.created)

    def line(self, level: str, message: str, fields: Mapping[str, object], created: float | None = None) -> bytes:
        """A line of fields that are already fit to be shown. ``created``: seconds since 1970, now when absent."""
        moment = datetime.now(UTC) if created is None else datetime.fromtimestamp(created, UTC)
        known: dict[str, object] = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": level,
            "message": message,
            **self._constant,
        }
        correlation_id = correlation.current()
        if correlation_id is not None:
            # A client's own, or of another service's event: it may hold anything.
            known["correlation_id"] = self.redaction.text(correlation_id)
        trace_id = tracing.current_trace_id()
        if trace_id is not None:
            known["trace_id"] = trace_id
        known.update(fields)
        return _encode(known) + b"\n"

    def _stack(self, error: BaseException) -> list[str]:
        """Where it was raised, innermost last: files and lines, without source text or values."""
        # Not `extract_tb`, which reads the source files, and keeps them for ever.
        frames = deque(traceback.walk_tb(error.__traceback__), maxlen=MOST_FRAMES)
        shown = [f"{_short(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}" for frame, line in frames]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None and cause is not error:
            shown.insert(0, f"after {type(cause).__name__}: {self.redaction.error(cause)}")
        return shown


class LineHandler(logging.Handler):
    """Writes records to a sink as lines."""

    def __init__(self, lines: LineFormat, sink: Sink) -> None:
        super().__init__()
        self.lines = lines
        self.sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        self.sink.write(self.lines.record(record))

    def flush(self) -> None:
        self.sink.flush()

    def close(self) -> None:
        self.sink.close()
        super().close()


def configure(
    service: str,
    role: str,
    personal_fields: Iterable[str] = (),
    level: str | None = None,
    descriptor: int = 1,
) -> LineHandler:
    """Makes all loggers of this process write JSON lines; returns the handler, to be closed when the process ends.

    ``level`` is one of LEVELS; without it LOG_LEVEL counts, else `info`. Uvicorn's loggers are included; its access log
    is switched off, `groundplan_chassis.observe.requests` has that line. Warnings and uncaught errors become lines too.
    """
    chosen = level or os.environ.get(LEVEL_VARIABLE, "").lower()
    lines = LineFormat(service, role, Redaction(personal_fields))

    def dropped(count: int) -> bytes:
        return lines.line("warning", "log lines were dropped: the output is not read fast enough", {"dropped": count})

    handler = LineHandler(lines, Sink(descriptor, dropped))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel((chosen if chosen in LEVELS else "info").upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    # These tell of every request or connection that they make.
    for name in ("aiobotocore", "aiokafka", "asyncio", "botocore", "opentelemetry", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    return handler


def restore_hooks() -> None:
    """Gives uncaught errors back to Python; for tests, which outlive what they configure."""
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    exc_info: Any = (kind, error, trace)
    logging.getLogger("chassis").critical("an unexpected error ends a thread or the process", exc_info=exc_info)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


def _level(number: int) -> str:
    """The levels of the saved queries; higher ones count as errors."""
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _short(path: str) -> str:
    """The end of a file's path, which is what says where it is."""
    return "/".join(path.replace("\\", "/").rsplit("/", 3)[-3:])
