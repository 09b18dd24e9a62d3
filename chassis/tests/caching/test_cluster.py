"""Cluster mode (P1): slots, and shards that come, go and take over while the cache serves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from chassis.tests.caching.clients import connected
from chassis.tests.waiting import until
from groundplan_chassis.caching import Valkey
from groundplan_chassis.caching.cluster import SLOTS, _parsed, slot_of
from groundplan_chassis.caching.replies import Reply
from groundplan_chassis.environment import Address
from groundplan_devkit import names
from groundplan_devkit.servers import Servers
from groundplan_devkit.testing import CacheUser, PrivateServers

ASKED = Address("cache.example.com", 6379)


@settings(deadline=None)
@given(st.binary(max_size=40) | st.from_regex(rb"[a-z]{0,3}\{?[a-z]{0,3}\}?[a-z{}]{0,3}"))
def test_slots_are_those_of_the_protocol(key: bytes) -> None:
    assert slot_of(key) == key_slot(key)


@pytest.mark.parametrize(
    ("reply", "ranges"),
    [
        ([[0, 16383, [b"10.0.0.1", 6379, b"id"]]], [(0, 16383, Address("10.0.0.1", 6379))]),
        # Replicas follow; the name is preferred, which the certificate has.
        (
            [[0, 9, [b"10.0.0.1", 6379, b"id", [b"hostname", b"node-1.example.com"]], [b"10.0.0.2", 6379, b"id", []]]],
            [(0, 9, Address("node-1.example.com", 6379))],
        ),
        ([[0, 9, [b"10.0.0.1", 6379, b"id", [b"hostname", b""]]]], [(0, 9, Address("10.0.0.1", 6379))]),
        ([[0, 9, [None, 7000, b"id", []]]], [(0, 9, Address("cache.example.com", 7000))]),
        ([[0, 9, [b"", 7000, b"id"]]], [(0, 9, Address("cache.example.com", 7000))]),
        ([[0, 9, [b"?", 7000, b"id"]]], [(0, 9, Address("cache.example.com", 7000))]),
        ([], []),
        (None, []),
        (b"OK", []),
        ([[0]], []),
        ([[0, 9, [7, 6379, b"id"]]], []),
        ([[0, 9, [b"\xff", 6379, b"id"]]], []),
        ([[0, SLOTS, [b"10.0.0.1", 6379, b"id"]]], []),
        ([[9, 0, [b"10.0.0.1", 6379, b"id"]]], []),
        ([[b"x", b"y", [b"10.0.0.1", 6379, b"id"]]], []),
    ],
)
def test_a_topology_is_read(reply: Reply, ranges: list[Any]) -> None:
    assert _parsed(reply, ASKED) == ranges


@pytest.fixture
def three_nodes(private_servers: PrivateServers) -> tuple[Servers, CacheUser]:
    servers = private_servers("valkey", cache_nodes=3)
    assert servers.valkey is not None
    servers.valkey.add_user("order", "secret-of-order", names.access_string("order:"))
    return servers, CacheUser("order", "secret-of-order", "order:", servers.valkey)


def keys_by_node(user: CacheUser, count: int) -> dict[int, list[str]]:
    """Names of values by the node that holds their slot, as the slots were spread at first."""
    nodes = len(user.valkey.nodes)
    spread: dict[int, list[str]] = {number: [] for number in range(nodes)}
    for number in range(count):
        slot = slot_of(f"order:k{number}".encode())
        spread[next(n for n in range(nodes) if slot < SLOTS * (n + 1) // nodes)].append(f"k{number}")
    return spread


def holder_of(valkey: Valkey, name: str) -> Address | None:
    """Where the client believes a value to be."""
    assert valkey._cluster is not None
    link = valkey._cluster.link_of(valkey.prefix + name.encode())
    return None if link is None else link.address


async def fill(valkey: Valkey, names_of_values: list[str]) -> int:
    return sum(await asyncio.gather(*(valkey.set(name, name.encode(), seconds=600) for name in names_of_values)))


async def test_p1_keys_are_asked_for_where_they_are(three_nodes: tuple[Servers, CacheUser]) -> None:
    _, user = three_nodes
    async with connected(user) as valkey:
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 3)
        every = [f"k{number}" for number in range(100)]
        assert await fill(valkey, every) == 100
        assert [await valkey.get(name) for name in every] == [name.encode() for name in every]
    for node, held in keys_by_node(user, 100).items():
        assert int(user.valkey.execute("DBSIZE", node=node)) == len(held)


async def test_p1_a_slot_that_moves_is_followed_without_a_miss(three_nodes: tuple[Servers, CacheUser]) -> None:
    _, user = three_nodes
    run = user.valkey.execute
    ids = [run("CLUSTER", "MYID", node=node) for node in range(3)]
    async with connected(user) as valkey:
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 3)
        name = keys_by_node(user, 100)[0][0]
        slot = slot_of(f"order:{name}".encode())
        assert await valkey.set(name, b"here", seconds=600)
        run("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[0], node=1)
        run("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[1], node=0)
        # Halfway: what isn't there any more is asked for where it is to be (ASK).
        run("DEL", f"order:{name}", node=0)
        assert await valkey.get(name) is None
        assert await valkey.set(name, b"there", seconds=600)
        assert await valkey.get(name) == b"there"
        for node in (1, 0, 2):
            run("CLUSTER", "SETSLOT", str(slot), "NODE", ids[1], node=node)
        # Moved: the first answer says so (MOVED), and the topology is learnt.
        assert await valkey.get(name) == b"there"
        moved_to = Address("127.0.0.1", user.valkey.ports[1])
        await until(lambda: holder_of(valkey, name) == moved_to)
        assert await valkey.get(name) == b"there"


async def test_c2_a_dead_shard_leaves_the_others_usable(three_nodes: tuple[Servers, CacheUser]) -> None:
    servers, user = three_nodes
    spread = keys_by_node(user, 60)
    every = [name for held in spread.values() for name in held]
    async with connected(user) as valkey:
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 3)
        assert await fill(valkey, every) == 60
        servers.kill("valkey-2")
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 2)
        assert [await valkey.get(name) for name in spread[1]] == [None] * len(spread[1])
        for node in (0, 2):
            assert [await valkey.get(name) for name in spread[node]] == [name.encode() for name in spread[node]]
        servers.start("valkey-2")
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 3)
        # Its empty slots are filled again; until the cluster has noticed, it refuses for the moment.
        while await fill(valkey, spread[1]) < len(spread[1]):
            await asyncio.sleep(0.05)


async def test_p2_the_topology_is_learnt_from_any_node_that_lives(three_nodes: tuple[Servers, CacheUser]) -> None:
    servers, user = three_nodes
    async with connected(user) as valkey:
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 3)
        # The node that the client's settings name.
        servers.kill("valkey-1")
        await until(lambda: sum(link.connection is not None for link in valkey._links()) == 2)
        name = keys_by_node(user, 100)[1][0]
        slot = slot_of(f"order:{name}".encode())
        ids = {node: user.valkey.execute("CLUSTER", "MYID", node=node) for node in (1, 2)}
        for node in (2, 1):
            user.valkey.execute("CLUSTER", "SETSLOT", str(slot), "NODE", ids[2], node=node)
        holder = Address("127.0.0.1", user.valkey.ports[2])
        await until(lambda: holder_of(valkey, name) == holder)
        assert await valkey.set(name, b"1", seconds=60)
