"""How long an owner waits in the daily loop, against projects of the last commit that copied its libraries:
`python -m bench.daily`.

Both projects have the default answers and Python packages that are installed already. Rounds take turns. What is
measured goes to `docs/daily.json` and from there into the README's table, with `--write`; without it, it is only shown.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.copying import COPIED_LIBRARIES, ROOT, Taken, at, clone, copy, processor_seconds
from groundplan_devkit.ports import free_port
from tests.projects import bare_environment, borrowed_environment, commit_project, git, make_project, overridden

RECORD = ROOT / "docs" / "daily.json"
README = ROOT / "README.md"
ROUNDS = 2
EDITS = 5
"""Of a handler, in each project."""
PATIENCE_SECONDS = 300.0
HANDLER = Path("services/order/order_service/queries/list_orders.py")
TESTS = "services/order"
NOW, BEFORE = "now", "before"
BEGINS, ENDS = "<!-- daily -->", "<!-- /daily -->"
ROWS = {
    "copy": "`copier copy --defaults`",
    "plan": "`make plan`",
    "add-service": "`make add-service NAME=invoice`",
    "test": f"`make test QUICK=1 TESTS={TESTS}` after an edit",
    "edit": "an edited handler answers under `make dev`",
}
"""What is measured, and what the README calls it."""


@dataclass(frozen=True)
class Project:
    """One of the two, and the variables of its commands."""

    template: Path
    folder: Path
    environment: Mapping[str, str]

    def make(self, *arguments: str) -> Taken:
        """Raises SystemExit with what it said, when it fails."""
        before, start = processor_seconds(), time.perf_counter()
        done = subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"make {' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        return Taken(time.perf_counter() - start, processor_seconds() - before)

    def undo(self) -> None:
        git(self.folder, "reset", "--quiet", "--hard")
        git(self.folder, "clean", "--quiet", "--force", "-d")

    def edit(self) -> None:
        """Lists of orders fail; the other way round, where they do."""
        handler = self.folder / HANDLER
        text = handler.read_text(encoding="utf-8")
        assert _BEGINS in text
        edited = text.replace(_RAISE, "") if _RAISE in text else text.replace(_BEGINS, _BEGINS + _RAISE)
        handler.write_text(edited, encoding="utf-8")


_BEGINS = "async def list_orders(call: Call) -> Page:\n"
_RAISE = '    raise RuntimeError("edited")\n'


@dataclass
class Session:
    """`make dev` of a project."""

    project: Project
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["make", "--no-print-directory", "dev", f"PORT={free_port()}"],
                cwd=self.project.folder,
                env=self.project.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> tuple[str, str]:
        """The address of the API and a token, once it is ready."""
        _until(lambda: "Ctrl-C" in self.said or self.process.poll() is not None, lambda: self.said)
        found = re.search(r"http://127\.0\.0\.1:\d+/api/v1", self.said)
        if self.process.poll() is not None or found is None:
            raise SystemExit(f"make dev failed:\n{self.said[-4000:]}")
        token = subprocess.run(
            ["make", "--no-print-directory", "token", "ROLE=admin"],
            cwd=self.project.folder,
            env=self.project.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return found.group(), token.stdout.strip().splitlines()[-1]

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)


def measured(rounds: int = ROUNDS) -> dict[str, dict[str, list[Taken]]]:
    """All that was taken, by what and by which project."""
    taken: dict[str, dict[str, list[Taken]]] = {what: {NOW: [], BEFORE: []} for what in ROWS}
    with tempfile.TemporaryDirectory(prefix="daily-") as directory:
        here = Path(directory)
        projects = _projects(here)
        for number in range(rounds):
            for name, project in projects.items():
                _say(f"round {number + 1} of {rounds}, {name}")
                taken["copy"][name].append(copy(project.template, here / f"{name}-{number}"))
                taken["plan"][name].append(project.make("plan"))
                taken["add-service"][name].append(project.make("add-service", "NAME=invoice"))
                project.undo()
                # A comment: what is tested is what was there, and all that reads the file looks at it anew.
                handler = project.folder / HANDLER
                handler.write_text(handler.read_text(encoding="utf-8") + f"\n\n# {number}\n", encoding="utf-8")
                taken["test"][name].append(project.make("test", "QUICK=1", f"TESTS={TESTS}"))
                project.undo()
        for name, answers in _answers(projects, here).items():
            taken["edit"][name] = answers
    return taken


def _projects(here: Path) -> dict[str, Project]:
    """Both, set up, planned and committed."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LOCAL_", "MAKE", "GIT_"))
    }
    clone(here / "template")
    if at(COPIED_LIBRARIES, here / "earlier") is None:
        raise SystemExit(f"This clone's history does not reach back to {COPIED_LIBRARIES}: fetch the whole of it.")
    folders = {
        NOW: commit_project(make_project(here / "template", here / "now" / "shop")),
        BEFORE: commit_project(make_project(here / "earlier", here / "then" / "shop")),
    }
    variables = {
        NOW: {**overridden(), "VENV": str(borrowed_environment(here / "venv-now"))},
        BEFORE: {"VENV": str(bare_environment(here / "venv-then", folders[BEFORE] / "requirements.txt"))},
    }
    projects = {}
    for name, template in ((NOW, "template"), (BEFORE, "earlier")):
        projects[name] = Project(here / template, folders[name], {**kept, **variables[name]})
        _say(f"setting up, {name}")
        projects[name].make("setup")
        projects[name].make("plan")
        projects[name].make("test", "QUICK=1", f"TESTS={TESTS}")
        git(folders[name], "add", "--all")
        git(folders[name], "commit", "--quiet", "--allow-empty", "--message", "Planned")
    return projects


def _answers(projects: Mapping[str, Project], here: Path) -> dict[str, list[Taken]]:
    """From the save of a handler until its answer is another one. The processor's time is not counted: servers and
    services share it."""
    sessions = {}
    found: dict[str, list[Taken]] = {name: [] for name in projects}
    try:
        for name, project in projects.items():
            _say(f"make dev, {name}")
            sessions[name] = Session(project, here / f"dev-{name}.log")
        addresses = {name: session.wait() for name, session in sessions.items()}
        for _ in range(EDITS):
            for name, project in projects.items():
                url, token = addresses[name]
                mended = _RAISE in (project.folder / HANDLER).read_text(encoding="utf-8")
                start = time.perf_counter()
                project.edit()
                _until(partial(_has_status, url, token, 200 if mended else 500), str)
                found[name].append(Taken(time.perf_counter() - start, 0.0))
                time.sleep(1)
    finally:
        for session in sessions.values():
            session.end()
    return found


def _has_status(url: str, token: str, status: int) -> bool:
    return _status(url, token) == status


def _status(url: str, token: str) -> int:
    """0: nothing answered."""
    request = urllib.request.Request(f"{url}/orders", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def _until(look: Callable[[], object], said: Callable[[], str]) -> None:
    given_up = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > given_up:
            raise SystemExit(f"Nothing came of it in {PATIENCE_SECONDS:.0f} s:\n{said()[-4000:]}")
        time.sleep(0.02)


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)


def record(taken: Mapping[str, Mapping[str, list[Taken]]], rounds: int) -> dict[str, object]:
    """Medians, in seconds; what `docs/daily.json` holds."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit.stdout.strip(),
        "against": COPIED_LIBRARIES,
        "rounds": rounds,
        "edits": EDITS,
        "cores": os.cpu_count(),
        "seconds": {
            what: {
                name: {
                    by: round(statistics.median(getattr(each, by) for each in times), 2)
                    for by in ("clock", "processor")
                }
                for name, times in of.items()
            }
            for what, of in taken.items()
        },
    }


def table(recorded: Mapping[str, Any]) -> str:
    """The README's block."""
    said = recorded
    lines = [
        f"The daily loop, by `python -m bench.daily` on {said['cores']} cores that did nothing else "
        f"({said['date']}, {said['commit']}).",
        f"Medians of {said['rounds']} rounds, in turns with projects of the last commit whose projects held all",
        f"libraries ({said['against']}); of the last row {said['edits']} edits each.",
        "",
        "| | seconds by the clock | then | of the processor | then |",
        "|---|---|---|---|---|",
    ]
    for what, title in ROWS.items():
        now, before = recorded["seconds"][what][NOW], recorded["seconds"][what][BEFORE]
        cells = [f"{each[by]:.1f}" if each[by] else "" for by in ("clock", "processor") for each in (now, before)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written(text: str, block: str) -> str:
    """A document with the block in the place of the one between the markers."""
    head, _, rest = text.partition(BEGINS)
    _, _, tail = rest.partition(ENDS)
    return f"{head}{BEGINS}\n{block}\n{ENDS}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.daily", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help="keep it, in docs/daily.json and the README")
    options = parser.parse_args(arguments)
    recorded = record(measured(options.rounds), options.rounds)
    print(table(recorded))
    if options.write:
        RECORD.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")
        README.write_text(written(README.read_text(encoding="utf-8"), table(recorded)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
