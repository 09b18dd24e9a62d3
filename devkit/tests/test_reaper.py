"""What was started for a process ends with it, however it ended, whether a file tells of it or not."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from devkit.tests.conftest import SLEEP, Children
from groundplan.owned import claim
from groundplan_devkit import processes
from groundplan_devkit.dev import __main__ as dev
from groundplan_devkit.processes import Birth, ServerProcess, marked
from groundplan_devkit.servers import Servers, Valkey, stop
from groundplan_devkit.servers.running import REAPER, end_left_over, start_reaper
from groundplan_devkit.services import RunningService

PATIENCE_SECONDS = 60.0


def until_gone(*processes: psutil.Process) -> None:
    _, left = psutil.wait_procs(processes, PATIENCE_SECONDS)
    assert left == []


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    claim(tmp_path)
    yield tmp_path
    stop(tmp_path)


def unknown(directory: Path, code: str = SLEEP) -> psutil.Process:
    """A process that carries the mark, and that no file tells of."""
    starter = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, '-c', {code!r}], stdout=subprocess.DEVNULL).pid)
"""
    done = subprocess.run(
        [sys.executable, "-c", starter],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **marked(directory)},
    )
    return psutil.Process(int(done.stdout))


def test_a_killed_owner_takes_all_with_it(directory: Path, child: Children, owner: subprocess.Popen[bytes]) -> None:
    """The owner is left as a zombie, as a container's first process that looks after no one leaves it."""
    service = child()
    service.start()
    stray = unknown(directory)
    start_reaper(directory, owner.pid, remove=False)
    reaper = next(each for each in ServerProcess.all_in(directory) if each.name == REAPER)
    assert reaper.pid is not None
    ended = [psutil.Process(reaper.pid), stray]
    os.kill(owner.pid, 9)
    while service.alive():
        time.sleep(0.05)
    until_gone(*ended)


def test_another_directorys_are_left(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = unknown(tmp_path_factory.mktemp("other"))
    own = unknown(directory)
    end_left_over(directory)
    until_gone(own)
    assert other.is_running()
    other.kill()


def test_a_persons_terminal_is_left(directory: Path) -> None:
    """A shell that was opened from within a service has the mark, and so has what is run in it."""
    master, terminal = pty.openpty()
    shell = f"""
import fcntl, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}], stdout=subprocess.DEVNULL).pid, flush=True)
{SLEEP}
"""
    with subprocess.Popen(
        [sys.executable, "-c", shell],
        stdin=terminal,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **marked(directory)},
    ) as leader:
        assert leader.stdout is not None
        editor = psutil.Process(int(leader.stdout.readline()))
        own = unknown(directory)
        end_left_over(directory)
        until_gone(own)
        assert (leader.poll(), editor.is_running()) == (None, True)
        editor.kill()
        leader.kill()
    os.close(master)
    os.close(terminal)


def test_what_it_was_started_from_is_left(directory: Path) -> None:
    """`make dev` in a shell that has the mark: neither the shell nor `make` is a stray."""
    own = unknown(directory)
    code = """
import subprocess, sys
command = [sys.executable, '-c', sys.argv[1], sys.argv[2]]
sys.exit(subprocess.run(command, check=False).returncode)
"""
    ends = (
        "import pathlib, sys; from groundplan_devkit.processes import end_marked; end_marked(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, ends, str(directory)], check=False, env={**os.environ, **marked(directory)}
    )
    assert done.returncode == 0
    until_gone(own)


def test_a_dead_owners_reaper_ends_nothing_of_the_next_one(directory: Path, owner: subprocess.Popen[bytes]) -> None:
    process = ServerProcess(name=REAPER, command=[], directory=str(directory))
    start_reaper(directory, owner.pid, remove=False)
    first = process.pid
    start_reaper(directory, os.getpid(), remove=False)
    assert process.pid == first, "its owner lives"
    os.kill(process.pid or 0, 19)  # it is slow to see its owner's death
    owner.kill()
    owner.wait()
    start_reaper(directory, os.getpid(), remove=False)
    assert process.pid not in (None, first)


def test_what_a_session_left_ends_and_servers_stay(directory: Path, child: Children) -> None:
    server, service = child(name="valkey"), child(name="order-api")
    server.start()
    service.start()
    stray = unknown(directory)
    valkey = Valkey([server], [1], clustered=False, tls=False, authority="", client="", operator_password="")
    Servers(directory=str(directory), authority="", valkey=valkey).remember()
    end_left_over(directory)
    until_gone(stray)
    assert (server.alive(), service.alive()) == (True, False)


def test_a_process_is_known_by_its_beginning() -> None:
    birth = Birth.of(os.getpid())
    assert birth.process() is not None
    assert Birth(birth.pid, birth.created - 60).process() is None


def test_a_clock_that_is_set_ends_no_one(owner: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def sleep(seconds: float) -> None:
        looked.append(seconds)
        monkeypatch.setattr(psutil.Process, "create_time", lambda _: time.time() + 3600)
        if len(looked) == 3:
            owner.kill()
            owner.wait()

    birth = Birth.of(owner.pid)
    monkeypatch.setattr(processes, "time", SimpleNamespace(sleep=sleep))
    birth.wait()
    assert len(looked) == 3


def test_a_lost_port_is_replaced(child: Children) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        lost = RunningService("order", "api", port, child(environment={"PORT": str(port), "A": "1"}))
        found = lost.relocated()
        assert found.port != port
        assert found.process.environment == {"PORT": str(found.port), "A": "1"}
        assert (found.process.name, found.process.command) == (lost.process.name, lost.process.command)
    assert lost.relocated() is lost


def test_a_killed_make_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "PARENT_SECONDS", 0.01)
    ended: list[bool] = []
    asyncio.run(dev._after_make(os.getppid() + 1, lambda: ended.append(True)))
    assert ended == [True]
