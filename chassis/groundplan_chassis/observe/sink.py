"""Non-blocking log output to standard output."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

LINGER_SECONDS: Final = 0.05
"""Time for which lines are collected into one write; a killed process loses no more than that."""
MOST_LINES: Final = 20_000
"""Lines that wait while the log reader is unavailable, some 10 MiB; further ones are counted and dropped."""
STUCK_SECONDS: Final = 2.0
"""Time for the log reader to take the last lines at the end of the process."""
_LINES_A_WRITE: Final = 500


class Sink:
    """Writes lines to a file descriptor from a thread of its own, in their order, whole, and never waits.

    A container's output is a pipe: while its reader is slow, a direct write would stop the event loop and with it
    every request.
    """

    def __init__(self, descriptor: int = 1, dropped: Callable[[int], bytes] | None = None) -> None:
        """``dropped`` makes the line that says how many lines were lost."""
        self._descriptor = descriptor
        self._dropped_line = dropped
        # An event among the lines is set when all before it are written.
        self._waiting: deque[bytes | threading.Event] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def write(self, line: bytes) -> None:
        """Takes one line, which ends with a line feed. Any thread may call it."""
        if self._closed:
            self._put(line)
        elif len(self._waiting) >= MOST_LINES:
            self._dropped += 1
        else:
            self._waiting.append(line)
            if self._thread is None:
                self._start()
            if not self._wake.is_set():
                self._wake.set()

    def flush(self, seconds: float = STUCK_SECONDS) -> bool:
        """Waits until all lines so far are written, for so many seconds at most; False when they still aren't."""
        if self._thread is None or self._closed:
            return True
        written = threading.Event()
        self._waiting.append(written)
        self._wake.set()
        return written.wait(seconds)

    def close(self) -> None:
        """Writes what is left and ends the thread; lines that come later are written directly."""
        self.flush()
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STUCK_SECONDS)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-sink", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait()
            if not self._closed:
                time.sleep(LINGER_SECONDS)
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        while self._waiting:
            batch: list[bytes] = []
            reached: list[threading.Event] = []
            while self._waiting and len(batch) < _LINES_A_WRITE:
                each = self._waiting.popleft()
                if isinstance(each, bytes):
                    batch.append(each)
                else:
                    reached.append(each)
            self._put(b"".join(batch))
            for event in reached:
                event.set()
        if self._dropped and self._dropped_line is not None:
            dropped, self._dropped = self._dropped, 0
            self._put(self._dropped_line(dropped))

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        # The log reader is gone, so there is no place for an error message.
        with contextlib.suppress(OSError):
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    # Another process that shares the descriptor has made it non-blocking.
                    time.sleep(LINGER_SECONDS)
