"""The generated blocks of `ARCHITECTURE.md` (O1)."""

from groundplan.document.document import PARTS, Subject, blocks, render_document, skeleton
from groundplan.document.rewriting import Rewritten, rewrite

__all__ = [
    "PARTS",
    "Rewritten",
    "Subject",
    "blocks",
    "render_document",
    "rewrite",
    "skeleton",
]
