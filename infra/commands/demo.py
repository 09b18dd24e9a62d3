"""`make demo`: a project from the template, planned, rehearsed and summed up, with no account (U5).

What it showed is kept under `build/demo`, and shown again for as long as nothing has changed that it depends on.
"""

from __future__ import annotations

import argparse
import codecs
import hashlib
import json
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from infra.commands._facts import with_images
from infra.commands._run import run
from infra.commands.demo_summary import summary
from infra.commands.stacks import read_project
from infra.owned import make

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
MADE = "Made by make demo"

# What the template makes a project of.
SOURCES = (
    "copier.yml",
    "templates",
    "infra",
    "components",
    "requirements.in",
    "requirements.txt",
    "system.schema.json",
)
# Written by the demo itself, by git and by tools.
PASSING = {"ARCHITECTURE.md", ".git", "build", "__pycache__", ".venv", ".pytest_cache", ".ruff_cache", ".mypy_cache"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every step went through."""
    parser = argparse.ArgumentParser(prog="python -m infra.commands.demo", description=__doc__)
    parser.add_argument("--again", action="store_true", help="run every step even if nothing has changed")
    options = parser.parse_args(arguments)
    return run(lambda: demonstrate(BUILD, again=options.again))


def demonstrate(build: Path, *, again: bool) -> int:
    """Every step, or what they showed when nothing has changed since. Raises ProblemsFound."""
    start = time.monotonic()
    project, kept = build / "shop", build / "shown.json"
    _step("A project from the template, with the default answers")
    _say(f"{make_project(project)}: {_shown(project)}")
    state = f"{digest(project)} {shutil.which('pulumi')}"
    remembered = json.loads(kept.read_text()) if kept.is_file() and not again else {}
    if remembered.get("state") == state:
        _say(
            "Nothing has changed since the last demo, so what it showed is shown again (make demo AGAIN=1: run it anew)"
        )
        print(remembered["shown"], end="")
    else:
        status, shown = _steps(project)
        if status:
            return status
        kept.write_text(json.dumps({"state": state, "shown": shown}))
    print(_NEXT.format(project=_shown(project), seconds=time.monotonic() - start))
    return 0


def _steps(project: Path) -> tuple[int, str]:
    """Plan, rehearsal and summary: the exit status, and all that was shown."""
    plan_file = project / "build" / "plan.txt"
    plan_file.parent.mkdir(exist_ok=True)
    _step("Its plan, from the declaration alone")
    with plan_file.open("w") as file:
        subprocess.run([sys.executable, "-m", "infra.commands.plan", "--why"], cwd=project, check=True, stdout=file)
    planned = f"  Every size and its reason: {_shown(plan_file)}\n"
    print(planned, end="")
    _step("A rehearsal in the simulated cloud")
    status, rehearsed = _followed([sys.executable, "-u", "-m", "infra.commands.rehearse"], project)
    if status:
        return status, ""
    summed_up = f"\n{_summed_up(project)}\n"
    print(summed_up, end="")
    return 0, f"{planned}\nA rehearsal in the simulated cloud\n{rehearsed}{summed_up}"


_NEXT = """
Where to look
  {project}/system.yaml        what the system must hold, and its services
  {project}/ARCHITECTURE.md    the design, filled in for this system
  {project}/README.md          from here to production
  infra/__main__.py                  the program, in the order in which a request travels

What next
  cd {project}
  make add-service NAME=invoice        one more service; git diff shows what changed
  make compare                         what tenfold load or data would change
  make help                            everything else

  .venv/bin/copier copy . ../my-system   your own answers, from here

Done in {seconds:.0f} s. No cloud account was used, and nothing was deployed to one."""


def make_project(project: Path) -> str:
    """The template as it stands, copied to ``project`` unless it is there already; says which."""
    import copier

    make(project.parent)
    stamp = project.with_suffix(".template")
    sources = digest(*(ROOT / name for name in SOURCES))
    if project.exists():
        if _edited(project):
            return "There, with your changes, which are kept (delete it to start over)"
        if stamp.is_file() and stamp.read_text() == sources:
            return "There, as the template gives it"
        shutil.rmtree(project)
    with warnings.catch_warnings():
        # Work in progress in this repository is meant to be tried too.
        warnings.simplefilter("ignore")
        copier.run_copy(str(ROOT), project, defaults=True, quiet=True, vcs_ref="HEAD", settings=copier.Settings())
    _git(project, "init", "--quiet")
    _git(project, "add", "--all")
    _git(project, "-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "--quiet", "--message", MADE)
    stamp.write_text(sources)
    return "Made"


def digest(*places: Path) -> str:
    """Names and contents of all files in these places but for what tools leave there."""
    found = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and PASSING.isdisjoint(path.relative_to(place).parts):
                found.update(f"{place.name}/{path.relative_to(place)}\0{path.stat().st_size}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def _edited(project: Path) -> bool:
    """Whether anything but the demo itself has changed the project."""
    if not (project / ".git").is_dir():
        return True
    # Work on a branch or in a stash counts, and so does a file that git ignores unless a tool left it.
    commits = _git(project, "log", "--all", "--format=%s").split("\n")
    status = _git(project, "status", "--porcelain", "--untracked-files=all", "--ignored=traditional")
    changed = {line[3:] for line in status.splitlines()}
    return commits != [MADE] or any(PASSING.isdisjoint(Path(name).parts) for name in changed)


def _summed_up(project: Path) -> str:
    from infra.__main__ import declare
    from infra.capacity import plan
    from infra.simulation import simulate

    read = read_project(project)
    plans, simulations = {}, {}
    for stack, configured in read.environments.items():
        environment = with_images(read.system, configured)
        plans[stack] = plan(read.system, environment)
        simulations[stack] = simulate(
            partial(declare, read.system, environment),
            project=read.system.name,
            stack=stack,
            region=environment.region,
        )
    return summary(plans, simulations)


def _followed(command: Sequence[str], where: Path) -> tuple[int, str]:
    """Runs a command whose output is seen as it comes, and kept."""
    kept = ""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while piece := process.stdout.read1():  # type: ignore[attr-defined]
            text = decoder.decode(piece)
            kept += text
            print(text, end="", flush=True)
    return process.returncode, kept


def _git(where: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.rstrip()


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _step(title: str) -> None:
    print(f"\n{title}", flush=True)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
