"""When a part of an API is announced to end, and the headers that say so (RFC 9745, RFC 8594)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from email.utils import format_datetime

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Clients are asked to leave; all is answered as before."""

    since: datetime.date
    """From the beginning of this day, in UTC."""
    sunset: datetime.date | None = None
    """The first day on which it may be gone, in UTC; None: not decided."""
    link: str | None = None
    """URL of a page that says what to use instead."""

    def headers(self) -> list[Header]:
        """`Deprecation` as a structured date (RFC 9745), `Sunset` as an HTTP date (RFC 8594), and links to the page."""
        found = [(b"deprecation", b"@%d" % int(_midnight(self.since).timestamp()))]
        if self.sunset is not None:
            found.append((b"sunset", format_datetime(_midnight(self.sunset), usegmt=True).encode("ascii")))
        if self.link is not None:
            relations = ("deprecation", "sunset") if self.sunset is not None else ("deprecation",)
            said = ", ".join(f'<{self.link}>; rel="{relation}"; type="text/html"' for relation in relations)
            found.append((b"link", said.encode("ascii")))
        return found

    def in_words(self) -> str:
        """For readers of the API."""
        until = "" if self.sunset is None else f"; it may be gone from {self.sunset} on"
        more = "" if self.link is None else f". See {self.link}"
        return f"Deprecated since {self.since}{until}{more}."


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
