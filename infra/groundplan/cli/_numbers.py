"""Numbers on a command line, each with the range that makes sense."""

from __future__ import annotations

import click


class WholeNumber(click.ParamType[int]):
    """From ``least`` to ``most``."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        # The length first: Python refuses to read a number of thousands of digits.
        if text.isascii() and text.isdecimal() and len(text) <= len(str(self.most)):
            number = int(text)
            if self.least <= number <= self.most:
                return number
        said = f"{text[:40]!r} is not a whole number from {self.least} to {self.most:,}"
        raise click.BadParameter(said, ctx, param)


class Number(click.ParamType[float]):
    """Above 0, up to ``most``."""

    name = "number"

    def __init__(self, most: float) -> None:
        self.most = most

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number <= self.most:  # nor is NaN
            said = f"{str(value)[:40]!r} is not a number above 0 and up to {self.most:,.0f}"
            raise click.BadParameter(said, ctx, param)
        return number
