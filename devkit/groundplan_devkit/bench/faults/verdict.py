"""The verdict after a run: no lost data, no repeated effects, all events delivered (A2, A3, A4, D2).

Four records are held against each other: what clients know (`ledger`), the services' tables, the topics with the event
log that is written from them, and the read model as the API answers it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import UUID

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from groundplan.declaration.model import Broker
from groundplan_devkit import names
from groundplan_devkit.bench.faults.ledger import Ledger
from groundplan_devkit.bench.faults.whole import Whole
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage

SETTLE_SECONDS = 180.0
"""For outboxes to empty and readers to catch up after the last fault: a broker gives a dead consumer's partitions to
the next one within 45 s at most, and then there is what has gathered."""
POLL_SECONDS = 3.0
AFTERWARDS_SECONDS = 10.0
"""Quiet time without any change: repeated effects may be late."""
READ_SECONDS = 60.0
"""Time for reading a topic to its end."""
ASKED_AT_ONCE = 20
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One count: ``expected`` and ``found`` are equal, or data was lost or repeated."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


async def final_verdict(
    on: Stage, running: Whole, service: str, target: Target, ledger: Ledger, log: Path
) -> list[Finding]:
    """Counts until all that must be is, or the time is up; then waits and counts once more, and asks the API.

    ``log``: the folder that the event log is written to.
    """
    deadline = monotonic() + SETTLE_SECONDS
    on.say(f"Waiting for the last event to have arrived everywhere (at most {SETTLE_SECONDS:.0f} s)")
    while True:
        open_ones = [each for each in await verdict(on, service, target, ledger, log) if not each.holds]
        if not open_ones or monotonic() > deadline:
            break
        on.say("  " + "; ".join(f"{each.what}: {each.found:,} of {each.expected:,}" for each in open_ones))
        await asyncio.sleep(POLL_SECONDS)
    on.say(f"Waiting {AFTERWARDS_SECONDS:.0f} s for what should not happen any more, then counting again")
    await asyncio.sleep(AFTERWARDS_SECONDS)
    on.say(f"Asking the API for each of {len(ledger.acknowledged):,} acknowledged writes")
    answered = await _answered(running, service, target, on, list(ledger.acknowledged.values()))
    return [
        *await verdict(on, service, target, ledger, log),
        Finding("acknowledged writes that the API answers", len(ledger.acknowledged), answered),
    ]


async def verdict(on: Stage, service: str, target: Target, ledger: Ledger, log: Path) -> list[Finding]:
    """Counts everything that the ledger and the services' own tables imply about each other."""
    found = [
        Finding("writes given up by their clients", 0, len(ledger.given_up)),
        *await _rows(on, service, target, ledger),
    ]
    logged = await asyncio.to_thread(lambda: set(_logged(log)))
    for name in on.system.services:
        tables = await _tables(on, name)
        found += await _histories(on, name)
        if "outbox" in tables:
            found += await _events(on, name, logged)
        found += await _read_models(on, name, tables)
        found += await _dead_letters(on, name)
    return found


async def _rows(on: Stage, service: str, target: Target, ledger: Ledger) -> list[Finding]:
    ids = set(ledger.acknowledged.values())
    rows = await on.query(service, f'SELECT id FROM "{target.resource.table(target.name)}"')  # noqa: S608
    there = {row["id"] for row in rows}
    return [
        Finding("different ids acknowledged", len(ledger.acknowledged), len(ids)),
        Finding("acknowledged writes with a row", len(ids), len(ids & there)),
        Finding("rows that no client was told of", 0, len(there - ids) if not ledger.given_up else 0),
    ]


async def _histories(on: Stage, service: str) -> list[Finding]:
    """D2: every aggregate's versions without a gap or a double, up to the row's own; each change once a request."""
    findings = []
    for name, resource in on.system.services[service].resources.items():
        table, history = resource.table(name), f"{name}_events"
        whole = await on.query(
            service,
            f'SELECT count(*) FROM "{table}" AS made JOIN ('  # noqa: S608
            f"SELECT aggregate_id, count(*) AS changes, count(DISTINCT version) AS versions, max(version) AS last "
            f'FROM "{history}" GROUP BY aggregate_id) AS record ON record.aggregate_id = made.id '
            "AND record.changes = record.versions AND record.last = record.versions AND record.last = made.version",
        )
        rows = await on.query(service, f'SELECT count(*) FROM "{table}"')  # noqa: S608
        changes = await on.query(service, f'SELECT correlation_id, event_type FROM "{history}"')  # noqa: S608
        if not changes:
            continue
        what = f"{service}: each `{name}` with a history without gaps or doubles"
        findings.append(Finding(what, _total(rows), _total(whole)))
        once = {tuple(row) for row in changes}
        findings.append(Finding(f"{service}: changes of `{name}`, each kind once a request", len(once), len(changes)))
    return findings


async def _events(on: Stage, service: str, logged: set[str]) -> list[Finding]:
    """Every event that was committed is sent, on its topic and in the event log, and each reader has handled it."""
    rows = await on.query(service, "SELECT event_id, topic, sent_at FROM outbox")
    committed = {str(row["event_id"]): str(row["topic"]) for row in rows}
    if not committed:
        return []
    findings = [Finding(f"{service}: events not sent", 0, sum(row["sent_at"] is None for row in rows))]
    if on.system.events.broker is Broker.KAFKA:
        topics = sorted({on.installation.topic(topic) for topic in committed.values()})
        arrived = set(await _on_topics(on, topics))
        findings.append(Finding(f"{service}: events on their topics", len(committed), len(committed.keys() & arrived)))
    findings.append(Finding(f"{service}: events in the event log", len(committed), len(committed.keys() & logged)))
    by_event: dict[str, set[str]] = defaultdict(set)
    for id_, topic in committed.items():
        by_event[topic].add(id_)
    for event, sent in sorted(by_event.items()):
        for reader in on.system.consumers_of(event):
            handled = {
                str(row["event_id"])
                for row in await on.query(reader, "SELECT event_id FROM inbox WHERE topic = $1", event)
            }
            findings.append(Finding(f"{reader}: `{event}` handled", len(sent), len(handled & sent)))
    return findings


async def _read_models(on: Stage, service: str, tables: set[str]) -> list[Finding]:
    """A4: what queries read is what commands wrote, version by version."""
    findings = []
    for model in sorted(table for table in tables if table.endswith("_read_model")):
        aggregate = model.removesuffix("_read_model")
        history = f"{aggregate}_events"
        written = await on.query(service, f'SELECT count(DISTINCT aggregate_id) FROM "{history}"')  # noqa: S608
        same = await on.query(
            service,
            f'SELECT count(*) FROM "{model}" AS model JOIN (SELECT aggregate_id, max(version) AS version '  # noqa: S608
            f'FROM "{history}" GROUP BY aggregate_id) AS last ON last.aggregate_id = model.id '
            "AND last.version = model.version",
        )
        if _total(written):
            what = f"{service}: read model of `{aggregate}` at the last version"
            findings.append(Finding(what, _total(written), _total(same)))
    return findings


async def _dead_letters(on: Stage, service: str) -> list[Finding]:
    """Dead letters: after recovery there are none."""
    readers = {"consumer": service, "projector": names.projector(service)}
    if on.system.events.broker is not Broker.KAFKA:
        return []
    scope = on.installation.events_scope
    return [
        Finding(
            f"{reader}: dead letters",
            0,
            sum(1 for _ in await _on_topics(on, [names.dead_letter_topic_name(scope, reader)])),
        )
        for role, reader in readers.items()
        if role in on.installation.roles(service)
    ]


async def _on_topics(on: Stage, topics: Sequence[str]) -> list[str]:
    """Ids of all messages on the topics, from their beginning, as often as they are there."""
    assert on.servers.kafka is not None
    # Without a group it is given all partitions.
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=on.servers.kafka.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    found: list[str] = []
    async with asyncio.timeout(READ_SECONDS):
        await consumer.start()
        try:
            while {each.topic for each in consumer.assignment()} < set(topics):
                await asyncio.sleep(0.1)
            partitions = sorted(consumer.assignment())
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning(*partitions)
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                batches = await consumer.getmany(timeout_ms=500)
                for records in batches.values():
                    found += [_event_id(record.value) for record in records]
        finally:
            await consumer.stop()
    return found


def _event_id(value: bytes | None) -> str:
    """Of a message; empty for one that is no event, which is a dead letter's right."""
    try:
        found = json.loads(value or b"{}")
    except (ValueError, RecursionError):
        return ""
    return str(found.get("event_id", "")) if isinstance(found, dict) else ""


def _logged(log: Path) -> Iterator[str]:
    for file in log.rglob("*.gz"):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            yield _event_id(line)


async def _answered(running: Whole, service: str, target: Target, on: Stage, ids: Iterable[UUID]) -> int:
    """How many of the rows a client gets by GET."""
    token = on.sign(target.role("get") or "none", subject="bench")
    url = f"{running.reading(service).url}{target.path}"
    turns = asyncio.Semaphore(ASKED_AT_ONCE)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers) as client:

        async def found(id_: UUID) -> bool:
            async with turns:
                try:
                    return (await client.get(f"{url}/{id_}")).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

        return sum(await asyncio.gather(*map(found, ids)))


async def _tables(on: Stage, service: str) -> set[str]:
    rows = await on.query(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {str(row["tablename"]) for row in rows}


def _total(rows: Sequence[asyncpg.Record]) -> int:
    """Of counts that each shard gives."""
    return sum(int(row[0]) for row in rows)
