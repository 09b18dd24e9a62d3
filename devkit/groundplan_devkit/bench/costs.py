"""What one request, event and statement of each service takes: CPU time, statements and bytes, for `capacity.yaml`.

CPU time is the process's own, not the clock's, so that a busy machine makes it noisier but not several times larger.
Requests come as often as keep the process as busy as plans let pods be: one that sleeps between two requests takes
several times as much for each, as its core, its caches and the kernel's timers have to wake up every time.
Each figure is the median of some rounds, with the least and the most of them, at the speed that the core had
at first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median

import psutil

from groundplan.capacity.figures import LIST_SHARE, TARGET_UTILISATION
from groundplan.declaration.measured import Quantity, Spread
from groundplan.declaration.model import FieldType, Service
from groundplan_devkit.bench import mix, traced
from groundplan_devkit.bench.load import Shot, drive
from groundplan_devkit.bench.mix import Target, Tokens, created, request
from groundplan_devkit.bench.processor import core_seconds
from groundplan_devkit.bench.published import events_for, publish
from groundplan_devkit.bench.rows import rows
from groundplan_devkit.bench.seeding import seed
from groundplan_devkit.bench.speed import Speed, look
from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage
from groundplan_devkit.bench.statement_times import Durations, after_start, means, number_of, steady
from groundplan_devkit.bench.table_bytes import table_bytes
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService

ROUNDS = 5
ROUND_SECONDS = 2.0
"""Of each kind: more than a second of CPU time, which the kernel counts in hundredths."""
PROBE_SECONDS = 1.0
PROBES = 5
NEAR = 0.1
"""How far from the aim a rate may keep its process."""
FASTEST = 5_000
"""Requests a second: beyond it the load generator is what is measured."""
BACKLOG = 2_400
"""Rows of a round whose events are worked off: some tenths of a second of a relay's CPU time."""
COUNTED = 200
"""Requests of each kind whose statements are counted and timed, after `WARM` others."""
AT_FIRST = 300.0
"""Requests a second: of creations for a backlog, while statements are timed, and where the search for a rate begins."""
CONNECTIONS = 16
WARM = 100
DRAIN_SECONDS = 240.0
ROWS = 50_000
_NEW = 10**7

_SHARES: dict[Quantity, float] = {"database_get_ms": 1 - LIST_SHARE, "list_ms": float(LIST_SHARE)}
"""Of reads, by which statements are weighed: a list's may count thousands of rows, and few reads are lists."""

Found = dict[Quantity, list[float]]


@dataclass
class _Service:
    """One service under measurement."""

    on: Stage
    name: str
    service: Service
    target: Target
    tokens: Tokens
    speed: Speed
    made: int = 0
    found: Found = field(default_factory=dict)

    def add(self, quantity: Quantity, value: float) -> None:
        self.found.setdefault(quantity, []).append(value)

    def creates(self, count: int) -> list[Shot]:
        """Requests that create a row each, in the state in which rows begin."""
        resource = self.target.resource
        firsts = {
            name: each.values[0]
            for name, each in resource.fields.items()
            if each.type is FieldType.ENUM and each.values
        }
        shots = []
        for number, row in enumerate(islice(rows(resource, start=_NEW + self.made), count)):
            caller = number % mix.CALLERS
            body = {**created(self.target, row, caller), **firsts}
            token = self.tokens.of("create")[caller]
            shots.append(Shot("create", request("POST", self.target.path, token, json.dumps(body).encode())))
        self.made += count
        return shots


async def measure(on: Stage, names: list[str], rounds: int = ROUNDS) -> dict[str, dict[Quantity, Spread]]:
    """The figures of each service that has a resource which can be created alone."""
    measured: dict[str, Found] = {}
    speed = Speed()
    for name in on.system.services:
        if name in names or any(_reads(on.system.services[name], on.system.services[other]) for other in names):
            on.migrate(name)
    for name in names:
        found = _fitting(on, name, speed)
        if found is None:
            on.say(f"{name}: left out, as none of its resources can be created alone")
            continue
        if found.service.cqrs:
            on.say(f"{name}: commands, relay, projector and queries, {rounds} times {ROUND_SECONDS:g} s")
            await _separated(on, found, measured, rounds)
        else:
            on.say(f"{name}: requests, {rounds} times {ROUND_SECONDS:g} s of each kind")
            await _serving(found, "api", rounds, seeded=True)
            await _background(on, found, measured, rounds, "api")
        await _bytes(found)
        _merge(measured, name, found.found)
    return {
        name: {quantity: _spread(quantity, values) for quantity, values in sorted(found.items())}
        for name, found in measured.items()
        if found
    }


def _fitting(on: Stage, name: str, speed: Speed) -> _Service | None:
    """A service with the first of its resources that can be got, listed and created without another of its rows."""
    service = on.system.services[name]
    for resource_name, resource in service.resources.items():
        inside = any(
            each.type is FieldType.REFERENCE and "." not in (each.to or "") and each.required
            for each in resource.fields.values()
        )
        if not inside and {"get", "list", "create"} <= resource.operations.keys():
            target = Target(resource_name, resource, resource.collection(resource_name), ())
            return _Service(on, name, service, target, Tokens(target, on.sign), speed)
    return None


async def _serving(of: _Service, role: str, rounds: int, *, seeded: bool) -> None:
    """Reads of one process, and with ``seeded`` creations."""
    if seeded:
        connection = await of.on.connect(of.name)
        try:
            ids = await seed(connection, of.target.name, of.target.resource, ROWS, of.on.say)
        finally:
            await connection.close()
    else:
        table = of.target.resource.table(of.target.name)
        ids = [row["id"] for row in await of.on.query(of.name, f'SELECT id FROM "{table}"')]  # noqa: S608  # declared
    target = Target(of.target.name, of.target.resource, of.target.path, ids)
    unread = cycle(ids)
    get = of.tokens.of("get")

    def got(count: int) -> list[Shot]:
        """Each of another row: none is in the cache, unless rows are few."""
        callers = range(count)
        return [Shot("get", request("GET", f"{target.path}/{next(unread)}", get[n % mix.CALLERS])) for n in callers]

    def cached(count: int) -> list[Shot]:
        return [Shot("get", request("GET", f"{target.path}/{ids[0]}", get[n % mix.CALLERS])) for n in range(count)]

    def listed(count: int) -> list[Shot]:
        return list(islice((shot for shot in mix.shots(target, of.tokens, 5) if shot.name.startswith("list")), count))

    kinds: dict[Quantity, tuple[Callable[[int], list[Shot]], Quantity | None]] = {}
    if of.target.resource.cache:
        kinds["cached_get_ms"] = (cached, None)
    kinds["database_get_ms"] = (got, "statements_a_get")
    kinds["list_ms"] = (listed, "statements_a_list")
    if seeded:
        kinds["create_ms"] = (of.creates, "statements_a_create")
        mixed = mix.shots(target, of.tokens, 11)
        kinds["mix_ms"] = (lambda count: list(islice(mixed, count)), None)
    await _requests(of, role, kinds, rounds)


async def _requests(
    of: _Service,
    role: str,
    kinds: Mapping[Quantity, tuple[Callable[[int], list[Shot]], Quantity | None]],
    rounds: int,
) -> None:
    """CPU time and statements of each kind of request, in turns."""
    counts: dict[Quantity, float] = {}
    timed: dict[Quantity, list[tuple[float, Durations]]] = {}
    for quantity, (shots, statements) in kinds.items():
        if statements:
            counts[quantity], durations = await _measured(of, role, shots)
            of.add(statements, counts[quantity])
            timed.setdefault("write_statement_ms" if quantity == "create_ms" else "read_statement_ms", []).append(
                (_SHARES.get(quantity, 1.0), durations)
            )
    for kind, each in timed.items():
        for mean in means(each, rounds):
            of.add(kind, mean)
    running = await asyncio.to_thread(of.on.start, of.name, role, **NEVER_REFUSED)
    for shots, _ in kinds.values():
        await _send(running, shots(WARM))
    rates = {quantity: await _rate(running, shots) for quantity, (shots, _) in kinds.items()}
    of.on.say("  " + ", ".join(f"{quantity.removesuffix('_ms')} {rate:,.0f}/s" for quantity, rate in rates.items()))
    for _ in range(rounds):
        reads = 0.0
        read_statements = 0.0
        for quantity, (shots, statements) in kinds.items():
            prepared = shots(round(rates[quantity] * ROUND_SECONDS))
            reading = quantity != "create_ms"
            at_first = look()
            before, database_before = core_seconds(running.process.pid), _postgres_cpu(of.on, replicas=reading)
            answered = await _send(running, prepared, rates[quantity])
            taken = core_seconds(running.process.pid) - before
            database_taken = _postgres_cpu(of.on, replicas=reading) - database_before
            factor = of.speed.factor(at_first, look())
            of.add(quantity, taken * factor * 1000 / answered)
            spent = database_taken * factor * 1000
            if not reading:
                of.add("write_statement_core_ms", spent / (answered * counts[quantity]))
            elif statements:
                reads += _SHARES[quantity] * spent / answered
                read_statements += _SHARES[quantity] * counts[quantity]
        if read_statements:
            of.add("read_statement_core_ms", max(reads / read_statements, 0.001))
    await asyncio.to_thread(running.stop)


async def _rate(running: RunningService, shots: Callable[[int], list[Shot]]) -> float:
    """Requests/s of one kind that keep the process as busy as plans let pods be."""
    rate = AT_FIRST
    for _ in range(PROBES):
        before = core_seconds(running.process.pid)
        answered = await _send(running, shots(round(rate * PROBE_SECONDS)), rate)
        wanted = next_rate(rate, (core_seconds(running.process.pid) - before) / answered)
        if abs(wanted / rate - 1) < NEAR:
            break
        rate = wanted
    return rate


def next_rate(rate: float, taken: float) -> float:
    """The rate at which requests that take ``taken`` seconds of a core each keep it as busy as plans let pods be.

    At most three times the ``rate`` at which they took that, as they take less when they come faster.
    """
    return min(TARGET_UTILISATION / max(taken, 1e-6), 3 * rate, FASTEST)


async def _measured(of: _Service, role: str, shots: Callable[[int], list[Shot]]) -> tuple[float, Durations]:
    """Statements a request of one kind, and how long they take while `AT_FIRST` requests come each second."""
    file = str(of.on.directory / f"counted-{of.name}.json")
    environment = {**NEVER_REFUSED, traced.FILE: file}
    # What a process asks at its start is no part of a request.
    idle = await asyncio.to_thread(of.on.start, of.name, role, through=traced.__name__, **environment)
    await asyncio.to_thread(idle.stop)
    at_start = traced.durations(idle)
    running = await asyncio.to_thread(of.on.start, of.name, role, through=traced.__name__, **environment)
    answered = await _send(running, shots(WARM + COUNTED))
    await asyncio.to_thread(running.stop)
    taken = after_start(traced.durations(running), at_start)
    return max(0.01, number_of(taken) / answered), steady(taken, WARM / (WARM + COUNTED))


async def _separated(on: Stage, of: _Service, measured: dict[str, Found], rounds: int) -> None:
    """A service with CQRS: its commands, then its events, then queries on what was projected."""
    await _requests(of, "command", {"create_ms": (of.creates, "statements_a_create")}, rounds)
    await _background(on, of, measured, rounds, "command")
    await _serving(of, "query", rounds, seeded=False)


async def _background(on: Stage, of: _Service, measured: dict[str, Found], rounds: int, role: str) -> None:
    """Relay, projector and consumers, while a backlog of created rows is worked off."""
    if not (of.service.publishes or of.service.cqrs):
        return
    consumers = [name for name, service in on.system.services.items() if _reads(service, of.service)]
    events = events_for(of.service, {name: on.system.services[name] for name in consumers})
    workers: dict[tuple[str, str], RunningService] = {}
    for name, what in [(of.name, "relay"), *([(of.name, "projector")] if of.service.cqrs else [])] + [
        (name, "consumer") for name in consumers
    ]:
        workers[name, what] = await asyncio.to_thread(on.start, name, what)
    creating = await asyncio.to_thread(on.start, of.name, role, **NEVER_REFUSED)
    await _drained(on, of, consumers)
    for _ in range(rounds):
        handled = {name: await _handled(on, name) for name in consumers}
        sent = await _sent(on, of.name)
        processes = {key: psutil.Process(worker.process.pid) for key, worker in workers.items()}
        processes[of.name, "relay"].suspend()
        created = await _send(creating, of.creates(BACKLOG))
        await publish(on, of.name, of.target.name, events, created)
        at_first = look()
        before = {key: core_seconds(process.pid) for key, process in processes.items()}
        processes[of.name, "relay"].resume()
        await _drained(on, of, consumers)
        taken = {key: core_seconds(process.pid) - before[key] for key, process in processes.items()}
        factor = of.speed.factor(at_first, look())
        spent = {key: each * factor * 1000 for key, each in taken.items()}
        if relayed := await _sent(on, of.name) - sent:
            of.add("relayed_event_ms", max(0.001, spent[of.name, "relay"] / relayed))
        if of.service.cqrs:
            of.add("projected_event_ms", spent[of.name, "projector"] / created)
        for name in consumers:
            if count := await _handled(on, name) - handled[name]:
                _merge(measured, name, {"consumed_event_ms": [spent[name, "consumer"] / count]})
            else:
                on.say(f"{name}: its consumer handled nothing: look for its log in {on.directory}")
    for worker in (*workers.values(), creating):
        await asyncio.to_thread(worker.stop)


def _reads(consumer: Service, publisher: Service) -> bool:
    return any(event in publisher.publishes for event in consumer.consumes)


async def _drained(on: Stage, of: _Service, consumers: list[str]) -> None:
    """Until the outbox is empty and readers stand still. Raises Unavailable when that takes too long."""
    connection = await on.connect(of.name)
    try:
        # A backlog of thousands came since the table was analysed: autovacuum would do it within a minute.
        await connection.execute("VACUUM ANALYZE outbox")
    finally:
        await connection.close()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DRAIN_SECONDS
    last: tuple[float, ...] = ()
    quiet = 0
    while quiet < 3:
        if loop.time() > deadline:
            raise Unavailable(
                f"the events of {of.name}",
                f"still on their way after {DRAIN_SECONDS:.0f} s",
                "relays and consumers that keep up",
                "try again on a machine with less to do",
            )
        await asyncio.sleep(1)
        (unsent,) = await on.query(of.name, "SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL")
        held = [float(unsent["n"])] + [await _handled(on, name) for name in consumers]
        if of.service.cqrs:
            (rows_,) = await on.query(of.name, f'SELECT count(*) AS n FROM "{of.target.name}_read_model"')  # noqa: S608
            held.append(float(rows_["n"]))
        quiet = quiet + 1 if tuple(held) == last and not held[0] else 0
        last = tuple(held)


async def _handled(on: Stage, name: str) -> float:
    return float(sum(row["n"] for row in await on.query(name, "SELECT count(*) AS n FROM inbox")))


async def _sent(on: Stage, name: str) -> float:
    found = await on.query(name, "SELECT count(*) AS n FROM outbox WHERE sent_at IS NOT NULL")
    return float(sum(row["n"] for row in found))


async def _bytes(of: _Service) -> None:
    """In a database of its own, which is dropped with the servers."""
    connection = await of.on.connect(of.name)
    scratch = f"bytes_{of.name.replace('-', '_')}"
    try:
        await connection.execute(f'CREATE SCHEMA "{scratch}"')
        await connection.execute(f'SET search_path TO "{scratch}"')
        each = await table_bytes(connection, of.on.system, of.name, of.target.name, schema=scratch)
    finally:
        await connection.close()
    of.add("bytes_a_create", each.create)
    of.add("bytes_an_update", each.update)


async def _send(running: RunningService, shots: list[Shot], rate: float = AT_FIRST) -> int:
    """Sends ``rate`` a second, a round's at a time, each once the one before is answered; how many succeeded.

    Raises Unavailable where most failed.
    """
    succeeded = 0
    portion = max(1, round(rate * ROUND_SECONDS))
    for first in range(0, len(shots), portion):
        part = shots[first : first + portion]
        run = await drive("127.0.0.1", running.port, part, rate=rate, connections=CONNECTIONS)
        every = run.all()
        succeeded += sum(count for status, count in every.statuses.items() if 200 <= status < 300)
    if succeeded < len(shots) * 0.8:
        raise Unavailable(
            f"{running.service} {running.role}",
            f"{succeeded} of {len(shots)} requests succeeded, the last ones: {dict(every.statuses)}",
            "some that succeed",
            f"leave the machine to the bench alone; else look at its log: {running.process.log}",
        )
    return succeeded


def _postgres_cpu(on: Stage, *, replicas: bool) -> float:
    """Of the primaries, and with ``replicas`` of theirs: what they replay is no part of a write."""
    assert on.servers.postgres is not None
    return sum(
        core_seconds(node.process.pid)
        for shard in on.servers.postgres.shards
        for node in (shard.nodes if replicas else [shard.primary])
    )


def _merge(measured: dict[str, Found], name: str, found: Found) -> None:
    held = measured.setdefault(name, {})
    for quantity, values in found.items():
        held.setdefault(quantity, []).extend(values)


def _spread(quantity: Quantity, values: list[float]) -> Spread:
    digits = 0 if quantity.startswith("bytes") else 4
    return Spread(
        median=max(round(median(values), digits), 0.0001),
        least=max(round(min(values), digits), 0.0001),
        most=max(round(max(values), digits), 0.0001),
        rounds=len(values),
    )
