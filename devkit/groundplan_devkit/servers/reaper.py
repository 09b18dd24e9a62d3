"""The reaper: ends servers after the crash of the process that started them, such as a killed test run.

python -m groundplan_devkit.servers.reaper <directory> <the owner's process id> [remove]
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

from groundplan_devkit.servers.running import stop


def main(directory: str, owner: str, *how: str) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(owner)).wait()
    stop(Path(directory), remove="remove" in how)


if __name__ == "__main__":
    main(*sys.argv[1:])
