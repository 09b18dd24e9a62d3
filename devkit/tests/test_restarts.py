"""What `make dev` does with a process that can't be stopped, or not be started, as it is restarted (U1)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import psutil
import pytest

from devkit.tests.conftest import shop
from groundplan_devkit.dev.follow import Follower
from groundplan_devkit.dev.managed import ManagedProcess
from groundplan_devkit.dev.session import Session
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService

Fault = Callable[[], object]


def raising(error: Exception) -> Fault:
    def fault() -> object:
        raise error

    return fault


class Stand:
    """In place of a process of a service and of what runs it. ``faults`` happen at the next calls, in order."""

    service, role, port, url = "order", "api", 1, "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.running = True
        self.at_stop: Iterator[Fault] = iter(())
        self.at_start: Iterator[Fault] = iter(())
        self.at_ready: Iterator[Fault] = iter(())

    @property
    def process(self) -> Stand:
        return self

    def alive(self) -> bool:
        return self.running

    def stop(self) -> None:
        next(self.at_stop, bool)()
        self.running = False

    def relocated(self) -> Stand:
        return self

    def start(self) -> None:
        next(self.at_start, bool)()
        self.running = True

    def wait_until_ready(self) -> None:
        next(self.at_ready, bool)()


class Quiet:
    """A follower of logs that have nothing new."""

    def show(self) -> None:
        pass

    def scrolled_away(self) -> bool:
        return False


class Tried:
    """A session with one process that restarts soon."""

    def __init__(self, directory: Path) -> None:
        self.said: list[str] = []
        self.stand = Stand()
        self.managed = ManagedProcess(cast(RunningService, self.stand), pause=0.01)
        self.session = Session(shop(), directory, shown=self.said.append, processes={"order-api": self.managed})

    async def restart(self) -> int:
        return await self.session._restart_at_once(self.session.processes)

    async def attended(self, until: Callable[[], bool]) -> None:
        attending = asyncio.create_task(self.session._attend(cast(Follower, Quiet())))
        while not until():
            assert not attending.done(), attending
            await asyncio.sleep(0.01)
        attending.cancel()


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tried:
    monkeypatch.setattr("groundplan_devkit.dev.session.start_reaper", lambda *_, **__: None)
    monkeypatch.setattr("groundplan_devkit.dev.session.LOOK_SECONDS", 0.01)
    return Tried(tmp_path)


FAULTS = [PermissionError(13, "Permission denied"), psutil.AccessDenied(1), RuntimeError("can't start new thread")]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_one_that_cannot_be_stopped_is_told_of_and_looked_after(tried: Tried, error: Exception) -> None:
    async def run() -> None:
        tried.stand.at_stop = iter([raising(error)])
        assert await tried.restart() == 1
        (said,) = tried.said
        assert said.startswith(f"order-api could not be restarted ({type(error).__name__}: ")
        # It runs on as it was: no second one beside it. Once it has ended it is started again, as any other.
        assert tried.stand.running
        assert tried.managed.again_at is None
        assert tried.managed.restarts == 0
        tried.stand.running = False
        await tried.attended(lambda: tried.stand.running)
        assert "order-api has ended; it starts again in 0 s, or after an edit" in tried.said
        assert await tried.restart() == 0

    asyncio.run(run())


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_one_that_cannot_be_started_after_an_edit_is_tried_again(tried: Tried, error: Exception) -> None:
    async def run() -> None:
        tried.stand.at_start = iter([raising(error)])
        assert await tried.restart() == 1
        assert not tried.stand.running
        tried.managed.pause = 0.01
        await tried.attended(lambda: tried.stand.running)
        assert tried.managed.restarts == 1

    asyncio.run(run())


def test_one_that_cannot_be_started_after_its_end_is_tried_again_ever_later(tried: Tried) -> None:
    async def run() -> None:
        tried.stand.running = False
        tried.stand.at_start = itertools.repeat(raising(OSError(11, "Resource temporarily unavailable")), 3)
        await tried.attended(lambda: tried.stand.running)
        assert sum("could not be started ([Errno 11]" in line for line in tried.said) == 3
        assert tried.managed.pause == pytest.approx(0.01 * 2**4)

    asyncio.run(run())


def test_one_that_is_not_ready_is_left_to_its_log(tried: Tried) -> None:
    async def run() -> None:
        tried.stand.at_ready = iter([raising(Unavailable("order-api", "it ended", "a server", "look at its log"))])
        assert await tried.restart() == 1
        assert tried.said == []
        assert tried.managed.again_at is None

    asyncio.run(run())
