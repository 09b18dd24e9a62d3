"""Resources as the API answers them: what read models and caches hold, and what a GET sends without decoding it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec


class Document(msgspec.Struct, frozen=True, array_like=True):
    """One resource, with what must be known of it without reading its body."""

    id: UUID
    version: int
    """1 when created, one more with each change."""
    owner: str | None
    """Subject of whom the row belongs to; None where the resource has no owner."""
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
    next_after: tuple[object, ...] | None = None
    """Values of the last item by which the list is sorted, when more items follow."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Document)


def encode(document: Document) -> bytes:
    """For a cache. The body goes through as it is."""
    return _encoder.encode(document)


def decode(data: bytes) -> Document:
    """What `encode` made; raises msgspec.MsgspecError for anything else."""
    return _decoder.decode(data)
