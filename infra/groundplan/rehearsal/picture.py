"""A rehearsed year as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from groundplan.rehearsal.year import Row

_KINDS = (("created", "#2e7d32"), ("changed", "#1565c0"), ("replaced", "#ef6c00"), ("deleted", "#b71c1c"))
_ROW, _LEFT, _BAR, _RIGHT = 22, 250, 380, 330
"""Pixels: height of a row, widths of titles, bars and remarks."""


def line(row: Row) -> str:
    """What one operation came to, in words."""
    counts = [f"{getattr(row, kind)} {kind}" for kind, _ in _KINDS if getattr(row, kind)]
    return ", ".join([*counts, *_remarks(row)]) or "nothing"


def markdown(rows: Sequence[Row]) -> str:
    """A table for a record."""
    head = "| operation | created | changed | replaced | deleted | later | away | what else | |\n|" + "---|" * 9
    lines = [
        f"| {row.title} | {row.created} | {row.changed} | {row.replaced} | {row.deleted} | {row.later} | "
        f"{_minutes(row.away)} | {'; '.join(_remarks(row, times=False))} | {'**no**' if row.surprises else 'yes'} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


def svg(title: str, rows: Sequence[Row]) -> str:
    """Bars of what each operation does, and beside them what it costs."""
    most = max((row.created + row.changed + row.replaced + row.deleted for row in rows), default=1) or 1
    width, height = _LEFT + _BAR + _RIGHT, (len(rows) + 3) * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    for position, (kind, colour) in enumerate(_KINDS):
        left = _LEFT + position * 90
        parts.append(f'<rect x="{left}" y="26" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{left + 14}" y="36">{kind}</text>')
    for number, row in enumerate(rows):
        y = (number + 2) * _ROW
        parts.append(f'<text x="8" y="{y + 15}">{escape(row.title)}</text>')
        x = float(_LEFT)
        for kind, colour in _KINDS:
            # The square root lets three changes be seen beside six hundred.
            share = (getattr(row, kind) / most) ** 0.5 * _BAR / 2
            if share:
                parts.append(f'<rect x="{x:.1f}" y="{y + 4}" width="{share:.1f}" height="{_ROW - 8}" fill="{colour}"/>')
                x += share
        remarks = "; ".join(_remarks(row))
        mark = "✗ " if row.surprises else ""
        parts.append(f'<text x="{_LEFT + _BAR}" y="{y + 15}">{escape(mark + _cut(remarks, 56))}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _remarks(row: Row, *, times: bool = True) -> list[str]:
    found = [row.note] if row.note else []
    if row.lost:
        shown = ", ".join(row.lost[:3]) + (f" and {len(row.lost) - 3} more" if len(row.lost) > 3 else "")
        found.append(f"loses {shown} (asked for by name)")
    if row.protected:
        found.append(f"{row.protected} protected, refused first")
    if row.failures:
        found.append(f"{row.failures} calls went wrong, 0 left over")
    if times and row.later:
        found.append(f"{row.later} later")
    if times and row.away:
        found.append(f"away up to {_minutes(row.away)}")
    return found


def _minutes(seconds: int) -> str:
    return f"{-(-seconds // 60)} min" if seconds else ""


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
