"""Processes of this project's own services on real servers: what they tell of themselves, and how they leave."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import httpx

from groundplan_chassis.observe import names
from groundplan_chassis.settings import SERVING
from groundplan_devkit.provision import Installation
from groundplan_devkit.services import RunningService
from groundplan_devkit.testing import Running, Token

Line = dict[str, Any]
# A path that is none costs a token and the rate limit alone: what is looked at here is the process.
UNKNOWN = "/api/v1/no-such-things"
CALLERS = 8


def lines_of(process: RunningService) -> list[Line]:
    """All that the process wrote; anything that is no JSON line is an error."""
    return [json.loads(line) for line in process.logged()]


def metrics_of(lines: list[Line], name: str) -> list[Any]:
    return [line[name] for line in lines if "_aws" in line and name in line]


def check_start_and_stop(name: str, installation: Installation, running: Running) -> None:
    """Every role of a service is ready, logs under its name, and stops without a warning."""
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


async def check_stop_under_load(name: str, installation: Installation, running: Running) -> None:
    """What was accepted is answered; a later request finds the port closed, and another pod."""
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
    assert namespaces == {f"{installation.system.name}-local/services"}
    assert any(line.get("event") == "stopped" and line["reason"] == "SIGTERM" for line in lines)


def check_log_without_secrets(name: str, installation: Installation, running: Running, token: Token) -> None:
    """Tokens, cookies and query values of a request are in no line."""
    role = next(role for role in installation.roles(name) if role in SERVING)
    process = running(name, role, LOG_LEVEL="debug")
    secret = token(installation.system.identity.roles[0])
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
