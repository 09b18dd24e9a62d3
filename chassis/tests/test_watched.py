"""Every loop and task that waits for something outside is watched (h16): what hangs, or looks healthy and gives
nothing, is noticed, and a mistake ends no loop for good without a word.

The loops and tasks are found in the source. One that is new fails the test until it is said here who watches it.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import TopicPartition

import groundplan_chassis
from chassis.tests.database.test_silence import HERE, Terminated, never
from chassis.tests.events import shop
from chassis.tests.events.readers import Recorder
from chassis.tests.events.shop import PLACED, event_of
from chassis.tests.events.test_watchdog import PARTITION, Deaf, subscribed
from chassis.tests.test_exchange import Client, answering, length
from chassis.tests.waiting import until
from groundplan_chassis import connection
from groundplan_chassis.caching import cluster, documents, link
from groundplan_chassis.caching.cluster import Cluster
from groundplan_chassis.caching.documents import DocumentCache
from groundplan_chassis.caching.link import Link
from groundplan_chassis.caching.replies import AWAY
from groundplan_chassis.database import deadlines, limits
from groundplan_chassis.database.deadlines import Deadline, Deadlines
from groundplan_chassis.database.silence import Watch
from groundplan_chassis.environment import Address
from groundplan_chassis.events import limits as event_limits
from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.event import encode
from groundplan_chassis.events.kafka import publisher, redrive, watchdog
from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.publisher import KafkaPublisher
from groundplan_chassis.events.kafka.redrive import DeadLetterReader
from groundplan_chassis.events.kafka.watchdog import ConsumerStuck
from groundplan_chassis.events.port import Outgoing
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.settings import KafkaSettings

SOURCE: Final = Path(groundplan_chassis.__file__).parent
STARTING: Final = frozenset({"create_task", "ensure_future", "Thread"})

PROCESS: Final = "the process ends by what it raises, and Kubernetes starts another: `process.until_stopped`"
CALLER: Final = "its caller awaits it, within the time-out of each wait: README, Failures"
WATCHED: Final = {
    "caching/cluster.py Cluster._maintain": "it goes on after any error, and logs it: below",
    "caching/cluster.py Cluster.start": "`_maintain` goes on after any error",
    "caching/connection.py Connection.data_received": "it waits for nothing",
    "caching/documents.py DocumentCache._retry_invalidations": "answers have a time-out; it is started again: below",
    "caching/documents.py DocumentCache._retry_later": "the next invalidation starts it again: below",
    "caching/documents.py DocumentCache.get": CALLER,
    "caching/documents.py DocumentCache.invalidations_sent": "an erasure waits; the link says that the cache is away",
    "caching/link.py Link._maintain": "it goes on after any error, and logs it: below",
    "caching/link.py Link.start": "`_maintain` goes on after any error",
    "connection.py BoundedProtocol._begin": "the task answers what fails: `Exchange.run`; DEADLINE_SECONDS",
    "connection.py BoundedProtocol._feed": "it waits for nothing",
    "database/attempt.py took_place": CALLER,
    "database/database.py Database.write": CALLER,
    "database/database.py _repeated": CALLER,
    "database/deadlines.py Deadlines._look": "each row has a time-out: below",
    "database/deadlines.py Deadlines.run": PROCESS,
    "database/idempotency.py _windows": CALLER,
    "database/pruning.py prune": PROCESS,
    "database/silence.py Watch._ask": "the probe has a time-out",
    "database/silence.py Watch._look": "the next statement starts it again; all connections end: below",
    "database/silence.py Watch.sent": "the next statement starts it again",
    "erasure/work.py _pages": CALLER,
    "erasure/work.py _rows": CALLER,
    "erasure/work.py _settled": "SETTLED_SECONDS",
    "erasure/worker.py Erasures.run": PROCESS,
    "events/consumer.py Consumer.process": CALLER,
    "events/housekeeping.py report_outbox_age": PROCESS,
    "events/kafka/dead_letters.py DeadLetterTopic.put": "each try has a time-out, and a line in the log",
    "events/kafka/redrive.py DeadLetterReader._all": "STUCK_SECONDS without a record: below",
    "events/kafka/subscription.py KafkaSubscription.run": PROCESS,
    "events/kafka/subscription.py _Lane.__init__": "`_Membership.ended`",
    "events/kafka/subscription.py _Membership._poll": "the lane awaits it; `watchdog.Watchdog`",
    "events/kafka/subscription.py _Membership.follow": "`watchdog.Watchdog` compares what is read with what is there",
    "events/kafka/subscription.py _Membership.run": "it awaits all that it starts; no partition is noticed: below",
    "events/kafka/watchdog.py Watchdog.run": "`_Membership.run`",
    "events/ordering.py OrderedEvents.batches": "a file of its own",
    "events/projector.py Projector.process": CALLER,
    "events/queues/redrive.py DeadLetterQueue.redrive": "time-outs of the client; without a fresh message it ends",
    "events/queues/subscription.py QueueSubscription._keep_hidden": "it ends with the work; time-outs of the client",
    "events/queues/subscription.py QueueSubscription._poll": "time-outs of the client; the queue's age has an alarm",
    "events/queues/subscription.py QueueSubscription._work": CALLER,
    "events/queues/subscription.py QueueSubscription.run": PROCESS,
    "events/rebuild.py _shard": CALLER,
    "events/relay.py Relay.run": "outbox_age_seconds has an alarm; a producer that is stuck is replaced: below",
    "events/tries.py Tries._absent": CALLER,
    "events/tries.py Tries.until_done": "HANDLING_SECONDS for each try",
    "events/workers.py Worker.run": PROCESS,
    "events/workers.py _relay": PROCESS,
    "health.py Health.report": "PATIENCE_SECONDS for each check",
    "http/admission.py Bytes._serve": "it waits for nothing",
    "http/app.py _refuse_protocol": "no server sends such a scope",
    "http/app.py _started": CALLER,
    "http/bodies.py _read": "DEADLINE_SECONDS",
    "http/handling.py _written": "CONSISTENCY_SECONDS",
    "http/values.py value_type": "it waits for nothing",
    "http/versions.py _lookup": CALLER,
    "observe/metrics.py Metrics._run": "it goes on after any error, and logs it: below",
    "observe/metrics.py Metrics.start": "`_run` goes on after any error",
    "observe/sink.py Sink._drain": "a reader that takes nothing: further lines are dropped and counted",
    "observe/sink.py Sink._put": "a reader that takes nothing: further lines are dropped and counted",
    "observe/sink.py Sink._run": "it raises nothing: writes that fail are left out",
    "observe/sink.py Sink._start": "`_run` raises nothing",
    "process.py _once": CALLER,
    "process.py until_stopped": "it awaits all that it starts",
    "secrets.py Secrets.get": "time-outs of the client; all callers await it",
    "signing_keys.py SigningKeys._fetch": "FETCH_SECONDS; `_done` logs what fails",
}


def loops() -> Iterator[str]:
    """File and name of each function that has a `while`, or starts a task or thread."""
    for file in sorted(SOURCE.rglob("*.py")):
        where = file.relative_to(SOURCE).as_posix()
        for statement in ast.parse(file.read_text()).body:
            members = statement.body if isinstance(statement, ast.ClassDef) else [statement]
            of = f"{statement.name}." if isinstance(statement, ast.ClassDef) else ""
            for each in members:
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and _waits(each):
                    yield f"{where} {of}{each.name}"


def _waits(function: ast.AST) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.While():
                return True
            case ast.Call(func=ast.Attribute(attr=name)) if name in STARTING:
                return True
    return False


def test_every_loop_has_its_watch() -> None:
    assert set(loops()) == set(WATCHED)


class Wrong(Exception):
    """A mistake of the program."""


async def test_a_link_to_the_cache_goes_on(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LONGEST_PAUSE_SECONDS", 0.01)
    tries = 0

    async def connect(_: Address) -> Any:
        nonlocal tries
        tries += 1
        raise Wrong

    made = Link(Address("127.0.0.1", 1), connect, lambda _: None)
    made.start()
    await until(lambda: tries > 3)
    await made.close()
    lines = [record for record in caplog.records if "Wrong" in record.getMessage()]
    assert len(lines) == 1, "each reason once"
    assert lines[0].exc_info


async def test_the_caches_topology_is_asked_for_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of nodes that answer with none."""
    monkeypatch.setattr(cluster, "PAUSE_SECONDS", 0.01)
    tries = 0

    class Empty:
        def drop(self, _: str) -> None: ...

        async def ask(self, _: object) -> list[object]:
            return []

    async def connect(_: Address) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Wrong
        return Empty()

    made = Cluster(Address("127.0.0.1", 1), lambda _: None, connect)  # type: ignore[arg-type,return-value]
    made.start()
    await until(lambda: tries > 5)
    await made.close()
    said = [record.getMessage() for record in caplog.records]
    assert len([each for each in said if "Wrong" in each]) == 1
    assert len([each for each in said if "no topology in the answer" in each]) == 1


async def test_invalidations_are_tried_again_after_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "RETRY_SECONDS", 0.001)
    replies: list[object] = [AWAY, Wrong(), AWAY, 1, 1]

    class Cache:
        prefix = b"x:"

        async def run(self, *_: object) -> object:
            reply = replies.pop(0)
            if isinstance(reply, Wrong):
                raise reply
            return reply

    cache: Any = Cache()
    found = DocumentCache(cache, "order", "event", 60)
    await found.changed(uuid4(), 2)
    with pytest.raises(Wrong):
        await found.invalidations_sent()
    await found.changed(uuid4(), 2)
    await found.invalidations_sent()
    assert not replies
    assert not found._pending


async def test_a_connection_that_is_gone_keeps_no_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SUSPICIOUS_SECONDS", 0.1)
    monkeypatch.setattr(limits, "PROBE_SECONDS", 0.1)

    class Gone:
        def terminate(self) -> None:
            raise asyncpg.InterfaceError("released back to the pool")

    async def report(_: Address) -> None: ...

    watch, gone, waiting = Watch(never, report), Gone(), Terminated()
    watch.sent(gone, HERE)  # type: ignore[arg-type]
    watch.sent(waiting, HERE)  # type: ignore[arg-type]
    await asyncio.wait_for(waiting.gone.wait(), 5)
    for each in (gone, waiting):
        watch.over(each, answered=False)  # type: ignore[arg-type]
    await watch.close()


async def test_a_handler_of_deadlines_that_hangs_holds_up_no_other_row(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(deadlines, "HANDLING_SECONDS", 0.05)
    hangs, well = uuid4(), uuid4()
    handled: list[UUID] = []

    async def handle(_: object, identifier: UUID) -> int | None:
        if identifier == hangs:
            await asyncio.Event().wait()
        handled.append(identifier)
        return None

    class Database:
        shards = range(1)

        async def fetch(self, *_: object, **__: object) -> list[dict[str, object]]:
            return [{"id": hangs, "moment": 1}, {"id": well, "moment": 2}]

        async def write(self, work: Callable[[object], Awaitable[object]], **_: object) -> object:
            return await work(None)

    context: Any = SimpleNamespace(database=Database(), changed=None)
    handle_: Any = handle
    deadline = Deadline(resource="order", table="orders", after=timedelta(1), handle=handle_)
    worker = Deadlines(context, [deadline])
    running = asyncio.create_task(worker.run())
    await until(lambda: well in handled)
    worker.stop()
    await running
    assert "was not kept in" in caplog.text


class Unassigned(Deaf):
    """Its group gives it no partition, and says nothing."""

    def subscribe(self, topics: list[str], listener: Any) -> None: ...


async def test_a_consumer_that_is_given_no_partition_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watchdog, "REBALANCE_SECONDS", 0.1)
    subscription = subscribed(shop.MetricRecorder(), deaf=0)
    subscription._client = type("Client", (Unassigned,), {"made": []})
    with pytest.raises(ConsumerStuck, match="a rebalance has not ended"):
        await subscription.run(Recorder(), asyncio.Event())
    assert len(subscription._client.made) == watchdog.MOST_RECONNECTS + 1


SETTINGS = KafkaSettings((Address("127.0.0.1", 1),), "plaintext", None, {PLACED: "t"}, {PLACED: "t"}, "group", "dead")


async def test_a_producer_that_acknowledges_nothing_is_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_limits, "SEND_SECONDS", 0.02)
    monkeypatch.setattr(publisher, "STUCK_SECONDS", 0.1)
    made: list[object] = []
    ended: list[object] = []

    class Producer:
        async def send(self, *_: object, **__: object) -> asyncio.Future[None]:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if len(made) > 1:
                future.set_result(None)
            return future

    async def start(_: object) -> Producer:
        made.append(Producer())
        return made[-1]  # type: ignore[return-value]

    async def end(producer: object) -> None:
        ended.append(producer)

    monkeypatch.setattr(publisher, "start", start)
    monkeypatch.setattr(publisher, "end", end)
    event = event_of(name=PLACED)
    batch = [Outgoing(event.event_id, PLACED, event.aggregate_id, encode(event))]
    found = KafkaPublisher(Connection(SETTINGS, {}))
    tries = 0
    while not (await found.send(batch)).acknowledged:
        tries += 1
    assert tries > 1, "a slow broker is waited for"
    assert (len(made), len(ended)) == (2, 1)
    assert "the producer is stuck" in caplog.text


async def test_a_redrive_that_reads_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive, "STUCK_SECONDS", 0.05)

    class Consumer:
        def assign(self, _: object) -> None: ...

        async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
            return dict.fromkeys(partitions, 5)

        async def position(self, _: object) -> int:
            return 3

        async def getmany(self, *_: object, **__: object) -> Mapping[Any, Any]:
            await asyncio.sleep(0.01)
            return {}

    absent: Any = None
    reader = DeadLetterReader(Connection(SETTINGS, {}), absent)
    with pytest.raises(BrokerAway, match="nothing is read"):
        await reader._all(Consumer(), [PARTITION], Recorder(), asyncio.Event())


def test_metrics_go_on_after_a_mistake(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[bytes] = []

    def write(line: bytes) -> None:
        lines.append(line)
        if len(lines) == 1:
            raise Wrong

    found = Metrics("shop", "order", write, flush_seconds=0.01)
    found.start()
    while len(lines) < 3:
        found.count("requests")
    found.close()
    assert "metrics were lost" in caplog.text


async def test_a_client_that_takes_nothing_loses_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKING_SECONDS", 0.05)
    slow, well = (Client(answering(b"a", headers=(length(1),))) for _ in range(2))
    for client in (slow, well):
        client.protocol.pause_writing()
        await client.ask()
    well.protocol.resume_writing()
    await until(lambda: slow.closed)
    assert not well.closed
    assert well.sent.endswith(b"a")
    for client in (slow, well):
        client.protocol.connection_lost(None)
    await until(lambda: not slow.state.tasks)
