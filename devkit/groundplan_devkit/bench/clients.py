"""Clients apart: each connection of a run has an address of its own, by which a service's rate limit knows clients."""

from __future__ import annotations

from collections.abc import Iterator

_NETWORK = 1 << 8
_LAST = 255 * _NETWORK - 1


def addresses(start: int = 0) -> Iterator[str]:
    """Different addresses of this machine, one after the other, for ever; other ones from another ``start`` on."""
    number = start
    while True:
        number = number % _LAST + 1
        yield f"127.1.{number // _NETWORK}.{number % _NETWORK}"
