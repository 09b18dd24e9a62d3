"""Keyset pagination: conditions for the rows after a given one, as ranges of an index (R2, T2).

NULL is PostgreSQL's largest value: last when ascending, first when descending.

Columns that go in one direction are compared as a row, which a B-tree on them is entered by:
https://www.postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON
Such a comparison is not true of a NULL, which is right where NULLs are behind, or where there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from groundplan_chassis.database.names import quoted
from groundplan_chassis.http.operations import Sort


class Arguments(list[object]):
    """Values of a statement, in the order of their placeholders."""

    def add(self, value: object) -> str:
        """The value's placeholder."""
        self.append(value)
        return f"${len(self)}"


Range = Callable[[Arguments], list[str]]
"""Gives its conditions, all of which have to hold, and adds their values to the statement's."""


def behind(sorts: Sequence[Sort], values: Sequence[object]) -> list[Range]:
    """The conditions for the rows after the one with these ``values``, in one range of an index or, around NULLs, two.

    Everything in the first range comes before everything in the second. Together in one condition (`OR … IS NULL`)
    they would be a filter, for which all rows from the beginning are read.
    """
    first, column = sorts[0], quoted(sorts[0].field)
    if values[0] is None:
        ranges: list[Range] = [lambda given: [f"{column} IS NULL", *_bounds(sorts[1:], values[1:], given)]]
        return [*ranges, lambda _: [f"{column} IS NOT NULL"]] if first.descending else ranges
    ranges = [lambda given: _bounds([replace(first, required=True), *sorts[1:]], values, given)]
    nulls_follow = not (first.descending or first.required)
    return [*ranges, lambda _: [f"{column} IS NULL"]] if nulls_follow else ranges


def _bounds(sorts: Sequence[Sort], values: Sequence[object], given: Arguments) -> list[str]:
    places = [None if value is None else given.add(value) for value in values]
    length = _comparable(sorts, places)
    exact = _beyond(sorts, places)
    if 0 < length < len(sorts):
        # Says nothing new, but is where an index begins.
        return [_row(sorts[:length], places, "<=" if sorts[0].descending else ">="), exact]
    return [exact]


def _comparable(sorts: Sequence[Sort], places: Sequence[str | None]) -> int:
    """How many columns at the beginning are right when they are compared as a row."""
    length = 0
    for sort, place in zip(sorts, places, strict=True):
        if place is None or sort.descending != sorts[0].descending or not (sort.descending or sort.required):
            break
        length += 1
    return length


def _beyond(sorts: Sequence[Sort], places: Sequence[str | None]) -> str:
    """Exactly what comes after the values in ``places``; None stands for NULL."""
    if not sorts:
        return "false"
    length = _comparable(sorts, places)
    after = "<" if sorts[0].descending else ">"
    if length == len(sorts):
        return _row(sorts, places, after)
    if length:
        rest = _beyond(sorts[length:], places[length:])
        return f"({_row(sorts[:length], places, after)} OR {_row(sorts[:length], places, '=')} AND {rest})"
    column, place, rest = quoted(sorts[0].field), places[0], _beyond(sorts[1:], places[1:])
    if place is None:
        before = f"{column} IS NOT NULL OR " if sorts[0].descending else ""
        return f"({before}{column} IS NULL AND {rest})"
    return f"({column} > {place} OR {column} IS NULL OR {column} = {place} AND {rest})"


def _row(sorts: Sequence[Sort], places: Sequence[str | None], operator: str) -> str:
    columns = ", ".join(quoted(sort.field) for sort in sorts)
    values = ", ".join(place for place in places[: len(sorts)] if place is not None)
    return f"({columns}) {operator} ({values})"
