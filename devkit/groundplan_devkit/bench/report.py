"""The report: tables in Markdown and a chart of latency over load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from groundplan_devkit.bench import floors
from groundplan_devkit.bench.capacity import MIXED_P95_MS, Results
from groundplan_devkit.bench.load import Run
from groundplan_devkit.bench.rounds import ROUNDS, Figure, Rounds
from groundplan_devkit.bench.saturation import SHARE, Saturation
from groundplan_devkit.bench.statements import Statement

_SHOWN = 110
"""Characters of a statement in a table."""
_SCALE_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


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


def picture(runs: Sequence[Run], path: Path) -> None:
    """Writes an SVG: latency percentiles over the load that was asked for, with the limit as a line of its own.

    The scale of latency is logarithmic, since the last step is one too many and its latency that of a queue that grows.
    """
    # Importing pygal adds a finder to Python's own that all later imports complain about: only where it is needed.
    import pygal
    from pygal.style import CleanStyle

    points = {
        name: [(run.rate, run.all().percentile(share)) for run in runs]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    points[f"limit of p95: {MIXED_P95_MS:g} ms"] = [(runs[0].rate, MIXED_P95_MS), (runs[-1].rate, MIXED_P95_MS)]
    drawn = [latency for line in points.values() for _, latency in line if math.isfinite(latency)]
    most = next((number for number, each in enumerate(_SCALE_MS) if each >= max(drawn)), len(_SCALE_MS) - 1)
    # pygal's own logarithmic scale is one for both axes.
    chart = pygal.XY(
        style=CleanStyle,
        title="Latency over load, one worker process",
        x_title="requests/s, asked for",
        y_title="ms",
        js=(),
        dots_size=3,
        width=900,
        height=480,
        truncate_legend=-1,
        x_labels=[run.rate for run in runs],
        x_value_formatter=lambda rate: f"{rate:,.0f}",
        value_formatter=lambda exponent: f"{10**exponent:.1f} ms",
        y_labels=[{"label": f"{each:,g}", "value": math.log10(each)} for each in _SCALE_MS[: most + 1]],
    )
    for name, line in points.items():
        finite = [(rate, math.log10(latency)) for rate, latency in line if math.isfinite(latency)]
        chart.add(name, finite, show_dots=not name.startswith("limit"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(chart.render())


def load(results: Results, machine: str) -> str:
    """The whole report of a service under load, in Markdown."""
    slowest = max(results.statements, key=lambda each: each.p95_ms)
    return "\n\n".join(
        (
            f"# {results.service}, one worker process, {results.rows:,} rows",
            machine,
            f"Medians of {ROUNDS} rounds in which the servers take turns, with the least and the most of them.",
            turns(results.cached, floors.STOCK),
            turns(results.database, floors.INDEXED),
            f"## Latency at {SHARE:.0%} of saturation",
            "What the process does at most, and the latency at a share of that, one after the other in each round.",
            _saturation(results.saturation),
            "## Latency over load",
            "80 % get, 15 % list, 5 % create; latency counts from when a request was due.",
            table(results.steps),
            f"## {results.sustained.seconds:.0f} s at {results.sustained.rate:,.0f} requests/s",
            kinds(results.sustained),
            table([results.sustained]),
            f"The process used {results.cores:.2f} of a core: {results.sustained.achieved / results.cores:,.0f} "
            "requests/s a core.",
            "## Statements of that run (T2)",
            f"Slowest at the 95th percentile: {slowest.p95_ms:.1f} ms. Plans are generic ones, which PostgreSQL makes "
            "for any values (EXPLAIN).",
            _statements(results.statements),
            "",
        )
    )


def figures(results: Results) -> dict[str, Figure]:
    """What a record of runs holds of this one: names without units are shares."""
    cached, database = results.cached, results.database
    return {
        "cached_get_cpu_us": cached.cpu_us(floors.CACHED_GET),
        "cached_get_of_stock": cached.share(floors.CACHED_GET, floors.STOCK),
        "cached_get_of_own": cached.share(floors.CACHED_GET, floors.OWN),
        "cached_get_per_second": cached.rate(floors.CACHED_GET),
        "database_get_cpu_us": database.cpu_us(floors.DATABASE_GET),
        "database_get_of_indexed_read": database.share(floors.DATABASE_GET, floors.INDEXED),
        "database_get_per_second": database.rate(floors.DATABASE_GET),
        "saturation_per_second": results.saturation.rate,
        "p95_ms_at_share": results.saturation.p95_ms,
    }


def turns(rounds: Rounds, floor: str) -> str:
    lines = [
        "| one worker process at its peak | server CPU a request, µs | requests/s | of the first's requests/s "
        "| p99 ms | failed |",
        "|---|---|---|---|---|---|",
    ]
    for name, peaks in rounds.peaks.items():
        p99 = Figure.of([peak.latency_ms[99] for peak in peaks])
        lines.append(
            f"| {name} | {_spread(rounds.cpu_us(name), '.0f')} | {_spread(rounds.rate(name), ',.0f')} | "
            f"{_spread(rounds.share(name, floor), '.2f')} | {_spread(p99, '.1f')} | "
            f"{sum(peak.failed for peak in peaks)} |"
        )
    return "\n".join(lines)


def _saturation(found: Saturation) -> str:
    lines = [
        "| round | at most, requests/s | asked, requests/s | p50 ms | p95 ms | p99 ms | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, each in enumerate(found.rounds, 1):
        every = each.run.all()
        shares = " | ".join(f"{every.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))
        lines.append(f"| {number} | {each.saturation:,.0f} | {each.run.rate:,.0f} | {shares} | {every.failed} |")
    return "\n".join(lines)


def _spread(figure: Figure, form: str) -> str:
    """`0.68 (0.66 to 0.71)`."""
    return f"{figure.median:{form}} ({figure.least:{form}} to {figure.most:{form}})"


def _statements(evaluated: Sequence[Statement]) -> str:
    lines = ["| statement | times | p95 ms | longest ms | its plan uses |", "|---|---|---|---|---|"]
    for each in sorted(evaluated, key=lambda one: -one.count):
        text = " ".join(each.text.split()).replace("|", "\\|")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        lines.append(f"| `{shown}` | {each.count:,} | {each.p95_ms:.2f} | {each.max_ms:.1f} | {each.plan} |")
    return "\n".join(lines)
