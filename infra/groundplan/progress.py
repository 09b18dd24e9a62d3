"""What a command is doing, for a person who waits at a terminal; nothing is printed elsewhere.

On standard error, in one line that gives way to the next: standard output is the command's answer. COLUMNS, NO_COLOR
and TERM=dumb are obeyed.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def doing(what: str) -> Iterator[None]:
    """Shows ``what``, such as "Rendering the template", while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # takes a tenth of a second, which scripts need not wait for

    with Console(file=sys.stderr, highlight=False, markup=False).status(f"{what} …"):
        yield
