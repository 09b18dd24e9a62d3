"""What changes if load or data grow: sizes, what changing them takes, and what gives out first afterwards."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.capacity import check_shards, compare, plan, remembered_after
from infra.capacity.comparison import comparison_report
from infra.commands._run import run
from infra.commands.stacks import read_project
from infra.problems import Problem, ProblemsFound, did_you_mean
from infra.system.model import System


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.commands.compare",
        description=__doc__,
        epilog="for example: --stack prod --load 10 --data order=3000 --growth order=100",
    )
    parser.add_argument("--stack", default=os.environ.get("STACK"), help="default: the stack that carries most load")
    parser.add_argument("--load", default=os.environ.get("LOAD"), help="times today's requests", metavar="FACTOR")
    parser.add_argument("--data", action="append", default=[], help="data today, in GiB", metavar="SERVICE=GIB")
    parser.add_argument("--growth", action="append", default=[], help="GiB a month", metavar="SERVICE=GIB")
    options = parser.parse_args(arguments)
    data = options.data or shlex.split(os.environ.get("DATA", ""))
    growth = options.growth or shlex.split(os.environ.get("GROWTH", ""))
    return run(lambda: compare_project(Path.cwd(), options.stack or None, options.load or None, data, growth))


def compare_project(
    folder: Path, stack: str | None, load: str | None, data: Sequence[str], growth: Sequence[str]
) -> int:
    """Prints the comparison. Asked for nothing, it compares with ten times the load. Raises ProblemsFound."""
    project = read_project(folder, [stack] if stack else ())
    if load is None and not data and not growth:
        load = "10"
    grown = with_changes(project.system, load, data, growth)
    environment = project.environments[stack or project.main]
    declare = tuple(check_shards(grown))
    before = plan(project.system, environment)
    # The question is what a deployed stack would change: what it has and AWS only makes larger would stay.
    deployed = environment.model_copy(update={"remembered": remembered_after(before)})
    print(comparison_report(compare(before, plan(grown, deployed), declare)))
    return 0


def with_changes(system: System, load: str | None, data: Sequence[str], growth: Sequence[str]) -> System:
    """The system with its load multiplied, and services' data or growth replaced. Raises ProblemsFound."""
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
                problems.append(Problem("command line", option, entry, expected, "give a number of at least 0"))
            else:
                services.setdefault(name, {})[field] = number
    factor = _number(load) if load is not None else 1.0
    if not factor:
        expected = "a factor above 0, for example 10"
        problems.append(Problem("command line", "--load", str(load), expected, "give a number"))
    if problems:
        raise ProblemsFound(problems)
    assert factor is not None
    requirements = {"requests_per_second": system.requirements.requests_per_second * factor}
    return _replaced(system, requirements, services)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


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


if __name__ == "__main__":
    sys.exit(main())
