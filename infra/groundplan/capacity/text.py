"""Aligned text for terminals and logs, without colours."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

WIDTH = 100
"""Columns that the lines of a report keep within; fewer in a narrower terminal (COLUMNS)."""
_LEAST_WIDTH = 60
_LEAST_CELL = 20


def width() -> int:
    return max(_LEAST_WIDTH, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Lines of a table: the first ``left`` columns aligned left, the rest right.

    Cells of the last column are wrapped when it is aligned left and a line would pass the width.
    """
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    if left >= len(headings):
        widths[-1] = min(widths[-1], max(_LEAST_CELL, width() - sum(widths[:-1]) - 2 * len(widths)))
    lines: list[str] = []
    for row in (headings, *rows):
        wrapped = textwrap.wrap(row[-1], widths[-1]) or [""]
        cells = [*row[:-1], wrapped[0]]
        lines.append(_line(cells, widths, left))
        lines.extend(_line([*("" for _ in row[:-1]), more], widths, left) for more in wrapped[1:])
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    aligned = (
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return ("  " + "  ".join(aligned)).rstrip()


def paragraph(text: str, bullet: str = "") -> list[str]:
    """A wrapped paragraph, hanging under its bullet."""
    return textwrap.wrap(text, width(), initial_indent=f"  {bullet}", subsequent_indent="  " + " " * len(bullet))
