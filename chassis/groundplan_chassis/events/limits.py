"""Limits of events: sizes, time-outs and retries."""

from __future__ import annotations

from typing import Final

from groundplan_chassis.database import changes

LARGEST_MESSAGE: Final = changes.LARGEST_MESSAGE
"""Largest event in bytes; a larger one is refused when it is written."""
LARGEST_RECEIVED: Final = 1_048_588
"""Largest message in bytes, from any sender; a larger one is refused unread."""

HANDLING_SECONDS: Final = 30.0
"""Time for one attempt at one event: `processing_seconds` of `groundplan_components.events.queues`."""
MOST_TRIES: Final = 5
"""Attempts at an event that fails by itself: as many as SQS makes (`MAX_RECEIVES`)."""
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Pauses between attempts at one event. Five attempts take some six seconds."""
LONGEST_ABSENCE_PAUSE_SECONDS: Final = 15.0
"""Pause between checks of an unavailable database or broker."""

BATCH: Final = 100
"""Events that a reader takes from a partition at once; they are the ones that come again after a crash."""
SEND_BATCH: Final = 500
"""Events that the relay takes from the outbox at once."""
SEND_SECONDS: Final = 10.0
"""Time for sending a batch; the rest of it waits for the next one."""
LONGEST_SEND_SECONDS: Final = 20.0
"""For what has begun by then to be acknowledged. The rows are locked meanwhile, by a transaction that may be idle for
30 s (`groundplan_chassis.database.limits`)."""
LONGEST_REASON: Final = 500
"""Characters of the reason that a dead letter carries."""

KEPT_SENT_HOURS: Final = 24
"""Time for which sent rows stay in the outbox, for operators; the event log has them for years."""
KEPT_INBOX_DAYS: Final = 30
"""Time for which an event's mark stays in the inbox. Brokers deliver again for 14 days at most (SQS's retention, and
that of dead-letter queues); a replay of older events is refused (`replay.py`)."""
KEPT_TOMBSTONE_DAYS: Final = 30
"""Time for which a tombstone stays in the read model, for the same reason."""
