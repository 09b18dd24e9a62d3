"""A process of a service, with its restarts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from groundplan_devkit.services import RunningService

FIRST_PAUSE = 1.0
"""Seconds before a process that ended by itself starts again: twice as many every time, as Kubernetes does."""


@dataclass
class ManagedProcess:
    running: RunningService
    started: float = field(default_factory=time.monotonic)
    pause: float = FIRST_PAUSE
    again_at: float | None = None
    """Time of the next start; None: it runs."""
    restarts: int = 0
    """After edits and after failures."""
