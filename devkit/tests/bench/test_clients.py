"""Clients with addresses of their own, and the one that asks for all that its rate limit lets it."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice
from uuid import UUID

import pytest

from devkit.tests.bench.results import run
from devkit.tests.bench.test_mix import ROLES, target
from groundplan_devkit.bench import memory, neighbours
from groundplan_devkit.bench.clients import addresses
from groundplan_devkit.bench.load import Shot, drive
from groundplan_devkit.bench.memory import Memory
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.neighbours import BesideOthers, Round


def tokens(of: Target) -> Tokens:
    return Tokens(of, lambda *_, **__: "token")


async def test_each_connection_has_an_address_of_its_own() -> None:
    seen: set[str] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            seen.add(writer.get_extra_info("peername")[0])
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    shots = [Shot("get", b"\n")] * 20
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await drive("127.0.0.1", port, shots, rate=200, connections=4, sources=addresses())
    assert found.all().failed == 0
    assert seen == set(islice(addresses(), 4))


def test_addresses_differ_and_never_end() -> None:
    found = list(islice(addresses(250 * 256), 3000))
    assert len(set(found)) == 3000
    assert all(each.startswith("127.1.") and int(each.split(".")[2]) < 255 for each in found)


def test_the_costliest_lists_are_of_every_index_as_long_and_as_deep_as_may_be() -> None:
    of = target(ROLES, indexed=True)
    lines = {shot.request.partition(b" HTTP")[0].decode() for shot in islice(neighbours.costliest(of, tokens(of)), 50)}
    assert "GET /api/v1/things?limit=100&page=100&sort=-whose" in lines
    assert any("?whose=subject-0&limit=100" in line for line in lines)


def test_varied_requests_are_hardly_ever_the_same() -> None:
    of = target(ROLES)
    of = Target(of.name, of.resource, of.path, [UUID(int=number) for number in range(10_000)])
    made = [shot.request for shot in islice(memory.varied(of, tokens(of)), 600) if shot.name == "made up"]
    assert len(made) > 150
    assert len(set(made)) > 0.9 * len(made)


@pytest.mark.parametrize(("beside", "wrong"), [(9.9, 0), (10.1, 1)])
def test_others_may_wait_twice_as_long_beside_one_client(beside: float, wrong: int) -> None:
    found = BesideOthers("user", 1_000_000, [Round(run(5.0), run(beside), run(50.0))] * 5)
    assert len(found.wrong) == wrong
    assert f"| {beside / 5:.2f} |" in neighbours.table(found)


@pytest.mark.parametrize(("last", "answers", "wrong"), [(109.0, 200, 0), (111.0, 200, 1), (100.0, 500, 1)])
def test_memory_may_grow_by_a_tenth(last: float, answers: int, wrong: int) -> None:
    found = Memory("user", [(20_000, 100.0), (200_000, last)], Counter({answers: 200_000}))
    assert len(found.wrong) == wrong
    assert "| 200,000 |" in memory.table(found)
