"""`python -m groundplan_devkit.dev`, which is `make dev`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from groundplan.declaration.loader import load_system
from groundplan.installation.contract import start
from groundplan.problems import ProblemsFound
from groundplan_devkit.dev.alone import alone
from groundplan_devkit.dev.session import PORT, Session
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.say import say
from groundplan_devkit.servers import stop
from groundplan_devkit.servers.running import require_programs
from groundplan_devkit.state import DIRECTORY, PROJECT

PARENT_SECONDS = 1.0
"""Pause between two looks whether the parent is still there."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="groundplan dev", description="The whole project on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the API ({PORT}, or a free one when it is taken)")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where data and logs are (build/local)")
    parser.add_argument("--fresh", action="store_true", help="begin without the data of last time")
    parser.add_argument("--no-seed", action="store_true", help="put no sample data into the databases")
    parser.add_argument("--no-reload", action="store_true", help="leave edits alone")
    parser.add_argument(
        "--debug", default="", metavar="NAME", help="a service or process that a debugger can attach to"
    )
    parser.add_argument("--once", action="store_true", help="send the first request, then stop (for tests)")
    given = parser.parse_args(arguments)
    directory = given.directory.resolve()
    # The event log's consumer waits for a broker that is not there yet, and need not say so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        start(PROJECT)
        if given.fresh:
            # Before anything is stopped or removed: it may be another session's.
            with alone(directory):
                pass
            stop(directory, remove=True)
        with alone(directory):
            session = Session(
                load_system(PROJECT / "system.yaml"),
                directory,
                port=given.port,
                seed=not given.no_seed,
                reload=not given.no_reload,
                debug=given.debug,
            )
            require_programs(session.needed()[0])
            return asyncio.run(_run(session, once=given.once))
    except (Unavailable, ProblemsFound) as problem:
        say(str(problem))
        return 1


async def _run(session: Session, *, once: bool) -> int:
    """Ctrl-C, SIGTERM, a closed terminal and the death of `make` end the session in order, once, also when the key is
    pressed repeatedly."""
    task = asyncio.create_task(session.run(once=once))
    loop = asyncio.get_running_loop()
    asked = False

    def end() -> None:
        nonlocal asked
        if not asked:
            asked = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `nohup` has hang-ups ignored. A shell has SIGINT ignored by what it starts in the background, and who sends it
        # there means it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, end)
    watch = asyncio.create_task(_after_make(os.getppid(), end)) if os.environ.get("MAKELEVEL") else None
    try:
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return 0
    finally:
        if watch:
            watch.cancel()


async def _after_make(parent: int, end: Callable[[], None]) -> None:
    """Ends the session when `make` was killed: no one could stop it by a key any more."""
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_SECONDS)
    end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
