"""Reasons why an event can't be sent or handled."""

from __future__ import annotations


class Refused(Exception):
    """This event can never be handled: it becomes a dead letter at once, and the next one has its turn.

    The text is the reason that the dead letter carries. It names no personal data.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unreadable(Refused):
    """The message is no event, or its payload does not match its schema."""


class Postponed(Exception):
    """A dependency of the handler is unavailable: the event is retried until it succeeds, and later ones wait."""


class Stopped(Exception):
    """The process is stopping, or the partition belongs to another member: the event was not handled here."""


class BrokerAway(Exception):
    """The broker is unavailable."""
