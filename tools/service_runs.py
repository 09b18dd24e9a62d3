"""Runs of `make bench-services WHAT=load` that are kept, and what the README says of them: what every run held.

`python -m tools.service_runs build/bench/load.json` keeps a run in docs/service-runs.json and writes the README's table
anew. Of each figure the README has the worst of the runs' medians, not the best.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "docs" / "service-runs.json"
README = ROOT / "README.md"
BEGIN: Final = "<!-- runs of services: written by `python -m tools.service_runs` -->"
END: Final = "<!-- end of the runs of services -->"


class Row(NamedTuple):
    """How a figure is told: its name in the table, its format, and whether more of it is better."""

    title: str
    form: str
    more_is_better: bool


ROWS: Final[Mapping[str, Row]] = {
    "cached_get_cpu_us": Row("GET by id from the cache: server CPU for one", "{:.0f} µs", more_is_better=False),
    "cached_get_of_stock": Row(
        "requests/s of that, of a bare handler's on uvicorn as it comes", "{:.2f}", more_is_better=True
    ),
    "cached_get_of_own": Row(
        "requests/s of that, of a bare handler's on the service's own protocol", "{:.2f}", more_is_better=True
    ),
    "cached_get_per_second": Row("requests/s of that", "{:,.0f}", more_is_better=True),
    "database_get_cpu_us": Row("GET by id from PostgreSQL: server CPU for one", "{:.0f} µs", more_is_better=False),
    "database_get_of_indexed_read": Row(
        "requests/s of that, of a bare handler's with one indexed read", "{:.2f}", more_is_better=True
    ),
    "database_get_per_second": Row("requests/s of that", "{:,.0f}", more_is_better=True),
    "saturation_per_second": Row("80 % get, 15 % list, 5 % create: requests/s at most", "{:,.0f}", more_is_better=True),
    "p95_ms_at_share": Row("p95 at 60 % of that", "{:.1f} ms", more_is_better=False),
    # Before the bench had rounds.
    "cached_get_of_floor": Row(
        "before rounds: GET by id from the cache, requests/s, of a bare handler's that asks the cache",
        "{:.2f}",
        more_is_better=True,
    ),
    "database_get_of_floor": Row(
        "before rounds: GET by id from PostgreSQL, requests/s, of the same handler's", "{:.2f}", more_is_better=True
    ),
    "p95_ms_at_1000": Row("before rounds: p95 at 1,000 requests/s", "{:.1f} ms", more_is_better=False),
}


def read() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RUNS.read_text(encoding="utf-8"))["runs"]
    return found


def block(runs: Sequence[Mapping[str, Any]]) -> str:
    """The table in the README."""
    lines = [BEGIN, "| one worker process, a table of a million rows | in every run | runs |", "|---|---|---|"]
    lines += [
        f"| {row.title} | {word} {row.form.format(worst)} | {count} |" for row, word, worst, count in _worst(runs)
    ]
    return "\n".join([*lines, END])


def _worst(runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Row, str, float, int]]:
    for name, row in ROWS.items():
        medians = [each["figures"][name]["median"] for each in runs if name in each["figures"]]
        if medians and row.more_is_better:
            yield row, "at least", min(medians), len(medians)
        elif medians:
            yield row, "at most", max(medians), len(medians)


def in_readme() -> str:
    """The table that the README has."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def main(arguments: Sequence[str]) -> int:
    """Keeps the run in the file that is named, if one is; writes the README."""
    runs = read()
    for name in arguments:
        run = json.loads(Path(name).read_text(encoding="utf-8"))
        if unknown := run["figures"].keys() - ROWS.keys():
            print(f"{name}: no row of the README is for {', '.join(sorted(unknown))}", file=sys.stderr)
            return 1
        runs.append(run)
    RUNS.write_text(json.dumps({"runs": runs}, indent=1) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(in_readme(), block(runs)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
