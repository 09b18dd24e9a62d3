"""One HTML page of a stack: sizes, limits, both budgets, cost, data, layers of defence, and a rehearsed year."""

from __future__ import annotations

import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.capacity import plan, reach
from groundplan.capacity.reach import reach_sentences
from groundplan.cli._command import Command, main_of, stack_option
from groundplan.cli._facts import captured, simulated, with_images
from groundplan.cli.stacks import Project, read_project
from groundplan.declaration.model import System
from groundplan.document.security import LAYERS
from groundplan.owned import make
from groundplan.problems import ProblemsFound
from groundplan.project import find_project
from groundplan.report.page import Contents, Layer, Step, page

if TYPE_CHECKING:
    from groundplan.cloud import Simulation

RESULTS = Path("build/report")
Amounts = dict[str, tuple[float, float | None]]


@click.command("report", cls=Command)
@stack_option(several=False, help="Default: the stack that carries most load.")
@click.option("--brief", is_flag=True, help="Without cost, evidence and rehearsal: a second rather than half a minute.")
def command(stack: str | None, *, brief: bool) -> int:
    """One HTML page of a stack to look at and to hand on.

    It is written to build/report/STACK.html and loads nothing from elsewhere.
    """
    folder = find_project()
    project = read_project(folder, [stack] if stack else ())
    name = stack or project.main
    text = page(contents(project, name, brief=brief))
    make(folder / RESULTS)
    path = folder / RESULTS / f"{name}.html"
    path.write_text(text, encoding="utf-8")
    print(f"Written to {path.relative_to(folder)}: open it in a browser, or print it")
    return 0


main = main_of(command)


def contents(project: Project, stack: str, *, brief: bool = False) -> Contents:
    """Raises ProblemsFound."""
    system, environment = project.system, project.environments[stack]
    planned = plan(system, environment)
    made = datetime.date.today().isoformat()
    reached = reach_sentences(reach(planned, system, environment))
    if brief:
        return Contents(system, environment, planned, reached, made)
    simulation = simulated(project.folder, system, environment)
    tiers, services, unpriced = _costs(project, stack)
    return Contents(
        system,
        environment,
        planned,
        reached,
        made,
        tiers,
        services,
        unpriced,
        _layers(project, stack, simulation),
        _year(project, stack, simulation),
    )


def _costs(project: Project, stack: str) -> tuple[Amounts, Amounts, float]:
    from groundplan.cli.cost import costing_of

    factor = project.system.requirements.growth_factor
    costing = costing_of(project, stack, with_savings=False, factors=(factor,))
    grown = costing.grown.get(factor)

    def both(today: dict[str, float], later: dict[str, float] | None) -> Amounts:
        return {name: (amount, None if later is None else later.get(name, 0.0)) for name, amount in today.items()}

    def expected(of: dict[str, object]) -> dict[str, float]:
        return {name: float(getattr(band, "expected")) for name, band in of.items()}  # noqa: B009

    return (
        both(expected(dict(costing.today.by_tier())), expected(dict(grown.by_tier())) if grown else None),
        both(expected(dict(costing.today.by_service())), expected(dict(grown.by_service())) if grown else None),
        costing.today.missing.expected,
    )


def _layers(project: Project, stack: str, simulation: Simulation) -> tuple[Layer, ...]:
    from groundplan.controls import assess

    verdicts = assess(captured(project.system, project.environments[stack], simulation))
    layers = []
    for requirement, name in LAYERS.items():
        own = [each for each in verdicts.values() if each.control.requirement == requirement]
        met = tuple(
            (f"{each.control.id}: {each.control.title}", "; ".join(str(one) for one in each.evidence[:3]))
            for each in own
            if each.met
        )
        missing = tuple(
            (f"{each.control.id}: {each.control.title}", each.control.remedy) for each in own if each.findings
        )
        layers.append(Layer(f"{requirement} {name}", met, missing))
    return tuple(layers)


def _year(project: Project, stack: str, first: Simulation) -> tuple[Step, ...]:
    """The changes that `groundplan rehearse` makes, in the simulated cloud."""
    from groundplan.cloud import simulate
    from groundplan.project import load_program
    from groundplan.rehearsal import growth
    from groundplan.rehearsal.differences import compare

    environment = project.environments[stack]
    steps = [Step("deployed for the first time", str(compare(None, first)))]
    before = first

    def declared(system: System) -> Simulation:
        whole = with_images(system, environment)
        program = partial(load_program(project.folder), system, whole)
        return simulate(program, project=system.name, stack=stack, region=whole.region)

    for change in growth.changes(project.system, environment, datetime.date.today()):
        try:
            after = declared(change.system)
        except ProblemsFound as refused:
            steps.append(Step(change.title, f"refused: {refused.problems[0].expected}"))
            continue
        steps.append(Step(change.title, str(compare(before, after))))
        before = after
    return tuple(steps)
