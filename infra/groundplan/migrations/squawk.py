"""Runs squawk (https://squawkhq.com), a linter of PostgreSQL's migrations, over SQL."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from groundplan.problems import Problem, ProblemsFound

OLDEST_POSTGRESQL: Final = "15"
"""The oldest major version that a stack may have (`groundplan.stack.environment`)."""


def found_in(files: Mapping[str, str]) -> dict[str, list[tuple[int, str]]]:
    """Findings in SQL, by the name of the text: the line, from 0, and the rule. Raises ProblemsFound without squawk."""
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in files}
    if not files:
        return found
    program = _program()
    with tempfile.TemporaryDirectory(prefix="groundplan-") as directory:
        names = {}
        for number, (name, text) in enumerate(files.items()):
            (Path(directory) / f"{number}.sql").write_text(text, encoding="utf-8")
            names[f"{number}.sql"] = name
        # A file of its own settings in a folder above would decide what is found.
        (Path(directory) / "none.toml").touch()
        options = ["--config", "none.toml", "--reporter", "json", "--pg-version", OLDEST_POSTGRESQL]
        for some in _portions(list(names)):
            for each in _run([program, *options, *some], directory):
                found[names[Path(str(each["file"])).name]].append((int(str(each["line"])), str(each["rule_name"])))
    return found


def _portions(names: Sequence[str], size: int = 500) -> list[Sequence[str]]:
    """As many as a command line takes."""
    return [names[start : start + size] for start in range(0, len(names), size)]


def _run(command: Sequence[str], directory: str) -> list[dict[str, object]]:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    try:
        said: list[dict[str, object]] = json.loads(done.stdout)
    except json.JSONDecodeError:
        told = (done.stderr or done.stdout).strip().splitlines()
        remedy = "run `make setup`, which installs the version that is pinned"
        raise ProblemsFound(
            [Problem("squawk", "", told[-1] if told else f"ended with {done.returncode}", "findings", remedy)]
        ) from None
    return said


def _program() -> str:
    beside = Path(sys.executable).with_name("squawk")
    program = str(beside) if beside.is_file() else shutil.which("squawk")
    if program is None:
        remedy = "run `make setup`; in a project with pins of its own, add squawk-cli to requirements.in"
        raise ProblemsFound([Problem("squawk", "", "not installed", "the linter of migrations", remedy)])
    return program
