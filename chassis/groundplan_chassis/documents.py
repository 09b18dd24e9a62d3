"""Resources as the API responds with them: read models and caches hold this form, and a GET sends it without
decoding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec


class Document(msgspec.Struct, frozen=True, array_like=True):
    """One resource, with the attributes that are needed without decoding its body."""

    id: UUID
    version: int
    """1 when created, one more with each change."""
    owner: str | None
    """The owner's subject; None where the resource has no owner."""
    updated_at: datetime
    """In UTC."""
    body: bytes
    """A JSON object in UTF-8, with `id`, `created_at`, `updated_at` and `version` in it: the envelope's `data`."""


class Page(msgspec.Struct, frozen=True):
    """A part of a list (R2)."""

    items: Sequence[Document]
    total: int | None
    """Rows that match; None where they were not counted."""
    total_is_exact: bool = True
    """False: at least ``total``."""
    cut: bool = False
    """The page has fewer rows than it was asked for, though more follow: they would be too many bytes."""
    next_after: tuple[object, ...] | None = None
    """Values of the last item by which the list is sorted, when more items follow."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Document)


def encode(document: Document) -> bytes:
    """The document for a cache, with the body unchanged."""
    return _encoder.encode(document)


def decode(data: bytes) -> Document:
    """The document from `encode`'s output; raises msgspec.MsgspecError for anything else."""
    return _decoder.decode(data)
