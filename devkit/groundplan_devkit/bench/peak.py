"""The peak of a server: wrk over connections that are never idle (a closed loop).

wrk is C and costs the machine little, so that on two cores the server keeps one for itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from groundplan_devkit.bench.processor import core_seconds
from groundplan_devkit.problems import Unavailable

_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_REQUESTS = re.compile(r"^\s+(\d+) requests in", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s+(50|75|90|99)%\s+([0-9.]+)(us|ms|s)$", re.MULTILINE)
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKETS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
LATE_SECONDS = 30.0
"""Time beyond its duration after which wrk is ended."""
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Peak:
    """Answers a second, latency in milliseconds by percentile, and requests that failed."""

    rate: float
    latency_ms: Mapping[int, float]
    failed: int
    cpu_us: float
    """Processor time of the server for one request, the kernel's for it included."""


def measure(url: str, headers: Mapping[str, str], *, pid: int | None, seconds: int, connections: int = 32) -> Peak:
    """``pid``: the server's. Raises Unavailable without wrk or when it doesn't end, RuntimeError when it can't be
    understood."""
    if shutil.which("wrk") is None:
        raise Unavailable("wrk", "not found", "wrk on the PATH", "install it: apt-get install wrk, or brew install wrk")
    given = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s", *given, url]
    before = core_seconds(pid)
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + LATE_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(
            "wrk's result", f"none after {seconds + LATE_SECONDS:.0f} s", f"one after {seconds} s", "try again"
        ) from None
    spent = core_seconds(pid) - before
    found, requests = _RATE.search(done.stdout), _REQUESTS.search(done.stdout)
    if done.returncode or found is None or requests is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    sockets = _SOCKETS.search(done.stdout)
    refused = _FAILED.search(done.stdout)
    return Peak(
        float(found[1]),
        {int(share): float(value) * _MS[unit] for share, value, unit in _PERCENTILE.findall(done.stdout)},
        (int(refused[1]) if refused else 0) + (sum(map(int, sockets.groups())) if sockets else 0),
        spent * 1e6 / max(1, int(requests[1])),
    )
