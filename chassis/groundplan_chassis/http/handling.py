"""From an authorised request to its response: the inputs, handler call and response of each of the five operations."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, cast
from uuid import UUID

import msgspec

from groundplan_chassis.access import ANONYMOUS
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http import answers, headers
from groundplan_chassis.http.admission import SMALL
from groundplan_chassis.http.answers import Answer
from groundplan_chassis.http.bodies import memory_of, read_body, require_json
from groundplan_chassis.http.conditions import changeable, etag, none_match
from groundplan_chassis.http.envelopes import item_body, list_body
from groundplan_chassis.http.errors import Forbidden, NotFound, OwnedByAnother, PreconditionFailed, Unavailable
from groundplan_chassis.http.operations import Call, ListQuery
from groundplan_chassis.http.request import Request
from groundplan_chassis.http.routing import Endpoint
from groundplan_chassis.http.sizes import PAGE_BYTES

CONSISTENCY_SECONDS: Final = 2.0
"""Longest wait of a read for a write that its client has made: read models follow within half a second."""
FOLLOWED_SECONDS: Final = 60
"""After this time what is not there has been deleted since."""


async def _get(request: Request, endpoint: Endpoint) -> Answer:
    token = headers.consistency_token(request.headers.get(headers.CONSISTENCY_TOKEN))
    if token is not None and token.id == request.item_id:
        return answer_item(request, await _written(request, endpoint, token))
    document = await endpoint.handler(_call(request))
    if document is None:
        raise NotFound
    return answer_item(request, cast(Document, document))


async def _written(request: Request, endpoint: Endpoint, token: headers.ConsistencyToken) -> Document:
    """The item in the token's version or a later one, once it has come to where it is read (A4).

    Raises NotFound for what is gone, Unavailable where either takes too long, TooManyAtOnce where the caller waits for
    many already. A token of a version that was deleted
    since by someone else may be of one that has not come yet: NotFound is raised once FOLLOWED_SECONDS are over.
    """
    with contextlib.ExitStack() as waiting:
        pause, waited = 0.02, 0.0
        while True:
            document: Document | None = None
            with contextlib.suppress(NotFound):
                document = cast("Document | None", await endpoint.handler(_call(request)))
            if token.version == headers.DELETED:
                if document is None:
                    raise NotFound
            elif document is not None and document.version >= token.version:
                return document
            elif document is None and time.time() - token.seconds > FOLLOWED_SECONDS:
                raise NotFound
            if waited >= CONSISTENCY_SECONDS:
                raise Unavailable("The change has not come to where it is read yet")
            if not waited:
                waiting.enter_context(request.admission.waiting(_payer(request)))
            await asyncio.sleep(pause)
            waited += pause
            pause = min(2 * pause, 0.2)


def _payer(request: Request) -> tuple[str, str]:
    """Whom a cost is counted with: the caller, or an address without one."""
    subject = request.caller.subject
    return subject, "" if subject else request.address


def _token(document: Document) -> bytes:
    """The same for a repeated POST as for the first one: what it created may have been deleted long ago."""
    written = int(document.updated_at.timestamp())
    return headers.ConsistencyToken(document.id, document.version, max(0, written)).encode()


def answer_item(request: Request, document: Document) -> Answer:
    if request.own_only and document.owner != request.caller.subject:
        raise OwnedByAnother
    body = item_body(document, request.path)
    tag = etag(document.version, body)
    known = request.headers.get(headers.IF_NONE_MATCH)
    if known is not None and none_match(known, tag):
        return answers.unchanged(tag)
    return answers.of_item(body, tag)


async def _list(request: Request, endpoint: Endpoint) -> Answer:
    assert endpoint.queries is not None
    owner = request.caller.subject if request.own_only else None
    listing = endpoint.queries.parse(request.scope["query_string"], owner)
    if owner is not None and not endpoint.may_own(request.caller):
        return answers.of_list(list_body(Page((), 0), listing, endpoint.queries))
    with request.admission.listing(_payer(request), walks=listing.walks):
        if listing.row_bytes:
            await request.hold(PAGE_BYTES)
        page = cast(Page, await endpoint.handler(_call(request, list_query=listing)))
        if endpoint.audited:
            request.answered = tuple(item.id for item in page.items)
        return answers.of_list(list_body(page, listing, endpoint.queries))


async def _create(request: Request, endpoint: Endpoint) -> Answer:
    key = headers.idempotency_key(request.headers.get(headers.IDEMPOTENCY_KEY))
    content = await _content(request, endpoint)
    if endpoint.owner is not None and _owner(content, endpoint.owner) is None and request.caller is not ANONYMOUS:
        content = msgspec.structs.replace(content, **{endpoint.owner: endpoint.owner_of(request.caller)})
    document = cast(Document, await endpoint.handler(_call(request, content=content, idempotency_key=key)))
    request.answered = (document.id,)
    link = f"{request.path}/{document.id}"
    body = item_body(document, link)
    return answers.created(body, etag(document.version, body), link, _token(document))


async def _update(request: Request, endpoint: Endpoint) -> Answer:
    content = await _content(request, endpoint)
    document = await _changed(request, endpoint, content)
    if document is None:
        raise NotFound
    item = cast(Document, document)
    body = item_body(item, request.path)
    return answers.changed(body, etag(item.version, body), _token(item))


async def _delete(request: Request, endpoint: Endpoint) -> Answer:
    await _changed(request, endpoint)
    assert request.item_id is not None
    gone = headers.ConsistencyToken(request.item_id, headers.DELETED, int(time.time()))
    return answers.nothing(gone.encode())


async def _changed(request: Request, endpoint: Endpoint, content: msgspec.Struct | None = None) -> object:
    """A handler takes one version. For several versions in If-Match it is called for each: a version that the item
    doesn't have changes nothing."""
    found = request.headers
    *others, last = changeable(found.get(headers.IF_MATCH), found.get(headers.IF_NONE_MATCH))
    for version in others:
        with contextlib.suppress(PreconditionFailed):
            return await endpoint.handler(_call(request, content=content, version=version))
    return await endpoint.handler(_call(request, content=content, version=last))


async def _content(request: Request, endpoint: Endpoint) -> msgspec.Struct:
    """The checked body; its owner is the caller where the caller may write own rows only."""
    assert endpoint.body_type is not None
    found = request.headers
    require_json(found.get(headers.CONTENT_TYPE), found.get(headers.CONTENT_ENCODING))
    body = await read_body(request.receive, found.get(headers.CONTENT_LENGTH), request.hold_now)
    if (taken := memory_of(body)) > SMALL:
        request.hold_now(taken)
    content = endpoint.body_type.decode(body)
    if request.own_only and endpoint.owner is not None:
        owner = _owner(content, endpoint.owner)
        if owner is not None and owner != request.caller.subject:
            raise Forbidden(f"{endpoint.owner} is not the caller")
    return content


def _owner(content: msgspec.Struct, field: str) -> str | None:
    """The owner in the body; None where it has none."""
    owner = getattr(content, field)
    return None if owner is None or owner is msgspec.UNSET else str(owner)


def _call(
    request: Request,
    *,
    content: msgspec.Struct | None = None,
    list_query: ListQuery | None = None,
    version: int | None = None,
    idempotency_key: UUID | None = None,
) -> Call:
    assert request.endpoint is not None
    return Call(
        request.context,
        request.caller,
        request.request_id,
        request.own_only,
        request.item_id,
        content,
        list_query,
        version,
        idempotency_key,
        request.address,
        resource=request.endpoint.operation.resource.name,
    )


HANDLING: Final = {"get": _get, "list": _list, "create": _create, "update": _update, "delete": _delete}
"""By kind of operation."""
