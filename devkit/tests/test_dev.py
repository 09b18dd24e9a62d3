"""`make dev` in a small project: everything up, edits picked up, everything down."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from devkit.tests.conftest import SHOP, shop
from devkit.tests.stand_in import environment, notes, stand_in
from groundplan.declaration.model import System
from groundplan_devkit.dev.session import Session
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.servers import stop

pytestmark = pytest.mark.usefixtures("needs_servers")

ROLES = {
    "order command", "order query", "order consumer", "order relay", "order projector",
    "card-payment api", "card-payment consumer", "card-payment relay",
}  # fmt: skip


PATIENCE_SECONDS = 300
"""A run that says nothing for so long has hung: better to fail with what it said than to hang as well."""


RUNNING = pytest.mark.xdist_group("running dev")
"""Tests that share one run, in one process."""


IN_THE_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$0" "$@"')
"""As a shell starts what runs in the background: with SIGINT ignored."""


class Dev:
    """A run of `python -m groundplan_devkit.dev`, and what it has said."""

    def __init__(self, project: Path, *options: str) -> None:
        self.project = project
        self.directory = project / "build" / "local"
        self.process = subprocess.Popen(
            [*IN_THE_BACKGROUND, sys.executable, "-m", "groundplan_devkit.dev", "--port", "0", *options],
            cwd=project,
            env=environment(project),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def until(self, look: Callable[[], object]) -> None:
        """Wait for something that comes to pass; a run that has ended can't bring it."""
        given_up = time.monotonic() + PATIENCE_SECONDS
        while not look():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < given_up, self.said
            time.sleep(0.05)

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+/api/v1", self.said)
        assert found, self.said
        return found.group()

    def get(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"{self.url}{path}") as answer:  # noqa: S310
            answered: dict[str, object] = json.load(answer)
            return answered

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


Start = Callable[..., Dev]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return stand_in(tmp_path / "project")


@pytest.fixture
def dev(project: Path) -> Iterator[Start]:
    runs: list[Dev] = []

    def start(*options: str) -> Dev:
        runs.append(Dev(project, *options))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.ended()
    stop(project / "build" / "local", remove=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One run for all tests that leave it as they found it: each start takes ten seconds."""
    project = stand_in(tmp_path_factory.mktemp("running") / "project")
    run = Dev(project)
    try:
        run.until(lambda: "Ctrl-C" in run.said)
        yield run
        if run.process.poll() is None:
            assert run.end() == 0, run.said
            assert ServerProcess.all_in(run.directory) == []
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.ended()
        stop(run.directory, remove=True)


def test_the_first_request_is_answered_nothing_is_left_and_data_stay_until_they_are_to_go(
    dev: Start, project: Path
) -> None:
    run = dev("--once")
    assert run.ended() == 0, run.said
    assert "GET /api/v1/orders: 200" in run.said
    assert '"role": "query"' in run.said
    assert "Bearer ey" in run.said
    commands = notes(project)
    assert sorted(commands[:2]) == ["card-payment migrate", "order migrate"]
    assert sorted(commands[2:4]) == ["card-payment seed", "order seed"]
    assert set(commands[4:]) == ROLES
    assert ServerProcess.all_in(run.directory) == []
    passwords = run.directory / "passwords.json"
    before = passwords.read_bytes()
    assert list(run.directory.glob("postgres-1*"))
    again = dev("--once", "--no-seed", "--fresh")
    assert again.ended() == 0, again.said
    assert passwords.read_bytes() != before
    assert not [line for line in notes(project)[len(commands) :] if line.endswith("seed")]


@RUNNING
def test_what_it_says_can_be_done(running: Dev) -> None:
    [curl] = [line.strip() for line in running.lines if line.strip().startswith("curl ")]
    answer = subprocess.run(
        ["bash", "-c", curl.replace("curl ", "curl --silent --fail ")],
        cwd=running.project,
        env=environment(running.project),
        check=True,
        capture_output=True,
        text=True,
    )
    answered = json.loads(answer.stdout)
    assert answered["authorization"].startswith("Bearer ey")
    assert (answered["service"], answered["role"]) == ("order", "query")
    assert running.get("/payments")["role"] == "api"
    [page] = re.findall(r"the page +(http://\S+/dev/)", running.said)
    with urllib.request.urlopen(f"{page}api/state") as told:  # noqa: S310
        state = json.load(told)
    assert {(each["name"], each["state"]) for each in state["processes"]} == {
        (role.replace(" ", "-"), "ready") for role in ROLES
    }
    assert state["ready"]
    running.until(lambda: "order-query" in running.said and "Answered path=/api/v1/orders" in running.said)


@RUNNING
def test_edits_are_picked_up_by_those_whom_they_concern(running: Dev) -> None:
    project = running.project
    restarted = running.said.count("Restarted order")
    before = len(notes(project))
    code = project / "services" / "order" / "order_service" / "__main__.py"
    code.write_text(code.read_text().replace("VERSION = 1", "VERSION = 2"))
    running.until(lambda: running.said.count("Restarted order") == restarted + 1)
    assert running.get("/orders")["version"] == 2
    assert running.get("/payments")["version"] == 1
    again = notes(project)[before:]
    assert set(again) == {role for role in ROLES if role.startswith("order ")}
    assert set(again[:2]) == {"order command", "order query"}, "those that answer are there first"
    before = len(notes(project))
    (project / "services" / "order" / "migrations" / "0002.py").write_text("")
    running.until(lambda: running.said.count("Restarted order") == restarted + 2)
    assert notes(project)[before] == "order migrate"
    (project / "system.yaml").touch()
    running.until(lambda: "system.yaml has changed" in running.said)


@RUNNING
def test_an_error_in_an_edit_is_shown_and_mended(running: Dev) -> None:
    code = running.project / "services" / "card-payment" / "card_payment_service" / "__main__.py"
    right = code.read_text()
    restarted = running.said.count("Restarted card-payment")
    code.write_text("this is no Python\n")
    running.until(lambda: "SyntaxError" in running.said)
    running.until(lambda: "Not ready" in running.said)
    with pytest.raises(urllib.error.HTTPError) as caught:
        running.get("/payments")
    assert caught.value.code == 502
    caught.value.close()
    assert running.get("/orders")["role"] == "query"
    code.write_text(right.replace("VERSION = 1", "VERSION = 3"))
    running.until(lambda: running.said.count("Restarted card-payment") > restarted)
    assert running.get("/payments")["version"] == 3


@RUNNING
def test_a_process_that_dies_is_started_again(running: Dev) -> None:
    run = running
    [victim] = [process for process in ServerProcess.all_in(run.directory) if process.name == "order-query"]
    pid = victim.pid
    assert pid is not None
    port = int(psutil.Process(pid).environ()["PORT"])
    [reaper] = [process for process in ServerProcess.all_in(run.directory) if process.name == "reaper"]
    watched = reaper.pid
    reaper.kill()
    victim.kill()
    with socket.create_server(("127.0.0.1", port)):
        run.until(lambda: victim.pid not in (None, pid))
    assert "order-query has ended" in run.said
    assert f"Port {port} of order-query was taken by another program" in run.said
    # What ends everything after this run is started again, too.
    run.until(lambda: reaper.pid not in (None, watched))

    def answers() -> bool:
        try:
            return run.get("/orders")["role"] == "query"
        except urllib.error.HTTPError as error:
            error.close()
            return False

    run.until(answers)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_ends_in_the_middle_of_its_start(dev: Start, how: signal.Signals) -> None:
    run = dev()
    run.until(lambda: len(ServerProcess.all_in(run.directory)) > 2)
    run.end(how)
    # After a kill its reaper sees to it.
    while ServerProcess.all_in(run.directory):
        time.sleep(0.05)


def test_a_service_that_cannot_migrate_ends_it_with_what_it_said(dev: Start, project: Path) -> None:
    code = project / "services" / "order" / "order_service" / "__main__.py"
    code.write_text("raise SystemExit('the table is there already')")
    run = dev()
    assert run.ended() == 1
    assert "the table is there already" in run.said
    assert "to do:" in run.said
    assert "Traceback" not in run.said
    assert ServerProcess.all_in(run.directory) == []


def test_a_port_that_is_taken_is_reported(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        session = Session(System.model_validate(SHOP), tmp_path, port=port, shown=said.append)
        assert session.free_port() != port
    assert any(f"Port {port} is taken" in line for line in said)
    assert session.free_port() == port


def test_only_the_servers_that_a_system_needs_are_started(tmp_path: Path) -> None:
    kinds, shards = Session(shop(broker="sqs"), tmp_path).needed()
    assert (set(kinds), shards) == ({"postgres", "aws", "identity", "valkey"}, 1)
    sharded = shop(shard_map=[{"since": "2024-01-01", "shards": 2}])
    kinds, shards = Session(sharded, tmp_path).needed()
    assert (set(kinds), shards) == ({"postgres", "aws", "identity", "valkey", "kafka"}, 2)
