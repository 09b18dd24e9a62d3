"""`python -m local.dev`, which is `make dev`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from infra.problems import ProblemsFound
from infra.system.loader import load_system
from local.dev.alone import alone
from local.dev.session import PORT, Session
from local.problems import Unavailable
from local.say import say
from local.servers import stop
from local.state import DIRECTORY, PROJECT


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.dev", description="The whole project on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the API ({PORT}, or a free one when it is taken)")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where data and logs are (build/local)")
    parser.add_argument("--fresh", action="store_true", help="begin without the data of last time")
    parser.add_argument("--no-seed", action="store_true", help="put no sample data into the databases")
    parser.add_argument("--no-reload", action="store_true", help="leave edits alone")
    parser.add_argument("--once", action="store_true", help="send the first request, then stop (for tests)")
    given = parser.parse_args(arguments)
    directory = given.directory.resolve()
    # The event log's consumer waits for a broker that is not there yet, and need not say so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
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
            )
            return asyncio.run(_run(session, once=given.once))
    except (Unavailable, ProblemsFound) as problem:
        say(str(problem))
        return 1


async def _run(session: Session, *, once: bool) -> int:
    """Ctrl-C and SIGTERM end the session in order; it is asked once, however often the key is pressed."""
    task = asyncio.create_task(session.run(once=once))
    loop = asyncio.get_running_loop()
    asked = False

    def end() -> None:
        nonlocal asked
        if not asked:
            asked = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
