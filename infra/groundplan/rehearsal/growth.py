"""What a rehearsal makes of a system once it stands: more load, one more service, one more shard (P1, D3, U3)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundplan.capacity.demand import with_load
from groundplan.declaration.model import Service, ShardGeneration, System
from groundplan.stack.environment import Environment

FACTOR = 10
"""P1: today's load, times ten."""

_MOST_REQUESTS = 1_000_000.0
_MOST_SHARDS = 64
"""What the declaration's model allows."""

_BEFORE_ANY_DATA = datetime.date(2000, 1, 1)
_NAMES = ("trial", "trial-run", "trial-service", "trial-two")


_DATABASE = "aws:rds/instance:Instance"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a declaration. Something of type ``type`` (any, when empty) has to be created for ``service``."""

    title: str
    system: System
    service: str = ""
    type: str = ""


def changes(system: System, environment: Environment, today: datetime.date) -> Iterator[Change]:
    """The changes in their order, each on top of the one before.

    Where services share one instance, no service has shards: there the declaration may say so, and nothing comes of it.
    """
    loaded = more_load(system)
    yield Change("ten times the load", loaded)
    grown = with_service(loaded)
    yield Change("a service added", grown, added_service(loaded))
    sharded = sharded_service(grown)
    if sharded is not None:
        title, expected = f"a shard added to {sharded}", (sharded, _DATABASE)
        if environment.shared_database:
            title, expected = f"{title} (shared here)", ("", "")
        yield Change(title, with_shard(grown, today), *expected)


def more_load(system: System) -> System:
    """Ten times the requests, or as many as a declaration may say."""
    loads = [system.requirements.requests_per_second]
    for service in system.services.values():
        loads += [amount for amount in (service.load.requests_per_second, service.load.events_per_second) if amount]
    return with_load(system, min(FACTOR, _MOST_REQUESTS / max(loads)))


def added_service(system: System) -> str:
    """The name of the service that `with_service` adds: one that is free, as are its resource and events."""
    taken = {*system.services, *(name for service in system.services.values() for name in service.resources)}
    return next(name for name in _names() if name not in taken and name.replace("-", "_") not in taken)


def with_service(system: System) -> System:
    """The system and one small service more, which publishes, and consumes what an existing one publishes."""
    name = added_service(system)
    resource = name.replace("-", "_")
    role = system.identity.roles[0]
    upstream = next((event for service in system.services.values() for event in service.publishes), None)
    service = Service.model_validate(
        {
            "description": "One more service, for the rehearsal",
            "traffic_weight": 0.1,
            "data_gb": 1.0,
            "resources": {
                resource: {
                    "fields": {"label": {"type": "string", "max_length": 100, "required": True}},
                    "operations": {operation: [role] for operation in ("list", "get", "create")},
                }
            },
            "publishes": [f"{resource}.made"],
            "consumes": [upstream] if upstream else [],
        }
    )
    return system.model_copy(update={"services": {**system.services, name: service}})


def sharded_service(system: System) -> str | None:
    """The service with most data that may have one more shard; None when each has as many as may be."""
    rooms = {name: each for name, each in system.services.items() if _shards(each) < _MOST_SHARDS}
    return max(rooms, key=lambda name: rooms[name].data_gb, default=None)


def with_shard(system: System, today: datetime.date) -> System:
    """One shard more for the service with most data, from ``today`` on or the day after its last generation."""
    name = sharded_service(system)
    if name is None:
        return system
    service = system.services[name]
    generations = service.shard_map or [ShardGeneration(since=_BEFORE_ANY_DATA, shards=1)]
    since = max(today, generations[-1].since + datetime.timedelta(days=1))
    grown = [*generations, ShardGeneration(since=since, shards=_shards(service) + 1)]
    changed = service.model_copy(update={"shard_map": grown})
    return system.model_copy(update={"services": {**system.services, name: changed}})


def images(system: System, region: str, configured: Mapping[str, str]) -> dict[str, str]:
    """An image for every service: the configured one, else one as if it had been pushed to the system's repository."""
    registry = f"123456789012.dkr.ecr.{region}.amazonaws.com/{system.name}"
    return {**{name: f"{registry}/{name}@sha256:{'0' * 64}" for name in system.services}, **configured}


def _shards(service: Service) -> int:
    return max((generation.shards for generation in service.shard_map or ()), default=1)


def _names() -> tuple[str, ...]:
    return (*_NAMES, *(f"trial-{number}" for number in range(3, 200)))
