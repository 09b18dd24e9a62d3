"""One run: load, faults one after the other, quiet, verdict."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.faults.strikes import Strike
from bench.faults.verdict import Finding, verdict, wait_until_quiet
from bench.faults.whole import Whole
from bench.faults.writer import Body, Writer
from bench.mix import Target, body_of
from bench.rows import rows
from bench.stage import Stage
from infra.system.model import FieldType, Resource, System
from local.problems import Unavailable

WRITES_PER_SECOND = 20.0
CALM_SECONDS = 5.0
"""Before the first strike, between two, and after the last."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What clients saw of one strike: seconds from it until all was mended, and failed attempts by kind."""

    name: str
    times: int
    seconds: float
    attempts: int
    failures: Counter[str]
    errors_allowed: bool


@dataclass(frozen=True)
class Faults:
    """A whole run."""

    service: str
    struck: Sequence[Struck]
    acknowledged: int
    quiet: bool
    findings: Sequence[Finding]

    @property
    def wrong(self) -> list[str]:
        """What should not have been; empty when all is well."""
        return [
            *([] if self.quiet else ["events were still on their way when the time was up"]),
            *(f"{each.what}: {each.found} of {each.expected}" for each in self.findings if not each.holds),
            *(
                f"{each.name}: requests failed ({_counted(each.failures)})"
                for each in self.struck
                if each.failures and not each.errors_allowed
            ),
        ]


def choose(system: System) -> tuple[str, str, Resource]:
    """The service whose creations are written: the first with an event that somebody consumes, else the first at all.

    Raises Unavailable when no resource can be created without another of its own service.
    """
    fitting = [
        (service_name, name, resource)
        for service_name, service in system.services.items()
        for name, resource in service.resources.items()
        if "create" in resource.operations
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


async def run(on: Stage, running: Whole, planned: Sequence[Strike], say: Callable[[str], None]) -> Faults:
    """Strikes while clients write, then waits until all is quiet and counts."""
    service, name, resource = choose(on.system)
    target = Target(name, resource, f"/api/v1/{resource.path(name)}", ())
    role = target.role("create")
    token = on.sign(role or "nobody", subject="bench")
    serving = running.writing(service)
    writer = Writer(lambda: f"{serving.url}{target.path}", token, _bodies(resource, "bench"), WRITES_PER_SECOND)
    writing = asyncio.create_task(writer.run())
    struck: list[Struck] = []
    await asyncio.sleep(CALM_SECONDS)
    for strike in planned:
        say(strike.name)
        start, attempts = writer.ledger.now, writer.ledger.attempts
        times = await strike.act(on, running)
        await asyncio.sleep(CALM_SECONDS)
        end = writer.ledger.now
        failures = writer.ledger.between(start, end)
        struck.append(
            Struck(strike.name, times, end - start, writer.ledger.attempts - attempts, failures, strike.errors_allowed)
        )
    writer.stop()
    ledger = await writing
    say("waiting for the last event")
    quiet = await wait_until_quiet(on)
    return Faults(service, struck, len(ledger.acknowledged), quiet, await verdict(on, service, target, ledger))


def _bodies(resource: Resource, owner: str) -> Iterator[Body]:
    """Bodies as a client begins: the first value of every choice, and the caller as the owner."""
    first = {
        name: field.values[0]
        for name, field in resource.fields.items()
        if field.type is FieldType.ENUM and field.values
    }
    unique_owner = resource.owner is not None and resource.fields[resource.owner].unique
    for row in rows(resource, 10**7):
        body = {**body_of(resource, row), **first}
        if resource.owner and not unique_owner:
            body[resource.owner] = owner
        yield body


def table(result: Faults) -> str:
    """What clients saw, one row a strike, and what was counted afterwards."""
    lines = [
        "| struck under load | seconds | attempts | failed attempts |",
        "|---|---|---|---|",
        *(
            f"| {each.name} | {each.seconds:.0f} | {each.attempts:,} | {_counted(each.failures) or 'none'} |"
            for each in result.struck
        ),
        "",
        "| counted afterwards | expected | found |",
        "|---|---|---|",
        *(f"| {each.what} | {each.expected:,} | {each.found:,} |" for each in result.findings),
    ]
    return "\n".join(lines)


def _counted(failures: Counter[str]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(failures.items()))
