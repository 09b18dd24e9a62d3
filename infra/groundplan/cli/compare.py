"""What changes if load or data grow: sizes, what changing them takes, and what gives out first afterwards.

The load changes, the goal (requests_per_second times growth_factor) stays, unless the load passes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from groundplan.capacity import Plan, check_shards, compare, plan, remembered_after
from groundplan.capacity.comparison import Comparison, Refusal, comparison_report, side_by_side
from groundplan.capacity.demand import data_gb, requests_per_second, with_load
from groundplan.capacity.text import table
from groundplan.cli._command import Command, json_option, main_of, stack_option, words_of
from groundplan.cli.documents import ComparisonDocument, print_document
from groundplan.cli.sides import Side, read_side
from groundplan.cli.stacks import read_project
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import find_project
from groundplan.stack.environment import Environment


@click.command("compare", cls=Command)
@stack_option(several=False, help="Default: the stack that carries most load.")
@click.option(
    "--load", envvar="LOAD", metavar="FACTOR", help="Times today's requests. Default: 10 if nothing is given."
)
@click.option("--data", multiple=True, default=words_of("DATA"), metavar="SERVICE=GIB", help="Data today, in GiB.")
@click.option("--growth", multiple=True, default=words_of("GROWTH"), metavar="SERVICE=GIB", help="GiB a month.")
@click.option(
    "--from", "source", envvar="FROM", metavar="[WHAT][:STACK]", default="", help="One side. Default: working tree."
)
@click.option("--to", "target", envvar="TO", metavar="[WHAT][:STACK]", help="The other side. Default: working tree.")
@click.option(
    "--set", "settings", multiple=True, default=words_of("SET"), metavar="KEY=VALUE", help="Changed on the other side."
)
@click.option("--no-cost", is_flag=True, help="Compare no cost, which takes some seconds a side.")
@json_option(ComparisonDocument)
def command(
    stack: str | None,
    load: str | None,
    data: Sequence[str],
    growth: Sequence[str],
    source: str,
    target: str | None,
    settings: Sequence[str],
    *,
    no_cost: bool,
    as_json: bool,
) -> int:
    """What changes between two plans, or if load or data grow.

    Sizes, what changing them takes, budgets, cost, and what gives out first afterwards. WHAT is a stack, the file of a
    declaration, a git revision, or nothing for the working tree; a KEY is one of the stack's (nat) or a path of
    system.yaml (services.order.data_gb). The variables STACK, LOAD, DATA, GROWTH, FROM, TO and SET stand for the
    options.

    For example: groundplan compare --stack prod --load 10 --data order=3000 --growth order=100

    groundplan compare --from staging --to prod; groundplan compare --from HEAD~1; groundplan compare --set nat=single
    """
    folder = find_project()
    if source or target is not None or settings:
        if load is not None or data or growth:
            raise ProblemsFound(
                [
                    Problem(
                        "command line",
                        "--load, --data, --growth",
                        "with --from, --to or --set",
                        "one of the two ways to say what changes",
                        "say it as --set, for example --set requirements.requests_per_second=5000",
                    )
                ]
            )
        return compare_sides(folder, source, target or "", stack, settings, cost=not no_cost, as_json=as_json)
    return compare_project(folder, stack, load, data, growth, as_json=as_json)


main = main_of(command)


def compare_project(
    folder: Path,
    stack: str | None,
    load: str | None,
    data: Sequence[str],
    growth: Sequence[str],
    *,
    as_json: bool = False,
) -> int:
    """Prints the comparison. Asked for nothing, it compares with ten times the load. Raises ProblemsFound."""
    project = read_project(folder, [stack] if stack else ())
    if load is None and not data and not growth:
        load = "10"
    comparison = compared(project.system, project.environments[stack or project.main], load, data, growth)
    if as_json:
        print_document(ComparisonDocument.of(comparison))
    else:
        print(comparison_report(comparison))
    return 0


def compare_sides(
    folder: Path,
    source: str,
    target: str,
    stack: str | None,
    settings: Sequence[str],
    *,
    cost: bool = True,
    as_json: bool = False,
) -> int:
    """Prints two plans side by side. Raises ProblemsFound."""
    before = read_side(folder, source, stack)
    after = read_side(folder, target, stack or (before.environment.name if not target else None), settings)
    first = plan(before.system, before.environment)
    deployed = after.environment
    if before.environment.name == after.environment.name:
        # The question is what the deployed stack would change: what it has and AWS only makes larger would stay.
        deployed = deployed.model_copy(update={"remembered": remembered_after(first)})
    second = plan(after.system, deployed)
    comparison = compare(first, second, tuple(check_shards(after.system)))
    if as_json:
        print_document(ComparisonDocument.of(comparison))
        return 0
    print(f"{before.label}  ->  {after.label}\n")
    print(comparison_report(comparison))
    print("\n".join(side_by_side(first, second)) + "\n")
    if cost:
        print("\n".join(_costs(folder, before, after)))
    return 0


_PRICED, _UNPRICED = "everything priced", "not priced, by another region's list"


def _costs(folder: Path, before: Side, after: Side) -> list[str]:
    """By tier, a month of each. Simulating the program imports Pulumi's SDK, which takes a second."""
    from groundplan.cli._facts import simulated
    from groundplan.pricing.cost import cost
    from groundplan.pricing.table import table_for

    def costed(side: Side) -> Mapping[str, float]:
        resources = simulated(folder, side.system, side.environment).resources
        planned = plan(side.system, side.environment)
        table_ = table_for(folder, side.environment.region)
        found = cost(resources, side.system, side.environment, planned, table_)
        tiers = {tier: band.expected for tier, band in found.by_tier().items()}
        return {**tiers, _PRICED: found.total.expected, _UNPRICED: found.missing.expected}

    old, new = costed(before), costed(after)
    rows = [
        (tier, f"{old.get(tier, 0):,.0f}", f"{new.get(tier, 0):,.0f}", f"{new.get(tier, 0) - old.get(tier, 0):+,.0f}")
        for tier in dict.fromkeys((*new, *old))
        if round(old.get(tier, 0)) or round(new.get(tier, 0))
    ]
    # The sums come last.
    rows.sort(key=lambda row: row[0] in (_PRICED, _UNPRICED))
    return ["US dollars a month, expected", *table(("", "before", "after", "difference"), rows)]


def compared(
    system: System, environment: Environment, load: str | None, data: Sequence[str], growth: Sequence[str]
) -> Comparison:
    """The comparison; of a variant that can't be planned, up to the largest part of the change that can.

    Raises ProblemsFound for changes that can't be read, and for a system that can't be planned as it is.
    """
    grown = with_changes(system, load, data, growth)
    before = plan(system, environment)
    growth_factor = system.requirements.growth_factor
    # The question is what a deployed stack would change: what it has and AWS only makes larger would stay.
    deployed = environment.model_copy(update={"remembered": remembered_after(before)})
    try:
        return compare(before, plan(grown, deployed, data_growth=growth_factor), tuple(check_shards(grown)))
    except ProblemsFound as refusal:
        most, planned = _most(system, grown, deployed, before)
        return compare(before, planned, tuple(check_shards(most)), Refusal(*_rates(grown, environment), refusal))


_STEPS = 12
"""Halvings of the way to a refused variant: a part in four thousand of the change is exact enough."""


def _most(system: System, grown: System, environment: Environment, before: Plan) -> tuple[System, Plan]:
    """The largest part of the change that can be planned."""
    possible, planned = system, before
    least, most = 0.0, 1.0
    for _ in range(_STEPS):
        part = (least + most) / 2
        candidate = _part_of_the_way(system, grown, part)
        try:
            planned = plan(candidate, environment, data_growth=system.requirements.growth_factor)
        except ProblemsFound:
            most = part
        else:
            least, possible = part, candidate
    return possible, planned


def _part_of_the_way(system: System, grown: System, part: float) -> System:
    def between(old: float, new: float) -> float:
        return old + (new - old) * part

    factor = grown.requirements.requests_per_second / system.requirements.requests_per_second
    loaded = with_load(system, between(1.0, factor))
    services = {
        name: {field: between(getattr(service, field), getattr(grown.services[name], field)) for field in _SIZES}
        for name, service in system.services.items()
    }
    return _replaced(loaded, _growth_of(system, between(1.0, factor)), services)


_SIZES = ("data_gb", "data_growth_gb_per_month")


def _rates(system: System, environment: Environment) -> tuple[float, float]:
    return (
        requests_per_second(system, environment),
        sum(data_gb(service, environment) for service in system.services.values()),
    )


def _growth_of(system: System, factor: float) -> dict[str, float]:
    """The growth factor under so many times the load: the goal stays, and a load beyond it becomes the goal."""
    return {"growth_factor": max(1.0, system.requirements.growth_factor / factor)}


def with_changes(system: System, load: str | None, data: Sequence[str], growth: Sequence[str]) -> System:
    """The system with its load multiplied, its goal as it was, and services' data or growth replaced.

    Raises ProblemsFound.
    """
    problems: list[Problem] = []
    services: dict[str, dict[str, float]] = {}
    for option, field, entries in (("--data", "data_gb", data), ("--growth", "data_growth_gb_per_month", growth)):
        for entry in entries:
            name, _, amount = entry.partition("=")
            number = _number(amount)
            if name not in system.services:
                remedy = did_you_mean(name, system.services, f"name one of {', '.join(system.services)}")
                problems.append(Problem("command line", option, entry, "a service of this system", remedy))
            elif number is None:
                expected = f"a size in GiB, for example {name}=3000"
                problems.append(Problem("command line", option, entry, expected, f"give a number from 0 to {_MOST:,}"))
            else:
                services.setdefault(name, {})[field] = number
    factor = _number(load) if load is not None else 1.0
    if not factor:
        expected = f"a factor above 0 and up to {_MOST:,}, for example 10"
        problems.append(Problem("command line", "--load", str(load), expected, "give a number"))
    if problems:
        raise ProblemsFound(problems)
    assert factor is not None
    if load is None:
        return _replaced(system, {}, services)
    return _replaced(with_load(system, factor), _growth_of(system, factor), services)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= _MOST else None


_MOST = 1_000_000_000
"""A factor or GiB. What is refused of a question is told, with how far it goes, and that is legible up to here."""


def _replaced(system: System, requirements: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]]) -> System:
    """A copy that isn't held to the declaration's bounds: a question may go beyond them."""
    changed = {
        name: service.model_copy(update=dict(services.get(name, {}))) for name, service in system.services.items()
    }
    return system.model_copy(
        update={
            "requirements": system.requirements.model_copy(update=dict(requirements)),
            "services": changed,
        }
    )
