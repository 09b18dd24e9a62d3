"""`groundplan servers up | down | status | programs`: manages this project's servers."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from groundplan.cli._command import main_of
from groundplan.cli._numbers import WholeNumber
from groundplan_devkit.command import Command
from groundplan_devkit.say import say
from groundplan_devkit.servers.running import KINDS, Kind, Servers, require_programs, start, stop
from groundplan_devkit.state import DIRECTORY, STATE_FILE, STATE_VARIABLE

MOST = 100
"""Shards, or replicas of each; a machine has no room for as many servers."""


@click.command("servers", cls=Command)
@click.argument("action", type=click.Choice(["up", "down", "status", "programs"]))
@click.argument("kinds", nargs=-1, metavar="[KIND]...", type=click.Choice(KINDS))
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    help="Where their data are. Default: build/local.",
)
@click.option("--shards", type=WholeNumber(1, MOST), default=1, help="Primaries, each with its replicas. Default: 1.")
@click.option("--replicas", type=WholeNumber(0, MOST), default=1, help="Of each primary, streaming. Default: 1.")
@click.option("--durable", is_flag=True, help="Commits wait for the disk, as in the cloud.")
@click.option("--remove", is_flag=True, help="With down: delete the data too.")
def command(
    action: str,
    kinds: Sequence[Kind],
    directory: Path,
    shards: int,
    replicas: int,
    *,
    durable: bool,
    remove: bool,
) -> int:
    """Start, stop and list the local servers.

    A KIND is one of postgres, valkey, kafka, aws and identity; all when none is named. `programs` sees that what they
    are is on this machine; it asks before anything is installed.
    """
    directory = directory.resolve()
    if action == "programs":
        require_programs(kinds or KINDS)
    elif action == "up":
        began = time.monotonic()
        servers = start(directory, kinds or KINDS, shards=shards, replicas=replicas, durable=durable)
        _show(servers)
        say(f"Up in {time.monotonic() - began:.1f} s. To use them: export {STATE_VARIABLE}={servers.state_file}")
    elif action == "down":
        stopped = stop(directory, remove=remove)
        say(f"Stopped {', '.join(stopped)}" if stopped else "Nothing runs")
    elif (directory / STATE_FILE).exists():
        _show(Servers.read(directory / STATE_FILE))
    else:
        print("Nothing runs")
    return 0


main = main_of(command)


def _show(servers: Servers) -> None:
    for name, process in servers.processes().items():
        pid = process.pid
        print(f"{name:22} {servers.address(name):22} {f'runs as {pid}' if pid else 'does not run'}")


if __name__ == "__main__":
    sys.exit(main(None))
