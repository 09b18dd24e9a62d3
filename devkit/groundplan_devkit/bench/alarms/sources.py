"""Where the metrics of alarms are measured: as the cloud's services define them, on the servers of this machine.

| namespace | here |
|---|---|
| the services' own | lines of the embedded metric format in their logs, as CloudWatch reads them |
| AWS/ApiGateway, AWS/ApplicationELB | requests and health checks from where these stand, before the processes |
| AWS/RDS | PostgreSQL's statistics, and the processor's time of its processes |
| AWS/ElastiCache | `INFO` of the cache |
| AWS/Kafka | offsets of groups and topics, and the controller that the broker names |

What doesn't answer reports nothing, as in the cloud.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from aiokafka.errors import KafkaError

from groundplan_devkit.bench.alarms.readings import Metric, Readings
from groundplan_devkit.bench.faults.whole import Whole
from groundplan_devkit.bench.processor import core_seconds
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.dev.page.brokers.kafka import KafkaTopics
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService
from groundplan_devkit.tail import Tail

EVERY_SECONDS = 2.0
"""Pause between two looks at a server."""
ANSWER_SECONDS = 8.0
UNHEALTHY_CHECKS = 3
"""Failed checks in a row after which a target gets no requests (`groundplan_components.gateway.load_balancer`)."""
HEALTHY_CHECKS = 2
BEHIND_THE_BALANCER = ("api", "command", "query")
"""Roles that answer requests."""
_REFUSED_STATUSES = (401, 403, 429)
_SERVER_ERROR, _CLIENT_ERROR = 500, 400
_DENIED = {
    "auth": "AuthenticationFailures",
    "command": "CommandAuthorizationFailures",
    "key": "KeyAuthorizationFailures",
    "channel": "ChannelAuthorizationFailures",
}
"""The reason in the log of refusals to ElastiCache's metric: counters of them came with Valkey and Redis 7.2."""
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, Unavailable, RuntimeError, OSError, TimeoutError)
"""What looks at servers raise that don't answer."""


class By(Enum):
    """Where an answer was made."""

    TARGET = "a process behind the load balancer"
    BALANCER = "the load balancer itself: it got none from a process"
    GATEWAY = "the gateway itself: it waited no longer"


class Sources:
    """Measures from the beginning of its block to its end."""

    def __init__(self, on: Stage, running: Whole, readings: Readings) -> None:
        self._on, self._running, self._readings = on, running, readings
        self._counters: dict[Metric, float] = {}
        self._tails: dict[Path, Tail] = {}

    @contextlib.asynccontextmanager
    async def measuring(self) -> AsyncIterator[None]:
        looks = [self._services, self._primary, self._replica, self._cache, self._balancer, self._processors]
        if self._on.servers.kafka is not None:
            looks.append(self._kafka)
        tasks = [asyncio.create_task(self._repeated(look)) for look in looks]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def answered(self, process: RunningService, status: int, by: By, seconds: float) -> None:
        """A client got this answer at the gateway to a request for ``process``, after so long."""
        at = time.time()
        failed = status >= _SERVER_ERROR
        self._add("Count", "", at, 1)
        self._add("5XXError", "", at, failed)
        self._add("4XXError", "", at, _CLIENT_ERROR <= status < _SERVER_ERROR)
        self._add("Latency", "", at, seconds * 1000)
        if failed and by is By.BALANCER:
            self._add("HTTPCode_ELB_5XX_Count", "", at, 1)
        if failed and by is By.TARGET:
            self._add("HTTPCode_Target_5XX_Count", _workload(process), at, 1)
        if status in _REFUSED_STATUSES:
            self._add(f"gateway_{status}", "", at, 1)

    async def lag(self, reader: str, event: str) -> int:
        """Events that the reader has not read yet. Raises Unavailable."""
        return (await KafkaTopics(self._on.installation).lags())[reader, event]

    async def _repeated(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            with contextlib.suppress(*_AWAY):
                await look()
            await asyncio.sleep(EVERY_SECONDS)

    def _add(self, name: str, subject: str, at: float, value: float, count: int = 1) -> None:
        self._readings.add(Metric(name, subject), at, value, count)

    def _counted(self, name: str, subject: str, at: float, total: float) -> None:
        """What a counter rose by since the last look; one that is smaller has begun anew."""
        metric = Metric(name, subject)
        before = self._counters.get(metric)
        self._counters[metric] = total
        if before is not None:
            self._readings.add(metric, at, total - before if total >= before else total)

    async def _services(self) -> None:
        for path in Path(self._on.directory).glob("*.log"):
            tail = self._tails.setdefault(path, Tail(path))
            for line in tail.lines():
                for name, service, at, value, count in embedded(line):
                    self._add(name, service, at, value, count)

    async def _primary(self) -> None:
        service = next(iter(self._on.system.services))
        connection = await asyncio.wait_for(self._on.connect(service), ANSWER_SECONDS)
        try:
            deadlocks = await connection.fetchval("SELECT sum(deadlocks) FROM pg_stat_database")
            self._counted("db.Concurrency.deadlocks.avg", "primary", time.time(), float(deadlocks))
        finally:
            await connection.close()

    async def _replica(self) -> None:
        postgres = self._on.servers.postgres
        assert postgres is not None
        connection = await asyncpg.connect(postgres.dsn(replica=0), timeout=ANSWER_SECONDS)
        try:
            # As RDS reckons it: an idle primary's replica falls behind until the next write.
            lag = await connection.fetchval("SELECT extract(epoch FROM now() - pg_last_xact_replay_timestamp())")
            if lag is not None:
                self._add("ReplicaLag", "replica-1", time.time(), float(lag))
        finally:
            await connection.close()

    async def _processors(self) -> None:
        """Of this machine's cores: a server has no machine of its own here."""
        process = self._on.servers.process(self._on.primary)
        spent = await asyncio.to_thread(_processor_seconds, process.pid)
        at = time.time()
        clock = self._counters.get(Metric("at", "primary"))
        before = self._counters.get(Metric("processor", "primary"))
        self._counters[Metric("at", "primary")] = at
        if spent is None:
            self._counters.pop(Metric("processor", "primary"), None)
            return
        self._counters[Metric("processor", "primary")] = spent
        if before is not None and clock is not None:
            share = max(0.0, spent - before) / (at - clock) / (os.cpu_count() or 1)
            self._add("CPUUtilization", "primary", at, 100 * share)

    async def _cache(self) -> None:
        valkey = self._on.servers.valkey
        assert valkey is not None
        said = await asyncio.to_thread(valkey.execute, "INFO", "all")
        refused = denials(await asyncio.to_thread(valkey.execute, "ACL", "LOG", "128"))
        at, info = time.time(), dict(_pairs(said))
        for reason, metric in _DENIED.items():
            self._counted(metric, "", at, refused.get(reason, 0))
        self._counted("Evictions", "", at, float(info["evicted_keys"]))
        self._add("DatabaseMemoryUsagePercentage", "", at, 100 * float(info["used_memory"]) / float(info["maxmemory"]))
        busy = float(info["used_cpu_sys_main_thread"]) + float(info["used_cpu_user_main_thread"])
        clock, before = self._counters.get(Metric("at", "cache")), self._counters.get(Metric("busy", "cache"))
        self._counters |= {Metric("at", "cache"): at, Metric("busy", "cache"): busy}
        if before is not None and clock is not None and busy >= before:
            self._add("EngineCPUUtilization", "", at, 100 * (busy - before) / (at - clock))

    async def _kafka(self) -> None:
        topics = KafkaTopics(self._on.installation)
        self._add("ActiveControllerCount", "", time.time(), await topics.has_controller())
        for (reader, event), behind in (await topics.lags()).items():
            self._add("SumOffsetLag", f"{reader} {event}", time.time(), behind)

    async def _balancer(self) -> None:
        checked = [each for each in self._running.processes.values() if each.role in BEHIND_THE_BALANCER]
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            passed = await asyncio.gather(*(_passes(client, f"{each.url}/health/ready") for each in checked))
        at = time.time()
        for each, now in zip(checked, passed, strict=True):
            workload = _workload(each)
            healthy = self._after(Metric("checks", workload), now)
            self._add("HealthyHostCount", workload, at, healthy)
            self._add("UnHealthyHostCount", workload, at, not healthy)

    def _after(self, target: Metric, passed: bool) -> bool:
        """Whether a target is healthy: as many checks in a row as it takes have ended otherwise, or it is as it was."""
        healthy = self._counters.get(target, 1.0) > 0
        run = Metric("differing", target.subject)
        self._counters[run] = self._counters.get(run, 0) + 1 if passed != healthy else 0
        if self._counters[run] >= (UNHEALTHY_CHECKS if healthy else HEALTHY_CHECKS):
            healthy = not healthy
            self._counters[run] = 0
        self._counters[target] = float(healthy)
        return healthy


def _workload(process: RunningService) -> str:
    return f"{process.service}-{process.role}"


def embedded(line: str) -> Iterator[tuple[str, str, float, float, int]]:
    """Name, service, moment, value and count of each measurement in a line of the embedded metric format; none in
    another line."""
    if '"_aws"' not in line:
        return
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return
    at = entry["_aws"]["Timestamp"] / 1000
    service = str(entry.get("service", ""))
    for directive in entry["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            name, value = str(metric["Name"]), entry[metric["Name"]]
            if isinstance(value, Mapping):
                for each, count in zip(value["Values"], value["Counts"], strict=True):
                    yield name, service, at, float(each), int(count)
            else:
                yield name, service, at, float(value), 1


def denials(log: str) -> dict[str, int]:
    """How many refusals of each reason `ACL LOG` tells of, as the client prints it: a name and its value in turns."""
    lines = log.splitlines()
    found: dict[str, int] = {}
    count = 0
    for name, value in zip(lines[::2], lines[1::2], strict=False):
        if name == "count":
            count = int(value)
        elif name == "reason":
            found[value] = found.get(value, 0) + count
    return found


def _pairs(info: str) -> Iterator[tuple[str, str]]:
    for line in info.splitlines():
        name, found, value = line.strip().partition(":")
        if found:
            yield name, value


def _processor_seconds(pid: int | None) -> float | None:
    """Of a process and its children; None: it doesn't run."""
    if pid is None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        return core_seconds(pid)
    return None


async def _passes(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
