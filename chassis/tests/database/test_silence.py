"""A silent server is told from a slow one, and from a process that was held up itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from groundplan_chassis.database import limits
from groundplan_chassis.database.silence import Watch
from groundplan_chassis.environment import Address

HERE = Address("127.0.0.1", 5432)
ELSEWHERE = Address("127.0.0.1", 5433)


class Terminated:
    """Stands for a connection."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def terminate(self) -> None:
        self.gone.set()


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SUSPICIOUS_SECONDS", 0.1)
    monkeypatch.setattr(limits, "PROBE_SECONDS", 0.3)


async def never(address: Address) -> None:
    del address
    await asyncio.Event().wait()


async def answers(address: Address) -> None:
    del address


async def unreachable(address: Address) -> None:
    raise OSError(113, f"no route to {address.host}")


def watching(probe: Callable[[Address], Awaitable[None]], told: list[Address]) -> Watch:
    async def report(address: Address) -> None:
        told.append(address)

    return Watch(probe, report)


@pytest.mark.parametrize("probe", [never, unreachable])
async def test_connections_to_a_silent_server_end(probe: Callable[[Address], Awaitable[None]]) -> None:
    told: list[Address] = []
    watch, first, second, other = watching(probe, told), Terminated(), Terminated(), Terminated()
    watch.sent(first, HERE)  # type: ignore[arg-type]
    watch.sent(second, HERE)  # type: ignore[arg-type]
    await asyncio.wait_for(first.gone.wait(), 5)
    assert told == [HERE]
    assert second.gone.is_set()
    assert not other.gone.is_set()
    assert watch.over(first, answered=False)  # type: ignore[arg-type]
    assert not watch.over(first, answered=False), "told once"  # type: ignore[arg-type]
    await watch.close()


async def test_a_slow_statement_goes_on_while_its_server_answers_the_probe() -> None:
    told: list[Address] = []
    watch, slow = watching(answers, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    await asyncio.sleep(0.8)
    assert not slow.gone.is_set()
    assert not watch.over(slow, answered=True)  # type: ignore[arg-type]
    await watch.close()


async def test_a_busy_server_that_answers_others_is_not_silent() -> None:
    """Its probe waits like all that is new: ending connections would only give it more to do."""
    told: list[Address] = []
    watch, slow = watching(never, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    for _ in range(16):
        quick = Terminated()
        watch.sent(quick, HERE)  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert not watch.over(quick, answered=True)  # type: ignore[arg-type]
    assert not slow.gone.is_set()
    assert told == []
    await watch.close()


async def test_a_process_that_was_held_up_says_nothing_about_the_server() -> None:
    told: list[Address] = []
    watch, slow = watching(never, told), Terminated()
    watch.sent(slow, HERE)  # type: ignore[arg-type]
    await asyncio.sleep(0.25)
    time.sleep(0.8)
    await asyncio.sleep(0.01)
    assert not slow.gone.is_set()
    await watch.close()


async def test_other_servers_of_the_place_are_left_alone() -> None:
    told: list[Address] = []

    async def one_is_frozen(address: Address) -> None:
        await (never if address == HERE else answers)(address)

    watch, frozen, well = watching(one_is_frozen, told), Terminated(), Terminated()
    watch.sent(frozen, HERE)  # type: ignore[arg-type]
    watch.sent(well, ELSEWHERE)  # type: ignore[arg-type]
    await asyncio.wait_for(frozen.gone.wait(), 5)
    assert not well.gone.is_set()
    await watch.close()
