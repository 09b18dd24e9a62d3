"""What all documents share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """An object inside a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Part):
    """What `--json` prints as a whole. Each has a field ``format``, which names the document and its number."""

    @classmethod
    def named(cls) -> str:
        """What ``format`` says, such as `groundplan.plan/1`."""
        return str(cls.model_fields["format"].default)


def print_document(document: Document) -> None:
    print(document.model_dump_json(indent=2))
