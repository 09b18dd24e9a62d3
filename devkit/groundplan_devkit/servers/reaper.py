"""The reaper: ends servers and services after the death of the process that they were started for, however it died.

python -m groundplan_devkit.servers.reaper <directory> <the owner's process id> <when that began> [remove]

A parent-death signal of Linux would not do: it is sent when the *thread* ends that started the child, is forgotten
where a child takes another account, and other systems have none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from groundplan_devkit.processes import Birth, end_marked
from groundplan_devkit.servers.running import stop


def main(directory: str, pid: str, created: str, *how: str) -> None:
    Birth(int(pid), float(created)).wait()
    place = Path(directory)
    stop(place)
    # What no file tells of: started in the owner's last moment, commands in work, what services started themselves.
    end_marked(place)
    if "remove" in how:
        stop(place, remove=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
