"""Targets that can hold together, and shards that only ever grow (T1, T2, T4, D3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from groundplan.declaration.model import System
from groundplan.problems import Finding

# Everything stands in one region. AWS commits itself there to 99.95 % for each database, cluster and gateway
# (https://aws.amazon.com/legal/service-level-agreements/); replicas and retries win some of it back, not two nines.
_MOST_OF_ONE_REGION = 99.99


_WRITE_STATEMENTS = 4
"""Row, event row (D2), outbox row, idempotency key: one after the other."""
_WRITE_P95 = 2.585
"""The 95th percentile of the sum of so many exponential times, as a multiple of that of one."""


def check_requirements(system: System) -> list[Finding]:
    return [*_targets(system), *_loads(system), *_shard_maps(system)]


def _targets(system: System) -> Iterator[Finding]:
    needs = system.requirements
    slowest = needs.query_p95_ms * _WRITE_P95
    if slowest >= needs.latency_p95_ms:
        most = math.ceil(needs.latency_p95_ms / _WRITE_P95) - 1
        lower = f"lower it to {most} or less, or" if most >= 1 else ""
        yield Finding(
            ("requirements", "query_p95_ms"),
            str(needs.query_p95_ms),
            f"less than {most + 1} for latency_p95_ms {needs.latency_p95_ms}: a write is {_WRITE_STATEMENTS} "
            f"statements, {slowest:.0f} ms at the 95th percentile",
            f"{lower} raise latency_p95_ms above {math.floor(slowest)}".strip(),
        )
    if needs.availability_percent > _MOST_OF_ONE_REGION:
        yield Finding(
            ("requirements", "availability_percent"),
            f"{needs.availability_percent:g}",
            f"at most {_MOST_OF_ONE_REGION}, the most that can be planned for in a single region",
            f"write {_MOST_OF_ONE_REGION} or less; more takes a second region, which this design does not have",
        )


def _loads(system: System) -> Iterator[Finding]:
    """A load that nothing has, or nothing can have."""
    own = [name for name, service in system.services.items() if service.load.requests_per_second is not None]
    if len(own) == len(system.services) and "requests_per_second" in system.requirements.model_fields_set:
        yield Finding(
            ("requirements", "requests_per_second"),
            f"{system.requirements.requests_per_second:g}",
            "a service without a `load.requests_per_second` of its own: the others share this, and there is none",
            "remove it: the total is the sum of the services' own",
        )
    for name, service in system.services.items():
        path = ("services", name, "load")
        if service.load.events_per_second and not service.publishes:
            yield Finding(
                (*path, "events_per_second"),
                f"{service.load.events_per_second:g}",
                "0, as the service publishes no event",
                "remove it, or list the events under `publishes`",
            )
        operations = {operation for resource in service.resources.values() for operation in resource.operations}
        creates = service.load.create_share
        if creates is not None and creates > 0 and "create" not in operations:
            yield Finding(
                (*path, "create_share"), f"{creates:g}", "0, as no resource can be created", "write 0, or remove it"
            )


def _shard_maps(system: System) -> Iterator[Finding]:
    for name, service in system.services.items():
        for position, (earlier, later) in enumerate(pairwise(service.shard_map or []), start=1):
            path = ("services", name, "shard_map", position)
            if later.since <= earlier.since:
                expected = f"a day after {earlier.since}, that of the generation before it"
                remedy = "append new generations at the end, and never change those that have begun"
                yield Finding((*path, "since"), str(later.since), expected, remedy)
            if later.shards < earlier.shards:
                expected = f"at least {earlier.shards}, as before: shards hold rows and can't go"
                remedy = f"write {earlier.shards} or more"
                yield Finding((*path, "shards"), str(later.shards), expected, remedy)
