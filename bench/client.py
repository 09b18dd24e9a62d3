"""What the program itself costs under the Pulumi engine: its processor time, as a ratio to as many plain resources.

Both programs run against the simulated cloud, in turns, each through `preview`, `up` and an `up` that changes nothing.
Counted is the user and system time of the process that runs the program; engine, providers and language host are not.
Needs the Pulumi CLI.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal.cli import NoCli, find_cli
from groundplan.rehearsal.engine import Stack
from groundplan.rehearsal.stage import Stage

ROOT = Path(__file__).resolve().parents[1]
STACK = "dev"
STEPS = ("preview", "up", "up again")
MOST = 1.5
"""Of the floor: issue 10."""

# Python imports it when it starts; only the process that runs a program tells.
_METER = """
import atexit, os, resource, sys

def tell():
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ["CLIENT_SECONDS"], "a") as file:
        print(used.ru_utime + used.ru_stime, file=file)

if any("pulumi-language-python-exec" in each for each in sys.orig_argv):
    atexit.register(tell)
"""
_FLOOR = """
import json, pathlib
import pulumi_aws.sns
count = json.loads((pathlib.Path(__file__).parent / "count.json").read_text())
for number in range(count):
    pulumi_aws.sns.Topic(f"topic-{number}", display_name=f"Topic {number}", tags={"Name": f"topic-{number}"})
"""


class Program:
    """One program of the two, on a stack of its own in an account of its own."""

    def __init__(self, command: Path, project: Path, region: str) -> None:
        self._command, self._project, self._region = command, project, region
        self._file = project / f"Pulumi.{STACK}.yaml"
        self._settings = self._file.read_text(encoding="utf-8")

    def seconds(self, here: Path) -> tuple[dict[str, float], int]:
        """Processor seconds of each step, and how many resources the state has."""
        home, told = here / "home", here / "seconds"
        home.mkdir()
        # The engine noted there what the passphrase of the turn before is told by.
        self._file.write_text(self._settings, encoding="utf-8")
        (here / "first").mkdir()
        (here / "first" / "sitecustomize.py").write_text(_METER)
        surroundings = {"PYTHONPATH": str(here / "first"), "CLIENT_SECONDS": str(told)}
        with ProviderServers(region=self._region) as servers, _surrounded(surroundings):
            engine = Stack(self._command, self._project, STACK, home, servers.attachment)
            engine.create()
            for step in (engine.preview, engine.up, engine.up):
                step()
            count = len(engine.resources())
        return dict(zip(STEPS, map(float, told.read_text().split()), strict=True)), count


@contextmanager
def _surrounded(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    # Without bytecode each process would compile the SDKs anew, and that would be all that is measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _floor(folder: Path, count: int) -> Path:
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: floor\nruntime: python\n")
    (folder / f"Pulumi.{STACK}.yaml").write_text("config: {'aws:region': eu-central-1}\n")
    (folder / "__main__.py").write_text(_FLOOR)
    (folder / "count.json").write_text(json.dumps(count))
    return folder


def measure(command: Path, rounds: int) -> Iterator[tuple[str, str, float]]:
    """(program, step, processor seconds), of both programs in turns."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        stage = Stage(ROOT, STACK, here / "shop")
        region = stage.environment.region
        # The root of a stack and its default providers are in each state; the floor has as many resources besides.
        programs = {"shop": Program(command, stage.folder, region)}
        for number in range(rounds):
            for name in ("shop", "floor"):
                turn = here / f"{name}-{number}"
                turn.mkdir()
                seconds, count = programs[name].seconds(turn)
                if "floor" not in programs:
                    programs["floor"] = Program(command, _floor(here / "plain", count), region)
                for step, each in seconds.items():
                    yield name, step, each


def rows(rounds: int) -> Iterator[tuple[str, ...]]:
    yield "step", "shop/dev s", "floor s", "ratio", "at most"
    try:
        command = find_cli()
    except NoCli as reason:
        yield f"not measured: {reason}", "", "", "", ""
        return
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, step, seconds in measure(command, rounds):
        found[name, step].append(seconds)
    for step in STEPS:
        shop, floor = (statistics.median(found[name, step]) for name in ("shop", "floor"))
        yield step, f"{shop:.2f}", f"{floor:.2f}", f"{shop / floor:.2f}", str(MOST)
