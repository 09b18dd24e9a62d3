"""Whether the project's own program meets the controls: what is missing in each stack, where, and how to mend it.

And whether the services' migrations let a system in use go on."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundplan.cli._agreement import tell_disagreements
from groundplan.cli._facts import captured, simulated
from groundplan.cli._lists import list_problems
from groundplan.cli._run import run
from groundplan.cli.stacks import Project, read_project
from groundplan.migrations import judged
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import PROGRAM, find_project

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when nothing is missing in any stack or refused of a migration, else 1."""
    parser = argparse.ArgumentParser(prog="groundplan check", description=__doc__)
    parser.add_argument("--stack", action="append", help="check this stack only; may be given again; default: all")
    parser.add_argument("--json", action="store_true", help="print evidence, findings and reasons of every control")
    parser.add_argument("--policy-pack", action="store_true", help="print the folder for `pulumi up --policy-pack`")
    options = parser.parse_args(arguments)
    if options.policy_pack:
        print(Path(__file__).resolve().parents[1] / "policy_pack")
        return 0
    named = options.stack or os.environ.get("STACK", "").split()
    return run(lambda: check_project(find_project(), named, as_json=options.json))


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
    if as_json:
        left_out = [str(problem) for problem in project.left_out]
        said = {
            "stacks": {name: _as_json(each) for name, each in checked.items()},
            "migrations": [dataclasses.asdict(problem) for problem in migrations],
            "left_out": left_out,
        }
        print(json.dumps(said, indent=2))
    else:
        for problem in project.left_out:
            print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
        if migrations:
            print("Migrations that a database in use does not take:\n", file=sys.stderr)
            print(*migrations, sep="\n", end="\n\n", file=sys.stderr)
    agrees = not tell_disagreements(folder, project.system)
    return 0 if agrees and not migrations and all(each.passed for each in checked.values()) else 1


def check_stack(project: Project, stack: str) -> Checked:
    """One stack's program in the simulated cloud, under every control. Raises ProblemsFound when it doesn't run."""
    from pulumi import RunError

    from groundplan.controls import assess

    environment = project.environments[stack]
    try:
        simulation = simulated(project.folder, project.system, environment, strict=False)
    except (ProblemsFound, RunError):
        raise
    except Exception as error:
        raise ProblemsFound([_failure(project.folder, stack, error)]) from error
    verdicts = assess(captured(project.system, environment, simulation))
    return Checked(tuple(str(refusal) for refusal in simulation.refusals), verdicts)


def _failure(folder: Path, stack: str, error: Exception) -> Problem:
    """Where in the owner's program an exception began."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    place = Path(own[-1].filename).relative_to(folder) if own else PROGRAM
    line = f":{own[-1].lineno}" if own else ""
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return Problem(
        f"{place}{line}", "", said, f"a program that declares the stack {stack}", "mend that line, and check again"
    )


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


def _as_json(checked: Checked) -> dict[str, Any]:
    return {
        "refusals": list(checked.refusals),
        "controls": [
            {
                "id": verdict.control.id,
                "requirement": verdict.control.requirement,
                "title": verdict.control.title,
                "status": verdict.status,
                "reason": verdict.not_applicable,
                "findings": [
                    {
                        "urn": finding.urn,
                        "path": finding.path,
                        "found": finding.found,
                        "expected": finding.expected,
                        "remedy": finding.remedy,
                    }
                    for finding in verdict.findings
                ],
                "evidence": [{"urn": each.urn, "path": each.path} for each in verdict.evidence],
            }
            for verdict in checked.verdicts.values()
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
