"""Sizes that stay as deployed until another one has taken effect, because a deployment would change both at once.

A protected stack's database changes its class in the maintenance window, whereas autoscalers change with the deployment
and replicas restart a day before their primary. So pods wait for the larger database that takes their connections, and
replicas keep their size until a smaller primary has restarted. The next deployment after the window does the rest.
"""

from __future__ import annotations

from dataclasses import replace

from groundplan.capacity import figures
from groundplan.capacity.model import DatabasePlan, Decision, Kept, Plan, WorkloadPlan
from groundplan.capacity.placement import class_named, max_connections
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import RememberedDatabase


def with_held(plan: Plan, environment: Environment) -> Plan:
    """The plan as it can be deployed now; what waits is in `Plan.held`."""
    # Without protection a class is applied by the deployment itself, and what needs the database comes after it.
    if not environment.protect or not environment.remembered.databases:
        return plan
    held: list[Kept] = []
    databases = tuple(_database(each, environment, held) for each in plan.databases)
    growing = {
        service: database
        for database in plan.databases
        for service in database.services
        if _waits(database, environment.remembered.databases.get(database.name)) > 0
    }
    workloads = tuple(_workload(each, growing.get(each.service), environment, held) for each in plan.workloads)
    reasons = {(each.subject, each.setting): each for each in held}
    decisions = tuple(_decision(each, reasons) for each in plan.decisions)
    return replace(plan, databases=databases, workloads=workloads, held=tuple(held), decisions=decisions)


def _waits(database: DatabasePlan, deployed: RememberedDatabase | None) -> int:
    """1 while primaries wait to take more connections, -1 while they wait to take fewer, else 0."""
    classes = deployed.primary_classes if deployed else ()
    now = [max_connections(class_named(name)) for name in classes if _known(name)]
    if any(each < database.max_connections for each in now):
        return 1
    return -1 if any(each > database.max_connections for each in now) else 0


def _known(name: str) -> bool:
    return any(name == each.name for each in (*figures.BURSTABLE_DATABASE_CLASSES, *figures.DATABASE_CLASSES))


def _database(database: DatabasePlan, environment: Environment, held: list[Kept]) -> DatabasePlan:
    deployed = environment.remembered.databases.get(database.name)
    if deployed is None or not database.replicas:
        return database
    if _waits(database, deployed) > 0:
        return _raised_later(database, deployed, held)
    if _waits(database, deployed) == 0:
        return database
    known = [name for name in deployed.replica_classes if _known(name)]
    larger = max(known, key=lambda name: max_connections(class_named(name)), default=database.replica_class)
    if max_connections(class_named(larger)) <= database.max_connections:
        return database
    held.append(
        Kept(
            *(f"database.{database.name}", "replica_class", larger, database.replica_class),
            "replicas take as many connections as their primary until it has restarted: deploy again after its window",
            "nothing beyond the window",
            figures.HOT_STANDBY,
        )
    )
    return replace(database, replica_class=larger)


def _raised_later(database: DatabasePlan, deployed: RememberedDatabase, held: list[Kept]) -> DatabasePlan:
    """Replicas that keep their class don't restart, and a raised `max_connections` would reach the primary alone."""
    if deployed.replica_classes != [database.replica_class]:
        return database
    now = min(max_connections(class_named(name)) for name in deployed.primary_classes if _known(name))
    held.append(
        Kept(
            *(f"database.{database.name}", "max_connections", str(now), str(database.max_connections)),
            "replicas don't restart with their primary, and take as many connections as it has: deploy again after its "
            "window",
            "nothing",
            figures.HOT_STANDBY,
        )
    )
    return replace(database, max_connections=now)


def _workload(
    workload: WorkloadPlan, database: DatabasePlan | None, environment: Environment, held: list[Kept]
) -> WorkloadPlan:
    deployed = environment.remembered.pods.get(workload.name)
    if database is None or deployed is None or deployed >= workload.max_pods or not _connects(workload):
        return workload
    held.append(
        Kept(
            *(f"workload.{workload.name}", "max_pods", str(deployed), str(workload.max_pods)),
            f"db-{database.name} takes their connections once it is larger: deploy again after its window",
            "nothing",
            figures.RDS_WAITS,
        )
    )
    return replace(workload, min_pods=min(workload.min_pods, deployed), max_pods=deployed)


def _connects(workload: WorkloadPlan) -> bool:
    return bool(workload.primary_connections or workload.replica_connections)


def _decision(decision: Decision, reasons: dict[tuple[str, str], Kept]) -> Decision:
    held = reasons.get((decision.subject, decision.setting))
    if held is None:
        return decision
    return replace(decision, value=held.value, reason=f"{held.needed} are planned: {held.why}", source=held.source)
