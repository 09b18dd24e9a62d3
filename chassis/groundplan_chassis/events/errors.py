"""What keeps an event from being sent or handled."""

from __future__ import annotations


class Refused(Exception):
    """This event can never be handled: it becomes a dead letter at once, and the next one has its turn.

    The text is the reason that the dead letter carries. It names no personal data.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unreadable(Refused):
    """What was received is no event, or its payload isn't what it should be."""


class Postponed(Exception):
    """Something that the handler needs is away, and the event is not to blame: it is tried again for as long as it
    takes, and those behind it wait."""


class Stopped(Exception):
    """The process is to end, or the partition now belongs to another: the event was not handled, others will do it."""


class BrokerAway(Exception):
    """Nothing can be sent or received now."""
