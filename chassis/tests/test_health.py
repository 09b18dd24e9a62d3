"""What probes are told, and what makes a process unready."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import httpx
import pytest

from groundplan_chassis import health
from groundplan_chassis.health import Check, Health, HealthEndpoints


class Stopwatch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def seconds(self) -> float:
        return self.time


class Dependency:
    """Something that may be away, and counts who asks."""

    def __init__(self) -> None:
        self.away = False
        self.calls = 0

    async def look(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionRefusedError("no server at db.example.com")


async def get(subject: Health, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(HealthEndpoints(subject))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request(method, path)


async def test_liveness_does_not_depend_on_dependencies() -> None:
    database = Dependency()
    database.away = True
    answer = await get(Health([Check("database", database.look, required=True)]), "/health/live")
    assert answer.status_code == 200
    assert database.calls == 0


async def test_what_is_required_makes_unready_and_what_is_not_is_reported() -> None:
    clock, database, cache = Stopwatch(), Dependency(), Dependency()
    subject = Health([Check("database", database.look, True), Check("cache", cache.look, False)], clock)
    answer = await get(subject, "/health/ready")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"status": "ready", "dependencies": {"database": "up", "cache": "up"}}
    cache.away = True
    clock.time += 2
    answer = await get(subject, "/health/ready")
    assert answer.status_code == 200
    assert answer.json()["data"]["dependencies"] == {"database": "up", "cache": "down"}
    database.away = True
    clock.time += 2
    answer = await get(subject, "/health/ready")
    assert answer.status_code == 503
    assert answer.json()["data"]["status"] == "not ready"
    assert "example.com" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_one_look_serves_all_who_ask_within_a_second() -> None:
    clock, database = Stopwatch(), Dependency()
    subject = Health([Check("database", database.look, True)], clock)
    await asyncio.gather(*(subject.report() for _ in range(50)))
    clock.time += 0.9
    await subject.report()
    assert database.calls == 1
    clock.time += 0.2
    await subject.report()
    assert database.calls == 2


async def test_what_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.01)

    async def never() -> None:
        await asyncio.Event().wait()

    assert not (await Health([Check("database", never, True)]).report()).ready


async def test_draining_is_unready_at_once_also_within_the_second() -> None:
    database = Dependency()
    subject = Health([Check("database", database.look, True)], Stopwatch())
    assert (await subject.report()).ready
    subject.drain()
    answer = await get(subject, "/health/ready")
    assert answer.status_code == 503
    assert answer.json()["data"]["status"] == "draining"
    assert (await get(subject, "/health/live")).status_code == 200


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go.wait()

    subject = Health([Check("database", slow, True)])
    impatient, patient = asyncio.create_task(subject.report()), asyncio.create_task(subject.report())
    await begun.wait()
    impatient.cancel()
    go.set()
    assert (await patient).ready


async def test_a_change_is_logged_once_each_way(caplog: pytest.LogCaptureFixture) -> None:
    clock, database = Stopwatch(), Dependency()
    subject = Health([Check("database", database.look, True)], clock)
    with caplog.at_level(logging.INFO, "groundplan_chassis.health"):
        for away in (False, True, True, True, False, False):
            database.away = away
            clock.time += 2
            await subject.report()
    assert [record.getMessage() for record in caplog.records] == ["database is away", "database is back"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/health/live", 405), ("GET", "/health/other", 404), ("HEAD", "/health/live", 200)],
)
async def test_other_questions(method: str, path: str, status: int) -> None:
    answer = await get(Health(), path, method)
    assert answer.status_code == status
    if method == "HEAD":
        assert answer.content == b""
    elif status != 200:
        assert set(answer.json()["error"]) == {"code", "message", "details"}
