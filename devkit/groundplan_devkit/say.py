"""Progress messages of the local servers: one line a step, on standard error.

Standard output belongs to what a command is asked for (a token, a status), so that it can be used in scripts.
"""

from __future__ import annotations

import contextlib
import os
import sys


def say(line: str) -> None:
    """Print a line, unless ``LOCAL_QUIET`` is set or the terminal has gone."""
    if not os.environ.get("LOCAL_QUIET"):
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)
