"""Processor time of processes under measurement."""

from __future__ import annotations

import psutil


def core_seconds(pid: int | None) -> float:
    """Seconds of a core that a process and its children have used so far. Raises psutil.NoSuchProcess."""
    assert pid is not None
    process = psutil.Process(pid)
    used = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            if each is process:
                raise
            continue
        used += times.user + times.system
    return used
