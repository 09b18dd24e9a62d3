"""All processes of all services of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage
from groundplan_devkit.services import RunningService

WRITES = ("command", "api")
READS = ("query", "api")
SIDE_BY_SIDE = 4
"""Processes that start in parallel."""


@dataclass(frozen=True)
class Whole:
    """The processes, by service and role."""

    processes: Mapping[tuple[str, str], RunningService]

    def writing(self, service: str) -> RunningService:
        """The process that answers a service's writes."""
        return self._first(service, WRITES)

    def reading(self, service: str) -> RunningService:
        return self._first(service, READS)

    def _first(self, service: str, roles: tuple[str, ...]) -> RunningService:
        return next(self.processes[service, role] for role in roles if (service, role) in self.processes)


def whole(on: Stage) -> Whole:
    """Migrates and starts everything. The stage stops it."""
    for service in on.system.services:
        on.migrate(service)
    wanted = [(service, role) for service in on.system.services for role in on.installation.roles(service)]
    on.say(f"Starting {len(wanted)} processes: {', '.join(f'{service} {role}' for service, role in wanted)}")
    # Settings are made one after the other, since they make what they speak of; starting takes its time side by side.
    for service, role in wanted:
        on.installation.settings(service, role)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        started = pool.map(lambda each: on.start(*each, **NEVER_REFUSED), wanted)
        return Whole(dict(zip(wanted, started, strict=True)))
