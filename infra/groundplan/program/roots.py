"""Roots of databases' certificates: whether a region's come with the library, for those who can't fetch them (S2)."""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.declaration.model import System
from groundplan.problems import Problem
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment
from groundplan_components.database import authority_regions


def check_roots(plan: Plan, environment: Environment, system: System) -> list[Problem]:
    """PgBouncer verifies the replicas by a root in its configuration; rotation fetches what it lacks, by NAT."""
    region = environment.region
    if region in authority_regions():
        return []
    where, stack, name = f"Pulumi.{environment.name}.yaml", environment.name, system.name
    problems = []
    if any(database.pooler for database in plan.databases):
        problems.append(
            Problem(
                where,
                f"{name}:read_replicas",
                "true",
                f"a region whose root of RDS's certificates comes with the library, for PgBouncer; {region}'s doesn't",
                f"run {set_command(stack, f'{name}:read_replicas', 'false')}",
            )
        )
    if environment.nat == "none" and environment.existing_cluster is None:
        problems.append(
            Problem(
                where,
                f"{name}:nat",
                "none",
                f"a way to AWS's trust store, from which rotation takes the root of {region}'s databases",
                f"run {set_command(stack, f'{name}:nat', 'single')}",
            )
        )
    return problems
