"""Changes of which one has to take effect before another, and whether one deployment keeps that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from groundplan.changes.model import Order, ResourceChange
from groundplan.changes.timing import PARAMETERS, RDS_WITH_OUTAGE, settings_of
from groundplan.cloud.item import look_up
from groundplan.cloud.model import Resource
from groundplan.cloud.windows import INSTANCE

AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_STANDBY = "PostgreSQL documentation, Hot Standby: max_connections of a standby is at least its primary's"
_POOL = "each pod opens connections of its own"


def orders_of(
    changes: Sequence[ResourceChange], old: Mapping[str, Resource], new: Mapping[str, Resource]
) -> Iterator[Order]:
    """``old`` is what is deployed, ``new`` what will be, by URN."""
    by_urn = {each.urn: each for each in changes}
    yield from _standbys(changes, by_urn, old, new)
    yield from _pods(changes, old, new)


def _standbys(
    changes: Sequence[ResourceChange],
    by_urn: Mapping[str, ResourceChange],
    old: Mapping[str, Resource],
    new: Mapping[str, Resource],
) -> Iterator[Order]:
    """A raised `max_connections` reaches replicas first, a lowered one the primary."""
    instances = [each for each in new.values() if each.type == INSTANCE and each.urn in old]
    for group in changes:
        if group.type != PARAMETERS or group.operation != "update":
            continue
        before, after = (_connections(side[group.urn]) for side in (old, new))
        if before is None or after is None or before == after:
            continue
        users = [each for each in instances if group.urn in each.dependencies]
        for replica in users:
            if not replica.inputs.get("replicateSourceDb"):
                continue
            primary = next((each for each in users if each.urn in replica.dependencies), None)
            if primary is None:
                continue
            restarts = {each.urn: _restarts(by_urn.get(each.urn)) for each in (primary, replica)}
            if after > before:
                # The replica's window is on the day before its primary's.
                # Applied at once, the primary restarts first: the replica then waits until it restarts as well.
                kept = not restarts[primary.urn] or restarts[replica.urn]
                why = f"max_connections is raised from {before} to {after}"
                yield Order(replica.urn, primary.urn, why, _STANDBY, kept=kept)
            else:
                why = f"max_connections is lowered from {before} to {after}"
                yield Order(primary.urn, replica.urn, why, _STANDBY, kept=not restarts[replica.urn])


def _pods(
    changes: Sequence[ResourceChange], old: Mapping[str, Resource], new: Mapping[str, Resource]
) -> Iterator[Order]:
    """More pods wait for the larger database that is to take their connections."""
    waiting = {
        each.urn
        for each in changes
        if each.type == INSTANCE
        and any(part.path == "instanceClass" and part.when == "in the window" for part in each.parts)
    }
    if not waiting:
        return
    for scaler in changes:
        if scaler.type != AUTOSCALER or scaler.operation != "update":
            continue
        before, after = (look_up(side[scaler.urn].inputs, "spec.maxReplicas") for side in (old, new))
        if isinstance(before, int) and isinstance(after, int) and after > before:
            for database in sorted(_ancestors(scaler.urn, new) & waiting):
                why = f"{before} pods become {after} at once, the database grows in its window"
                yield Order(database, scaler.urn, why, _POOL, kept=False)


def _ancestors(urn: str, resources: Mapping[str, Resource]) -> set[str]:
    found: set[str] = set()
    left = [urn]
    while left:
        resource = resources.get(left.pop())
        for each in resource.dependencies if resource is not None else ():
            if each not in found:
                found.add(each)
                left.append(each)
    return found


def _restarts(change: ResourceChange | None) -> bool:
    return change is not None and any(part.path in RDS_WITH_OUTAGE for part in change.parts)


def _connections(group: Resource) -> int | None:
    value, _ = settings_of(group.inputs).get("max_connections", ("", ""))
    return int(value) if value.isdigit() else None
