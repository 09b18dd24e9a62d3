"""A server's process: started, found, hurt and ended, and never another's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from devkit.tests.conftest import Children
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.processes import ServerProcess

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('began', flush=True)
time.sleep(600)
"""
WITH_A_CHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print('began', flush=True)
time.sleep(600)
"""


def begun(process: ServerProcess) -> bool:
    return "began" in process.log.read_text()


def test_it_is_found_and_ended_by_another_process(child: Children) -> None:
    process = child()
    process.start()
    process.wait_until(lambda: begun(process))
    seen = (
        "from pathlib import Path; from groundplan_devkit.processes import ServerProcess\n"
        f"[found] = ServerProcess.all_in(Path({str(child.directory)!r})); print(found.name, found.pid); found.stop()"
    )
    said = subprocess.run([sys.executable, "-c", seen], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["child", str(said.split()[1])]
    assert int(said.split()[1]) > 0
    assert not process.alive()
    assert ServerProcess.all_in(child.directory) == []


def test_it_stays_when_the_terminal_is_interrupted(child: Children) -> None:
    process = child()
    process.start()
    pid = process.pid
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0)


def test_a_process_that_happens_to_have_its_number_is_left_alone(child: Children) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        process = child()
        identity = {"pid": stranger.pid, "created": psutil.Process(stranger.pid).create_time() - 60, "stop_signal": 15}
        (child.directory / "child.process").write_bytes(msgspec.json.encode(identity))
        assert not process.alive()
        process.kill()
        process.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_one_that_does_not_end_when_asked_is_killed(child: Children) -> None:
    process = child(STUBBORN)
    process.start()
    process.wait_until(lambda: begun(process))
    process.stop(seconds=0.3)
    assert not process.alive()


def test_a_killed_one_takes_what_it_started_with_it(child: Children) -> None:
    process = child(WITH_A_CHILD)
    process.start()
    process.wait_until(lambda: begun(process))
    pid = process.pid
    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children()]
    assert len(family) == 2
    process.kill()
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)


def test_a_paused_one_does_nothing_until_it_is_resumed_and_can_be_stopped_as_it_is(child: Children) -> None:
    process = child("import time\nwhile True:\n    print('began', flush=True)\n    time.sleep(0.01)")
    process.start()
    process.wait_until(lambda: begun(process))
    process.pause()
    time.sleep(0.05)
    size = process.log.stat().st_size
    time.sleep(0.1)
    assert process.log.stat().st_size == size
    process.resume()
    process.wait_until(lambda: process.log.stat().st_size > size)
    process.pause()
    process.stop()
    assert not process.alive()


def test_it_can_be_ended_by_another_signal(child: Children) -> None:
    code = "import signal, sys, time\n"
    code += "signal.signal(signal.SIGINT, lambda *_: (print('in order', flush=True), sys.exit(0)))\n"
    code += "print('began', flush=True)\ntime.sleep(600)"
    process = child(code, stop_signal=signal.SIGINT)
    process.start()
    process.wait_until(lambda: begun(process))
    # As another process does it, which knows the directory only.
    [found] = ServerProcess.all_in(child.directory)
    found.stop()
    assert "in order" in process.log.read_text()


def test_one_that_fails_is_reported_with_the_end_of_its_log(child: Children) -> None:
    process = child("print('no such file: /etc/nothing'); raise SystemExit(3)")
    process.start()
    with pytest.raises(Unavailable) as caught:
        process.wait_until(lambda: False)
    said = str(caught.value)
    assert "child" in said
    assert "no such file: /etc/nothing" in said
    assert "to do:" in said
    assert "Traceback" not in said


def test_one_that_is_never_ready_is_given_up(child: Children) -> None:
    process = child()
    process.start()
    with pytest.raises(Unavailable, match="not ready within"):
        process.wait_until(lambda: False, seconds=0.1)


def test_what_does_not_run_cannot_be_paused(child: Children) -> None:
    with pytest.raises(Unavailable, match="does not run"):
        child().pause()


def test_a_spoilt_identity_is_no_process(child: Children) -> None:
    (child.directory / "child.process").write_text("{")
    assert not child().alive()
    assert ServerProcess.all_in(Path(child.directory)) == []
