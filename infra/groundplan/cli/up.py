"""`make up`: what `pulumi up` needs is looked at first, so that what is missing is said before it starts (U2)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from groundplan.cli._agreement import refuse_breaking
from groundplan.cli._command import Command, lose_option, main_of, stack_argument, switched_by
from groundplan.cli._unanswered import EVENT_LOGS, take_in_unanswered
from groundplan.cli.consent import can_ask, consent, previewed
from groundplan.cli.remember import remember, resources_of, state_of
from groundplan.cli.stacks import require_stacks
from groundplan.declaration.loader import load_system
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import require_project
from groundplan.repair import State, pending
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment
from groundplan.stack.placeholders import refuse_placeholders

IDENTITY_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"
ACCESS_ENTRY = "aws:eks/accessEntry:AccessEntry"
DATABASE = "aws:rds/instance:Instance"
KUBERNETES = "**kubernetes:**"
"""URNs of Kubernetes objects, as the CLI's wildcards match them."""
INSTALLER = "https://www.pulumi.com/docs/iac/download-install/"


def check_tools(project: Path, stack: str, *, deploying: bool = True) -> None:
    """Raises ProblemsFound when the stack can't be deployed from here, with what to do.

    What stands against a deployment alone is no reason to keep a stack that is to go: ``deploying`` False.
    """
    configuration = project / f"Pulumi.{stack}.yaml"
    require_stacks(project, [stack])
    system = load_system(project / "system.yaml")
    environment = read_stack_file(configuration, system, remembers=False)
    if deploying:
        refuse_placeholders(environment, system.name)
    if shutil.which("pulumi") is None:
        raise _refusal(
            "pulumi",
            "not found",
            "the Pulumi CLI on the PATH",
            f"install it ({INSTALLER}), or run `make rehearse`, which needs no account",
        )
    if _ask(project, "whoami").returncode:
        raise _refusal(
            "pulumi whoami",
            "not logged in",
            "a place where the state is kept",
            "run `pulumi login` with the stack's BackendUrl (README.md, To production)",
        )
    if _ask(project, "stack", "select", "--stack", stack).returncode:
        raise _refusal(
            "pulumi stack",
            f"no stack {stack}",
            "a stack whose secrets are encrypted with its own key",
            f"once: `pulumi stack init {stack} --secrets-provider=<SecretsProvider>` (README.md, To production)",
        )
    deployment = state_of(project, stack)
    refuse_pending(stack, {"deployment": deployment})
    resources = deployment.get("resources") or []
    if not deploying:
        return
    _check_identity_provider(project, stack, environment, resources)
    _check_pipeline_role(project, stack, environment, resources)
    _check_deployer(project, stack, environment, resources)


def _check_identity_provider(
    project: Path, stack: str, environment: Environment, resources: Sequence[Mapping[str, Any]]
) -> None:
    """Raises ProblemsFound when the deployment would delete the identity provider that every pipeline of the account
    signs in by: a stack that made it once has to be told to keep it (docs/adr/0002-account-wide-names.md)."""
    if environment.oidc_provider:
        return
    for resource in resources:
        if resource.get("type") == IDENTITY_PROVIDER and not resource.get("retainOnDelete"):
            system = load_system(project / "system.yaml").name
            key = set_command(stack, f"{system}:oidc_provider", "true")
            both = set_command(stack, f"{system}:delivery_role", "true")
            raise ProblemsFound(
                [
                    Problem(
                        f"Pulumi.{stack}.yaml",
                        "oidc_provider",
                        "not set, while the stack has made GitHub's identity provider",
                        "true until it is marked as retained: the deployment would delete it for the whole account",
                        f"run {key} and {both}, and deploy; then the keys may go, and the provider stays",
                    )
                ]
            )


def refuse_pending(stack: str, state: State) -> None:
    """Raises ProblemsFound when an earlier deployment left operations without an end: the next one would make some
    things twice."""
    found = pending(state)
    if found:
        shown = ", ".join(f"{each['type']} {each['resource']['urn'].rpartition('::')[2]}" for each in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise ProblemsFound(
            [
                Problem(
                    f"the state of {stack}",
                    "pending_operations",
                    f"{shown}{more}",
                    "no operation of an earlier deployment without an end: it may have made what would be made again",
                    f"run `make repair STACK={stack}`",
                )
            ]
        )


def _check_pipeline_role(
    project: Path, stack: str, environment: Environment, resources: Sequence[Mapping[str, Any]]
) -> None:
    """Raises ProblemsFound when the deployment would delete the role that the pipeline still takes on."""
    if environment.delivery_role or not any(_is_pipeline_role(each) for each in resources):
        return
    system = load_system(project / "system.yaml").name
    raise ProblemsFound(
        [
            Problem(
                f"Pulumi.{stack}.yaml",
                "delivery_role",
                "not set, while the stack has made its pipeline's role",
                "true until the pipeline takes on the role of the foundation",
                f"run {set_command(stack, f'{system}:delivery_role', 'true')}; to part with it see README.md, Pipeline",
            )
        ]
    )


def _is_pipeline_role(resource: Mapping[str, Any]) -> bool:
    return resource.get("type") == ROLE and (resource.get("inputs") or {}).get("path") == "/delivery/"


def _check_deployer(
    project: Path, stack: str, environment: Environment, resources: Sequence[Mapping[str, Any]]
) -> None:
    """Raises ProblemsFound when an earlier version gave the cluster to its deployer, and no one is named since."""
    for resource in resources:
        inputs = resource.get("inputs") or {}
        if not str(resource.get("urn")).endswith("::cluster-admin-deployer") or resource.get("type") != ACCESS_ENTRY:
            continue
        principal = str(inputs.get("principalArn"))
        if environment.cluster_admin_role_arns[:1] != [principal] and ":role/" in principal:
            key = f"{load_system(project / 'system.yaml').name}:cluster_admin_role_arns[0]"
            raise ProblemsFound(
                [
                    Problem(
                        f"Pulumi.{stack}.yaml",
                        "cluster_admin_role_arns",
                        "without the role that deployed the cluster",
                        f"{principal} as the first one: it alone has access today",
                        f"run {set_command(stack, key, principal)}; others may follow it, and take its place later",
                    )
                ]
            )


def check_images(project: Path, stack: str) -> None:
    """Raises ProblemsFound when the deployment would take away a service that runs now."""
    system = load_system(project / "system.yaml")
    configuration = read_stack_file(project / f"Pulumi.{stack}.yaml", system, remembers=False)
    running = (outputs(project, stack).get("running") or {}).keys()
    # A service that isn't declared any more was removed on purpose.
    lost = sorted((running & system.services.keys()) - configuration.images.keys())
    if lost:
        raise ProblemsFound(
            [
                Problem(
                    f"Pulumi.{stack}.yaml",
                    "images",
                    f"without {', '.join(lost)}",
                    "an image of every service that runs in the stack, which would be taken away otherwise",
                    f"run `make deliver STACK={stack}`: it deploys the images of this commit",
                )
            ]
        )


def outputs(project: Path, stack: str) -> Mapping[str, Any]:
    """What the stack put out when it was last deployed; nothing when it never was."""
    shown = _ask(project, "stack", "output", "--stack", stack, "--json")
    found: Mapping[str, Any] = json.loads(shown.stdout or "{}") if shown.returncode == 0 else {}
    return found


def pulumi_up(project: Path, stack: str, *, yes: bool, lose: Collection[str] = (), outside: bool = False) -> int:
    """Lets the CLI deploy in this terminal; returns its exit status.

    First it is said what the deployment does, and what would go has to be named, in ``lose`` or in the terminal. What
    is deployed and only grows is remembered before, so that nothing is planned smaller, and after, however it
    ended: a deployment that failed has raised some sizes too. What it made without an answer is looked for in the
    account. Raises ProblemsFound when the state can't be read.
    """
    state = resources_of(project, stack)
    if _refresh_waiting(project, stack, state):
        state = resources_of(project, stack)
    remember(project, stack)
    read_stack_file(project / f"Pulumi.{stack}.yaml", load_system(project / "system.yaml"))
    options = ["--yes", "--non-interactive"] if yes else []
    if outside:
        options += ["--exclude", KUBERNETES, "--exclude-dependents"]
    if state:
        consent(previewed(project, stack, state), stack, named=lose, ask=can_ask(yes=yes))
        # It was shown already; without `--yes` the CLI shows its own, and asks.
        options += ["--skip-preview"] if yes else []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.json"
        status = subprocess.run(
            ["pulumi", "up", "--stack", stack, "--event-log", str(log), *options],
            cwd=project,
            env={**os.environ, **EVENT_LOGS},
            check=False,
        ).returncode
        try:
            if status:
                take_in_unanswered(project, stack, log)
        finally:
            if remember(project, stack):
                print(f"Pulumi.{stack}.yaml remembers what was deployed and only grows: commit it.")
    return status


def _refresh_waiting(project: Path, stack: str, state: Iterable[Mapping[str, Any]]) -> bool:
    """Asks AWS about databases whose changes wait for their windows; says whether there are any. Raises ProblemsFound.

    The state doesn't learn by itself that a window has passed.
    """
    waiting = [
        str(each.get("urn"))
        for each in state
        if each.get("type") == DATABASE and (each.get("inputs") or {}).get("applyImmediately") is False
    ]
    if not waiting:
        return False
    targets = [option for urn in waiting for option in ("--target", urn)]
    asked = _ask(project, "refresh", "--yes", "--skip-preview", "--stack", stack, *targets)
    if asked.returncode:
        said = asked.stderr.strip().rpartition("\n")[2]
        expected = "what databases run on now, as changes of theirs wait for maintenance windows"
        raise _refusal(
            "pulumi refresh", f"failed: {said}", expected, f"run `pulumi refresh --stack {stack}` to see why"
        )
    return True


@click.command("up", cls=Command)
@stack_argument
@click.option("--yes", is_flag=True, default=switched_by("YES"), help="Do not ask before deploying (YES=1).")
@click.option(
    "--outside",
    is_flag=True,
    default=switched_by("OUTSIDE"),
    help="From where the cluster's API can't be reached: leave out what is inside of the cluster (OUTSIDE=1).",
)
@lose_option
def command(stack: str, *, yes: bool, outside: bool, lose: Sequence[str]) -> int:
    """Deploy a stack, after a look at what it needs and does.

    What is missing is said before anything starts. So is what would be lost, moved or unavailable, for how long, and in
    which order protection is lifted; the names of what goes are asked for.
    """
    project = require_project()
    check_tools(project, stack)
    check_images(project, stack)
    refuse_breaking(project, load_system(project / "system.yaml"))
    return pulumi_up(project, stack, yes=yes, lose=lose, outside=outside)


main = main_of(command)


def _ask(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"], cwd=project, check=False, capture_output=True, text=True
    )


def _refusal(path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("this machine", path, value, expected, remedy)])
