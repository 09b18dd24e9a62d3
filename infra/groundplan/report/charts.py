"""Charts as SVG that take their colours from the page, so that light, dark and print need one drawing."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Points = Sequence[tuple[float, float]]


def bars(title: str, values: Mapping[str, Sequence[float]], names: Sequence[str], unit: str, limit: float = 0) -> str:
    """Horizontal bars: ``values`` by series, one for each of ``names``; ``limit`` cuts what is off the scale."""
    pygal = _library()
    rows = len(names)
    chart = pygal.HorizontalBar(
        **_settings(title, 90 + rows * (14 + 12 * len(values))),
        x_labels=list(reversed(names)),
        value_formatter=lambda value: f"{value:,.0f} {unit}",
        range=(0, limit) if limit else None,
        y_labels=_steps(limit or max((amount for amounts in values.values() for amount in amounts), default=1.0)),
    )
    for series, amounts in values.items():
        chart.add(series, [min(amount, limit) if limit else amount for amount in reversed(list(amounts))])
    return _figure(title, chart)


def _steps(most: float) -> list[float]:
    """Round numbers from nothing on, four to eight of them."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most))
    step = next(each for each in (power / 5, power / 2, power, power * 2) if most / each <= 7)
    return [step * number for number in range(math.floor(most / step) + 1)]


def lines(title: str, series: Mapping[str, Points], x_title: str, unit: str) -> str:
    """Lines over numbers."""
    pygal = _library()
    chart = pygal.XY(
        **_settings(title, 360),
        x_title=x_title,
        dots_size=2,
        value_formatter=lambda value: f"{value:,.0f} {unit}",
        x_value_formatter=lambda value: f"{value:,.0f}",
    )
    for name, points in series.items():
        chart.add(name, list(points), show_dots=len(points) < 30)
    return _figure(title, chart)


def _library() -> Any:  # noqa: ANN401  # pygal has no types
    """pygal, without the finder of its own that it leaves among Python's, which lacks what imports ask of one.

    What else comes to Python's finders meanwhile stays: importlib_metadata, which pygal imports, takes the place of
    the standard library's look for installed packages.
    """
    import pygal
    import pygal.style

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder) is not pygal.PluginImportFixer]
    return pygal


def _settings(title: str, height: int) -> dict[str, Any]:
    style = _library().style.Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        opacity="1",
        opacity_hover="1",
        transition="0s",
        colors=("var(--one)", "var(--two)", "var(--three)", "var(--four)", "var(--five)", "var(--six)"),
        font_family="inherit",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
        value_font_size=12,
    )
    return {
        "style": style,
        "js": (),
        "width": 820,
        "height": height,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "truncate_legend": -1,
        "truncate_label": -1,
        "show_x_guides": False,
        "pretty_print": False,
        "disable_xml_declaration": True,
        "classes": (),
        "title": None,
        "no_data_text": f"{title}: nothing to show",
        "explicit_size": False,
    }


def _figure(title: str, chart: Any) -> str:  # noqa: ANN401  # pygal has no types
    # The same page for the same plan; several charts are on one.
    chart.uuid = re.sub("[^a-z0-9]+", "-", title.lower())
    drawn = str(chart.render(is_unicode=True))
    drawn = re.sub(r' id="activate-serie-\d+"', "", drawn)
    # Scripts that the library offers its own page, and addresses in comments: this page runs none and knows no other.
    drawn = re.sub(r"<script.*?</script>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<title>.*?</title>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<desc\b[^>]*>.*?</desc>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"\s*xmlns:xlink=\"[^\"]*\"", "", drawn)
    drawn = drawn.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    # A picture to screen readers: its numbers are in the table below it.
    return (
        f'<figure><div class="wide" role="group" tabindex="0" aria-label="{escape(title)}, a chart; the table below '
        f'has its numbers">{drawn}</div></figure>'
    )
