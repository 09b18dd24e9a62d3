"""`groundplan servers up | down | status | programs`: manages this project's servers.

`programs` sees that what they are is on this machine; it asks before anything is installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from groundplan.problems import ProblemsFound
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.say import say
from groundplan_devkit.servers.running import KINDS, Servers, require_programs, start, stop
from groundplan_devkit.state import DIRECTORY, STATE_FILE, STATE_VARIABLE


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="groundplan servers", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "programs"))
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all when none is named")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where their data are (build/local)")
    parser.add_argument("--shards", type=int, default=1, help="primaries, each with its replicas (1)")
    parser.add_argument("--replicas", type=int, default=1, help="streaming replicas of each primary (1)")
    parser.add_argument("--durable", action="store_true", help="commits wait for the disk, as in the cloud")
    parser.add_argument("--remove", action="store_true", help="with down: delete the data too")
    given = parser.parse_args(arguments)
    unknown = [kind for kind in given.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)} (there are {', '.join(KINDS)})")
    directory = given.directory.resolve()
    try:
        if given.command == "programs":
            require_programs(given.kinds or KINDS)
        elif given.command == "up":
            began = time.monotonic()
            servers = start(
                directory,
                given.kinds or KINDS,
                shards=given.shards,
                replicas=given.replicas,
                durable=given.durable,
            )
            _show(servers)
            say(f"Up in {time.monotonic() - began:.1f} s. To use them: export {STATE_VARIABLE}={servers.state_file}")
        elif given.command == "down":
            stopped = stop(directory, remove=given.remove)
            say(f"Stopped {', '.join(stopped)}" if stopped else "Nothing runs")
        elif (directory / STATE_FILE).exists():
            _show(Servers.read(directory / STATE_FILE))
        else:
            print("Nothing runs")
    except (Unavailable, ProblemsFound) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _show(servers: Servers) -> None:
    for name, process in servers.processes().items():
        pid = process.pid
        print(f"{name:22} {servers.address(name):22} {f'runs as {pid}' if pid else 'does not run'}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
