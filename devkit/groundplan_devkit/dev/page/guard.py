"""Who may ask the page: a browser on this machine, from a page of its own.

It hands out tokens and handles dead letters again. Any website that a person visits can have their browser send
requests to 127.0.0.1, and a name of its own can be made to mean that address (DNS rebinding).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from groundplan_devkit.ports import HOST

NAMES = frozenset({HOST, "localhost"})
READS = frozenset({"GET", "HEAD"})
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer."""


def refused(request: Request) -> str | None:
    """Why the request is refused; None: it isn't."""
    host = request.headers.get("host", "")
    if _named(f"//{host}") not in NAMES:
        return f"the host {host!r}: expected is {HOST} or localhost, as make dev shows it"
    origin = request.headers.get("origin")
    # Programs, such as services that export spans, send none; browsers do with each request that isn't a read.
    if request.method not in READS and origin is not None and origin.partition("://")[2] != host:
        return f"the origin {origin!r}: expected is this page itself"
    return None


def _named(address: str) -> str | None:
    """The host of an address; none of one that can't be read (`//[`)."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
