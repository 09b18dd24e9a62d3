"""The ASGI application: the steps of each request, in their order.

It is a dispatcher of its own rather than a framework's: on the way to the cache and back a GET has some microseconds of
Python to spend. In the first measurement a skeleton of this dispatcher, with rate limit and conditional GET, reached
0.75 of the requests a second of a bare handler that asks the cache once; the same through Starlette's routes, requests
and responses 0.43. All paths are `<resource>` or `<resource>/{id}`, so two look-ups route them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from groundplan_chassis.access import ANONYMOUS, OWN, REFUSED, decide
from groundplan_chassis.documents import Document
from groundplan_chassis.exchange import ClientTooSlow, exchange_of
from groundplan_chassis.http import answers, headers
from groundplan_chassis.http.admission import SMALL, Admission
from groundplan_chassis.http.answers import Answer
from groundplan_chassis.http.errors import ApiError, Forbidden, OwnedByAnother, RateLimited, Unauthorized, Unavailable
from groundplan_chassis.http.handling import HANDLING, answer_item
from groundplan_chassis.http.operations import READING
from groundplan_chassis.http.ports import ClientAddresses, Limiter, Tokens, Verdict
from groundplan_chassis.http.request import Receive, Request, Scope, Send
from groundplan_chassis.http.routing import Endpoint, Routes
from groundplan_chassis.observe import correlation, names, tracing
from groundplan_chassis.response import read

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.service import Service

App = Callable[[Scope, Receive, Send], Awaitable[None]]

DEADLINE_SECONDS: Final = 25.0
"""Time-out of a handler. The gateway gives up after 29 seconds (its largest integration time-out), and its clients with
it."""
SEND_SECONDS: Final = 30.0
"""Time in which a client takes a large response. The gateway has given up by then."""
_WITHOUT_BODY: Final = frozenset({204, 304})
log = logging.getLogger(__name__)


def create_app(service: Service, role: str, context: Context) -> App:
    """The API of a service for a role: `api` serves all operations, `query` GET, `command` the others (A4)."""
    return Api(Routes(service.operations, role, service.personal_fields), context)


class Api:
    """Dispatches requests to the routes' endpoints."""

    def __init__(self, routes: Routes, context: Context) -> None:
        self._find = routes.find
        self._admission = Admission()
        self._context = context
        self._metrics = context.metrics
        self._requests = context.requests
        self._health = context.health
        self._tokens: Tokens = context.tokens
        self._limiter: Limiter = context.limiter
        self._addresses: ClientAddresses = context.client_address
        self._read_scope = f"{context.settings.system}/read"
        self._write_scope = f"{context.settings.system}/write"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse_protocol(scope, receive, send)
            return
        started = time.perf_counter()
        found, repeated = headers.read_headers(scope["headers"])
        request = Request(
            self._context,
            scope,
            receive,
            found,
            headers.request_id(found.get(headers.REQUEST_ID)),
            self._admission,
            scope["method"],
            scope["path"],
        )
        try:
            if tracing.enabled():
                answer = await self._traced(request, repeated)
            else:
                try:
                    answer = await self._handle(request, repeated)
                except Exception as error:
                    answer = self._refusal(request, error)
            endpoint = request.endpoint
            if endpoint is not None and endpoint.audited and answer.status < 400:
                self._requests.audited(
                    request_id=request.request_id,
                    subject=request.caller.subject,
                    operation=request.operation,
                    items=request.answered or (() if request.item_id is None else (request.item_id,)),
                )
            slow = None
            if not self._respond(request, answer, send):
                try:
                    await self._send(request, answer, send)
                except ClientTooSlow as error:
                    slow = error
            self._requests.finished(
                method=request.method if endpoint is None else endpoint.method,
                route=request.route,
                status=answer.status,
                started=started,
                request_id=request.request_id,
                subject=request.caller.subject or None,
                code=answer.code,
                size=len(answer.body),
            )
            if slow is not None:
                raise slow
        finally:
            if request.held:
                request.release()
            if request.before is not None:
                correlation.end(request.before)

    async def _traced(self, request: Request, repeated: bytes | None) -> Answer:
        parent = {
            name.decode("ascii"): request.headers[name].decode("latin-1")
            for name in (headers.TRACEPARENT, headers.TRACESTATE)
            if name in request.headers
        }
        with tracing.span("request", "server", parent=parent, correlation_id=request.request_id) as span:
            try:
                answer = await self._handle(request, repeated)
            except Exception as error:
                answer = self._refusal(request, error)
            endpoint = request.endpoint
            span.set("http.request.method", request.method if endpoint is None else endpoint.method)
            span.set("http.route", request.route)
            span.set("http.response.status_code", answer.status)
            if answer.status >= 500:
                span.fail(answer.code or "")
            return answer

    def _refusal(self, request: Request, error: Exception) -> Answer:
        """Logs an unexpected error; call it in its `except` block."""
        request.correlate()
        if isinstance(error, ApiError):
            self._log_refusal(request, error)
            return answers.refused(error)
        log.exception(
            "a request ended in an unexpected error",
            extra={"operation": request.operation, "error": type(error).__name__},
        )
        return answers.refused(ApiError())

    async def _handle(self, request: Request, repeated: bytes | None) -> Answer:
        """Sends the rate-limit command first. Route, token and permissions are checked meanwhile, and the cache lookup
        leaves in the same tick, so that both cost one round trip. Before the verdict there is no response and no other
        call."""
        found = request.headers
        client = request.scope.get("client")
        address = request.address = self._addresses.of(
            found.get(headers.VIEWER), found.get(headers.FORWARDED), client[0] if client else None
        )
        asked = _started(self._limiter.take(address))
        cached: Awaitable[Document | None] | None = None
        refusal: ApiError | None = None
        verified = False
        try:
            if repeated is not None:
                raise headers.refuse_repeated(repeated)
            find = self._find
            endpoint, request.item_id = find(request.method, request.path)
            request.endpoint = endpoint
            verified = self._recognise(request)
            if verified:
                self._authorise(request, endpoint)
                cached = self._look_up(request, endpoint)
        except ApiError as error:
            refusal = error
        verdict = request.verdict = await asked
        if not verdict.allowed:
            if cached is not None:
                _abandon(cached)
            raise RateLimited
        if refusal is not None:
            try:
                raise refusal
            finally:
                # It holds this frame, and the frame would hold it until the garbage collector comes.
                del refusal
        if not verified:
            request.correlate()
            request.caller = await self._tokens.verify(headers.bearer_token(found[headers.AUTHORIZATION]))
            self._authorise(request, endpoint)
            cached = self._look_up(request, endpoint)
        if cached is not None:
            document = await cached
            if document is not None:
                return answer_item(request, document)
        request.correlate()
        deadline = asyncio.timeout(DEADLINE_SECONDS)
        try:
            async with deadline:
                return await HANDLING[endpoint.kind](request, endpoint)
        except TimeoutError:
            if deadline.expired():
                raise Unavailable("The request took too long") from None
            raise

    def _recognise(self, request: Request) -> bool:
        """Whether the caller is known without waiting: no token, or a token that was verified before."""
        value = request.headers.get(headers.AUTHORIZATION)
        if value is None:
            return True
        caller = self._tokens.remembered(headers.bearer_token(value))
        if caller is None:
            return False
        request.caller = caller
        return True

    def _authorise(self, request: Request, endpoint: Endpoint) -> None:
        """Denies unless the caller has a valid token, the operation's scope, and a role that allows it (S3, S4)."""
        access = endpoint.access
        if access.anyone:
            return
        caller = request.caller
        if caller is ANONYMOUS:
            raise Unauthorized
        needed = self._read_scope if endpoint.kind in READING else self._write_scope
        if needed not in caller.scopes:
            raise Forbidden(f"The token lacks the scope {needed}")
        decision = decide(access, caller)
        if decision is REFUSED:
            raise Forbidden
        if decision is OWN:
            request.own_only = True

    def _look_up(self, request: Request, endpoint: Endpoint) -> Awaitable[Document | None] | None:
        if endpoint.lookup is None or request.item_id is None or headers.CONSISTENCY_TOKEN in request.headers:
            return None
        return endpoint.lookup(self._context, request.item_id)

    def _log_refusal(self, request: Request, error: ApiError) -> None:
        """Logs and counts refusals for the audit trail and the alarms."""
        if isinstance(error, Forbidden | OwnedByAnother):
            reason = "not the owner" if isinstance(error, OwnedByAnother) else getattr(error, "reason", error.message)
            self._metrics.count(names.ACCESS_DENIED)
            log.warning(
                "access denied",
                extra={
                    "event": names.LOG_ACCESS_DENIED,
                    "subject": request.caller.subject,
                    "operation": request.operation,
                    "aggregate_id": str(request.item_id or ""),
                    "reason": reason,
                },
            )
        elif isinstance(error, RateLimited):
            self._metrics.count(names.RATE_LIMITED)

    def _respond(self, request: Request, answer: Answer, send: Send) -> bool:
        """Sends a small answer at once, where the server is ours and can."""
        answer.own += answers.of_all(request.request_id, request.verdict)
        if request.endpoint is not None:
            answer.own += request.endpoint.notices
        if self._health.draining:
            # The client's next request then finds a process that stays.
            answer.closes = True
        exchange = exchange_of(send)
        return (
            exchange is not None
            and len(answer.body) <= SMALL
            and exchange.respond(answer.status, answer.block, answer.own, answer.body, closes=answer.closes)
        )

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        """Sends what `_respond` has left."""
        sent = [*answer.block.headers, *read(answer.own)]
        if answer.status not in _WITHOUT_BODY:
            sent.append((b"content-length", b"%d" % len(answer.body)))
        if answer.closes:
            sent.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        body = b"" if request.method == "HEAD" else answer.body
        if len(body) > SMALL:
            if not request.held:
                # Such a document is there already: it is counted with, and never waits.
                request.held = self._admission.bytes.count(len(body))
            await _send_large(body, send)
        else:
            await send({"type": "http.response.body", "body": body})


async def _send_large(body: bytes, send: Send) -> None:
    """In parts, each once the client has taken most of those before it: then the bytes are no longer this process's.

    A client that takes none for long loses its connection, and the bytes are free again: raises ClientTooSlow.
    """
    parts = memoryview(body)
    try:
        async with asyncio.timeout(SEND_SECONDS):
            for start in range(0, len(body), SMALL):
                part, more = bytes(parts[start : start + SMALL]), start + SMALL < len(body)
                await send({"type": "http.response.body", "body": part, "more_body": more})
    except TimeoutError:
        raise ClientTooSlow from None


def _started(question: Awaitable[Verdict]) -> Awaitable[Verdict]:
    """A coroutine does nothing before it is awaited: as a task it starts in the next tick."""
    return asyncio.ensure_future(question) if isinstance(question, CoroutineType) else question


def _abandon(question: Awaitable[Any]) -> None:
    """Discards a result that is no longer needed, and retrieves its exception so that asyncio does not log it."""
    if isinstance(question, asyncio.Future):
        question.add_done_callback(lambda done: done.cancelled() or done.exception())
    elif isinstance(question, CoroutineType):
        question.close()


async def _refuse_protocol(scope: Scope, receive: Receive, send: Send) -> None:
    """Lifespan has nothing to start here (`groundplan_chassis.process` does); there are no websockets."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1003})
