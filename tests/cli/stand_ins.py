"""Command-line tools that write down what they were asked and answer as they are told to."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

_SCRIPT = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
here = pathlib.Path({directory!r})
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([{name!r}, *arguments]) + "\\n")
for asked, (status, output) in json.loads((here / "{name}.json").read_text()):
    if asked in " ".join(arguments):
        if "--metadata-file" in arguments:
            pathlib.Path(arguments[arguments.index("--metadata-file") + 1]).write_text(output)
        else:
            print(output)
        if status:
            print("refused", file=sys.stderr)
        sys.exit(status)
"""

Answers = Mapping[str, tuple[int, str]]
"""By a part of the command line: exit status, and what is printed. Anything else succeeds in silence."""


class Tools:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    def install(self, name: str, answers: Answers | None = None) -> None:
        """Puts a tool on the path, or tells it other answers; earlier ones are looked at first."""
        script = self.directory / name
        script.write_text(_SCRIPT.format(python=sys.executable, directory=str(self.directory), name=name))
        script.chmod(0o755)
        (self.directory / f"{name}.json").write_text(json.dumps(list((answers or {}).items())))

    @property
    def calls(self) -> list[list[str]]:
        log = self.directory / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def asked(self, *words: str) -> list[list[str]]:
        """Calls that begin with these words."""
        return [call for call in self.calls if call[: len(words)] == list(words)]


def only_these(directory: Path, patch: pytest.MonkeyPatch, *kept: str, which: Callable[[str], str | None]) -> None:
    """A path with the stand-ins and, of this machine's tools, the kept ones."""
    for name in kept:
        found = which(name)
        assert found, name
        (directory / name).symlink_to(found)
    patch.setenv("PATH", str(directory))
