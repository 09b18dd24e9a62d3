"""Errors for users, in four parts, without a traceback."""

from __future__ import annotations


class Unavailable(Exception):
    """This machine lacks something, or a server did not do what it must.

    ``what`` names the thing, ``found`` what was there instead, ``expected`` what is needed, ``remedy`` what the user
    can do about it; each is a phrase without a full stop.
    """

    def __init__(self, what: str, found: str, expected: str, remedy: str) -> None:
        self.what, self.found, self.expected, self.remedy = what, found, expected, remedy
        super().__init__(
            f"{what} is not available\n    found:    {found}\n    expected: {expected}\n    to do:    {remedy}"
        )

    def __reduce__(self) -> tuple[type[Unavailable], tuple[str, str, str, str]]:
        """As it was made, so that it survives the way from one test process to another."""
        return type(self), (self.what, self.found, self.expected, self.remedy)
