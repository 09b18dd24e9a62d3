"""Whether a command may install something on this machine: said first, asked at a terminal, elsewhere by a variable."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import textwrap
import threading

ALLOW = "ALLOW_INSTALL"
"""Environment variable: 1 allows it, 0 refuses it; without it a person at a terminal is asked."""
HINT = f"run it again with {ALLOW}=1 to have it installed"

_LEAST_WIDTH = 20

_asking = threading.Lock()
_allowed: set[str] = set()


def may_install(what: str) -> bool:
    """Whether ``what`` may be installed, such as "valkey-server by apt-get, with sudo"; the question is asked once."""
    with _asking:  # servers start side by side
        if _answer(what):
            _allowed.add(what)
            return True
        return False


def was_allowed() -> bool:
    """Whether anything was: what is missing nevertheless could not be installed."""
    return bool(_allowed)


@functools.cache
def _answer(what: str) -> bool:
    said = os.environ.get(ALLOW, "").strip().lower()
    if said:
        return said not in ("0", "no", "false")
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    width = max(_LEAST_WIDTH, shutil.get_terminal_size().columns)
    print(*textwrap.wrap(f"Not on this machine yet: {what}", width - 1), sep="\n", file=sys.stderr)
    print("Install it? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return False
