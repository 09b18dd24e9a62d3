"""The generated blocks of `ARCHITECTURE.md` (O1)."""

from infra.architecture.document import PARTS, Subject, blocks, render_document, skeleton
from infra.architecture.facts import security_facts
from infra.architecture.rewriting import Rewritten, rewrite

__all__ = [
    "PARTS",
    "Rewritten",
    "Subject",
    "blocks",
    "render_document",
    "rewrite",
    "security_facts",
    "skeleton",
]
