"""One session of `make dev`: starts all parts in order, restarts after edits, stops all at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import starmap
from pathlib import Path

import httpx
from watchfiles import Change, awatch

from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.program.routes import API_PREFIX, PublicResource, public_resources
from groundplan_chassis.observe.tracing import ENDPOINT_VARIABLE, SAMPLE_VARIABLE, TRACES_VARIABLE
from groundplan_chassis.settings import SERVING
from groundplan_devkit import event_log
from groundplan_devkit.dev import debugged as debugger
from groundplan_devkit.dev.alone import record_address
from groundplan_devkit.dev.debugged import FIRST_PORT, PORT_VARIABLE
from groundplan_devkit.dev.edits import concerned
from groundplan_devkit.dev.follow import Follower
from groundplan_devkit.dev.gateway import Gateway, listening
from groundplan_devkit.dev.managed import FIRST_PAUSE, ManagedProcess
from groundplan_devkit.dev.page.app import PATH, TRACES_PATH, Page
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT
from groundplan_devkit.ports import HOST, free_port, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation, local_stack
from groundplan_devkit.provision.shards import most_shards
from groundplan_devkit.say import say
from groundplan_devkit.servers import Kind, start, stop
from groundplan_devkit.servers.identity import People
from groundplan_devkit.servers.running import end_left_over, start_reaper
from groundplan_devkit.services import run_service, start_service
from groundplan_devkit.state import PROJECT

PORT = 8080
LOOK_SECONDS = 0.15
"""Pause between two checks of logs and processes."""
LONGEST_PAUSE = 30.0
"""Seconds before a process that ended by itself starts again, at most."""
GUARD_SECONDS = 2.0
"""Pause between two looks whether the process that ends everything after this one is still there."""
EXPORT_MILLISECONDS = 500
"""Pause between two exports of spans; OpenTelemetry's own is ten times as long."""
NO_REQUEST = "No public resource can be listed: the services' own addresses answer what their openapi.json says"
STABLE_SECONDS = 60.0
"""Run time after which a failure counts as a new one, with a short pause."""


@dataclass
class Session:
    """One run of `make dev`."""

    system: System
    directory: Path
    port: int = PORT
    seed: bool = True
    reload: bool = True
    debug: str = ""
    """A service (`order`) or process (`order-api`) that a debugger can attach to; empty: none."""
    shown: Callable[[str], None] = say
    processes: dict[str, ManagedProcess] = field(default_factory=dict)
    """By workload (`order-api`)."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Where each workload answers; the gateway reads it."""
    url: str = ""
    """Of the API; empty until it is ready."""
    _guarded: float = 0.0

    async def run(self, *, once: bool = False) -> int:
        """Until cancelled; with ``once``, until the first request was answered. Returns an exit status."""
        began = time.monotonic()
        background: list[asyncio.Task[None]] = []
        try:
            installation = await self._prepare()
            port = self.free_port()
            page = Page(installation, self.processes, lambda: bool(self.url))
            # Services export spans to the page from their first moment on.
            async with listening(self._gateway(installation, page), port), contextlib.aclosing(page):
                try:
                    follower = await self._start(installation, page, port)
                    background.append(asyncio.create_task(self._attend(follower)))
                    sink = event_log.Folder(self.directory / "event-log")
                    background.append(asyncio.create_task(event_log.write(installation, sink)))
                    # From before it is said that edits are picked up.
                    if self.reload and not once:
                        background.append(asyncio.create_task(self._watch_edits(installation)))
                    await self._ready(all_must=once)
                    self._banner(installation, port, time.monotonic() - began)
                    if once:
                        return await self._try_it(installation, port)
                    await self._until_one_fails(background)
                finally:
                    # While the page still takes their last spans: they would wait for one that is gone.
                    await _ended(background)
                    await self._stop_services()
            return 1
        finally:
            await _ended(background)
            await self._stop()

    def needed(self) -> tuple[tuple[Kind, ...], int]:
        """Which servers the system needs, and how many shards."""
        planned = plan(self.system, local_stack())
        kinds: list[Kind] = ["postgres", "aws", "identity"]
        if planned.cache is not None:
            kinds.append("valkey")
        if planned.events is not None and planned.events.kafka is not None:
            kinds.append("kafka")
        return tuple(kinds), most_shards(planned)

    async def _prepare(self) -> Installation:
        kinds, shards = self.needed()
        self.shown(f"Starting {', '.join(kinds)}")
        self.directory.mkdir(parents=True, exist_ok=True)
        start_reaper(self.directory, os.getpid(), remove=False)
        await asyncio.to_thread(end_left_over, self.directory)
        servers = await asyncio.to_thread(start, self.directory, kinds, shards=shards, people=People.of(self.system))
        installation = Installation(self.system, servers)
        await self._each_service(installation, "Migrating", "migrate")
        if self.seed:
            await self._each_service(installation, "Seeding", "seed")
        return installation

    async def _each_service(self, installation: Installation, doing: str, command: str) -> None:
        services = list(self.system.services)
        self.shown(f"{doing} {', '.join(services)}")
        # What is shared is made first: two threads would make it twice.
        await asyncio.to_thread(installation.settings, services[0], "migrate")
        await asyncio.gather(*(asyncio.to_thread(run_service, installation, service, command) for service in services))

    async def _start(self, installation: Installation, page: Page, port: int) -> Follower:
        workloads = [(service, role) for service in self.system.services for role in installation.roles(service)]
        follower = Follower(max(len(f"{service}-{role}") for service, role in workloads))
        debugged = self._debugged([(f"{service}-{role}", service) for service, role in workloads])
        for service, role in workloads:
            name = f"{service}-{role}"
            log = self.directory / f"{name}.log"
            log.unlink(missing_ok=True)
            follower.add(name, log)
            page.lines.add(name, log)
            running = await asyncio.to_thread(
                start_service,
                installation,
                service,
                role,
                self.directory,
                {
                    **traced(port),
                    **({PORT_VARIABLE: str(debugged[name])} if name in debugged else {}),
                },
                name=name,
                through=debugger.__name__ if name in debugged else None,
            )
            self.processes[name] = ManagedProcess(running)
            self.addresses[name] = running.url
        return follower

    def _debugged(self, workloads: Sequence[tuple[str, str]]) -> dict[str, int]:
        """The processes that are to open a debugger's port, and which. Raises Unavailable for a name that none has."""
        names = [name for name, service in workloads if self.debug and self.debug in (name, service)]
        if self.debug and not names:
            known = ", ".join(dict.fromkeys(each for _, each in workloads))
            raise Unavailable(
                f"DEBUGGER={self.debug}", "no such service or process", f"one of {known}", "name one of them"
            )
        if names and find_spec("debugpy") is None:
            raise Unavailable("debugpy", "not installed", "it in the Python environment", "run `make setup`")
        ports = dict(zip(names, range(FIRST_PORT, FIRST_PORT + len(names)), strict=True))
        return {name: port if is_free(port) else free_port() for name, port in ports.items()}

    async def _ready(self, *, all_must: bool) -> None:
        """Wait until all can work. One that can't is told of: an edit may mend it.

        Raises Unavailable for it when ``all_must``.
        """
        waiting = (asyncio.to_thread(managed.running.wait_until_ready) for managed in self.processes.values())
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(result, Unavailable) and not all_must:
                self.shown(str(result))
            elif isinstance(result, BaseException):
                raise result

    async def _attend(self, follower: Follower) -> None:
        """Shows logs, and the address again once they have scrolled it away; restarts processes that ended by
        themselves, the reaper among them."""
        while True:
            follower.show()
            if self.url and follower.scrolled_away():
                self.shown(f"The API: {self.url}")
            if time.monotonic() - self._guarded > GUARD_SECONDS:
                self._guarded = time.monotonic()
                start_reaper(self.directory, os.getpid(), remove=False)
            for name, managed in self.processes.items():
                if managed.again_at is None and not managed.running.process.alive():
                    if time.monotonic() - managed.started > STABLE_SECONDS:
                        managed.pause = FIRST_PAUSE
                    self._start_later(name, managed, "has ended")
                elif managed.again_at is not None and time.monotonic() >= managed.again_at:
                    try:
                        self._start_again(name, managed)
                    except OSError as error:
                        self._start_later(name, managed, f"could not be started ({error})")
            await asyncio.sleep(LOOK_SECONDS)

    def _start_later(self, name: str, managed: ManagedProcess, said: str) -> None:
        self.shown(f"{name} {said}; it starts again in {managed.pause:.0f} s, or after an edit")
        managed.again_at = time.monotonic() + managed.pause
        managed.pause = min(2 * managed.pause, LONGEST_PAUSE)

    def _start_again(self, name: str, managed: ManagedProcess) -> None:
        before = managed.running
        managed.running = before.relocated()
        if managed.running is not before:
            self.addresses[name] = managed.running.url
            self.shown(f"Port {before.port} of {name} was taken by another program; it is at {managed.running.url} now")
        managed.running.process.start()
        managed.started, managed.again_at = time.monotonic(), None
        managed.restarts += 1

    def _gateway(self, installation: Installation, page: Page) -> Gateway:
        return Gateway(public_resources(self.system, installation.plan), self.addresses, page.routes())

    def free_port(self) -> int:
        """The port that was asked for, or another one when it is taken."""
        port = self.port if self.port and is_free(self.port) else free_port()
        if self.port not in (0, port):
            self.shown(f"Port {self.port} is taken; the API is at {port} this time (make dev PORT=… chooses)")
        return port

    async def _watch_edits(self, installation: Installation) -> None:
        paths = [path for path in (PROJECT / "chassis", PROJECT / "services", PROJECT / "system.yaml") if path.exists()]
        async for changes in awatch(*paths, watch_filter=_worth_a_look):
            edited = [Path(path) for _, path in changes]
            found = concerned(PROJECT, self.system.services, edited)
            if found.declaration:
                self.shown("system.yaml has changed: press Ctrl-C and start anew to run what it declares now")
            if not found.restart:
                continue
            self.shown(f"Edited: {', '.join(sorted({path.name for path in edited}))}")
            for service in sorted(found.migrate):
                try:
                    await asyncio.to_thread(run_service, installation, service, "migrate")
                except Unavailable as problem:
                    self.shown(str(problem))
            await self._restart(found.restart)

    async def _restart(self, services: frozenset[str]) -> None:
        """Those that answer requests first: all at once would take all the processors, and each be late."""
        edited = {name: managed for name, managed in self.processes.items() if managed.running.service in services}
        serving = {name: managed for name, managed in edited.items() if managed.running.role in SERVING}
        others = {name: managed for name, managed in edited.items() if name not in serving}
        failed = 0
        for each in (serving, others):
            failed += await self._restart_at_once(each)
        restarted = f"Restarted {', '.join(sorted(services))}; the API: {self.url}"
        self.shown(restarted if not failed else "Not ready: see what the log says")

    async def _restart_at_once(self, processes: Mapping[str, ManagedProcess]) -> int:
        """Returns how many are not ready."""
        for managed in processes.values():
            # While it stops, `_attend` must not start it.
            managed.again_at = float("inf")
        results = await asyncio.gather(*starmap(self._stop_and_start, processes.items()), return_exceptions=True)
        failed = [(name, each) for name, each in zip(processes, results, strict=True) if each is not None]
        for name, error in failed:
            if not isinstance(error, Unavailable):  # which its log tells
                self.shown(f"{name} could not be restarted ({type(error).__name__}: {error}); save the file again")
        return len(failed)

    async def _stop_and_start(self, name: str, managed: ManagedProcess) -> None:
        try:
            await asyncio.to_thread(managed.running.stop)
            managed.pause = FIRST_PAUSE
            self._start_again(name, managed)
        finally:
            # `_attend` looks after it again, whether it runs, does not, or could not be stopped.
            managed.again_at = None
        await asyncio.to_thread(managed.running.wait_until_ready)

    async def _until_one_fails(self, background: list[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(background, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _try_it(self, installation: Installation, port: int) -> int:
        """The first request, as the banner shows it."""
        first = first_request(self.system, installation)
        if first is None:
            self.shown(NO_REQUEST)
            return 0
        resource, role = first
        headers = {"authorization": f"Bearer {self._token(installation, role)}"} if role else {}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(f"http://{HOST}:{port}{resource.path}", headers=headers)
        self.shown(f"GET {resource.path}: {answer.status_code} {answer.text[:500]}")
        return 0 if answer.status_code == 200 else 1

    def _token(self, installation: Installation, role: str) -> str:
        assert installation.servers.identity is not None
        scopes = [f"{self.system.name}/read", f"{self.system.name}/write"]
        return installation.servers.identity.issuer.access_token(LOCAL_SUBJECT, [role], scopes=scopes)

    def _banner(self, installation: Installation, port: int, seconds: float) -> None:
        identity = installation.servers.identity
        assert identity is not None
        self.url = f"http://{HOST}:{port}{API_PREFIX}"
        record_address(self.directory, self.url)
        lines = [
            "",
            f"Ready after {seconds:.1f} s: {self.url}",
            *(f"    {name:24} {managed.running.url}{_debugger(managed)}" for name, managed in self.processes.items()),
            f"    {'the page':24} http://{HOST}:{port}{PATH}/  logs, traces, dead letters, tokens, the APIs",
            f"    {'tokens':24} {identity.issuer.url}",
            f"    {'event log':24} {_relative(self.directory / 'event-log')}",
            f"    {'logs':24} {_relative(self.directory)}/*.log",
            "",
            *self._first_lines(installation, port),
            "",
            "Edits are picked up. Ctrl-C stops everything; data stay (make dev FRESH=1 begins without).",
            "",
        ]
        self.shown("\n".join(lines))

    def _first_lines(self, installation: Installation, port: int) -> list[str]:
        first = first_request(self.system, installation)
        if first is None:
            return [NO_REQUEST]
        resource, role = first
        python = _relative(Path(sys.executable))
        bearer = f'-H "authorization: Bearer $({python} -m groundplan_devkit.token --role {role})" ' if role else ""
        return ["The first request:", f"    curl {bearer}http://{HOST}:{port}{resource.path}"]

    async def _stop_services(self) -> None:
        running = [managed.running for managed in self.processes.values()]
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in running))

    async def _stop(self) -> None:
        self.shown("Stopping")
        # All that was started in the directory, the services' processes among them.
        await asyncio.to_thread(stop, self.directory)


def first_request(system: System, installation: Installation) -> tuple[PublicResource, str | None] | None:
    """A list that can be asked for, and the role that sees most of it (None: anyone may); None: there is no such list.

    The project's README shows the same one.
    """
    for resource in public_resources(system, installation.plan):
        access = resource.resource.access("list")
        if access and access.anyone:
            return resource, None
        if access and access.grants:
            return resource, min(access.grants, key=lambda grant: grant.own).role
    return None


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def traced(port: int) -> dict[str, str]:
    """The settings by which a service exports its spans to the page, all of them and soon; a collector that the caller
    has named gets them instead."""
    if any(os.environ.get(name) for name in (ENDPOINT_VARIABLE, TRACES_VARIABLE)):
        return {}
    return {
        TRACES_VARIABLE: f"http://{HOST}:{port}{TRACES_PATH}",
        SAMPLE_VARIABLE: "1",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": str(EXPORT_MILLISECONDS),
    }


def _worth_a_look(change: Change, path: str) -> bool:
    del change
    return path.endswith((".py", "system.yaml")) and "__pycache__" not in path


def _debugger(managed: ManagedProcess) -> str:
    port = managed.running.process.environment.get(PORT_VARIABLE)
    return f"   debugger: {HOST}:{port}" if port else ""


def _relative(path: Path) -> str:
    """As a person types it from the project's folder."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
