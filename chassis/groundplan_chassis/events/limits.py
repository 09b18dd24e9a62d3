"""How large an event may be, and how long anything that concerns one may take."""

from __future__ import annotations

from typing import Final

from groundplan_chassis.database import changes

LARGEST_MESSAGE: Final = changes.LARGEST_MESSAGE
"""Bytes of an event as it is sent; what is larger was refused when it was to be written."""
LARGEST_RECEIVED: Final = 1_048_588
"""Largest message in bytes, from any sender; a larger one is refused unread."""

HANDLING_SECONDS: Final = 30.0
"""For one try at one event: `processing_seconds` of `groundplan_components.events.queues`."""
MOST_TRIES: Final = 5
"""Of an event that fails for a reason of its own: as often as SQS delivers it (`MAX_RECEIVES`)."""
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Between tries at one event. Five of them take some six seconds."""
LONGEST_ABSENCE_PAUSE_SECONDS: Final = 15.0
"""Between looks at a database or broker that is away."""

BATCH: Final = 100
"""Events that a reader takes from a partition at once; they are the ones that come again after a crash."""
SEND_BATCH: Final = 500
"""Events that the relay takes from the outbox at once."""
SEND_SECONDS: Final = 10.0
"""For a batch to be sent; then what is left of it waits for the next one."""
LONGEST_SEND_SECONDS: Final = 20.0
"""For what has begun by then to be acknowledged. The rows are locked meanwhile, by a transaction that may be idle for
30 s (`groundplan_chassis.database.limits`)."""
LONGEST_REASON: Final = 500
"""Characters of the reason that a dead letter carries."""

KEPT_SENT_HOURS: Final = 24
"""Time for which sent rows stay in the outbox, for operators; the event log has them for years."""
KEPT_INBOX_DAYS: Final = 30
"""An event's mark stays in the inbox for so long. Brokers deliver again for 14 days at most (SQS's retention, and what
a dead-letter queue keeps); a replay of what is older is refused (`replay.py`)."""
KEPT_TOMBSTONE_DAYS: Final = 30
"""A deleted row's mark stays in the read model for so long, for the same reason."""
