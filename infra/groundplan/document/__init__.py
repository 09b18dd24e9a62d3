"""The generated blocks of `ARCHITECTURE.md` (O1)."""

from groundplan.document.document import (
    OF_THE_PROGRAM,
    PARTS,
    Subject,
    blocks,
    declared_blocks,
    render_document,
    skeleton,
)
from groundplan.document.rewriting import Rewritten, rewrite

__all__ = [
    "OF_THE_PROGRAM",
    "PARTS",
    "Rewritten",
    "Subject",
    "blocks",
    "declared_blocks",
    "render_document",
    "rewrite",
    "skeleton",
]
