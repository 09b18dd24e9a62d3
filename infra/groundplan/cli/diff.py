"""`make diff`: what this working tree would change in each stack, against another commit, as Markdown (U8)."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from groundplan.cli._command import Command, main_of, stack_option
from groundplan.cli._facts import simulated, with_images
from groundplan.cli._markdown import StackDifference, markdown
from groundplan.cli.stacks import Project, read_project
from groundplan.cli.template import MAIN_BRANCHES, git
from groundplan.cloud.model import Resource
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import require_project


@click.command("diff", cls=Command)
@click.argument("base", envvar="BASE", required=False)
@stack_option(several=True, help="The stack; may be given again. Default: all.")
def command(base: str | None, stack: Sequence[str]) -> int:
    """What this working tree changes in each stack, against a commit.

    Resources and their properties; data that is replaced, moved or lost; sizes with their reasons; cost; and when each
    change takes effect. Both programs run in-process, so no account and no state is asked. Without a BASE it is the
    main branch, as it was fetched last (origin/main) or as it is here.
    """
    project = require_project()
    print(difference(project, base or _main_branch(project), stack), end="")
    return 0


main = main_of(command)


def difference(folder: Path, base: str, stacks: Sequence[str] = ()) -> str:
    """The Markdown. Raises ProblemsFound when there is no such commit, or it holds no project that can be read."""
    after = read_project(folder, stacks)
    with checked_out(folder, base) as old:
        before = _base(old, base)
        names = list(dict.fromkeys([*after.environments, *(() if stacks else before.environments)]))
        found = [_stack(before, after, name) for name in names]
    left_out = [StackDifference(problem.where, problems=(problem,)) for problem in after.left_out]
    return markdown(after.system.name, base, [*found, *left_out])


def _base(folder: Path, base: str) -> Project:
    try:
        return read_project(folder)
    except ProblemsFound as found:
        first = found.problems[0]
        raise ProblemsFound(
            [
                Problem(
                    f"{base}:{first.where}",
                    first.path,
                    first.value,
                    first.expected,
                    "compare with a commit whose declaration these libraries can read: make diff BASE=<commit>",
                )
            ]
        ) from None


def _stack(before: Project, after: Project, stack: str) -> StackDifference:
    from pulumi import RunError

    from groundplan.capacity import compare, plan
    from groundplan.changes import classify
    from groundplan.cloud import CloudRefused
    from groundplan.pricing.cost import Cost, cost
    from groundplan.pricing.table import table_for

    costs: list[Cost] = []
    declared: list[tuple[Resource, ...]] = []
    try:
        for project in (before, after):
            environment = project.environments.get(stack)
            if environment is None:
                declared.append(())
                continue
            resources = simulated(project.folder, project.system, environment, strict=False).resources
            declared.append(resources)
            whole = with_images(project.system, environment)
            table = table_for(project.folder, environment.region)
            costs.append(cost(resources, project.system, whole, plan(project.system, whole), table))
    except ProblemsFound as found:
        return StackDifference(stack, problems=found.problems)
    except (RunError, CloudRefused) as error:
        problem = Problem("infra/__main__.py", stack, "", str(error), "mend the program; `make plan` says more")
        return StackDifference(stack, problems=(problem,))
    changes = classify(*declared)
    if len(costs) < len(declared):
        note = "This stack is new." if stack in after.environments else "This stack's file is gone: destroy it by hand."
        return StackDifference(stack, changes, notes=(note,))
    old, new = (plan(each.system, with_images(each.system, each.environments[stack])) for each in (before, after))
    sizes = compare(old, new)
    return StackDifference(stack, changes, sizes if sizes.changes else None, (costs[0], costs[1]), _notes(after, stack))


def _notes(project: Project, stack: str) -> tuple[str, ...]:
    """What a person has to do besides deploying."""
    from groundplan.cli.foundation import lacking

    try:
        missing = lacking(project, stack)
    except ProblemsFound as found:
        return (str(found.problems[0]),)
    if not missing:
        return ()
    actions = sorted({call.action for call in missing})
    shown = ", ".join(actions[:8]) + (f" and {len(actions) - 8} more" if len(actions) > 8 else "")
    return (
        f"The pipeline may not do all of this ({shown}): run `groundplan foundation --stack {stack}`, and let an "
        "administrator deploy the file before this is merged.",
    )


def _main_branch(folder: Path) -> str:
    for branch in MAIN_BRANCHES:
        if git(folder, "rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}").returncode == 0:
            return branch
    _top(folder)
    raise _refusal("BASE", "missing", "a commit to compare with: there is no main branch", _NAME_ONE)


_NAME_ONE = "name one: make diff BASE=<commit>"


@contextmanager
def checked_out(folder: Path, base: str) -> Iterator[Path]:
    """The project's folder at a commit, in a place of its own. Raises ProblemsFound."""
    top = _top(folder)
    inside = folder.resolve().relative_to(top.resolve())
    shown = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if shown.returncode:
        raise _refusal(base, "", "a commit of this repository", f"{_NAME_ONE}, or fetch it: git fetch origin")
    archive = subprocess.run(
        ["git", "archive", "--format=tar", shown.stdout.strip()], cwd=top, check=False, capture_output=True
    )
    if archive.returncode:
        said = archive.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise _refusal("archive", said, "a commit whose files can be read", "see what `git fsck` says")
    with tempfile.TemporaryDirectory(prefix="base-") as directory:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(directory, filter="data")
        yield Path(directory) / inside


def _top(folder: Path) -> Path:
    """The repository's top folder. Raises ProblemsFound where there is none."""
    shown = git(folder, "rev-parse", "--show-toplevel")
    if shown.returncode:
        raise _refusal(
            "", "no repository", "a git repository", 'run `git init && git add . && git commit -m "Start"` first'
        )
    return Path(shown.stdout.strip())


def _refusal(path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("git", path, value, expected, remedy)])
