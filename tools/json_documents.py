"""Writes `docs/json/`: a JSON Schema of each document that commands print with `--json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from groundplan.cli.documents import DOCUMENTS, Document

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "json"


def file_of(document: type[Document]) -> str:
    name, _, number = document.named().partition("/")
    return f"{name.removeprefix('groundplan.')}-{number}.json"


def schemas() -> Iterator[tuple[str, str]]:
    """File names and their texts."""
    for document in DOCUMENTS:
        schema = document.model_json_schema(mode="serialization")
        yield file_of(document), f"{json.dumps(schema, indent=2)}\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in schemas():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
