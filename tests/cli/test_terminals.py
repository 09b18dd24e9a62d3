"""What commands say at a terminal, and only there: what they do, and what they want to install (n7, n8)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.projects import ROOT
from tests.template.terminal import Terminal

ASK = """
from groundplan.installation.allowed import may_install
what = "valkey-server valkey-tools, packages of the system, by apt-get with sudo"
print("answered", may_install(what), may_install(what))
"""
WORK = """
import time
from groundplan.progress import doing
with doing("Rendering the template as it was and as it is to be"):
    time.sleep(1)
print("done")
"""
Start = Callable[..., Terminal]


@pytest.fixture(params=[80, 120])
def columns(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def start(columns: int) -> Iterator[Start]:
    opened: list[Terminal] = []

    def run(code: str, **variables: str) -> Terminal:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("ALLOW_INSTALL", "NO_COLOR", "COLUMNS")
        }
        opened.append(Terminal([sys.executable, "-c", code], columns=columns, environment={**kept, **variables}))
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize(("typed", "answer"), [("y\r", True), ("\r", False), ("no\r", False)])
def test_installing_is_said_and_asked_once(start: Start, typed: str, answer: bool) -> None:
    terminal = start(ASK)
    shown = terminal.see("Install it? [y/N]")
    assert "valkey-server valkey-tools, packages of the system, by apt-get with sudo" in " ".join(shown.split())
    terminal.type(typed)
    assert terminal.end() == 0
    assert f"answered {answer} {answer}" in terminal.screen.text()
    assert terminal.screen.text().count("Install it?") == 1


@pytest.mark.parametrize("colour", [True, False])
def test_a_command_shows_what_it_does_and_takes_it_away(start: Start, colour: bool) -> None:
    terminal = start(WORK, **({} if colour else {"NO_COLOR": "1"}))
    terminal.see("Rendering the template as it was and as it is to be")
    assert terminal.end() == 0
    assert terminal.screen.text().split() == ["done"]


@pytest.mark.parametrize("allowed", ["", "0", "1"])
def test_elsewhere_nothing_is_asked_or_shown(allowed: str) -> None:
    environment = {**os.environ, "ALLOW_INSTALL": allowed}
    done = subprocess.run(
        [sys.executable, "-c", ASK + WORK], input="\n", capture_output=True, text=True, check=True, env=environment
    )
    answer = allowed == "1"
    assert (done.stdout.splitlines(), done.stderr) == ([f"answered {answer} {answer}", "done"], "")


@pytest.mark.parametrize("makefile", ["Makefile", "templates/project/Makefile"])
@pytest.mark.parametrize("width", [80, 120])
def test_the_list_of_commands_keeps_to_the_terminal(makefile: str, width: int) -> None:
    command = ["make", "--no-print-directory", "--directory", str((ROOT / makefile).parent), "help"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": str(width)}
    )
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("  make test ") for line in lines)
