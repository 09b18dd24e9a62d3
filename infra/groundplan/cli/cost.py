"""What a month of each stack costs at AWS's list prices, today and at ten times the load, and what would save most."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from groundplan.capacity import plan
from groundplan.capacity.wording import number
from groundplan.cli._command import Command, json_option, main_of, stack_option
from groundplan.cli._facts import simulated
from groundplan.cli.documents import (
    CostDocument,
    CostLine,
    CostSaving,
    GrownCost,
    NotBilled,
    StackCost,
    UnpricedType,
    print_document,
)
from groundplan.cli.stacks import Project, read_project
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.pricing.cost import Cost, Line, assumptions, cost
from groundplan.pricing.figures import HOURS
from groundplan.pricing.report import Costing, report
from groundplan.pricing.savings import at_load, savings
from groundplan.pricing.table import PriceTable, table_for
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project
from groundplan.stack.environment import Environment

GROWN = 10.0
_SHOWN = 15


@click.command("cost", cls=Command)
@stack_option(several=True, help="This stack only; may be given again. Default: all.")
@json_option(CostDocument)
@click.option("--top", envvar="TOP", metavar="COUNT", help=f"Lines to show. Default: {_SHOWN}.")
@click.option("--users", envvar="ACTIVE_USERS", metavar="COUNT", help="Monthly active users, which Cognito bills.")
@click.option("--why", is_flag=True, help="The figures that quantities rest on, and what isn't billed.")
@click.option(
    "--savings/--no-savings",
    "alternatives",
    default=None,
    help="Plan what would save most, half a minute a stack. Default: of a named stack, or of the main one.",
)
def command(
    stack: Sequence[str], *, as_json: bool, top: str | None, users: str | None, why: bool, alternatives: bool | None
) -> int:
    """What each stack costs a month, and what would save most.

    At AWS's list prices, today and at ten times the load. With --json: every line, with quantities and rates.
    """
    shown = _whole("--top", top, _SHOWN)
    active = _whole("--users", users, None)
    project = read_project(find_project(), stack)
    saving: Sequence[str] = stack or [project.main]
    if alternatives is not None:
        saving = list(project.environments) if alternatives else ()
    costings = {
        name: costing_of(project, name, users=active, with_savings=name in saving) for name in project.environments
    }
    if as_json:
        print_document(
            CostDocument(
                system=project.system.name,
                stacks={name: _document(each) for name, each in costings.items()},
                assumptions=assumptions(),
                left_out=project.left_out,
            )
        )
    else:
        for each in costings.values():
            print(report(project.system.name, each, shown=shown or _SHOWN, why=why))
    for problem in project.left_out:
        print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
    return 0


main = main_of(command)


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


def _document(costing: Costing) -> StackCost:
    today = costing.today
    return StackCost(
        region=today.region,
        prices=today.gathered,
        month_hours=HOURS,
        requests=today.requests,
        total=today.total,
        fixed=today.fixed,
        by_load=today.by_load,
        by_tier=today.by_tier(),
        by_service=today.by_service(),
        grown={
            number(factor): GrownCost(total=grown.total, by_tier=grown.by_tier())
            for factor, grown in costing.grown.items()
        },
        lines=tuple(_line(line) for line in today.lines if line.item.quantity.high > 0),
        unpriced_types=tuple(
            UnpricedType(type=each.type, resources=each.resources, reason=each.reason) for each in today.unpriced_types
        ),
        not_billed={
            token: NotBilled(resources=how_many, reason=reason)
            for token, (how_many, reason) in today.not_billed.items()
        },
        uncertain_share=today.uncertain_share,
        usd_per_active_user=costing.per_user,
        users_counted=today.users_known,
        savings=tuple(
            CostSaving(
                name=each.alternative.name,
                change=each.alternative.change,
                gives_up=each.alternative.gives_up,
                usd=each.saved,
                usd_unpriced_here=each.saved_unpriced,
                effort=each.effort,
                total=each.cost.total,
            )
            for each in costing.savings
        ),
    )


def _line(line: Line) -> CostLine:
    item = line.item
    return CostLine(
        tier=item.tier,
        resource=item.resource,
        type=item.type,
        what=item.what,
        rate=item.key,
        grows=item.grows,
        quantity=item.quantity,
        services=dict(item.by_service),
        usd=line.usd,
        confidence=line.confidence,
        usd_elsewhere=line.reference,
    )


def _whole(option: str, text: str | None, otherwise: int | None) -> int | None:
    if not text:
        return otherwise
    if not text.isdecimal() or len(text) > 12:
        raise ProblemsFound(
            [Problem("command line", option, text[:40], "a whole number", "give a number such as 1000")]
        )
    return int(text)


if __name__ == "__main__":
    sys.exit(main(None))
