"""`python -m bench [rounds]`: every benchmark, as tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from bench import client, copying, own_tests, planning

TITLES = {
    "Planning the prod stack in-process (floor: the same imports and as many plain resources)": planning.rows,
    "The program's processor time under the Pulumi engine (floor: as many plain resources)": client.rows,
    "Copying a project (floor: copier with as many static files)": copying.rows,
    "An untouched project's own tests (limits for two quiet cores)": own_tests.rows,
}


def table(title: str, rows: Iterator[tuple[str, ...]], progress: Console) -> Table:
    drawn = Table(*next(rows), title=title, title_justify="left")
    progress.print(title)
    for row in rows:
        progress.print(f"  {row[0]}: measured")
        drawn.add_row(*row)
    return drawn


def main(rounds: int) -> None:
    console = Console()
    for title, rows in TITLES.items():
        console.print(table(title, rows(rounds), Console(stderr=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
