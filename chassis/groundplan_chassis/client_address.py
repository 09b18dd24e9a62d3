"""The client's network address, by which the rate limit counts (S7).

Any client can send any header. `x-viewer-ip` is trusted only where the edge overwrites the value that the client
sent and nothing else can reach the service (`groundplan_components.shared.api_contract`);
`x-forwarded-for` is begun by the client
and never believed.
"""

from __future__ import annotations

import ipaddress
from typing import Final

UNKNOWN: Final = "unknown"
"""The key of all clients without an address: they share one bucket."""
_LONGEST: Final = 64
"""Characters; an address with a port has 47 at most (`[` 39 `]:` 5)."""
_MOST_REMEMBERED: Final = 10_000
_IPV6_HOST_BITS: Final = 64
"""Of an IPv6 address. A customer has a /64 at least, all of whose addresses they can use (RFC 6177)."""


class ClientAddress:
    """Clients' addresses in a normal form: one for each client."""

    def __init__(self, *, trust_viewer: bool) -> None:
        """``trust_viewer``: the edge writes `x-viewer-ip`. False: the peer of the connection is the client."""
        self._trust_viewer = trust_viewer
        self._known: dict[bytes | str, str] = {}

    def of(self, viewer: bytes | None, forwarded: bytes | None, peer: str | None) -> str:
        """The client, by the raw header values and the connection's other end.

        An IPv4 address as it is, an IPv6 address as its /64. A missing or malformed `x-viewer-ip` falls back to the
        peer, which is the load balancer where there is one: a request that did not come by way of the edge shares its
        bucket with all others that didn't.
        """
        del forwarded
        if viewer is not None and self._trust_viewer:
            client = self._known.get(viewer) or self._parsed(viewer)
            if client is not None:
                return client
        if peer is None:
            return UNKNOWN
        return self._known.get(peer) or self._parsed(peer) or UNKNOWN

    def _parsed(self, value: bytes | str) -> str | None:
        client = client_of(value)
        if client is not None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[value] = client
        return client


def client_of(value: bytes | str) -> str | None:
    """``192.0.2.7``, ``192.0.2.7:4711``, ``2001:db8::1``, ``[2001:db8::1]:443``; None for what is no address."""
    if len(value) > _LONGEST:
        return None
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    try:
        address = ipaddress.ip_address(_without_port(text.strip()))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    network = int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS
    return f"{ipaddress.IPv6Address(network)}/{_IPV6_HOST_BITS}"


def _without_port(text: str) -> str:
    """CloudFront's own viewer header has the port behind the address; IPv6 without brackets can't be told from one."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        return text
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1]
    return text if ":" in host else host
