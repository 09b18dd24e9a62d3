"""The fixtures as a project's tests use them: one set of servers for all processes of a run, none afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.servers import start, stop
from groundplan_devkit.state import PROJECT

pytestmark = pytest.mark.usefixtures("needs_servers")

TESTS = """
import os
import pytest

@pytest.mark.parametrize("number", range(6))
def test_each_has_its_own(number, cache_user, valkey_server, make_queue):
    with open(os.environ["SEEN"], "a") as file:
        print(valkey_server.port, valkey_server.nodes[0].pid, cache_user.prefix, make_queue(), sep="|", file=file)
    cache_user.valkey.execute_as(cache_user.username, cache_user.password, "SET", cache_user.prefix + "a", "1")
"""


def run(directory: Path, *options: str, **environment: str) -> tuple[str, list[list[str]]]:
    """A test run of its own: what it printed, and what its tests saw."""
    (directory / "test_inner.py").write_text(TESTS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCAL_S", "PYTEST"))}
    paths = os.pathsep.join([str(PROJECT), *sys.path])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "groundplan_devkit.testing",
            "-p",
            "no:cacheprovider",
            "-q",
            *options,
            "test_inner.py",
        ],
        cwd=directory,
        env={**kept, "SEEN": str(directory / "seen"), "PYTHONPATH": paths, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, [line.split("|") for line in (directory / "seen").read_text().splitlines()]


def ended(pid: int) -> bool:
    """Its parent may have ended first without reading its exit status: then it is a zombie."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("options", [(), ("-n", "3")])
def test_servers_are_shared_and_names_are_not(tmp_path: Path, options: tuple[str, ...]) -> None:
    said, seen = run(tmp_path, *options)
    assert "6 passed" in said
    assert len({(port, pid) for port, pid, _, _ in seen}) == 1
    assert len({prefix for _, _, prefix, _ in seen}) == 6
    assert len({queue for _, _, _, queue in seen}) == 6
    assert ended(int(seen[0][1]))


def test_servers_that_run_already_are_used_and_left(tmp_path: Path) -> None:
    directory = tmp_path / "servers"
    try:
        servers = start(directory, ["valkey"])
        _, seen = run(tmp_path, LOCAL_SERVERS=str(servers.state_file))
        assert {pid for _, pid, _, _ in seen} == {str(servers.process("valkey").pid)}
        # What was lacking was added to them, and what tests made was taken away.
        assert {process.name for process in ServerProcess.all_in(directory)} == {"valkey", "aws"}
        assert servers.valkey is not None
        assert len(servers.valkey.execute("ACL", "LIST").splitlines()) == 2
    finally:
        stop(directory, remove=True)


def test_a_run_that_starts_no_server_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text("def test_nothing() -> None: ...\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCAL_S", "PYTEST"))}
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "groundplan_devkit.testing", "-p", "no:cacheprovider", "test_inner.py"],
        cwd=tmp_path,
        env={**kept, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not list(temporary.glob("local-*"))
