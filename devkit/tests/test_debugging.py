"""A debugger attaches to a service of `make dev` while it serves."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devkit.tests.conftest import shop
from groundplan_devkit.dev.debugged import FIRST_PORT, PORT_VARIABLE
from groundplan_devkit.dev.session import Session
from groundplan_devkit.ports import HOST, free_port
from groundplan_devkit.problems import Unavailable

PATIENCE_SECONDS = 120.0
PROGRAM = """
import sys, time
print("arguments", sys.argv[1:], __name__, flush=True)
time.sleep(600)
"""


def request(command: str, **arguments: Any) -> bytes:
    """Of the Debug Adapter Protocol."""
    said = json.dumps({"seq": 1, "type": "request", "command": command, "arguments": arguments}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(said), said)


def connected(port: int) -> socket.socket:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_an_editor_attaches(tmp_path: Path) -> None:
    package = tmp_path / "order_service"
    package.mkdir()
    (package / "__main__.py").write_text(PROGRAM)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), PORT_VARIABLE: str(port)}
    command = [sys.executable, "-m", "groundplan_devkit.dev.debugged", "order_service", "api"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            with connected(port) as editor:
                editor.sendall(request("initialize", adapterID="debugpy"))
                said = b""
                while b'"command": "initialize"' not in said:
                    said += editor.recv(65536)
                assert b'"success": true' in said
            assert process.stdout is not None
            # It waits for no one.
            assert process.stdout.readline() == "arguments ['api'] __main__\n"
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("debug", "names"),
    [("", []), ("order", ["order-command", "order-query"]), ("order-query", ["order-query"])],
)
def test_a_service_or_one_process_opens_ports(tmp_path: Path, debug: str, names: list[str]) -> None:
    workloads = [("order-command", "order"), ("order-query", "order"), ("payment-api", "payment")]
    ports = Session(shop(), tmp_path, debug=debug)._debugged(workloads)
    assert list(ports) == names
    assert len(set(ports.values())) == len(names)
    assert all(port >= FIRST_PORT for port in ports.values())


def test_a_name_that_none_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="DEBUGGER=oder") as caught:
        Session(shop(), tmp_path, debug="oder")._debugged([("order-api", "order")])
    assert "one of order" in caught.value.expected
