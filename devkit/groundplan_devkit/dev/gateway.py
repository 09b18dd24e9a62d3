"""The local gateway: one address for all services, with routes, headers, CQRS and errors as in the API gateway.

It checks no tokens, which the services do as well, and limits no rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groundplan.program.routes import PublicResource
from groundplan_chassis.connection import BoundedProtocol
from groundplan_devkit.ports import HOST
from groundplan_devkit.problems import Unavailable

HEALTH_PATH = "/api/health"
"""Paths that the cloud's gateway answers itself (`groundplan_components.shared.api_contract`)."""
TIMEOUT_SECONDS = 29.0
"""API Gateway's own limit for a regional API."""
LARGEST_BODY = 10 * 1024 * 1024
"""API Gateway's payload limit, in bytes."""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
READS = frozenset({"GET", "HEAD"})
# Of one connection only (RFC 9110, section 7.6.1), or the gateway's own to say.
_NOT_FORWARDED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "http2-settings", "expect", "host", "content-length", "x-viewer-ip",
        "x-request-id", "x-forwarded-for",
    }
)  # fmt: skip
_NOT_RETURNED = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "date", "server"})


@dataclass(frozen=True)
class Gateway:
    resources: Sequence[PublicResource]
    addresses: Mapping[str, str]
    """By workload (`order-query`), where it answers: `http://127.0.0.1:4711`."""
    pages: Sequence[Route] = ()
    """What is answered here, before all else."""
    client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
    )

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                *self.pages,
                Route(HEALTH_PATH, _healthy, methods=["GET"]),
                Route("/{path:path}", self.forward, methods=METHODS),
            ]
        )

    def workload(self, method: str, path: str) -> str | None:
        """The process that answers; None: there is none."""
        for resource in self.resources:
            if path == resource.path or path.startswith(f"{resource.path}/"):
                return resource.reads if method in READS else resource.writes
        return None

    async def forward(self, request: Request) -> Response:
        workload = self.workload(request.method, request.url.path)
        if workload is None:
            return refusal(404, "NOT_FOUND", "Not found")
        body = await request.body()
        if len(body) > LARGEST_BODY:
            return refusal(413, "PAYLOAD_TOO_LARGE", "The body is too large")
        address = self.addresses.get(workload)
        if address is None:
            return refusal(502, "BAD_GATEWAY", "The service could not be reached")
        request_id = str(uuid.uuid4())
        try:
            answer = await self.client.request(
                request.method,
                # As it was sent: decoding and encoding it anew could make another path of it.
                f"{address}{_target(request)}",
                headers=_headers(request, request_id),
                content=body,
            )
        except httpx.TimeoutException:
            return refusal(504, "GATEWAY_TIMEOUT", "The service did not answer in time")
        except httpx.HTTPError:
            return refusal(502, "BAD_GATEWAY", "The service could not be reached")
        response = Response(answer.content, answer.status_code)
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _NOT_RETURNED | {"content-encoding", "content-length"}
        ]
        if request.method != "HEAD" and answer.status_code not in (204, 304):
            response.headers["content-length"] = str(len(answer.content))
        return response


def _headers(request: Request, request_id: str) -> list[tuple[bytes, bytes]]:
    named = {each.strip().lower() for value in request.headers.getlist("connection") for each in value.split(",")}
    dropped = _NOT_FORWARDED | named
    kept = [(name, value) for name, value in request.headers.raw if name.decode("latin-1") not in dropped]
    viewer = request.client.host if request.client else "127.0.0.1"
    own = [(b"x-viewer-ip", viewer.encode()), (b"x-request-id", request_id.encode())]
    return [*kept, *own]


@contextlib.asynccontextmanager
async def listening(gateway: Gateway, port: int) -> AsyncIterator[None]:
    """The gateway answers on a port of 127.0.0.1 while the block runs. Raises Unavailable when the port is taken."""
    # The listening socket is made here, where a refusal can be said better than by ending the process.
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise Unavailable(f"port {port}", error.strerror or str(error), "a free port", "choose another one") from None
    config = uvicorn.Config(
        gateway.app(), http=BoundedProtocol, ws="none", log_level="warning", access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    # Signals are the session's to handle.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()
        await gateway.client.aclose()


def refusal(status: int, code: str, message: str) -> Response:
    """In the error envelope (R4), as `groundplan_components.gateway._responses` words it."""
    content = json.dumps({"error": {"code": code, "message": message, "details": []}}, separators=(",", ":"))
    return Response(content, status, media_type="application/json")


def _target(request: Request) -> str:
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _healthy(request: Request) -> Response:
    del request
    return Response('{"status":"ok"}', media_type="application/json")
