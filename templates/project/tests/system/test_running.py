"""Processes of this project's own services on real servers: what they tell of themselves, and how they leave."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from groundplan.declaration.model import System
from groundplan_chassis.observe import names
from groundplan_chassis.settings import SERVING
from groundplan_devkit.provision import Installation
from groundplan_devkit.services import RunningService

Line = dict[str, Any]
Running = Callable[..., RunningService]
Token = Callable[..., str]
# A path that is none costs a token and the rate limit alone: what is looked at here is the process.
UNKNOWN = "/api/v1/no-such-things"
CALLERS = 8


def lines_of(process: RunningService) -> list[Line]:
    """All that the process wrote; anything that is no JSON line is an error."""
    return [json.loads(line) for line in process.logged()]


def metrics_of(lines: list[Line], name: str) -> list[Any]:
    return [line[name] for line in lines if "_aws" in line and name in line]


@pytest.mark.parametrize("service", ["first", "last"])
def test_every_role_is_ready_and_leaves_in_order(
    service: str, system: System, installation: Installation, running: Running
) -> None:
    name = list(system.services)[0 if service == "first" else -1]
    for role in installation.roles(name):
        process = running(name, role, SLOW_QUERY_MS="60000")
        answer = httpx.get(f"{process.url}/health/ready").json()["data"]
        assert answer["status"] == "ready"
        assert answer["dependencies"]["database"] == "up"
        process.stop()
        lines = lines_of(process)
        assert {line["service"] for line in lines if "_aws" not in line} == {name}
        assert [line["event"] for line in lines if line.get("event") in ("started", "stopped")] == [
            "started",
            "stopped",
        ]
        assert [line for line in lines if line.get("level") in ("warning", "error")] == [], role


async def test_a_stop_under_load_fails_no_request(system: System, installation: Installation, running: Running) -> None:
    """T4: what was accepted is answered; what comes later finds the door closed, and another pod."""
    name = next(iter(system.services))
    role = next(role for role in installation.roles(name) if role in SERVING)
    process = await asyncio.to_thread(running, name, role, RATE_LIMIT_REQUESTS="1000000")
    answered: list[int] = []
    broken: list[str] = []

    async def call() -> None:
        async with httpx.AsyncClient(base_url=process.url) as client:
            while True:
                try:
                    answered.append((await client.get(UNKNOWN)).status_code)
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    # A request on a connection that was just being closed when idle: HTTP lets clients send it again.
                    broken.append(type(error).__name__)
                    return

    callers = [asyncio.create_task(call()) for _ in range(CALLERS)]
    while len(answered) < 200:
        await asyncio.sleep(0.01)
    pid = process.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    await asyncio.gather(*callers)
    await asyncio.to_thread(process.stop)
    assert set(answered) == {404}
    assert set(broken) <= {"RemoteProtocolError", "ReadError"}
    assert len(broken) <= CALLERS
    lines = lines_of(process)
    # Every answer is counted, the last ones too.
    assert sum(metrics_of(lines, names.REQUESTS)) >= len(answered)
    durations = metrics_of(lines, names.REQUEST_DURATION_MS)
    assert sum(sum(each["Counts"]) for each in durations) == sum(metrics_of(lines, names.REQUESTS))
    assert metrics_of(lines, names.REQUEST_ERRORS) == []
    namespaces = {d["Namespace"] for line in lines if "_aws" in line for d in line["_aws"]["CloudWatchMetrics"]}
    assert namespaces == {f"{system.name}-local/services"}
    assert any(line.get("event") == "stopped" and line["reason"] == "SIGTERM" for line in lines)


def test_a_token_never_reaches_the_log(
    system: System, installation: Installation, running: Running, token: Token
) -> None:
    name = next(iter(system.services))
    role = next(role for role in installation.roles(name) if role in SERVING)
    process = running(name, role, LOG_LEVEL="debug")
    secret = token(system.identity.roles[0])
    for header in (f"Bearer {secret}", f"Bearer {secret}x", f"Basic {secret}"):
        httpx.get(
            f"{process.url}{UNKNOWN}",
            params={"email": "jane@mail.example.com"},
            headers={"authorization": header, "x-request-id": "the-one", "cookie": "session=hunter2"},
        )
    process.stop()
    text = "\n".join(process.logged())
    assert "the-one" in text
    for hidden in (secret[20:60], "jane@", "hunter2"):
        assert hidden not in text
    lines_of(process)
