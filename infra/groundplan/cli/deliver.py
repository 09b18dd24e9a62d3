"""`make deliver`: from the services' code to a stack that runs it, by hand as in the pipeline.

A service that the stack has a repository for gets its image before the stack changes, so that nothing that runs is
ever left out; a new service gets its repository first, then its image, then a second deployment that starts it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import click

from groundplan.cli._agreement import refuse_breaking
from groundplan.cli._command import Command, lose_option, main_of, stack_argument, switched_by
from groundplan.cli.up import check_tools, outputs, pulumi_up
from groundplan.declaration.loader import load_system
from groundplan.installation.bootstrap import Checkout, choose_source
from groundplan.installation.images import prepare
from groundplan.installation.sbom import sbom, write
from groundplan.owned import make
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import OWN_CHASSIS, require_project

PLATFORM = "linux/amd64"
"""What the node pool starts (`components/groundplan_components/cluster/node_pool.py`)."""

CODE = ("services", OWN_CHASSIS, "vendor", "pyproject.toml", ".copier-answers.yml")
"""What an image is built from: the services' code and pins, and what says which chassis they run on."""


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


class _Wheels:
    """`build/wheels`, filled when the first image needs them."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._digest = ""

    @property
    def overridden(self) -> bool:
        source = choose_source(self._project, os.environ)
        return isinstance(source, Checkout) and bool(source.named_by)

    def gather(self) -> str:
        """The SHA-256 of the chassis wheel."""
        if not self._digest:
            print("Gathering wheels for the images …", flush=True)
            self._digest = prepare(self._project, os.environ)
        return self._digest


def publish(project: Path, service: str, repository: str, revision: str, wheels: _Wheels) -> str:
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
    wheels.gather()
    print(f"Building {service} …", flush=True)
    metadata = project / "build" / "images" / f"{service}.json"
    make(metadata.parent)
    built = subprocess.run(
        [
            *("docker", "buildx", "build", "--platform", PLATFORM, "--push", "--provenance=mode=max", "--sbom=true"),
            *("--tag", f"{repository}:{revision}", "--metadata-file", str(metadata)),
            *("--file", str(project / "services" / service / "Dockerfile")),
            str(project),
        ],
        cwd=project,
        check=False,
    )
    if built.returncode:
        raise _failed(f"docker buildx build of {service}", "see the messages above")
    image = f"{repository}@{json.loads(metadata.read_text())['containerimage.digest']}"
    attest(project, service, revision, image)
    return image


def attest(project: Path, service: str, revision: str, image: str) -> None:
    """Writes what the image is made of, and signs both where `cosign` is there. Raises ProblemsFound when that fails.

    In a GitHub job it signs as that job, without a key: https://docs.sigstore.dev/cosign/signing/overview/
    """
    pins = project / "services" / "requirements.txt"
    wheels = (project / "build" / "wheels").glob("groundplan*.whl")
    document = sbom(_project_name(project), service, revision, pins.read_text() if pins.is_file() else "", wheels)
    path = project / "build" / "images" / f"{service}.cdx.json"
    write(path, document)
    if shutil.which("cosign") is None:
        print(f"{service}: its parts are in {path.relative_to(project)}; not signed, as cosign isn't on the PATH")
        return
    for what in (("sign",), ("attest", "--type", "cyclonedx", "--predicate", str(path))):
        done = _run(project, "cosign", what[0], "--yes", *what[1:], image)
        _succeeded(done, f"cosign {what[0]} of {service}", "give the job `id-token: write`, or sign in by hand")


def deliver(project: Path, stack: str, *, yes: bool, lose: Collection[str] = ()) -> int:
    """Deploys ``stack`` with the images of the current commit; returns Pulumi's exit status."""
    check_tools(project, stack)
    refuse_breaking(project, load_system(project / "system.yaml"))
    for tool in ("aws", "docker"):
        if shutil.which(tool) is None:
            raise _failed(tool, f"install {tool}; it is not on the PATH")
    revision = commit(project)
    waiting = list(buildable(project))
    wheels = _Wheels(project)
    if waiting and wheels.overridden:
        # The commit doesn't tell what is patched in a checkout elsewhere.
        revision = f"{revision}-{wheels.gather()[:12]}"
    print(f"Stack {stack}, images {revision}, services with code: {', '.join(waiting) or 'none yet'}", flush=True)
    for _ in range(2):
        repositories: Mapping[str, str] = outputs(project, stack).get("images") or {}
        ready = [service for service in waiting if service in repositories]
        for service in ready:
            _configure(project, stack, service, publish(project, service, repositories[service], revision, wheels))
        waiting = [service for service in waiting if service not in ready]
        status = pulumi_up(project, stack, yes=yes, lose=lose)
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


@click.command("deliver", cls=Command)
@stack_argument
@click.option("--yes", is_flag=True, default=switched_by("YES"), help="Do not ask before deploying (YES=1).")
@lose_option
def command(stack: str, *, yes: bool, lose: Sequence[str]) -> int:
    """Build and push the services' images, and deploy them.

    A service that the stack has a repository for gets its image before the stack changes; a new service gets its
    repository first, then its image, then a second deployment that starts it.
    """
    return deliver(require_project(), stack, yes=yes, lose=lose)


main = main_of(command)
