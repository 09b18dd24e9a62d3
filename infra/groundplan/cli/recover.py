"""`groundplan recover`: the stack that takes a lost one's place, in the region of its copies (docs/region-loss.md)."""

from __future__ import annotations

import datetime
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.capacity import plan
from groundplan.cli._command import Command, main_of, stack_argument, switched_by
from groundplan.cli.stacks import Project, read_project
from groundplan.declaration.words import HYPHENATED, IN_WORDS
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment
from groundplan.stack.scope import Scope

if TYPE_CHECKING:
    from groundplan.cli._copies import Copied

RUNBOOK = "docs/region-loss.md"


@click.command("recover", cls=Command)
@stack_argument
@click.option("--as", "name", required=True, metavar="NAME", help="The stack that takes its place: a name of its own.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say which copies there are, and quotas to have raised.")
@click.option("--release-domain", is_flag=True, help="Take the domain from the lost stack, for the new one.")
@click.option("--yes", is_flag=True, default=switched_by("YES"), help="Do not ask before the domain moves (YES=1).")
def command(stack: str, name: str, *, dry_run: bool, release_domain: bool, yes: bool) -> int:
    """Write the stack that takes a lost one's place in another region.

    The new stack's file is the lost one's, without what belongs to its region, and with the newest copy of each
    database under `restored`. The AWS CLI is asked, in the copies' region only. docs/region-loss.md has all steps, of
    which this is one.
    """
    folder = find_project()
    project = read_project(folder, [stack])
    if release_domain:
        return _release(project, stack, yes=yes)
    return _recover(project, stack, name, dry_run=dry_run)


main = main_of(command)


def _recover(project: Project, stack: str, name: str, *, dry_run: bool) -> int:
    from groundplan.cli._copies import newest_copies
    from groundplan.recovery.stack_file import changed_keys, recovered

    lost, system = project.environments[stack], project.system
    region = _copy_region(lost, system.name)
    if re.fullmatch(HYPHENATED, name) is None:
        raise _refusal("--as", name, IN_WORDS[HYPHENATED], "choose another name, for example `rebuilt`")
    target = project.folder / f"Pulumi.{name}.yaml"
    if not dry_run and target.exists():
        raise _refusal("--as", name, "a stack that has no file yet", "choose another name, or delete the file")
    if name.startswith(f"{stack}-"):
        expected = f"a name that doesn't begin with `{stack}-`: roles of {stack} may touch what is called so"
        raise _refusal("--as", name, expected, "choose another name, for example `rebuilt`")
    copies = newest_copies(project.folder, Scope(system.name, stack), region)
    instances = [each for database in plan(system, lost).databases for each in database.instances]
    points = [copy.database for copy in copies if copy.database is not None]
    missing = [instance for instance in instances if instance not in {point.name for point in points}]
    print(f"Copies of {stack} in {region}:")
    for line in _lines(copies, missing):
        print(f"  {line}")
    if len(missing) == len(instances):
        raise _refusal("copies", "", f"one of {', '.join(instances)} at least", f"see {RUNBOOK}, Have copies")
    source = project.folder / f"Pulumi.{stack}.yaml"
    keys = changed_keys(lost, name, region, points, instances)
    head = f"The stack `{name}`: in the place of `{stack}`, whose region {lost.region} is lost ({RUNBOOK})."
    text = recovered(source.read_text(encoding="utf-8"), system.name, keys, head)
    environment = _judged(text, name, project)
    if dry_run:
        from groundplan.cli.quotas import to_raise

        for line in to_raise(Project(project.folder, system, {name: environment}), name):
            print(line)
        return 0
    target.write_text(text, encoding="utf-8")
    print(f"{target.name} is written: read it, and commit it. Next: {RUNBOOK}, Log in to the new state.")
    return 0


def _judged(text: str, name: str, project: Project) -> Environment:
    """The environment that the file describes. Raises ProblemsFound; nothing is written to the project then."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"Pulumi.{name}.yaml"
        file.write_text(text, encoding="utf-8")
        return read_stack_file(file, project.system)


def _lines(copies: Sequence[Copied], missing: Collection[str]) -> Iterator[str]:
    now = datetime.datetime.now(datetime.UTC)
    for copy in copies:
        age = (now - copy.created).total_seconds() / 3600
        when = f"{copy.created.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC, {age:.0f} h old"
        if copy.database is None:
            yield f"{copy.name:<20} {when}; restored by hand: LOG_COPY={copy.arn}"
        else:
            point = copy.database
            yield f"{copy.name:<20} {when}, {point.storage_gb} GiB, PostgreSQL {point.postgres_version}"
    for instance in missing:
        yield f"{instance:<20} no copy: it would begin empty"


def _copy_region(lost: Environment, system: str) -> str:
    if lost.backup_copy_region is None:
        key = set_command(lost.name, f"{system}:backup_copy_region", "<another region>")
        raise ProblemsFound(
            [
                Problem(
                    f"Pulumi.{lost.name}.yaml",
                    f"{system}:backup_copy_region",
                    "missing",
                    "the region of the copies: without it nothing of the stack is outside of its own",
                    f"while the region is there, run {key} and `make up STACK={lost.name}`",
                )
            ]
        )
    return lost.backup_copy_region


def _release(project: Project, stack: str, *, yes: bool) -> int:
    from groundplan.cli._copies import holder_of, release

    lost = project.environments[stack]
    if lost.domain is None or lost.hosted_zone is None:
        raise _refusal(stack, "", "a stack with a domain", "leave this step out: there is nothing to move")
    held = holder_of(project.folder, lost.domain, lost.hosted_zone)
    if held.stack not in ("", stack):
        expected = f"{lost.domain} to be {stack}'s"
        raise _refusal(lost.domain, f"held by {held.stack}", expected, "look who uses it; it may be moved already")
    if not held.distribution and not held.records:
        print(f"No one has {lost.domain}.")
        return 0
    if not yes:
        click.confirm(f"Take {lost.domain} from {stack}? No user reaches that stack by it any more", abort=True)
    for line in release(project.folder, held):
        print(line)
    return 0


def _refusal(path: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("the command", path, value, expected, remedy)])


if __name__ == "__main__":
    sys.exit(main(None))
