"""The drills: a real fault, the alarms that it rings, how it is mended, and what their pages say of the end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from groundplan_devkit import names
from groundplan_devkit.bench.alarms.readings import Readings
from groundplan_devkit.bench.alarms.sources import Sources
from groundplan_devkit.bench.alarms.traffic import ANSWER_SECONDS, send
from groundplan_devkit.bench.faults.whole import WRITES, Whole
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import run_service

REDRIVE_SECONDS = 120.0
STRANGER = "{stranger}"
"""Before keys that belong to no service; in braces, so that one script may write them all."""
STRANGERS_KEYS, STRANGERS_VALUE_BYTES = 2_000, 20_000
"""Written every second: 40 MB."""
OLD_TOKENS_A_SECOND = 40
COPIES = 12_000
"""Of an event, put into its topic while no one reads: alarms on lag begin at 10,000."""
READ_SECONDS = 30.0

_FILL = """
for i = 1, tonumber(ARGV[1]) do redis.call('SET', KEYS[1] .. ARGV[2] .. i, string.rep('x', tonumber(ARGV[3]))) end
"""
_CLEAR = """
local cursor = '0'
repeat
    local found = redis.call('SCAN', cursor, 'MATCH', KEYS[1] .. '*', 'COUNT', 10000)
    cursor = found[1]
    for _, key in ipairs(found[2]) do redis.call('UNLINK', key) end
until cursor == '0'
"""


@dataclass(frozen=True)
class Scene:
    """What drills work with."""

    on: Stage
    running: Whole
    readings: Readings
    sources: Sources
    service: str
    """Whose creations are written."""
    target: Target
    event: str
    """That its read model follows; empty: it has none."""
    slo: str
    """What the names of alarms on promises begin with: `shop-prod-slo`."""
    instance: str
    """What the names of alarms on the service's database begin with: `db-order`."""

    @property
    def writer(self) -> str:
        """The workload that takes the writes."""
        return next(f"{self.service}-{role}" for role in WRITES if (self.service, role) in self.running.processes)

    @property
    def table(self) -> str:
        return self.target.resource.table(self.target.name)


Proof = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Ring:
    """An alarm that a drill rings. ``over`` is what its page says of the end, in the page's words; ``proof`` whether it
    is so, besides that the alarm's own value is within its threshold again."""

    alarm: str
    over: str
    proof: Proof | None = None


Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Drill:
    fault: str
    mended: str
    """What is done against it, of what the page names."""
    rings: tuple[Ring, ...]
    begin: Act
    mend: Act


def rounds(scene: Scene) -> list[tuple[Drill, ...]]:
    """All drills; those of one round are in no other's way and last together."""
    first = (_locked(scene), _deadlocks(scene), _replica_away(scene), _stranger(scene), _old_tokens(scene))
    second = (_primary_away(scene), _processes_away(scene), _cache_away(scene))
    if scene.on.servers.kafka is None or not scene.event:
        return [first, second]
    return [first, second, (_broker_away(scene),), (_unhandled(scene),), (_reader_away(scene),)]


def _locked(scene: Scene) -> Drill:
    async def hold() -> None:
        connection = await scene.on.connect(scene.service)
        try:
            async with connection.transaction():
                await connection.execute(f'LOCK TABLE "{scene.table}" IN SHARE ROW EXCLUSIVE MODE')
                while True:
                    # A transaction that is idle would be ended by the database's own limit.
                    await connection.execute("SELECT 1")
                    await asyncio.sleep(1)
        finally:
            connection.terminate()

    going = _Going(hold)
    return Drill(
        f"a session holds a lock that writes of `{scene.table}` wait for",
        "the session is ended",
        (
            Ring(f"{scene.slo}-service-{scene.service}-query", "p95 of `query_duration_ms` is below the target"),
            Ring(f"{scene.slo}-service-{scene.service}-latency", "p95 is below the target"),
            Ring(f"{scene.slo}-latency", "`Latency` at p95 is below the target"),
            Ring(
                f"{scene.slo}-target-{scene.writer}-errors",
                "`HTTPCode_Target_5XX_Count` of the target group is zero for five minutes while requests arrive",
            ),
            Ring(f"{scene.slo}-burn-1h", "No 5xx in the short window of the alarm"),
        ),
        going.begin,
        going.end,
    )


def _deadlocks(scene: Scene) -> Drill:
    """Two transactions lock two rows, each the other's first, as two handlers would that don't sort them."""

    async def meet() -> None:
        pair = [await scene.on.connect(scene.service) for _ in range(2)]
        try:
            found = await pair[0].fetch(f'SELECT id FROM "{scene.table}" LIMIT 2')  # noqa: S608
            rows = [row["id"] for row in found]
            while True:
                await asyncio.gather(_lock(pair[0], scene.table, rows), _lock(pair[1], scene.table, rows[::-1]))
                await asyncio.sleep(1)
        finally:
            for each in pair:
                each.terminate()

    going = _Going(meet)
    return Drill(
        f"two transactions lock rows of `{scene.table}` in different orders, again and again",
        "they lock them no more",
        (Ring(f"{scene.instance}-primary-deadlocks", "The counter is zero"),),
        going.begin,
        going.end,
    )


async def _lock(connection: asyncpg.Connection, table: str, rows: list[object]) -> None:
    with contextlib.suppress(asyncpg.DeadlockDetectedError):
        async with connection.transaction():
            for row in rows:
                await connection.execute(f'SELECT 1 FROM "{table}" WHERE id = $1 FOR UPDATE', row)  # noqa: S608
                await asyncio.sleep(0.1)


def _replica_away(scene: Scene) -> Drill:
    begin, mend = _server(scene, "replica-1")
    ring = Ring(f"{scene.instance}-replica-1-lag", "`ReplicaLag` is below a second or two")
    return Drill("a replica is killed", "it is started again", (ring,), begin, mend)


def _stranger(scene: Scene) -> Drill:
    valkey = scene.on.servers.valkey
    assert valkey is not None

    async def fill() -> None:
        while True:
            with contextlib.suppress(RuntimeError):
                await asyncio.to_thread(valkey.execute_as, "stranger", "a guess", "PING")
            sizes = (str(STRANGERS_KEYS), secrets.token_hex(4), str(STRANGERS_VALUE_BYTES))
            await asyncio.to_thread(valkey.execute, "EVAL", _FILL, "1", STRANGER, *sizes)
            await asyncio.sleep(1)

    async def clear() -> None:
        await going.end()
        await asyncio.to_thread(valkey.execute, "EVAL", _CLEAR, "1", STRANGER)

    going = _Going(fill)
    node = "cache-shard-1-node-1"
    return Drill(
        "a stranger tries passwords and fills the cache with keys of their own",
        "they are put out, and their keys deleted",
        (
            Ring(f"{node}-access-denied", "All four metrics are zero"),
            Ring(f"{node}-memory", "`DatabaseMemoryUsagePercentage` is below 85 %"),
            Ring(f"{node}-evictions", "`Evictions` is below 1,000 in each period"),
        ),
        going.begin,
        clear,
    )


def _old_tokens(scene: Scene) -> Drill:
    async def ask() -> None:
        process = scene.running.reading(scene.service)
        url = f"{process.url}{scene.target.path}"
        headers = {"Authorization": "Bearer of.another.pool"}
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers) as client:
            while True:
                begun = monotonic()
                requests = [send(scene.sources, process, client.get(url)) for _ in range(OLD_TOKENS_A_SECOND)]
                await asyncio.gather(*requests)
                await asyncio.sleep(max(0.0, 1 - (monotonic() - begun)))

    going = _Going(ask)
    return Drill(
        "a client sends requests with a token that is refused, and does not stop",
        "it is stopped",
        (
            Ring(f"{scene.slo}-refused-401", "The count stays under its limit for five minutes"),
            Ring(f"{scene.slo}-client-errors", "The share of 4xx"),
        ),
        going.begin,
        going.end,
    )


def _primary_away(scene: Scene) -> Drill:
    begin, mend = _server(scene, scene.on.primary)
    ring = Ring(f"{scene.instance}-primary-cpu", "`CPUUtilization` stays below 80 %")
    return Drill("the database's primary is killed", "it is started again", (ring,), begin, mend)


def _processes_away(scene: Scene) -> Drill:
    victim = scene.running.writing(scene.service)

    async def kill() -> None:
        await asyncio.to_thread(victim.kill)

    async def start() -> None:
        await asyncio.to_thread(victim.start)

    target = f"{scene.slo}-target-{scene.writer}"
    return Drill(
        f"every process of `{scene.writer}` is killed",
        "they are started again",
        (
            Ring(f"{target}-none-healthy", "`HealthyHostCount` is what the plan has"),
            Ring(f"{target}-unhealthy", "Every target is `healthy` for five minutes"),
            Ring(
                f"{scene.slo}-load-balancer", "`HTTPCode_ELB_5XX_Count` is zero for five minutes while requests arrive"
            ),
        ),
        kill,
        start,
    )


def _cache_away(scene: Scene) -> Drill:
    begin, mend = _server(scene, "valkey")
    ring = Ring("cache-shard-1-node-1-engine-cpu", "`EngineCPUUtilization` is below 80 %")
    return Drill("the cache's node is killed", "it is started again", (ring,), begin, mend)


def _broker_away(scene: Scene) -> Drill:
    begin, mend = _server(scene, "kafka")
    outbox = f"{scene.slo}-service-{scene.service}-outbox"
    return Drill(
        "the broker is killed",
        "it is started again",
        (
            Ring("kafka-controller", "`ActiveControllerCount` is 1 for five minutes, and an event passes"),
            Ring(outbox, "what waited arrived", lambda: _arrived(scene)),
        ),
        begin,
        mend,
    )


def _unhandled(scene: Scene) -> Drill:
    """The table of the read model is away, as after a migration that came too early: each event fails five times."""
    table = f"{scene.target.name}_read_model"
    said: list[str] = []

    async def away() -> None:
        await scene.on.query(scene.service, f'ALTER TABLE "{table}" RENAME TO "{table}_away"')

    async def back() -> None:
        await scene.on.query(scene.service, f'ALTER TABLE "{table}_away" RENAME TO "{table}"')
        said.append(await asyncio.to_thread(redrive))

    def redrive() -> str:
        installation = scene.on.installation
        return run_service(installation, scene.service, "redrive", role="projector", seconds=REDRIVE_SECONDS)

    async def none_left() -> bool:
        return "0 refused again, 0 left" in said[-1]

    return Drill(
        f"the table `{table}` is away, which the projector writes",
        "the table is back, and `redrive` has run",
        (Ring(f"{scene.slo}-service-{scene.service}-dead-letters", "0 refused again, 0 left", none_left),),
        away,
        back,
    )


def _reader_away(scene: Scene) -> Drill:
    """No one reads while an event of before is sent again thousands of times, as a replay would."""
    reader = scene.running.processes[scene.service, "projector"]
    topic = scene.on.installation.topic(scene.event)

    async def begin() -> None:
        await asyncio.to_thread(reader.stop)
        await _send_again(scene, topic)

    async def start() -> None:
        await asyncio.to_thread(reader.start)

    return Drill(
        f"the projector of {scene.service} is stopped, and {COPIES:,} events are sent meanwhile",
        "it is started again",
        (
            Ring(
                f"kafka-lag-{names.projector(scene.service)}-{scene.event}-events",
                "`SumOffsetLag` of the group falls to near zero",
                lambda: _arrived(scene),
            ),
        ),
        begin,
        start,
    )


async def _send_again(scene: Scene, topic: str) -> None:
    kafka = scene.on.servers.kafka
    assert kafka is not None
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=20)
    try:
        async with asyncio.timeout(READ_SECONDS):
            await consumer.start()
            await consumer.seek_to_beginning()
            record = await consumer.getone()
        await producer.start()
        sent = [
            await producer.send(topic, record.value, key=record.key, headers=list(record.headers))
            for _ in range(COPIES)
        ]
        await asyncio.gather(*sent)
    finally:
        await consumer.stop()
        await producer.stop()


async def _arrived(scene: Scene) -> bool:
    """Whether all that was committed is sent and read."""
    waiting = await scene.on.query(scene.service, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    behind = await scene.sources.lag(names.projector(scene.service), scene.event)
    # Writes go on: what is on its way at this moment is no backlog.
    return sum(int(row[0]) for row in waiting) < 100 and behind < 100


def _server(scene: Scene, prefix: str) -> tuple[Act, Act]:
    name = scene.on.server(prefix)

    async def kill() -> None:
        await asyncio.to_thread(scene.on.servers.kill, name)

    async def start() -> None:
        await asyncio.to_thread(scene.on.servers.start, name)

    return kill, start


class _Going:
    """A fault that goes on by itself until it is ended."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._task = asyncio.create_task(_awaited(self._work()))

    async def end(self) -> None:
        """Raises Unavailable when it ended by itself, which only an error makes it do."""
        assert self._task is not None
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            return
        except Exception as error:
            raise Unavailable(
                "a drill", f"{type(error).__name__}: {error}", "a fault that lasts", "see the log"
            ) from error


async def _awaited(work: Awaitable[None]) -> None:
    await work
