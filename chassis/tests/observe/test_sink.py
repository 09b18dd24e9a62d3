"""Lines reach the output whole and in order; a slow log reader blocks no writer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from groundplan_chassis.observe import sink
from groundplan_chassis.observe.sink import Sink


def read_all(descriptor: int) -> bytes:
    found = b""
    while part := os.read(descriptor, 65_536):
        found += part
    return found


def in_thread(work: Callable[[], bytes]) -> Callable[[], bytes]:
    result: list[bytes] = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()

    def wait() -> bytes:
        thread.join()
        return result[0]

    return wait


def test_lines_arrive_whole_and_in_order_from_many_threads() -> None:
    reading, writing = os.pipe()
    wait = in_thread(lambda: read_all(reading))
    subject = Sink(writing)

    def write(number: int) -> None:
        for index in range(500):
            subject.write(b"%d %d %s\n" % (number, index, b"x" * 200))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    subject.close()
    os.close(writing)
    lines = wait().splitlines()
    os.close(reading)
    assert len(lines) == 2000
    for number in range(4):
        indices = [int(line.split()[1]) for line in lines if line.startswith(b"%d " % number)]
        assert indices == list(range(500))


def test_a_slow_reader_blocks_no_writer_and_lost_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "MOST_LINES", 100)
    monkeypatch.setattr(sink, "STUCK_SECONDS", 0.2)
    reading, writing = os.pipe()
    subject = Sink(writing, lambda count: b"dropped %d\n" % count)
    began = time.monotonic()
    for _ in range(20):
        for _ in range(100):
            subject.write(b"x" * 1000 + b"\n")
        time.sleep(0.01)
    assert time.monotonic() - began < 5
    assert not subject.flush(0.1)
    wait = in_thread(lambda: read_all(reading))
    assert subject.flush(30)
    subject.write(b"last\n")
    subject.close()
    os.close(writing)
    lines = wait().splitlines()
    os.close(reading)
    lost = [line for line in lines if line.startswith(b"dropped")]
    assert lost
    assert sum(int(line.split()[1]) for line in lost) + len(lines) - len(lost) == 2001


def test_a_closed_output_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    subject = Sink(writing)
    subject.write(b"line\n")
    subject.close()
    subject.write(b"after the end\n")
    os.close(writing)


def test_the_last_lines_of_a_process_are_written() -> None:
    program = (
        "import logging\nfrom groundplan_chassis.observe import logs\nlogs.configure('order', 'api')\n"
        "logging.getLogger('x').info('the last words')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert '"message":"the last words"' in done.stdout


def test_an_uncaught_error_is_a_line() -> None:
    program = """
from groundplan_chassis.observe import logs
logs.configure('order', 'api')
raise RuntimeError('password=hunter2')
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert '"error":"RuntimeError"' in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
