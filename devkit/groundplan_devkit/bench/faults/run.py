"""One run: load, faults in sequence, quiet, verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundplan.declaration.model import FieldType, Resource, System
from groundplan_devkit import event_log
from groundplan_devkit.bench.faults.clients import END_SECONDS, Body, Clients
from groundplan_devkit.bench.faults.ledger import Failure, Ledger, counted
from groundplan_devkit.bench.faults.strikes import Allowed, Strike
from groundplan_devkit.bench.faults.verdict import Finding, final_verdict
from groundplan_devkit.bench.faults.whole import Whole, whole
from groundplan_devkit.bench.mix import Target, body_of
from groundplan_devkit.bench.rows import rows
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.problems import Unavailable

WRITES_PER_SECOND = 20.0
"""And as many reads: enough to have work under way at every moment, on two cores that also start processes."""
CALM_SECONDS = 5.0
"""Pause before the first fault, between two, and after the last."""
RECOVERY_SECONDS = 5.0
"""That refusals may outlast the primary's absence: as long as a request that began meanwhile may take, and the longest
pause between attempts to reach it again."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What clients saw of one strike: seconds from it until what was struck answered again, the attempts until the next
    strike, and those that failed."""

    name: str
    times: int
    seconds: float
    attempts: int
    failures: Sequence[Failure]
    """While it lasted, and RECOVERY_SECONDS more where refusals are allowed at all."""
    late: Sequence[Failure]
    """After that."""
    allowed: Allowed

    @property
    def wrong(self) -> list[Failure]:
        """Unexpected failures."""
        if self.allowed == "refusals until it is back":
            return list(self.late)
        every = [*self.failures, *self.late]
        return [each for each in every if each.refused] if self.allowed == "broken connections" else every


@dataclass(frozen=True)
class Faults:
    """A whole run."""

    service: str
    struck: Sequence[Struck]
    attempts: int
    acknowledged: int
    findings: Sequence[Finding]

    @property
    def wrong(self) -> list[str]:
        """Unexpected results; empty when all is well."""
        return [
            *(f"{each.what}: {each.found:,}, expected {each.expected:,}" for each in self.findings if not each.holds),
            *(f"{each.name}: {counted(each.wrong)}" for each in self.struck if each.wrong),
        ]


def choose(system: System) -> tuple[str, str, Resource]:
    """The service whose creations are written: the first with an event that another service consumes, else the first.

    Raises Unavailable when no resource can be created without another of its own service.
    """
    fitting = [
        (service_name, name, resource)
        for service_name, service in system.services.items()
        for name, resource in service.resources.items()
        if {"create", "get", "list"} <= resource.operations.keys()
        and not any(
            field.required and field.type is FieldType.REFERENCE and "." not in (field.to or "")
            for field in resource.fields.values()
        )
    ]
    heard = [
        each
        for each in fitting
        if any(system.consumers_of(event) for event in system.services[each[0]].publishes if event.startswith(each[1]))
    ]
    if not fitting:
        raise Unavailable(
            "a resource to write", "none", "one that can be created by itself", "add the operation `create` to one"
        )
    return (heard or fitting)[0]


async def run(on: Stage, planned: Sequence[Strike]) -> Faults:
    """Injects faults while clients write and read, then waits for quiet and counts."""
    service, name, resource = choose(on.system)
    target = Target(name, resource, resource.collection(name), ())
    log = Path(on.directory) / "event-log"
    # Threads, since starting processes is not asynchronous; the clients' loop must not stand still.
    running = await asyncio.to_thread(whole, on)
    async with event_log.writing(on.installation, event_log.Folder(log)):
        clients = _clients(on, running, service, target)
        on.say(f"{WRITES_PER_SECOND:.0f} writes/s of {target.path} and as many reads/s begin")
        working = asyncio.create_task(clients.run())
        try:
            struck = await _struck(on, running, planned, clients.ledger, working)
        finally:
            clients.stop()
        on.say(f"Waiting for clients to end what they began (at most {END_SECONDS:.0f} s)")
        async with asyncio.timeout(END_SECONDS):
            ledger = await working
        findings = await final_verdict(on, running, service, target, ledger, log)
    return Faults(service, struck, ledger.attempts, len(ledger.acknowledged), findings)


async def _struck(
    on: Stage, running: Whole, planned: Sequence[Strike], ledger: Ledger, working: asyncio.Task[Ledger]
) -> list[Struck]:
    struck: list[Struck] = []
    await asyncio.sleep(CALM_SECONDS)
    if not ledger.acknowledged:
        raise Unavailable(
            "the load",
            f"no write was acknowledged within {CALM_SECONDS:.0f} s: {counted(ledger.failures) or 'none was answered'}",
            "a service that works before anything is struck",
            f"look at its log in {on.directory}",
        )
    for strike in planned:
        on.say(f"{strike.name} …")
        start, attempts = ledger.now, ledger.attempts
        times = await strike.act(on, running)
        mended = ledger.now
        await asyncio.sleep(RECOVERY_SECONDS + CALM_SECONDS)
        allowed_until = mended + RECOVERY_SECONDS
        seen = Struck(
            strike.name,
            times,
            mended - start,
            ledger.attempts - attempts,
            ledger.between(start, allowed_until),
            ledger.between(allowed_until, ledger.now),
            strike.allowed,
        )
        struck.append(seen)
        on.say(
            f"  back after {seen.seconds:.1f} s; {seen.attempts:,} attempts, failed: "
            f"{counted([*seen.failures, *seen.late]) or 'none'}"
        )
        if working.done():
            # It ends by itself only with an error.
            await working
    return struck


def _clients(on: Stage, running: Whole, service: str, target: Target) -> Clients:
    writer = on.sign(target.role("create") or "none", subject="bench")
    reader = on.sign(target.role("get") or "none", target.role("list") or "none", subject="bench")
    return Clients(
        writing=lambda: f"{running.writing(service).url}{target.path}",
        reading=lambda: f"{running.reading(service).url}{target.path}",
        writer_token=writer,
        reader_token=reader,
        bodies=bodies(target.resource, "bench"),
        rate=WRITES_PER_SECOND,
    )


def bodies(resource: Resource, owner: str) -> Iterator[Body]:
    """Bodies as a client begins: the first value of every choice, and the caller as the owner, where it may
    own many."""
    first = {
        name: field.values[0]
        for name, field in resource.fields.items()
        if field.type is FieldType.ENUM and field.values
    }
    unique_owner = resource.owner is not None and resource.fields[resource.owner].unique
    # From 1: amounts of nothing are refused by some.
    for row in rows(resource, start=1):
        body = {**body_of(resource, row), **first}
        if resource.owner and not resource.fields[resource.owner].computed:
            body[resource.owner] = row.owner if unique_owner else owner
        yield body


def table(result: Faults) -> str:
    """What clients saw, one row a strike, and what was counted afterwards."""
    lines = [
        f"{WRITES_PER_SECOND:.0f} writes/s and as many reads/s to {result.service}: {result.attempts:,} attempts, "
        f"{result.acknowledged:,} writes acknowledged.",
        "",
        "| struck under load | back after | attempts | failed until then | failed later | may fail |",
        "|---|---|---|---|---|---|",
        *(
            f"| {each.name} | {each.seconds:.1f} s | {each.attempts:,} | {counted(list(each.failures)) or 'none'} "
            f"| {counted(list(each.late)) or 'none'} | {each.allowed} |"
            for each in result.struck
        ),
        "",
        "| counted afterwards | expected | found |",
        "|---|---|---|",
        *(f"| {each.what} | {each.expected:,} | {each.found:,} |" for each in result.findings),
    ]
    return "\n".join(lines)
