"""mypy for services' code that changes again and again: a daemon, which reads the libraries once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_IDLE_SECONDS = "900"
"""A daemon that was left behind ends by itself."""


@dataclass(frozen=True)
class TypeChecker:
    project: Path
    state: Path

    def findings(self, services: Sequence[str]) -> list[str]:
        """What it says of the services' code, each as `path:line: error: …`; nothing where types hold."""
        paths = [f"services/{name}/{name.replace('-', '_')}_service" for name in services]
        options = ["--timeout", _IDLE_SECONDS, "--", "--no-error-summary", "--cache-dir", str(self.state / "cache")]
        done = self.run("run", *options, *paths)
        found = [line for line in done.stdout.splitlines() if ": error: " in line]
        assert (done.returncode == 0) == (not found), done.stdout + done.stderr
        return found

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mypy.dmypy", "--status-file", str(self.state / "daemon.json"), *arguments]
        return subprocess.run(command, cwd=self.project, capture_output=True, text=True, check=False)


@contextmanager
def type_checker(project: Path, state: Path) -> Iterator[TypeChecker]:
    """``state``: a folder for its cache."""
    made = TypeChecker(project, state)
    try:
        yield made
    finally:
        made.run("stop")
