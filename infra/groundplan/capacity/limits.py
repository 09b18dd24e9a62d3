"""What a plan must not exceed when it is declared: quotas that AWS, and so a component, refuses at once."""

from __future__ import annotations

from groundplan.capacity.model import Plan
from groundplan.capacity.quotas import planned_use
from groundplan.capacity.wording import number
from groundplan.declaration.model import System
from groundplan.problems import Problem
from groundplan.quotas import QUOTAS
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment

REFUSED = ("alb_rules", "gateway_resources", "cache_nodes_per_cluster")
"""Quotas that components are told; each has a key in a stack's `quotas`."""
_MOST_CACHE_NODES = 500
"""No one raises it: ElastiCache User Guide, quotas (Valkey 7.2 and later)."""


def check_limits(plan: Plan, system: System, environment: Environment) -> list[Problem]:
    """What the stack would be refused for, with what to ask for and the command that says that it is there."""
    uses = {use.quota.key: use for use in planned_use(plan, system, environment)}
    where = f"Pulumi.{environment.name}.yaml"
    problems = []
    for key in REFUSED:
        use = uses.get(key)
        if use is None or not use.over:
            continue
        quota = QUOTAS[key]
        ask = set_command(environment.name, f"{system.name}:quotas.{key}", str(use.needed), nested=True)
        remedy = f"have AWS raise it ({quota.ask}) to {use.needed:,}, then run {ask}"
        if key == "cache_nodes_per_cluster" and use.needed > _MOST_CACHE_NODES:
            remedy = f"no one raises it beyond {_MOST_CACHE_NODES}: split the system, or lower the load that it caches"
        problems.append(
            Problem(
                where,
                f"{system.name}:quotas.{key}",
                f"{number(use.limit)}" if key in environment.quotas else f"{number(use.limit)} by default",
                f"{use.needed:,}, as many as the stack has ({quota.name} of one {quota.per})",
                remedy,
            )
        )
    return problems
