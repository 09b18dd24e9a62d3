"""`make up`: what `pulumi up` needs is looked at first, so that what is missing is said before anything is deployed (U2)."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.configuration import read_stack_file
from infra.problems import Problem, ProblemsFound
from infra.system.loader import load_system

INSTALLER = "https://www.pulumi.com/docs/iac/download-install/"


def check(project: Path, stack: str) -> None:
    """Raises ProblemsFound when the stack can't be deployed from here, with what to do."""
    configuration = project / f"Pulumi.{stack}.yaml"
    if not configuration.is_file():
        known = ", ".join(sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml")))
        raise _refusal("STACK", stack, f"one of {known}", f"name one of them, or write {configuration.name}")
    read_stack_file(configuration, load_system(project / "system.yaml"))
    if shutil.which("pulumi") is None:
        raise _refusal(
            "pulumi", "not found", "the Pulumi CLI on the PATH", f"install it: {INSTALLER}. `make rehearse` needs no account"
        )
    if pulumi(project, "whoami").returncode:
        raise _refusal(
            "pulumi whoami",
            "not logged in",
            "a place where the state is kept",
            "run `pulumi login s3://<bucket>?region=<region>` (README, To production, says how the bucket is made)",
        )
    if pulumi(project, "stack", "select", "--stack", stack).returncode:
        raise _refusal(
            "pulumi stack",
            f"no stack {stack}",
            "a stack with a key of its own for secrets",
            f'run `pulumi stack init {stack} --secrets-provider="awskms://alias/<key>?region=<region>"` once',
        )
    lost = sorted(deployed_services(project, stack) - configured_services(project, stack))
    if lost:
        raise _refusal(
            configuration.name,
            f"no image of {', '.join(lost)}",
            "an image of every service that runs in this stack, which would otherwise be taken away",
            f"run `make deliver STACK={stack}`, which deploys the images of this commit",
        )


def deployed_services(project: Path, stack: str) -> set[str]:
    """Services that run in the stack now."""
    shown = pulumi(project, "stack", "output", "--stack", stack, "--json")
    outputs = json.loads(shown.stdout or "{}") if shown.returncode == 0 else {}
    return set(outputs.get("images") or {})


def configured_services(project: Path, stack: str) -> set[str]:
    """Services that the stack's configuration names an image of."""
    return set(read_stack_file(project / f"Pulumi.{stack}.yaml", load_system(project / "system.yaml")).images)


def pulumi(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The CLI, asked without questions back."""
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"], cwd=project, check=False, capture_output=True, text=True
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.commands.up", description=__doc__)
    parser.add_argument("stack")
    stack = parser.parse_args(arguments).stack
    try:
        check(Path.cwd(), stack)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    os.execvp("pulumi", ["pulumi", "up", "--stack", stack])  # noqa: S606  the CLI takes the terminal over


def _refusal(path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("this machine", path, value, expected, remedy)])


if __name__ == "__main__":
    sys.exit(main())
