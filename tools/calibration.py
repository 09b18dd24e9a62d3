"""`docs/calibration.md`: what the plan predicts of the services' work, beside what was measured of each.

A plan without measurements of its own uses the dearest service's figures, so that cheaper ones are predicted too high:
`make bench-services WHAT=capacity` in a project makes its own predictions exact.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from groundplan.capacity import figures
from groundplan.capacity.written import written_by
from groundplan.declaration.loader import load_system
from groundplan.declaration.measured import Quantity, ours
from groundplan.declaration.model import System

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs/calibration.md"
LEAST, MOST = 0.8, 1.25

ROWS: dict[Quantity, tuple[str, float]] = {
    "cached_get_ms": ("get from the cache, ms of a core", 1000 / figures.POD_CACHED_READS),
    "database_get_ms": ("get from PostgreSQL, ms of a core", 0.0),
    "list_ms": ("list, ms of a core", 1000 / figures.POD_LISTS),
    "create_ms": ("create, ms of a core", 1000 / figures.POD_WRITES),
    "mix_ms": ("the mix of 80 % get, 15 % list, 5 % create, ms of a core", 0.0),
    "consumed_event_ms": ("consumer, ms of a core an event", 1000 / figures.POD_CONSUMED_EVENTS),
    "projected_event_ms": ("projector, ms of a core a change", 1000 / figures.POD_PROJECTED_EVENTS),
    "relayed_event_ms": ("relay, ms of a core a message", 1000 / figures.POD_RELAYED_EVENTS),
    "read_statement_core_ms": ("PostgreSQL, ms of a core a read's statement", float(figures.READ_STATEMENT_CORE_MS)),
    "write_statement_core_ms": ("PostgreSQL, ms of a core a write's statement", float(figures.WRITE_STATEMENT_CORE_MS)),
    "statements_a_get": ("statements a get", float(figures.STATEMENTS_PER_GET)),
    "statements_a_list": ("statements a list", float(figures.STATEMENTS_PER_LIST)),
    "statements_a_create": ("statements a create", float(figures.STATEMENTS_PER_WRITE)),
    "bytes_a_create": ("bytes a created row", 0.0),
    "bytes_an_update": ("bytes a changed row", 0.0),
}


def predictions(system: System) -> Iterator[tuple[str, str, float, float]]:
    """Quantity, service, predicted, measured."""
    for quantity, (name, predicted) in ROWS.items():
        for service, measured in ours().services.items():
            if quantity in measured:
                yield name, service, predicted or _predicted(quantity, system, service), measured[quantity].median


def _predicted(quantity: Quantity, system: System, service: str) -> float:
    resource = next(iter(system.services[service].resources))
    written = written_by(system.services[service], resource)
    get = max(each["database_get_ms"].median for each in ours().services.values() if "database_get_ms" in each)
    return {
        "database_get_ms": get,
        "bytes_a_create": written.create,
        "bytes_an_update": written.update,
        # A fifth of the rows get four fifths of the requests, and few of them come again within a run.
        "mix_ms": 0.8 * get + 0.15 * 1000 / figures.POD_LISTS + 0.05 * 1000 / figures.POD_WRITES,
    }[quantity]


def table() -> str:
    measured = ours()
    quiet = (
        "a quiet machine"
        if measured.machine.quiet
        else f"a busy machine (others used {measured.machine.busy:.0%} of it), so that the run is to be repeated"
    )
    lines = [
        "# Calibration",
        "",
        f"Predicted by the plan, {measured.date} measured by `{measured.command}` at {measured.commit} on {quiet}; "
        f"{measured.machine.cores} cores, "
        f"{measured.machine.architecture}, Python {measured.machine.python}, PostgreSQL {measured.machine.postgres}.",
        "",
        "A plan uses the dearest service's figure for services that were not measured; a project's own measurement "
        "goes before it. Bytes are computed from declared fields.",
        "",
        "| | service | predicted | measured | ratio | |",
        "|---|---|---|---|---|---|",
    ]
    for name, service, predicted, found in predictions(load_system(ROOT / "system.yaml")):
        ratio = predicted / found
        mark = "" if LEAST <= ratio <= MOST else "outside 0.8 to 1.25"
        lines.append(f"| {name} | {service} | {predicted:,.3g} | {found:,.3g} | {ratio:.2f} | {mark} |")
    lines += ["", "Written by `python -m tools.calibration`.", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the file is out of date")
    if parser.parse_args().check:
        return int(FILE.read_text(encoding="utf-8") != table())
    FILE.write_text(table(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
