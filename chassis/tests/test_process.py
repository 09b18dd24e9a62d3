"""How a process starts, is told to stop, and ends; and what it says when it can't start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chassis.tests.environments import local, of_api
from groundplan_chassis import process
from groundplan_chassis.health import Health
from groundplan_chassis.process import FAILED, REFUSED, run, until_stopped
from groundplan_chassis.service import Service
from groundplan_chassis.serving import Server, listen
from groundplan_chassis.signals import StopOrder

NOTES = Service(name="order", package="order_service", title="Orders")


class Work:
    """A worker as a test wants it."""

    def __init__(self, *, fails: bool = False, deaf: bool = False) -> None:
        self.begun = asyncio.Event()
        self.stopping = asyncio.Event()
        self.finish = asyncio.Event()
        self.ended = False
        self.fails = fails
        self.deaf = deaf

    async def run(self) -> None:
        self.begun.set()
        if self.fails:
            raise RuntimeError("a mistake in the program")
        await self.stopping.wait()
        await self.finish.wait()
        self.ended = True

    def stop(self) -> None:
        if not self.deaf:
            self.stopping.set()


class Life:
    """A process's tasks on the test's own loop."""

    def __init__(self, *workers: Work) -> None:
        self.health = Health()
        self.order = StopOrder()
        self.server = Server(None, self.health, listen("127.0.0.1", 0))
        self.task = asyncio.create_task(until_stopped(self.server, list(workers), self.health, self.order))

    async def status(self) -> int:
        def ask() -> int:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.server.port}/health/ready") as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code

        return await asyncio.to_thread(ask)


async def test_work_that_was_begun_is_ended_and_seen_draining_meanwhile() -> None:
    work = Work()
    life = Life(work)
    await work.begun.wait()
    assert await life.status() == 200
    life.order.give("SIGTERM")
    await work.stopping.wait()
    assert await life.status() == 503
    assert not life.task.done()
    work.finish.set()
    await life.task
    assert work.ended


async def test_work_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DRAIN_SECONDS", 0.1)
    work = Work(deaf=True)
    life = Life(work)
    await work.begun.wait()
    life.order.give("SIGTERM")
    await life.task
    assert not work.ended


async def test_a_worker_that_fails_ends_the_process_with_its_error() -> None:
    other = Work()
    other.finish.set()
    life = Life(other, Work(fails=True))
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        await life.task
    assert other.ended


async def test_a_worker_that_ends_by_itself_is_a_failure() -> None:
    work = Work()
    work.stopping.set()
    work.finish.set()
    with pytest.raises(RuntimeError, match="has ended"):
        await Life(work).task


async def test_a_second_signal_is_impatience() -> None:
    work = Work(deaf=True)
    life = Life(work)
    life.order.listen()
    await work.begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await life.order.wait()
    assert not life.task.done()
    os.kill(os.getpid(), signal.SIGTERM)
    await life.task
    assert life.order.reason == "SIGTERM"
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize("argv", [[], ["--help"], ["serve"], ["api", "extra"], ["rebuild", "--unknown"], ["replay"]])
def test_what_may_be_said_is_shown(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = run(NOTES, argv, of_api())
    shown = capsys.readouterr().err
    assert status == (0 if argv == ["--help"] else REFUSED)
    assert "Traceback" not in shown
    assert ("roles: api" in shown and "openapi" in shown) or "usage:" in shown


def test_wrong_settings_end_it_with_all_errors_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NOTES, ["api"], of_api(AWS_REGION=None, DATABASE_TLS="off")) == REFUSED
    shown = capsys.readouterr().err
    assert "2 problems" in shown
    assert "AWS_REGION is missing" in shown
    assert "DATABASE_TLS is 'off'" in shown
    assert "to do:" in shown


def test_a_wrong_service_is_refused_before_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Service(name="order", package="order_service", title="Orders", migrations=Path("/nowhere"))
    assert run(broken, ["api"], {}) == REFUSED
    assert "/nowhere" in capsys.readouterr().err


def test_settings_of_another_service_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NOTES, ["api"], of_api(SERVICE_NAME="payment")) == REFUSED
    assert "SERVICE_NAME is 'payment'" in capsys.readouterr().err


PROGRAM = """
import sys
from groundplan_chassis.process import run
from groundplan_chassis.service import Service

sys.exit(run(Service(name="order", package="order_service", title="Orders"), sys.argv[1:]))
"""
AWAY = "127.0.0.1:1"


def variables(**changes: str | None) -> dict[str, str]:
    """Of a process all of whose neighbours are away."""
    shard = {
        "writer": AWAY,
        "secret_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:order-AbCdEf",
        "readers": [],
        "reader_port": 1,
        "reader_secret_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:order-AbCdEf",
    }
    away = local(
        PORT="0",
        AWS_ENDPOINT_URL=f"http://{AWAY}",
        DATABASE_SHARDS=json.dumps([shard]),
        DATABASE_READER_CONNECTIONS="0",
        CACHE_HOST="127.0.0.1",
        CACHE_READER_HOST="127.0.0.1",
        CACHE_PORT="1",
        TOKEN_JWKS_URL=f"http://{AWAY}/jwks.json",
    )
    return {**os.environ, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", **away, **changes}  # type: ignore[dict-item]


def started(*argv: str, **changes: str | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *argv],
        env=variables(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def until(running: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """Reads the process's lines until the one of this event."""
    assert running.stdout is not None
    for text in running.stdout:
        line: dict[str, Any] = json.loads(text)
        if line.get("event") == event:
            return line
    raise AssertionError(f"it ended before {event}: {running.stderr.read() if running.stderr else ''}")


def test_a_process_starts_while_all_are_away_lives_unready_and_leaves_in_order() -> None:
    with started("api") as running:
        port = until(running, "started")["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready")
        assert refused.value.code == 503
        dependencies = json.loads(refused.value.read())["data"]["dependencies"]
        assert dependencies == {"database": "down", "cache": "down"}
        running.send_signal(signal.SIGTERM)
        output, errors = running.communicate()
    assert running.returncode == 0, errors
    assert errors == ""
    assert any(line.get("event") == "stopped" and line["reason"] == "SIGTERM" for line in lines_of(output))


def test_a_port_that_is_taken_ends_it_with_a_line() -> None:
    with listen("127.0.0.1", 0) as taken, started("api", PORT=str(taken.getsockname()[1])) as running:
        output, errors = running.communicate()
    assert running.returncode == REFUSED, errors
    (line,) = [line for line in lines_of(output) if line["level"] == "error"]
    assert "PORT" in line["message"]
    assert line["remedy"]


def test_a_command_that_is_not_done_fails() -> None:
    with started("seed") as running:
        output, _ = running.communicate()
    assert running.returncode == REFUSED
    assert any("seed is missing" in line["message"] for line in lines_of(output))


def test_an_unexpected_error_is_a_line_and_a_status() -> None:
    program = PROGRAM.replace(
        'title="Orders")',
        'title="Orders", seed=lambda context: (_ for _ in ()).throw(RuntimeError("password=hunter2")))',
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "seed"],
        env=variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        output, errors = running.communicate()
    assert running.returncode == FAILED
    assert "hunter2" not in output + errors
    assert any(line.get("error") == "RuntimeError" for line in lines_of(output))
