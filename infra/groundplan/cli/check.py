"""Whether the project's own program meets the controls: what is missing in each stack, where, and how to mend it.

And whether the services' migrations let a system in use go on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.cli._agreement import tell_disagreements
from groundplan.cli._command import Command, json_option, main_of, stack_option
from groundplan.cli._facts import captured, simulated
from groundplan.cli._lists import list_problems
from groundplan.cli._run import Misuse
from groundplan.cli.documents import (
    CheckDocument,
    ControlEvidence,
    ControlFinding,
    ControlVerdict,
    StackVerdicts,
    print_document,
)
from groundplan.cli.stacks import Project, read_project
from groundplan.migrations import judged
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project

if TYPE_CHECKING:
    from groundplan.controls import Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """What one stack's program declares: what the cloud would refuse of it, and the controls' verdicts."""

    refusals: tuple[str, ...]
    verdicts: Mapping[str, Verdict]

    @property
    def passed(self) -> bool:
        return not self.refusals and not any(verdict.findings for verdict in self.verdicts.values())


@click.command("check", cls=Command)
@stack_option(several=True, help="Check this stack only; may be given again. Default: all.")
@json_option(CheckDocument)
@click.option("--policy-pack", is_flag=True, help="Print the folder for `pulumi up --policy-pack`.")
def command(stack: Sequence[str], *, as_json: bool, policy_pack: bool) -> int:
    """Controls that are not met, and migrations that stop requests.

    What is missing in each stack of the project's own program, where, and how to mend it. The status is 1 when
    something is missing, or refused of a migration.
    """
    if policy_pack and as_json:
        expected = "one of the two: the folder is printed as it is, for a command line"
        raise Misuse([Problem("command line", "--policy-pack", "with --json", expected, "leave one of them out")])
    if policy_pack:
        print(Path(__file__).resolve().parents[1] / "policy_pack")
        return 0
    return check_project(find_project(), stack, as_json=as_json)


main = main_of(command)


def check_project(folder: Path, stacks: Sequence[str] = (), *, as_json: bool = False) -> int:
    """Prints what is missing in the named stacks, or in all; 1 when something is. Raises ProblemsFound."""
    project = read_project(folder, stacks)
    problems = list_problems(project.folder)
    if problems:
        raise ProblemsFound(problems)
    migrations = judged(folder)
    checked = {}
    for name in project.environments:
        checked[name] = check_stack(project, name)
        if not as_json:
            print(_report(name, checked[name]), flush=True)
    disagreeing = tell_disagreements(folder, project.system)
    if as_json:
        print_document(
            CheckDocument(
                system=project.system.name,
                stacks={name: _document(each) for name, each in checked.items()},
                migrations=migrations,
                disagreements=tuple(each.problem for each in disagreeing),
                left_out=project.left_out,
            )
        )
    else:
        for problem in project.left_out:
            print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
        if migrations:
            print("Migrations that a database in use does not take:\n", file=sys.stderr)
            print(*migrations, sep="\n", end="\n\n", file=sys.stderr)
    return int(bool(disagreeing or migrations) or not all(each.passed for each in checked.values()))


def check_stack(project: Project, stack: str) -> Checked:
    """One stack's program in the simulated cloud, under every control. Raises ProblemsFound when it doesn't run."""
    from groundplan.controls import assess

    environment = project.environments[stack]
    simulation = simulated(project.folder, project.system, environment, strict=False)
    verdicts = assess(captured(project.system, environment, simulation))
    return Checked(tuple(str(refusal) for refusal in simulation.refusals), verdicts)


def _report(stack: str, checked: Checked) -> str:
    verdicts = checked.verdicts.values()
    counts = {status: sum(verdict.status == status for verdict in verdicts) for status in _STATUSES}
    lines = [f"{stack}: " + ", ".join(f"{count} {_STATUSES[status]}" for status, count in counts.items())]
    if checked.refusals:
        lines += ["  The cloud would refuse:", *(_indented(refusal) for refusal in checked.refusals)]
    for verdict in verdicts:
        if verdict.findings:
            lines.append(f"  {verdict.control.title}")
            lines += [_indented(str(finding)) for finding in verdict.findings]
    return "\n".join(lines)


_STATUSES = {"met": "controls are met", "not applicable": "don't apply", "missing": "are not met"}


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _document(checked: Checked) -> StackVerdicts:
    return StackVerdicts(
        refusals=checked.refusals,
        controls=tuple(
            ControlVerdict(
                id=verdict.control.id,
                requirement=verdict.control.requirement,
                title=verdict.control.title,
                status=verdict.status,
                reason=verdict.not_applicable,
                findings=tuple(
                    ControlFinding(
                        urn=finding.urn,
                        path=finding.path,
                        found=finding.found,
                        expected=finding.expected,
                        remedy=finding.remedy,
                    )
                    for finding in verdict.findings
                ),
                evidence=tuple(ControlEvidence(urn=each.urn, path=each.path) for each in verdict.evidence),
            )
            for verdict in checked.verdicts.values()
        ),
    )


if __name__ == "__main__":
    sys.exit(main(None))
