"""The declaration's JSON Schema, by which editors complete and check `system.yaml` while it is written.

It holds the shapes of single values; what ties several together only the loader knows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundplan.declaration.model import System

SCHEMA_FILE = "system.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a declaration, in JSON Schema 2020-12."""
    schema = _everywhere(System.model_json_schema(), _refined)
    return {"$schema": _DIALECT, "title": "System declaration", **schema}


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema to the given path, else to the project's root."""
    parser = argparse.ArgumentParser(description="Write the JSON Schema of system.yaml.")
    parser.add_argument("path", nargs="?", type=Path, default=Path(SCHEMA_FILE))
    parser.parse_args().path.write_text(schema_text(), encoding="utf-8")


def _everywhere(schema: Any, refine: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(schema, dict):
        return refine({key: _everywhere(value, refine) for key, value in schema.items()})
    if isinstance(schema, list):
        return [_everywhere(item, refine) for item in schema]
    return schema


def _refined(schema: dict[str, Any]) -> dict[str, Any]:
    """What pydantic writes more loosely, or more loudly, than this declaration is meant."""
    refined = dict(schema)
    # A title that only repeats the key makes an editor's tooltips longer, not clearer.
    if isinstance(refined.get("title"), str):
        del refined["title"]
    if "patternProperties" in refined:
        refined["additionalProperties"] = False
    # Left out is the way to say none; the loader takes an explicit null all the same.
    if refined.get("default", ...) is None:
        del refined["default"]
    # Prose wraps as the editor likes.
    if isinstance(refined.get("description"), str):
        refined["description"] = " ".join(refined["description"].split())
    return refined


if __name__ == "__main__":
    main()
