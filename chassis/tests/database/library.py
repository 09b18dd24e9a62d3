"""A small service for the tests: books, with values that may be missing, and a field of a very long name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec

from groundplan.declaration.model import System
from groundplan.document.data_model import service_ddl
from groundplan_chassis.access import Caller
from groundplan_chassis.database.changes import Change
from groundplan_chassis.database.listing import ListStatement
from groundplan_chassis.database.transaction import Record, Transaction
from groundplan_chassis.documents import Document
from groundplan_chassis.fields import number
from groundplan_chassis.http.operations import Call, ResourceApi
from groundplan_chassis.http.queries import QueryType
from groundplan_chassis.identifiers import new_id

ADDED = "book.added"
LOAN = "agreement_on_lending_a_rare_book"
DAYS = "days_until_it_has_to_be_brought_back"
SIGNATURE = "number_under_which_it_is_signed_for"
"""Together with the table, names that are too long for PostgreSQL: constraints have shortened ones."""
DECLARED: dict[str, Any] = {
    "name": "library",
    "identity": {"roles": ["reader"]},
    "services": {
        "library": {
            "resources": {
                "book": {
                    "owner": "reader",
                    "erasure": "delete",
                    "fields": {
                        "reader": {"type": "string", "required": True, "indexed": True},
                        "status": {"type": "enum", "values": ["lent", "lost", "shelved"], "required": True},
                        "pages": {"type": "integer", "minimum": 1, "required": True, "indexed": True},
                        "due": {"type": "date", "indexed": True},
                        "price": {"type": "decimal"},
                        "isbn": {"type": "string", "unique": True, "personal": True},
                    },
                    "operations": {kind: ["reader"] for kind in ("list", "get", "create", "update", "delete")},
                },
                LOAN: {
                    "fields": {
                        DAYS: {"type": "integer", "minimum": 1},
                        SIGNATURE: {"type": "string", "unique": True},
                    },
                    "operations": {"list": ["reader"], "create": ["reader"]},
                },
            },
            "publishes": [ADDED],
        }
    },
}


class BookBody(msgspec.Struct, kw_only=True):
    reader: str
    status: Literal["lent", "lost", "shelved"] = "shelved"
    pages: int = 1
    due: date | None = None
    price: Annotated[Decimal, number(scale=2)] | None = None
    isbn: str | None = None


class Book(BookBody, kw_only=True):
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime


API = ResourceApi(name="book", path="/api/v1/books", body=BookBody, item=Book, owner="reader")
QUERIES = QueryType(API)
LIST = ListStatement("books", owner="reader", deletes=True)
FIELDS = tuple(BookBody.__struct_fields__)
INSERT = """
    INSERT INTO books (id, reader, status, pages, due, price, isbn, created_at, updated_at, deleted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


def tables() -> str:
    """The library's database, as the architecture document shows it."""
    return service_ddl(System.model_validate(DECLARED), "library")


def document(row: Record) -> Document:
    item = Book(**{name: row[name] for name in (*FIELDS, "id", "version", "created_at", "updated_at")})
    return Document(item.id, item.version, item.reader, item.updated_at, msgspec.json.encode(item))


async def add(transaction: Transaction, body: BookBody, identifier: UUID | None = None) -> Document:
    """A new book: its row, its history, its event."""
    row = await transaction.fetchrow(
        "INSERT INTO books (id, reader, status, pages, due, price, isbn) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "RETURNING *",
        identifier or new_id(transaction.shard),
        *(getattr(body, name) for name in FIELDS),
    )
    assert row is not None
    await transaction.record(
        Change(
            event_type=ADDED,
            aggregate_type="book",
            aggregate_id=row["id"],
            version=row["version"],
            actor=body.reader,
            correlation_id="request-1",
            payload={"pages": body.pages},
            topics=(ADDED,),
        )
    )
    return document(row)


def call(body: BookBody, key: UUID | None = None, subject: str = "r-1") -> Call:
    """A request to create a book."""
    context: Any = None
    caller = Caller(subject, frozenset({"reader"}), frozenset(), "client", 0)
    return Call(context, caller, "request-1", own_only=False, body=body, idempotency_key=key or uuid4())


def moment(number: int) -> datetime:
    """A time that is later with a larger number."""
    return datetime.fromtimestamp(1_700_000_000 + number, UTC)
