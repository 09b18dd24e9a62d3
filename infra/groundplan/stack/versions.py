"""Versions that a stack runs and those that it asks for: they rise one at a time, each by a deployment of its own.

Kubernetes: EKS guide, Update existing cluster to new Kubernetes version, one minor version at a time. PostgreSQL: RDS
guide, Upgrading the PostgreSQL DB engine; to the next major version always, further only from some minor ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from groundplan.stack.environment import Environment

KUBERNETES = "kubernetes_version"
POSTGRES = "postgres_version"


def ranked(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def following(key: str, version: str) -> str:
    """The version after this one: only one step is ever taken."""
    if key == KUBERNETES:
        major, minor = version.split(".")
        return f"{major}.{int(minor) + 1}"
    return str(int(version) + 1)


def versions(environment: Environment) -> Iterator[tuple[str, str, str]]:
    """Key, version that is deployed, version that is asked for; nothing of what isn't deployed."""
    deployed = environment.remembered
    if deployed.kubernetes_version is not None and environment.existing_cluster is None:
        yield KUBERNETES, deployed.kubernetes_version, environment.kubernetes_version
    running = running_postgres(environment)
    if running is not None:
        yield POSTGRES, running, environment.postgres_version


def running_postgres(environment: Environment) -> str | None:
    """The lowest major version that databases of the stack run: while an upgrade waits, the old one."""
    found = [each.postgres_version for each in environment.remembered.databases.values() if each.postgres_version]
    return str(min(found)) if found else None


@dataclass(frozen=True, slots=True)
class Step:
    """One deployment of an upgrade. ``key`` empty: the same configuration once more, after ``after``."""

    key: str
    value: str
    does: str
    after: str = ""


def upgrade_steps(environment: Environment, wanted: dict[str, str]) -> list[Step]:
    """The deployments that lead from what is deployed to the ``wanted`` versions, by key; none for what is there."""
    steps: list[Step] = []
    for key, now, _ in versions(environment):
        target = wanted.get(key, now)
        reached = now
        while ranked(reached) < ranked(target):
            reached = following(key, reached)
            steps += _kubernetes(reached) if key == KUBERNETES else _postgres(reached, environment)
    return steps


def _kubernetes(version: str) -> list[Step]:
    does = "control plane first; Auto Mode then replaces nodes within disruption budgets"
    return [Step(KUBERNETES, version, does)]


def _postgres(version: str, environment: Environment) -> list[Step]:
    moment = "the maintenance window of the primaries" if environment.protect else "the upgrade, which starts at once"
    away = "primary and replicas are unavailable together, Multi-AZ too, for minutes"
    return [
        Step(POSTGRES, version, f"a parameter group of {version}, and the primaries; {away}"),
        Step("", "", f"replicas take the parameter group of {version}, and the old one goes", after=moment),
    ]
