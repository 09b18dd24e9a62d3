"""A service of large items in a process of its own: `python -m chassis.tests.http.heavy api`."""

from __future__ import annotations

import sys
from datetime import datetime
from uuid import UUID

import msgspec

from groundplan_chassis.access import Access
from groundplan_chassis.database.listing import ListStatement
from groundplan_chassis.database.transaction import Record
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http.operations import Call, Operation, ResourceApi
from groundplan_chassis.process import run
from groundplan_chassis.service import Service

PATH = "/api/v1/notes"
TABLE = """
    CREATE TABLE notes (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        content text NOT NULL,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX notes_created_at_idx ON notes (created_at, id)
"""


class NoteBody(msgspec.Struct):
    content: str


class Note(NoteBody, kw_only=True):
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime


NOTES = ResourceApi(name="note", path=PATH, body=NoteBody, item=Note)
LIST = ListStatement("notes")


def document(row: Record) -> Document:
    note = Note(**{name: row[name] for name in Note.__struct_fields__})
    return Document(note.id, note.version, None, note.updated_at, msgspec.json.encode(note))


async def listed(call: Call) -> Page:
    return await LIST.page(call.context.database, call.query, document)


SERVICE = Service(
    name="order",
    package="chassis.tests.http.heavy",
    title="Notes",
    operations=[Operation(kind="list", resource=NOTES, handler=listed, access=Access.of("anyone"))],
)

if __name__ == "__main__":
    sys.exit(run(SERVICE, sys.argv[1:]))
