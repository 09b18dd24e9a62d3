"""`python -m groundplan_devkit.dev`, which is `make dev`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from groundplan.cli._command import main_of
from groundplan.cli._numbers import WholeNumber
from groundplan.declaration.loader import load_system
from groundplan_devkit.command import Command
from groundplan_devkit.dev.alone import alone
from groundplan_devkit.dev.session import PORT, Session
from groundplan_devkit.servers import stop
from groundplan_devkit.servers.running import require_programs
from groundplan_devkit.state import DIRECTORY, PROJECT

PARENT_SECONDS = 1.0
"""Pause between two looks whether the parent is still there."""


@click.command("dev", cls=Command)
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    default=PORT,
    help=f"Of the API. Default: {PORT}, or a free one when it is taken.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    help="Where data and logs are. Default: build/local.",
)
@click.option("--fresh", is_flag=True, help="Begin without the data of last time.")
@click.option("--no-seed", is_flag=True, help="Put no sample data into the databases.")
@click.option("--no-reload", is_flag=True, help="Leave edits alone.")
@click.option("--debug", default="", metavar="NAME", help="A service or process that a debugger can attach to.")
@click.option("--once", is_flag=True, help="Send the first request, then stop (for tests).")
def command(port: int, directory: Path, debug: str, *, fresh: bool, no_seed: bool, no_reload: bool, once: bool) -> int:
    """Run all services with real servers on this machine."""
    directory = directory.resolve()
    # The event log's consumer waits for a broker that is not there yet, and need not say so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if fresh:
        # Before anything is stopped or removed: it may be another session's.
        with alone(directory):
            pass
        stop(directory, remove=True)
    with alone(directory):
        session = Session(
            load_system(PROJECT / "system.yaml"),
            directory,
            port=port,
            seed=not no_seed,
            reload=not no_reload,
            debug=debug,
        )
        require_programs(session.needed()[0])
        return asyncio.run(_run(session, once=once))


main = main_of(command)


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
    sys.exit(main(None))
