"""Results as a table in Markdown and a picture of latency over load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygal
from pygal.style import CleanStyle

from bench.load import Run


def table(runs: Sequence[Run]) -> str:
    """One row a step of load; latencies in milliseconds over all requests."""
    lines = [
        "| asked, requests/s | answered, requests/s | p50 ms | p95 ms | p99 ms | failed |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        every = run.all()
        shares = " | ".join(f"{every.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))
        lines.append(f"| {run.rate:,.0f} | {run.achieved:,.0f} | {shares} | {every.failed} |")
    return "\n".join(lines)


def kinds(run: Run) -> str:
    """One row a kind of request of one run."""
    lines = ["| request | count | p50 ms | p95 ms | p99 ms | failed |", "|---|---|---|---|---|---|"]
    for name, samples in sorted(run.samples.items()):
        shares = " | ".join(f"{samples.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))
        lines.append(f"| {name} | {samples.statuses.total():,} | {shares} | {samples.failed} |")
    return "\n".join(lines)


def picture(runs: Sequence[Run], target_ms: float, path: Path) -> None:
    """Writes an SVG: latency percentiles over answered requests/s, with the target as a line of its own."""
    chart = pygal.XY(
        style=CleanStyle,
        title="Latency over load, one worker process",
        x_title="answered requests/s",
        y_title="ms",
        js=(),
        dots_size=3,
        width=900,
        height=480,
        include_x_axis=True,
        min_scale=6,
    )
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        chart.add(name, [(run.achieved, run.all().percentile(share)) for run in runs])
    most = max(run.achieved for run in runs)
    chart.add(f"target {target_ms:g} ms", [(0, target_ms), (most, target_ms)], show_dots=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(chart.render())
