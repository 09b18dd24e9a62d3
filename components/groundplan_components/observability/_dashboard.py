"""A CloudWatch dashboard as data: charts, rows of charts, and their grid.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = 24
CHART_WIDTH = 8
CHART_HEIGHT = 6
TITLE_HEIGHT = 1
MOST_WIDGETS = 500
MOST_METRICS = 2500
"""Most metrics of one dashboard, including those used in expressions.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""
LINES_PER_CHART = 10
"""More lines are hard to distinguish; further lines go to another chart."""
PERIOD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of a chart. With an ``id``, expressions can use it; ``hidden`` lines serve expressions only."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    label: str
    stat: str = "Sum"
    id: str = ""
    hidden: bool = False

    def rendered(self) -> list[Any]:
        place = [part for pair in self.dimensions.items() for part in pair]
        options: dict[str, Any] = {"label": self.label, "stat": self.stat}
        if self.id:
            options["id"] = self.id
        if self.hidden:
            options["visible"] = False
        return [self.namespace, self.name, *place, options]


@dataclass(frozen=True, slots=True)
class Expression:
    """Metric math over the ids of the chart's lines."""

    expression: str
    label: str

    def rendered(self) -> list[Any]:
        return [{"expression": self.expression, "label": self.label}]


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    lines: Sequence[Line]
    expressions: Sequence[Expression] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    """Horizontal lines: label → value."""
    number: bool = False
    """Shows one number over ``since`` instead of a line over time."""
    since: str = ""
    """The chart's range, for example `-P30D`; empty for the dashboard's."""
    region: str = ""
    """Region of its metrics; empty for the dashboard's."""

    def rendered(self, region: str) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "title": self.title,
            "region": self.region or region,
            "view": "singleValue" if self.number else "timeSeries",
            "period": PERIOD_SECONDS,
            "metrics": [*(each.rendered() for each in self.expressions), *(each.rendered() for each in self.lines)],
        }
        if self.number:
            properties["setPeriodToTimeRange"] = True
        if self.since:
            properties["start"] = self.since
        if self.limits:
            properties["annotations"] = {
                "horizontal": [{"label": label, "value": value} for label, value in self.limits.items()]
            }
        return {"type": "metric", "properties": properties}


@dataclass(frozen=True, slots=True)
class AlarmList:
    """The state of the given alarms."""

    title: str
    arns: Sequence[str]

    def rendered(self, region: str) -> dict[str, Any]:  # noqa: ARG002  as a chart's
        return {"type": "alarm", "properties": {"title": self.title, "alarms": list(self.arns)}}


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    charts: Sequence[Chart | AlarmList]


def split(title: str, lines: Sequence[Line], limits: Mapping[str, float] | None = None) -> list[Chart]:
    """One chart, or several if it has too many lines."""
    parts = [lines[start : start + LINES_PER_CHART] for start in range(0, len(lines), LINES_PER_CHART)]
    if len(parts) == 1:
        return [Chart(title, parts[0], limits=limits or {})]
    return [
        Chart(f"{title} ({number} of {len(parts)})", part, limits=limits or {})
        for number, part in enumerate(parts, start=1)
    ]


def body(rows: Iterable[Row], region: str) -> dict[str, Any]:
    """The dashboard's body: rows from top to bottom, three charts in a line. Omits rows without charts."""
    widgets: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        if not row.charts:
            continue
        title = {"type": "text", "properties": {"markdown": f"## {row.title}", "background": "transparent"}}
        widgets.append({**title, "x": 0, "y": y, "width": COLUMNS, "height": TITLE_HEIGHT})
        y += TITLE_HEIGHT
        for number, chart in enumerate(row.charts):
            if number and number * CHART_WIDTH % COLUMNS == 0:
                y += CHART_HEIGHT
            place = {"x": number * CHART_WIDTH % COLUMNS, "y": y, "width": CHART_WIDTH, "height": CHART_HEIGHT}
            widgets.append({**chart.rendered(region), **place})
        y += CHART_HEIGHT
    return {"start": "-PT3H", "widgets": widgets}


def metric_count(rows: Iterable[Row]) -> int:
    return sum(len(chart.lines) for row in rows for chart in row.charts if isinstance(chart, Chart))


def widget_count(rows: Iterable[Row]) -> int:
    return sum(1 + len(row.charts) for row in rows if row.charts)
