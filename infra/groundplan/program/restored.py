"""Whether a stack's `restored` says of each database that it is to make what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.capacity import Plan, instance_name
from groundplan.declaration.model import System
from groundplan.problems import Problem, did_you_mean, listed
from groundplan.stack.contradictions import remove_command
from groundplan.stack.environment import Environment
from groundplan.stack.restored import RESTORED


def check_restored(plan: Plan, environment: Environment, system: System) -> list[Problem]:
    """A name that is no instance's restores nothing, and an instance that isn't named would begin empty unnoticed."""
    restored = environment.restored
    if not restored:
        return []
    where, key = f"Pulumi.{environment.name}.yaml", f"{system.name}:{RESTORED}"
    instances = list(_instances(plan))
    names = [name for name, _ in instances]
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
    for name, database in instances:
        # What is deployed isn't made again, and so neither restored nor empty.
        if name in restored.databases or name in restored.empty or database in environment.remembered.databases:
            continue
        problems.append(
            Problem(
                where,
                key,
                f"nothing of {name}",
                "a snapshot for each database, or its name under `empty`, as it would begin empty",
                f"add it; where everything is restored already, run {remove_command(environment.name, key)}",
            )
        )
    return problems


def _instances(plan: Plan) -> Iterator[tuple[str, str]]:
    """Each instance that is written to, and the database that it is a shard of."""
    for database in plan.databases:
        for shard in range(1, database.shards + 1):
            yield instance_name(database.name, shard), database.name
