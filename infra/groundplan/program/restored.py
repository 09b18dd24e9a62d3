"""Whether a stack's `restored` says of each database that it is to make what becomes of it."""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.declaration.model import System
from groundplan.problems import Problem, did_you_mean, listed
from groundplan.stack.environment import Environment
from groundplan.stack.restored import RESTORED


def check_restored(plan: Plan, environment: Environment, system: System) -> list[Problem]:
    """A name that is no instance's restores nothing, and an instance that isn't named would begin empty unnoticed."""
    restored = environment.restored
    if not restored:
        return []
    where, key = f"Pulumi.{environment.name}.yaml", f"{system.name}:{RESTORED}"
    names = [name for database in plan.databases for name in database.instances]
    problems = [
        Problem(
            where,
            f"{key}.{part}.{name}",
            "",
            "the name of an instance of this plan",
            did_you_mean(name, names, f"take it out, or name one of {listed(names)}"),
        )
        for part, given in (("databases", restored.databases), ("empty", restored.empty))
        for name in given
        if name not in names
    ]
    for name in names:
        # Once the stack is deployed the key has acted: databases that come later are new.
        if name in restored.databases or name in restored.empty or environment.remembered.databases:
            continue
        problems.append(
            Problem(
                where,
                key,
                f"nothing of {name}",
                "a snapshot for each database, or its name under `empty`, as it would begin empty",
                f"add it; where everything is restored already, run `make remember STACK={environment.name}`",
            )
        )
    return problems
