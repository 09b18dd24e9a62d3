"""`make demo`: a project from the template, planned, rehearsed and summed up, with no account (U5)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

from infra.commands._facts import with_images
from infra.commands.demo_summary import summary
from infra.commands.stacks import read_project
from infra.problems import ProblemsFound

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "build" / "demo" / "shop"
MADE = "Made by make demo"


def main() -> int:
    """Returns 0 when every step went through."""
    start = time.monotonic()
    try:
        _step("A project from the template, with the default answers")
        if make_project(PROJECT):
            _say(f"made in {_shown(PROJECT)}: what `copier copy` gives for a dozen answers")
        else:
            _say(f"{_shown(PROJECT)} is there and has your changes: used as it is (delete it to start over)")
        _step("Its plan, from the declaration alone")
        _in_project("infra.commands.plan", "build/plan.txt")
        _say(f"every size and its reason: {_shown(PROJECT / 'build' / 'plan.txt')}")
        _step("A rehearsal in the simulated cloud")
        if subprocess.run([sys.executable, "-m", "infra.commands.rehearse"], cwd=PROJECT, check=False).returncode:
            return 1
        print()
        print(_summed_up(PROJECT))
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    print(_NEXT.format(project=_shown(PROJECT), seconds=time.monotonic() - start))
    return 0


_NEXT = """
Where to look
  {project}/system.yaml        what the system must hold, and its services
  {project}/ARCHITECTURE.md    the design, filled in for this system
  {project}/README.md          from here to production
  infra/__main__.py                    the program, in the order in which a request travels

What next
  cd {project}
  make add-service NAME=invoice        one more service; git diff shows what changed
  make compare                         what tenfold load or data would change
  copier copy . ../my-system           your own answers (copier is in .venv/bin)

Done in {seconds:.0f} s. No cloud account was used, and nothing was deployed."""


def make_project(project: Path) -> bool:
    """Copies the template as it stands to ``project``; False when one with changes is there, which is kept."""
    import copier

    if project.exists():
        if _edited(project):
            return False
        shutil.rmtree(project)
    with warnings.catch_warnings():
        # Work in progress in this repository is meant to be tried too.
        warnings.simplefilter("ignore")
        copier.run_copy(
            str(ROOT),
            project,
            defaults=True,
            quiet=True,
            vcs_ref="HEAD",
            settings=copier.Settings(),
            data={"name": "shop"},
        )
    _git(project, "init", "--quiet")
    _git(project, "add", "--all")
    _git(project, "-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "--quiet", "--message", MADE)
    return True


def _edited(project: Path) -> bool:
    """Whether anything but the demo itself has changed the project."""
    if not (project / ".git").is_dir():
        return True
    commits = _git(project, "log", "--format=%s").split("\n")
    changed = {line[3:] for line in _git(project, "status", "--porcelain").splitlines()} - {"ARCHITECTURE.md"}
    return commits != [MADE] or bool(changed)


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


def _in_project(module: str, output: str) -> None:
    target = PROJECT / output
    target.parent.mkdir(exist_ok=True)
    with target.open("w") as file:
        subprocess.run([sys.executable, "-m", module], cwd=PROJECT, check=True, stdout=file)


def _git(where: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.rstrip()


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _step(title: str) -> None:
    print(f"\n{title}", flush=True)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
