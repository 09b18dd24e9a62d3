"""`make deliver`: from the services' code to a stack that runs it, by hand as in the pipeline.

A service that the stack has a repository for gets its image before the stack changes, so that nothing that runs is
ever left out; a new service gets its repository first, then its image, then a second deployment that starts it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.commands.up import check_tools, outputs, pulumi_up
from infra.owned import make
from infra.problems import Problem, ProblemsFound
from infra.system.loader import load_system

PLATFORM = "linux/amd64"
"""What the node pool starts (`components/node_pool.py`)."""

CODE = ("services", "chassis")
"""What an image is built from; `.dockerignore` lets nothing else in."""


def buildable(project: Path) -> tuple[str, ...]:
    """Declared services with a Dockerfile."""
    services = load_system(project / "system.yaml").services
    return tuple(name for name in services if (project / "services" / name / "Dockerfile").is_file())


def commit(project: Path) -> str:
    """The commit to deliver; raises ProblemsFound when files differ from it, for the image's tag would lie."""
    pending = _run(project, "git", "status", "--porcelain", "--", *CODE)
    head = _run(project, "git", "rev-parse", "HEAD")
    if head.returncode or pending.stdout.strip():
        raise ProblemsFound(
            [
                Problem(
                    ", ".join(CODE),
                    "git status",
                    "not clean" if pending.stdout.strip() else "not in a git repository",
                    "committed code: an image is named after its commit and never overwritten",
                    "commit, then run the command again",
                )
            ]
        )
    return head.stdout.strip()


def publish(project: Path, service: str, repository: str, revision: str) -> str:
    """Builds and pushes the image of ``service``, unless this commit's is there; returns it by digest.

    ``repository`` is an ECR repository's address, ``<account>.dkr.ecr.<region>.amazonaws.com/<name>``.
    """
    registry, _, name = repository.partition("/")
    region = registry.split(".")[3]
    pushed = _run(
        project,
        *("aws", "ecr", "describe-images", "--region", region, "--repository-name", name),
        *("--image-ids", f"imageTag={revision}", "--query", "imageDetails[0].imageDigest", "--output", "text"),
    )
    if pushed.returncode == 0 and pushed.stdout.strip().startswith("sha256:"):
        return f"{repository}@{pushed.stdout.strip()}"
    password = _run(project, "aws", "ecr", "get-login-password", "--region", region)
    _succeeded(
        password, "aws ecr get-login-password", "run it by hand to see why; are the credentials of the right account?"
    )
    login = _run(project, "docker", "login", "--username", "AWS", "--password-stdin", registry, stdin=password.stdout)
    _succeeded(login, f"docker login {registry}", "run it by hand to see why")
    print(f"Building {service} …", flush=True)
    metadata = project / "build" / "images" / f"{service}.json"
    make(metadata.parent)
    built = subprocess.run(
        [
            *("docker", "buildx", "build", "--platform", PLATFORM, "--push", "--provenance=false"),
            *("--tag", f"{repository}:{revision}", "--metadata-file", str(metadata)),
            *("--file", str(project / "services" / service / "Dockerfile")),
            str(project),
        ],
        cwd=project,
        check=False,
    )
    if built.returncode:
        raise _failed(f"docker buildx build of {service}", "see the messages above")
    return f"{repository}@{json.loads(metadata.read_text())['containerimage.digest']}"


def deliver(project: Path, stack: str, *, yes: bool) -> int:
    """Deploys ``stack`` with the images of the current commit; returns Pulumi's exit status."""
    check_tools(project, stack)
    for tool in ("aws", "docker"):
        if shutil.which(tool) is None:
            raise _failed(tool, f"install {tool}; it is not on the PATH")
    revision = commit(project)
    waiting = list(buildable(project))
    print(f"Stack {stack}, commit {revision[:12]}, services with code: {', '.join(waiting) or 'none yet'}", flush=True)
    for _ in range(2):
        repositories: Mapping[str, str] = outputs(project, stack).get("images") or {}
        ready = [service for service in waiting if service in repositories]
        for service in ready:
            _configure(project, stack, service, publish(project, service, repositories[service], revision))
        waiting = [service for service in waiting if service not in ready]
        status = pulumi_up(project, stack, yes=yes)
        if status or not waiting:
            return status
    raise _failed(
        f"the stack's image repositories lack {', '.join(waiting)}", "look at `pulumi stack output` and run it again"
    )


def _configure(project: Path, stack: str, service: str, image: str) -> None:
    key = f'{_project_name(project)}:images["{service}"]'
    done = _run(project, "pulumi", "config", "set", "--stack", stack, "--path", key, image)
    _succeeded(done, f"pulumi config set --path {key}", "run it by hand to see why")


def _project_name(project: Path) -> str:
    found = re.search(r"^name:\s*[\"']?([a-z0-9-]+)", (project / "Pulumi.yaml").read_text(), re.MULTILINE)
    assert found is not None, "Pulumi has accepted this file already"
    return found[1]


def _run(project: Path, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=project, check=False, capture_output=True, text=True, input=stdin)


def _succeeded(done: subprocess.CompletedProcess[str], what: str, remedy: str) -> None:
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise _failed(what, f"{remedy}; it said: {last}" if last else remedy)


def _failed(what: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("this machine", what, "", "it succeeds", remedy)])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.commands.deliver", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--yes", action="store_true", help="do not ask before deploying")
    options = parser.parse_args(arguments)
    try:
        return deliver(Path.cwd(), options.stack, yes=options.yes)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
