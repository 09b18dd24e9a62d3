"""The README's first ten minutes, as steps that can be run: commands, and what they print.

A block of `sh` is a step; a block of `text` after it is what it prints. `…` stands for anything within a line; alone on
a line it stands for any lines. A comment `<!-- not run: … -->` before a block says why it isn't run by `make prove`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.site.sections import FIRST, ROOT, section

ANYTHING = "…"
ADDRESS = "GROUNDPLAN"
"""The variable in the place of this repository's address, which no file of it knows."""
_STEP = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^>]+) -->\n+)?^```sh\n(?P<commands>.*?)^```\n(?:\n*```text\n(?P<printed>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
UNPRIVILEGED = 65534
STEP_SECONDS = 3600.0
"""Of one step: its set-up took more than twenty minutes where seven others used the machine."""


@dataclass(frozen=True, slots=True)
class Step:
    """``printed`` is empty where nothing is compared; ``reason``: why it is not run."""

    commands: str
    printed: str = ""
    reason: str = ""


def steps() -> list[Step]:
    """Those of the README, in their order."""
    text = section((ROOT / "README.md").read_text(encoding="utf-8"), FIRST)
    return [
        Step(found["commands"], found["printed"] or "", (found["reason"] or "").strip())
        for found in _STEP.finditer(text)
    ]


def difference(expected: str, printed: str) -> str:
    """The first expected line that wasn't printed where it should have been; empty: all were."""
    lines = [line.rstrip() for line in _COLOUR.sub("", printed).splitlines()]
    at, anywhere = 0, False
    for wanted in expected.splitlines():
        if wanted.strip() == ANYTHING:
            anywhere = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.rstrip().split(ANYTHING)))
        found = next((n for n in range(at, len(lines)) if pattern.fullmatch(lines[n])), None)
        if found is None or (found != at and not anywhere):
            return wanted
        at, anywhere = found + 1, False
    return "" if anywhere or at == len(lines) else f"nothing after it, but was: {lines[at]}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a newcomer works: an empty folder, a home without settings, tools on the path."""

    folder: Path
    home: Path
    path: Sequence[Path]
    address: str

    def environment(self) -> dict[str, str]:
        """Of the machine only what reaches package indexes; no identity for git, and no project's environment."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_")) or name.lower().endswith("_proxy")
        }
        system = ("/usr/local/bin", "/usr/bin", "/bin")
        return kept | {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([*(str(each) for each in self.path), *system]),
            "LANG": "C.UTF-8",
            ADDRESS: self.address,
        }


def run(place: Place, wanted: Sequence[Step], timeout_seconds: float = STEP_SECONDS) -> Mapping[int, str]:
    """Runs the steps in one shell each, in the folder that the one before ended in; what went wrong, by step.

    As root it runs as a user without rights, to whom the folder and the home are given. The first failure ends it.
    """
    where = place.folder
    user: dict[str, object] = {}
    if os.getuid() == 0:
        for each in (place.folder, place.home):
            os.chown(each, UNPRIVILEGED, UNPRIVILEGED)
        user = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": ()}
    for number, step in enumerate(wanted, start=1):
        if step.reason:
            continue
        ended = place.home / "where"
        script = f"set -e\n{step.commands}\npwd > {ended}\n"
        done = subprocess.run(  # type: ignore[call-overload]  # the user is given as a mapping
            ["bash", "-c", script],
            cwd=where,
            env=place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_seconds,
            check=False,
            **user,
        )
        if done.returncode:
            return {number: f"status {done.returncode}:\n{done.stdout}"}
        missing = difference(step.printed, done.stdout) if step.printed else ""
        if missing:
            return {number: f"expected: {missing}\nprinted:\n{done.stdout}"}
        where = Path(ended.read_text(encoding="utf-8").strip())
    return {}
