"""Idempotency keys: a POST that is sent again gets the first answer (R1).

The key's row, the item and its events are one transaction. A repetition that comes while the first try is under way is
told so at once (409), and holds no connection meanwhile; one that comes later gets the first answer, or 422 where it
asks for something else. Keys are kept for a day; processes that take such requests take away older ones
(`chassis.database.pruning`).
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from chassis.database.database import Database
from chassis.database.transaction import Transaction
from chassis.documents import Document, decode, encode
from chassis.http.errors import Conflict, Detail, ValidationFailed
from chassis.http.operations import Call

KEPT: Final = timedelta(hours=24)
AGAIN_SECONDS: Final = 1
"""After which a client is asked to try again whose first try is under way: most are done in a tenth of it."""
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
    may have changed or gone since. Whatever a creation does outside its transaction belongs there, because the returned
    document doesn't tell one from the other.

    ``shard``: where the item must lie, beside what it refers to. Without it the shard follows from the key, so that a
    repetition meets its first try, also after a generation of shards has begun in between. Raises ValidationFailed for
    a key that came with another body, Conflict while the first request with it is under way, and what ``create`` and
    `Database.write` raise.
    """
    key = call.idempotency_key
    if key is None:
        document = await database.write(create, shard=database.place() if shard is None else shard)
        if after_commit is not None:
            await after_commit(document)
        return document
    subject, digest = call.caller.subject, _digest(call)
    if shard is None:
        name = f"{subject} {key}"
        shard = database.place(name)
        for earlier in database.earlier_places(name, KEPT):
            found = await database.fetchrow(_FIND, subject, key, KEPT, shard=earlier, fresh=True)
            if found is not None:
                return _answer(found["request_digest"], digest, found["status"], found["response"])

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

    # Done again, it finds its own key: a commit whose outcome nobody can tell does no harm. What it then finds is this
    # call's own item all the same, by its id.
    document = await database.write(work, shard=shard, idempotent=True)
    if after_commit is not None and document.id in made:
        await after_commit(document)
    return document


async def prune(transaction: Transaction, limit: int) -> int:
    """Takes away keys that are no longer good, ``limit`` at most; returns how many."""
    return int((await transaction.execute(_PRUNE, KEPT, limit)).rpartition(" ")[2])


def _digest(call: Call) -> str:
    """Of what was asked: the kind of item, and the body as it was understood."""
    content = f"{type(call.body).__qualname__} ".encode() + _encode(call.body)
    return hashlib.sha256(content).hexdigest()


def _answer(first: str, now: str, status: int | None, response: object) -> Document:
    if first != now:
        detail = Detail("Idempotency-Key", "Was used for another request")
        raise ValidationFailed("The Idempotency-Key belongs to another request", [detail])
    if status != _CREATED or not isinstance(response, dict):
        raise _under_way()
    return decode(base64.b64decode(response["document"]))


def _under_way() -> Conflict:
    detail = Detail("Idempotency-Key", "Its first request is still under way: try again, and get that one's answer")
    headers = {"retry-after": str(AGAIN_SECONDS)}
    return Conflict("The first request with this Idempotency-Key is still under way", [detail], headers)


def _kept(document: Document) -> dict[str, object]:
    """The document as text: the answer must be the same to the byte."""
    return {"document": base64.b64encode(encode(document)).decode()}
