"""Idempotency keys: a repeated POST gets the first response (R1).

The key's row, the item and its events are one transaction. A repetition that comes while the first try is under way is
told so at once (409), and holds no connection meanwhile; one that comes later gets the first answer, or 422 where it
asks for something else. Keys are kept for a day; processes that take such requests take away older ones
(`groundplan_chassis.database.pruning`).
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.documents import Document, decode, encode
from groundplan_chassis.http.errors import ApiError, Conflict, Detail, Unavailable, ValidationFailed
from groundplan_chassis.http.operations import Call

KEPT: Final = timedelta(hours=24)
AGAIN_SECONDS: Final = 1
"""Retry-After for a repetition during the first attempt: most attempts take a tenth of it."""
_CREATED: Final = 201

# Without the lock the row of a try that is under way would be waited for. Two keys of one hash are told to try again,
# which does no harm.
_BEGIN = """
    INSERT INTO idempotency_keys (subject, key, request_digest)
    SELECT $1::text, $2::uuid, $3::text
    WHERE pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::uuid::text, 0))
    ON CONFLICT (subject, key) DO UPDATE
        SET request_digest = excluded.request_digest, status = NULL, response = NULL, created_at = now()
        WHERE idempotency_keys.created_at < now() - $4::interval
    RETURNING true
"""
_FIND = """
    SELECT request_digest, status, response
    FROM idempotency_keys
    WHERE subject = $1 AND key = $2 AND created_at >= now() - $3::interval
"""
# The key of a request whose item lies on another shard than the key's own: at most one body has it there. `attempts`
# counts the requests that may still create the item, or have.
_CLAIM = """
    INSERT INTO idempotency_keys (subject, key, request_digest, response)
    SELECT $1::text, $2::uuid, $3::text, '{"attempts": 1}'
    WHERE pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::uuid::text, 0))
    ON CONFLICT (subject, key) DO UPDATE
        SET request_digest = excluded.request_digest,
            status = NULL,
            response = CASE
                WHEN idempotency_keys.created_at < now() - $4::interval THEN excluded.response
                ELSE jsonb_build_object('attempts', (idempotency_keys.response ->> 'attempts')::integer + 1)
            END,
            created_at = CASE
                WHEN idempotency_keys.created_at < now() - $4::interval THEN now()
                ELSE idempotency_keys.created_at
            END
        WHERE idempotency_keys.created_at < now() - $4::interval
            OR (idempotency_keys.request_digest = $3 AND idempotency_keys.response ? 'attempts')
    RETURNING true
"""
_RELEASE = """
    WITH last AS (
        DELETE FROM idempotency_keys
        WHERE subject = $1 AND key = $2 AND request_digest = $3 AND (response ->> 'attempts')::integer <= 1
    )
    UPDATE idempotency_keys
    SET response = jsonb_build_object('attempts', (response ->> 'attempts')::integer - 1)
    WHERE subject = $1 AND key = $2 AND request_digest = $3 AND (response ->> 'attempts')::integer > 1
"""
_FINISH = """
    UPDATE idempotency_keys
    SET status = $3, response = $4
    WHERE subject = $1 AND key = $2
"""
_PRUNE = """
    DELETE FROM idempotency_keys
    WHERE (subject, key) IN (
        SELECT subject, key
        FROM idempotency_keys
        WHERE created_at < now() - $1::interval
        ORDER BY created_at
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
"""

# Whose key it is, or whose document the answer holds: in MessagePack a text stands as it is. By windows of creation,
# because no index leads to a document, and a statement over a day's keys could take too long.
_OF_SUBJECT = """
    created_at >= $3 AND created_at < $4
    AND response IS DISTINCT FROM '{"erased": true}'
    AND (
        subject = $1
        OR position($2::bytea IN decode(response ->> 'document', 'base64')) > 0
    )
"""
_ERASE = f"""
    UPDATE idempotency_keys
    SET request_digest = '', status = NULL, response = '{{"erased": true}}'
    WHERE {_OF_SUBJECT}
"""  # noqa: S608 - constants
_HELD = f"SELECT count(*) FROM idempotency_keys WHERE {_OF_SUBJECT}"  # noqa: S608 - constants
_SPAN = "SELECT min(created_at) AS first, max(created_at) AS last FROM idempotency_keys"
ERASE_WINDOW: Final = timedelta(minutes=5)
"""Creation times that one statement of an erasure looks at: at 1,000 keys a second, 300,000 of them."""

Create = Callable[[Transaction], Awaitable[Document]]
AfterCommit = Callable[[Document], Awaitable[None]]
_encode: Final = msgspec.json.Encoder(order="sorted").encode


async def create_once(
    database: Database,
    call: Call,
    create: Create,
    *,
    shard: int | None = None,
    after_commit: AfterCommit | None = None,
) -> Document:
    """Does ``create`` in a transaction; with the key of an earlier request, returns what that one created.

    ``after_commit`` is called with what this call has created, and not at all for the answer to a repetition: the item
    may have changed or gone since. Effects outside the creation's transaction belong there, because the returned
    document doesn't tell one from the other.

    ``shard``: where the item must lie, beside what it refers to. Without it the shard follows from the key, so that a
    repetition meets its first try, also after a generation of shards has begun in between; with it the key is first
    claimed there, so that another body, which may lie elsewhere, is refused.

    Callers without a token are told apart by their address and what they ask for: one never gets what another created.

    Raises ValidationFailed for a key that came with another body, Conflict while the first request with it is under way
    and where its answer was erased with the person, and what ``create`` and `Database.write` raise.
    """
    key = call.idempotency_key
    if key is None:
        document = await database.write(create, shard=database.place() if shard is None else shard)
        if after_commit is not None:
            await after_commit(document)
        return document
    digest = _digest(call)
    subject = _subject(call, digest)
    name = f"{subject} {key}"
    home = database.place(name)
    for earlier in database.earlier_places(name, KEPT):
        found = await database.fetchrow(_FIND, subject, key, KEPT, shard=earlier, fresh=True)
        if found is not None and not (found["request_digest"] == digest and _is_claim(found["response"])):
            return _answer(found["request_digest"], digest, found["status"], found["response"])
    if shard is None or shard == home:
        return await _create(database, subject, key, digest, create, home, after_commit)

    async def claim(transaction: Transaction) -> Document | None:
        if await transaction.fetchval(_CLAIM, subject, key, digest, KEPT):
            return None
        row = await transaction.fetchrow(_FIND, subject, key, KEPT)
        if row is None:
            raise _under_way()
        return _answer(row["request_digest"], digest, row["status"], row["response"])

    # Done again, it counts one attempt too many: then the key stays this body's for its day.
    first = await database.write(claim, shard=home, idempotent=True)
    if first is not None:
        return first
    try:
        return await _create(database, subject, key, digest, create, shard, after_commit)
    except Unavailable:
        # It may have been created all the same.
        raise
    except ApiError:
        await database.write(
            lambda transaction: transaction.execute(_RELEASE, subject, key, digest), shard=home, idempotent=True
        )
        raise


async def _create(
    database: Database,
    subject: str,
    key: UUID,
    digest: str,
    create: Create,
    shard: int,
    after_commit: AfterCommit | None,
) -> Document:
    """As `create_once`, by the keys of the shard that the item lies on."""
    made: set[UUID] = set()

    async def work(transaction: Transaction) -> Document:
        if not await transaction.fetchval(_BEGIN, subject, key, digest, KEPT):
            row = await transaction.fetchrow(_FIND, subject, key, KEPT)
            if row is None:
                raise _under_way()
            return _answer(row["request_digest"], digest, row["status"], row["response"])
        document = await create(transaction)
        await transaction.execute(_FINISH, subject, key, _CREATED, _kept(document))
        made.add(document.id)
        return document

    # Done again, it finds its own key: a commit with an unknown outcome does no harm. What it then finds is this
    # call's own item all the same, by its id.
    document = await database.write(work, shard=shard, idempotent=True)
    if after_commit is not None and document.id in made:
        await after_commit(document)
    return document


async def prune(transaction: Transaction, limit: int) -> int:
    """Deletes expired keys, ``limit`` at most; returns how many."""
    return int((await transaction.execute(_PRUNE, KEPT, limit)).rpartition(" ")[2])


async def erase(database: Database, subject: str, shard: int) -> int:
    """Takes away the answers to requests of this subject, and to others whose item is theirs; returns how many.

    The keys stay for their day, so that a repetition creates nothing anew: it is refused. Raises Unavailable.
    """
    erased = 0
    async for window in _windows(database, shard):

        async def work(transaction: Transaction, window: tuple[datetime, datetime] = window) -> int:
            done = await transaction.execute(_ERASE, subject, subject.encode(), *window)
            return int(done.rpartition(" ")[2])

        erased += await database.write(work, shard=shard, idempotent=True)
    return erased


async def held(database: Database, subject: str, shard: int) -> int:
    """Keys that `erase` would change. Raises Unavailable."""
    found = 0
    async for window in _windows(database, shard):
        found += await database.fetchval(_HELD, subject, subject.encode(), *window, shard=shard, fresh=True)
    return found


async def _windows(database: Database, shard: int) -> AsyncIterator[tuple[datetime, datetime]]:
    """From the oldest key to the newest."""
    span = await database.fetchrow(_SPAN, shard=shard, fresh=True)
    if span is None or span["first"] is None:
        return
    begin = span["first"]
    while begin <= span["last"]:
        yield begin, begin + ERASE_WINDOW
        begin += ERASE_WINDOW


def _subject(call: Call, digest: str) -> str:
    """Whose key it is. The control character keeps it apart from every subject of a token, which has none."""
    if call.caller.subject:
        return call.caller.subject
    return f"\x1fanonymous {hashlib.sha256(f'{call.client} {digest}'.encode()).hexdigest()}"


def _is_claim(response: object) -> bool:
    return isinstance(response, dict) and "attempts" in response


def _digest(call: Call) -> str:
    """Digest of the request: the kind of item, and what the client has said of it.

    Not the whole body: the next release may know a field more, or call it by another name in a newer version of the
    API, and a request that is repeated to it is still the same.
    """
    body = call.body if call.sent is None else call.sent
    said = {
        field.encode_name: value
        for field in msgspec.structs.fields(body)
        if (value := getattr(body, field.name)) not in (msgspec.UNSET, _default(field))
    }
    content = f"{call.resource or type(call.body).__qualname__} ".encode() + _encode(said)
    return hashlib.sha256(content).hexdigest()


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _answer(first: str, now: str, status: int | None, response: object) -> Document:
    if isinstance(response, dict) and "erased" in response:
        detail = Detail("Idempotency-Key", "What its first request created has been erased: use another key")
        raise Conflict("What this Idempotency-Key created has been erased", [detail])
    if first != now:
        detail = Detail("Idempotency-Key", "Was used for another request")
        raise ValidationFailed("The Idempotency-Key belongs to another request", [detail])
    if status != _CREATED or _is_claim(response) or not isinstance(response, dict):
        raise _under_way()
    return decode(base64.b64decode(response["document"]))


def _under_way() -> Conflict:
    detail = Detail("Idempotency-Key", "Its first request is still under way: try again, and get that one's answer")
    headers = {"retry-after": str(AGAIN_SECONDS)}
    return Conflict("The first request with this Idempotency-Key is still under way", [detail], headers)


def _kept(document: Document) -> dict[str, object]:
    """The document as text: the answer must be the same to the byte."""
    return {"document": base64.b64encode(encode(document)).decode()}
