"""The id that ties together what one request caused, in every process that took part."""

from __future__ import annotations

from contextvars import ContextVar, Token

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current() -> str | None:
    """The id of the request or event that is being handled."""
    return _current.get()


def begin(correlation_id: str) -> Token[str | None]:
    """From here on this is what is being handled; give the result to `end`."""
    return _current.set(correlation_id)


def end(token: Token[str | None]) -> None:
    _current.reset(token)
