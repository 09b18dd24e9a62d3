"""Routes of the page, below `/dev/`: the files that a browser loads, and what they ask for."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from groundplan_devkit.dev.managed import ManagedProcess
from groundplan_devkit.dev.page import guard
from groundplan_devkit.dev.page.apis import documents
from groundplan_devkit.dev.page.brokers import Broker, broker_of, readers_of
from groundplan_devkit.dev.page.lines import Lines
from groundplan_devkit.dev.page.spans import decoded
from groundplan_devkit.dev.page.traces import Traces
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers.identity import People
from groundplan_devkit.services import run_service

PATH = "/dev"
TRACES_PATH = f"{PATH}/v1/traces"
"""Where services export spans (OTLP over HTTP)."""
STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
READY_SECONDS = 2.0
"""How long a process may take to say that it is ready."""
REDRIVE_SECONDS = 120.0
MOST_SPAN_BYTES = 8 * 1024 * 1024
MOST_TRACES_SHOWN = 100
LONGEST_SUBJECT = 64
Handle = Callable[[Request], Awaitable[Response]]


class Page:
    """What a session offers to a browser. It reads the session, and changes nothing but dead letters."""

    def __init__(
        self,
        installation: Installation,
        processes: Mapping[str, ManagedProcess],
        ready: Callable[[], bool],
        broker: Broker | None = None,
    ) -> None:
        """``ready``: whether the session has started all of its processes. ``broker``: the installation's when
        absent."""
        self.lines, self.traces = Lines(), Traces()
        self._installation, self._processes, self._ready = installation, processes, ready
        self._broker = broker or broker_of(installation)
        self._began = time.time()
        self._client = httpx.AsyncClient(timeout=READY_SECONDS, trust_env=False)
        self._redriving: set[str] = set()
        self._at_letters: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def routes(self) -> list[Route]:
        api = f"{PATH}/api"
        return [
            Route("/", self._guarded(self._front)),
            Route(PATH, self._guarded(self._front)),
            Route(TRACES_PATH, self._guarded(self._receive), methods=["POST"]),
            Route(f"{api}/state", self._guarded(self._state)),
            Route(f"{api}/logs", self._guarded(self._logs)),
            Route(f"{api}/statements", self._guarded(self._statements)),
            Route(f"{api}/traces", self._guarded(self._summaries)),
            Route(f"{api}/traces/{{id}}", self._guarded(self._trace)),
            Route(f"{api}/events", self._guarded(self._events)),
            Route(f"{api}/dead-letters/{{reader}}", self._guarded(self._letters)),
            Route(f"{api}/dead-letters/{{reader}}/redrive", self._guarded(self._redrive), methods=["POST"]),
            Route(f"{api}/tokens", self._guarded(self._token), methods=["POST"]),
            Route(f"{api}/documents", self._guarded(self._documents)),
            Route(f"{PATH}/{{file:path}}", self._guarded(self._file)),
        ]

    async def aclose(self) -> None:
        await self._client.aclose()

    def _guarded(self, handle: Handle) -> Handle:
        async def answer(request: Request) -> Response:
            reason = guard.refused(request)
            if reason is not None:
                response: Response = _problem(403, "The page of make dev", reason, "open it as make dev shows it")
            else:
                try:
                    response = await handle(request)
                except Unavailable as problem:
                    response = _problem(503, problem.what, problem.found, problem.remedy)
            for name, value in guard.HEADERS.items():
                response.headers[name] = value
            return response

        return answer

    async def _front(self, request: Request) -> Response:
        del request
        return RedirectResponse(f"{PATH}/", status_code=307)

    async def _file(self, request: Request) -> Response:
        path = STATIC / (request.path_params["file"] or "index.html")
        # A name as it stands in the folder: nothing that leads out of it.
        if path.name not in {each.name for each in STATIC.iterdir()} or path.parent != STATIC:
            return _problem(404, f"{PATH}/{request.path_params['file']}", "no such file", f"open {PATH}/")
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix])

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MOST_SPAN_BYTES:
            return _problem(413, "Spans", f"{len(body)} bytes", f"send {MOST_SPAN_BYTES} at most")
        try:
            self.traces.add(decoded(body))
        except ValueError as error:
            return _problem(400, "Spans", str(error), "send protobuf, uncompressed (OTEL_EXPORTER_OTLP_PROTOCOL)")
        # An ExportTraceServiceResponse without fields is empty.
        return Response(b"", media_type="application/x-protobuf")

    async def _state(self, request: Request) -> Response:
        del request
        self.lines.read()
        servers = self._installation.servers
        people = People.of(self._installation.system)
        processes = await asyncio.gather(*(self._process(name, each) for name, each in self._processes.items()))
        return JSONResponse(
            {
                "system": self._installation.system.name,
                "ready": self._ready(),
                "began": self._began,
                "roles": people.roles,
                "subject": LOCAL_SUBJECT,
                "token_minutes": people.token_seconds // 60,
                "processes": processes,
                "servers": [
                    {"name": name, "address": servers.address(name), "alive": process.alive()}
                    for name, process in servers.processes().items()
                ],
            }
        )

    async def _process(self, name: str, managed: ManagedProcess) -> dict[str, Any]:
        running, pid = managed.running, managed.running.process.pid
        state = "ended"
        if managed.again_at == float("inf"):
            state = "restarting"
        elif pid is not None:
            state = "ready" if await self._is_ready(running.url) else "not ready"
        return {
            "name": name,
            "service": running.service,
            "role": running.role,
            "url": running.url,
            "state": state,
            "pid": pid,
            "memory_mb": _memory_mb(pid),
            "seconds": round(time.monotonic() - managed.started) if pid is not None else None,
            "restarts": managed.restarts,
            "counts": self.lines.counts(name),
        }

    async def _is_ready(self, url: str) -> bool:
        try:
            return (await self._client.get(f"{url}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _logs(self, request: Request) -> Response:
        self.lines.read()
        asked = request.query_params
        found = self.lines.found(
            asked.get("text", ""),
            process=asked.get("process", ""),
            level=asked.get("level", "debug"),
            kind=asked.get("kind", ""),
            trace_id=asked.get("trace", ""),
        )
        return JSONResponse(found)

    async def _statements(self, request: Request) -> Response:
        del request
        self.lines.read()
        allowed = self._installation.system.requirements.query_p95_ms
        return JSONResponse({"allowed_ms": allowed, "statements": self.lines.slow_statements()})

    async def _summaries(self, request: Request) -> Response:
        found = self.traces.summaries(request.query_params.get("text", ""), failed="failed" in request.query_params)
        return JSONResponse({"traces": found[:MOST_TRACES_SHOWN], "more": max(0, len(found) - MOST_TRACES_SHOWN)})

    async def _trace(self, request: Request) -> Response:
        found = self.traces.trace(request.path_params["id"])
        if found is None:
            return _problem(
                404, "Trace", "not here", "wait a second: services export spans twice a second; old ones make room"
            )
        return JSONResponse(found)

    async def _events(self, request: Request) -> Response:
        del request
        if self._broker is None:
            return JSONResponse({"topics": [], "readers": []})
        topics, readers = await self._broker.state()
        return JSONResponse(
            {
                "topics": [dataclasses.asdict(topic) for topic in topics],
                "readers": [dataclasses.asdict(reader) for reader in readers],
            }
        )

    async def _letters(self, request: Request) -> Response:
        reader = request.path_params["reader"]
        if self._broker is None or reader not in readers_of(self._installation):
            return self._no_reader(reader)
        # A look hides what it meets from a redrive, and the other way round.
        async with self._at_letters[reader]:
            letters = await self._broker.letters(reader)
        return JSONResponse({"letters": [dataclasses.asdict(letter) for letter in letters]})

    async def _redrive(self, request: Request) -> Response:
        reader = request.path_params["reader"]
        known = readers_of(self._installation)
        if reader not in known:
            return self._no_reader(reader)
        if reader in self._redriving:
            return _problem(409, f"Redrive of {reader}", "it runs already", "wait for it")
        service, role = known[reader]
        self._redriving.add(reader)
        try:
            async with self._at_letters[reader]:
                said = await asyncio.to_thread(
                    run_service, self._installation, service, "redrive", role=role, seconds=REDRIVE_SECONDS
                )
        finally:
            self._redriving.discard(reader)
        return JSONResponse({"outcome": _outcome(said)})

    async def _token(self, request: Request) -> Response:
        identity, system = self._installation.servers.identity, self._installation.system
        assert identity is not None
        try:
            asked = json.loads(await request.body())
            role, subject = str(asked.get("role") or ""), str(asked.get("subject") or LOCAL_SUBJECT).strip()
        except (ValueError, AttributeError):
            return _problem(400, "Token", "no JSON object", 'send {"role": …, "subject": …}')
        people = People.of(system)
        if role and role not in people.roles:
            return _problem(422, "Role", repr(role)[:100], f"choose one of {', '.join(people.roles)}")
        if not 0 < len(subject) <= LONGEST_SUBJECT:
            return _problem(422, "Subject", f"{len(subject)} characters", f"give 1 to {LONGEST_SUBJECT}")
        token = identity.issuer.access_token(
            subject,
            [role] if role else [],
            scopes=[f"{system.name}/read", f"{system.name}/write"],
            seconds=people.token_seconds,
        )
        return JSONResponse({"token": token, "seconds": people.token_seconds})

    async def _documents(self, request: Request) -> Response:
        del request
        return JSONResponse({"documents": await asyncio.to_thread(documents, self._installation.system)})

    def _no_reader(self, reader: str) -> Response:
        known = ", ".join(readers_of(self._installation)) or "none"
        return _problem(404, f"Reader {reader[:100]}", "no such reader", f"choose one of {known}")


def _problem(status: int, what: str, found: str, remedy: str) -> Response:
    return JSONResponse({"what": what, "found": found, "remedy": remedy}, status)


def _outcome(said: str) -> str:
    """The line in which the command says what it did."""
    for line in reversed(said.splitlines()):
        try:
            message = str(json.loads(line)["message"])
        except (ValueError, KeyError, TypeError):
            continue
        if message.startswith("dead letters:"):
            return message
    return "It has ended, without a word on dead letters."


def _memory_mb(pid: int | None) -> int | None:
    if pid is None:
        return None
    try:
        return round(psutil.Process(pid).memory_info().rss / 1e6)
    except psutil.Error:
        return None
