"""Servers together: started once however many ask, found by a file, gone with their owner."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.servers import Servers, start, stop
from groundplan_devkit.servers import servers as started
from groundplan_devkit.servers.__main__ import main
from groundplan_devkit.state import STATE_FILE, STATE_VARIABLE

QUICK = "valkey"
"""What starts soonest stands for all here; each kind has tests of its own."""


@pytest.fixture
def directory(needs_servers: None, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "servers"
    stop(tmp_path / "servers", remove=True)


def run(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_who_start_at_once_get_the_same_servers(directory: Path) -> None:
    code = (
        "from pathlib import Path; from groundplan_devkit.servers import start\n"
        f"servers = start(Path({str(directory)!r}), ['{QUICK}'])\n"
        "print(servers.valkey.port, servers.process('valkey').pid)"
    )
    both = [run(code) for _ in range(2)]
    answers = {process.communicate()[0] for process in both}
    assert len(answers) == 1
    assert answers != {""}


def test_kinds_are_added_to_those_that_run(directory: Path) -> None:
    first = start(directory, ["valkey"])
    pid = first.process("valkey").pid
    second = start(directory, ["aws"])
    assert second.kinds == ("valkey", "aws")
    assert second.process("valkey").pid == pid
    assert Servers.read(directory / STATE_FILE) == second


def test_a_start_that_fails_leaves_nothing_running_but_what_ran(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundplan_devkit.servers import running

    start(directory, ["aws"])

    def fail(*_: object, **__: object) -> None:
        raise Unavailable("postgres", "no room", "room", "make some")

    monkeypatch.setattr(running, "start_postgres", fail)
    with pytest.raises(Unavailable, match="no room"):
        start(directory, ["valkey", "postgres"])
    assert [process.name for process in ServerProcess.all_in(directory)] == ["aws"]


@pytest.mark.usefixtures("needs_servers")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_servers_end_with_their_owner_however_it_ends(how: signal.Signals) -> None:
    code = (
        "import signal, time; from groundplan_devkit.servers import valkey\n"
        # A test run that a shell started in the background ignores it, and so would this.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with valkey() as cache:\n    print(cache.nodes[0].directory, flush=True)\n    time.sleep(600)"
    )
    with run(code) as owner:
        assert owner.stdout is not None
        directory = Path(owner.stdout.readline().strip())
        [process] = [each for each in ServerProcess.all_in(directory) if each.name == "valkey"]
        owner.send_signal(how)
    gone(process, directory)


def gone(process: ServerProcess, directory: Path) -> None:
    """Wait for the reaper, by a process that ends when the directory has gone."""
    code = f"import os, time\nwhile os.path.exists({str(directory)!r}): time.sleep(0.05)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not process.alive()


def test_those_that_are_named_are_used_and_left(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start(directory, ["valkey"])
    monkeypatch.setenv(STATE_VARIABLE, str(running.state_file))
    with started("valkey") as found:
        assert found == running
    assert running.process("valkey").alive()
    with started("valkey", private=True) as own:
        assert own.directory != running.directory


def test_a_named_file_that_is_none_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "nothing.json"))
    with pytest.raises(Unavailable, match=r"python -m groundplan_devkit\.servers up"), started("valkey"):
        pass


def test_a_name_that_no_server_has_is_reported(directory: Path) -> None:
    running = start(directory, ["valkey"])
    with pytest.raises(Unavailable, match="one of valkey"):
        running.kill("redis")


def test_only_their_owner_reads_the_passwords(directory: Path) -> None:
    running = start(directory, ["valkey"])
    assert running.state_file.stat().st_mode & 0o077 == 0


def test_the_command_starts_shows_and_stops(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = ["--directory", str(directory)]
    assert main(["up", "valkey", *there]) == 0
    up = capsys.readouterr()
    assert "valkey" in up.out
    assert f"{STATE_VARIABLE}={directory / STATE_FILE}" in up.err
    assert main(["status", *there]) == 0
    assert "runs as" in capsys.readouterr().out
    Servers.read(directory / STATE_FILE).kill("valkey")
    assert main(["status", *there]) == 0
    assert "does not run" in capsys.readouterr().out
    assert main(["up", "valkey", *there]) == 0
    assert main(["down", *there]) == 0
    assert "Stopped valkey" in capsys.readouterr().err
    assert main(["status", *there]) == 0
    assert "Nothing runs" in capsys.readouterr().out
    assert main(["down", *there]) == 0


def test_the_command_refuses_a_kind_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "mysql"]) == 2
    assert "'mysql' is not one of 'postgres', 'valkey', 'kafka', 'aws', 'identity'" in capsys.readouterr().err
