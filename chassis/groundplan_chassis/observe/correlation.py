"""The correlation id: equal in all processes for all effects of one request."""

from __future__ import annotations

from contextvars import ContextVar, Token

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current() -> str | None:
    """The correlation id of the current request or event."""
    return _current.get()


def begin(correlation_id: str) -> Token[str | None]:
    """Sets the current correlation id; pass the result to `end`."""
    return _current.set(correlation_id)


def end(token: Token[str | None]) -> None:
    _current.reset(token)
