"""All processes of all services, as a stack runs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.stage import NEVER_REFUSED, Stage
from local.services import RunningService, run_service

WRITES = ("command", "api")
READS = ("query", "api")


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


@contextlib.contextmanager
def whole(on: Stage) -> Iterator[Whole]:
    """Migrates and starts everything; what still runs at the end is stopped."""
    for service in on.system.services:
        run_service(on.installation, service, "migrate")
    wanted = [(service, role) for service in on.system.services for role in on.installation.roles(service)]
    # Settings are made one after the other, since they make what they speak of; starting takes its time side by side.
    for service, role in wanted:
        on.installation.settings(service, role)
    with ThreadPoolExecutor(4) as pool:
        started = dict(zip(wanted, pool.map(lambda each: on.start(*each, **NEVER_REFUSED), wanted), strict=True))
    try:
        yield Whole(started)
    finally:
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(RunningService.stop, started.values()))
