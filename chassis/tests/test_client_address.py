"""Whose bucket a request is counted in (S7)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan_chassis import client_address
from groundplan_chassis.client_address import UNKNOWN, ClientAddress, client_of

EDGE = ClientAddress(trust_viewer=True)
DIRECT = ClientAddress(trust_viewer=False)


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        # One client, by way of either protocol.
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("192.0.2.07", None),
        ("192.0.2.7, 198.51.100.1", None),
        ("192.0.2.7\r\nx: y", None),
        ("192.0.2.7\x00", None),
        ("١٩٢.0.2.7", None),
        ("3221225991", None),
        ("0xC0.0.2.7", None),
        ("2001:db8::/32", None),
        ("[2001:db8::1", None),
        ("1" * 10_000, None),
    ],
)
def test_addresses_are_read_strictly(value: str, client: str | None) -> None:
    assert client_of(value) == client


def test_a_zone_does_not_make_another_client() -> None:
    assert client_of("fe80::1%eth0") == client_of("fe80::1%eth1") == "fe80::/64"


@pytest.mark.parametrize(
    ("viewer", "peer", "client"),
    [
        (b"192.0.2.7", "10.0.0.1", "192.0.2.7"),
        (None, "10.0.0.1", "10.0.0.1"),
        (b"nonsense", "10.0.0.1", "10.0.0.1"),
        (b"\xff\xfe", "10.0.0.1", "10.0.0.1"),
        (b"", "10.0.0.1", "10.0.0.1"),
        (b"nonsense", None, UNKNOWN),
        (None, "testclient", UNKNOWN),
        (None, None, UNKNOWN),
    ],
)
def test_s7_the_edge_says_who_the_client_is(viewer: bytes | None, peer: str | None, client: str) -> None:
    assert EDGE.of(viewer, b"203.0.113.9", peer) == client
    # Again: what has been read once is remembered.
    assert EDGE.of(viewer, b"203.0.113.9", peer) == client


def test_s7_without_an_edge_headers_are_not_trusted() -> None:
    assert DIRECT.of(b"192.0.2.7", b"192.0.2.8", "10.0.0.1") == "10.0.0.1"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_address, "_MOST_REMEMBERED", 100)
    addresses = ClientAddress(trust_viewer=True)
    for number in range(1000):
        address = str(ipaddress.IPv4Address(number))
        assert addresses.of(address.encode(), None, None) == address
        assert len(addresses._known) <= 100
    addresses.of(b"nonsense", None, None)
    assert b"nonsense" not in addresses._known


@settings(deadline=None)
@given(st.ip_addresses(v=6))
def test_s7_a_customer_with_a_network_has_one_bucket(address: ipaddress.IPv6Address) -> None:
    neighbour = ipaddress.IPv6Address(int(address) ^ 0xFFFF_FFFF_FFFF_FFFF)
    mapped = address.ipv4_mapped or neighbour.ipv4_mapped
    assert (client_of(str(address)) == client_of(str(neighbour))) is (mapped is None)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_anything_else_is_no_address_and_no_error(text: str) -> None:
    client = client_of(text)
    if client is not None:
        ipaddress.ip_network(client)
