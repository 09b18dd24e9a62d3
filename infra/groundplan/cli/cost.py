"""What a month of each stack costs at AWS's list prices, today and at ten times the load, and what would save most."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from groundplan.capacity import plan
from groundplan.cli._facts import simulated
from groundplan.cli._run import run
from groundplan.cli.stacks import Project, read_project
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.pricing.cost import Cost, cost
from groundplan.pricing.report import Costing, data, report
from groundplan.pricing.savings import at_load, savings
from groundplan.pricing.table import PriceTable, table_for
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.environment import Environment

GROWN = 10.0
_SHOWN = 15


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="groundplan cost", description=__doc__)
    parser.add_argument("--stack", action="append", help="this stack only; default: STACK, else all")
    parser.add_argument("--json", action="store_true", help="every line as JSON, with quantities and rates")
    parser.add_argument("--top", default=os.environ.get("TOP"), help=f"lines to show; default {_SHOWN}")
    parser.add_argument(
        "--users", default=os.environ.get("ACTIVE_USERS"), help="monthly active users, which Cognito bills"
    )
    parser.add_argument("--why", action="store_true", help="the figures that quantities rest on, and what isn't billed")
    parser.add_argument(
        "--savings", action="store_true", help="plan what would save most; by default of a named stack or the main one"
    )
    parser.add_argument("--no-savings", action="store_true", help="plan no alternatives, which takes half a minute")
    options = parser.parse_args(arguments)

    def command() -> int:
        wanted = options.stack or os.environ.get("STACK", "").split()
        shown = _whole("--top", options.top, _SHOWN)
        users = _whole("--users", options.users, None)
        project = read_project(Path.cwd(), wanted)
        saving: Sequence[str] = wanted or [project.main]
        if options.savings:
            saving = list(project.environments)
        if options.no_savings:
            saving = ()
        costings = {
            name: costing_of(project, name, users=users, with_savings=name in saving) for name in project.environments
        }
        if options.json:
            print(json.dumps([data(project.system.name, each) for each in costings.values()], indent=1))
        else:
            for each in costings.values():
                print(report(project.system.name, each, shown=shown or _SHOWN, why=options.why))
        for problem in project.left_out:
            print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
        return 0

    return run(command)


def costing_of(
    project: Project,
    stack: str,
    *,
    users: int | None = None,
    with_savings: bool = True,
    factors: Sequence[float] = (GROWN,),
) -> Costing:
    """One stack's cost today, planned anew at so many times the load, and what would save. Raises ProblemsFound."""
    system, environment = project.system, project.environments[stack]
    table = table_for(project.folder, environment.region)

    def declared(of: System, on: Environment) -> Sequence[Resource]:
        return simulated(project.folder, of, on).resources

    def costed(of: System) -> Cost:
        planned = plan(of, environment)
        return cost(declared(of, environment), of, environment, planned, table, users=users)

    if with_savings and sys.stderr.isatty():
        print(f"{stack}: planning and simulating what would save most, about half a minute", file=sys.stderr)
    today = costed(system)
    grown: dict[float, Cost] = {}
    not_grown: dict[float, str] = {}
    for factor in factors:
        try:
            grown[factor] = costed(at_load(system, factor))
        except ProblemsFound as found:
            not_grown[factor] = f"{found.problems[0].where}: {found.problems[0].expected}"
    saved, refused = (
        savings(system, environment, table, declared, before=today, users=users) if with_savings else ((), ())
    )
    return Costing(today, grown, saved, refused, _per_user(table, environment), not_grown)


def _per_user(table: PriceTable, environment: Environment) -> float | None:
    return table.usd("cognito.essentials", environment.region)


def _whole(option: str, text: str | None, otherwise: int | None) -> int | None:
    if not text:
        return otherwise
    if not text.isdecimal() or len(text) > 12:
        raise ProblemsFound(
            [Problem("command line", option, text[:40], "a whole number", "give a number such as 1000")]
        )
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
