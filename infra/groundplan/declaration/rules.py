"""The rules that answers are judged by when a project is copied, in one file that the template reads.

They are the declaration's own: shapes as its schema says them, names as `reserved.py` has them. A template runs no code
(ADR 9), so it holds a copy, which `python -m groundplan.declaration.rules` writes and a test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from groundplan.declaration.checks.fields import ONLY_WITH
from groundplan.declaration.reserved import (
    OWN_FIELDS,
    OWN_TABLES,
    POSTGRES_WORDS,
    PYTHON_WORDS,
    QUERY_PARAMETERS,
    SYSTEM_COLUMNS,
)
from groundplan.declaration.schema import json_schema
from groundplan.declaration.words import IRREGULAR_PLURALS

RULES_FILE = Path("templates") / "answers" / "rules.json"
MOST_REQUESTS_PER_SECOND = 10_000_000
"""Load at its goal, growth included, that answers may ask for: ten times the most that may be declared for today. It
is a bound on slips; what one system holds, and which quotas it takes, its plan says."""


def rules() -> dict[str, Any]:
    """What a project's answers may say of its services, as JSON."""
    known = json_schema()["$defs"]
    return {
        "shapes": {name: _bare(known[name]) for name in _needed(known, "Service")},
        "reserved_fields": {
            "every resource has it of itself": sorted(OWN_FIELDS),
            "it is a parameter of every list": sorted(QUERY_PARAMETERS),
            "PostgreSQL has a column of that name in every table": sorted(SYSTEM_COLUMNS),
            "it is a reserved word of PostgreSQL": sorted(POSTGRES_WORDS),
            "it is a keyword of Python": sorted(PYTHON_WORDS),
        },
        "reserved_resources": sorted(PYTHON_WORDS),
        "reserved_tables": sorted(OWN_TABLES | POSTGRES_WORDS),
        "only_with": {option: [str(each) for each in types] for option, types in ONLY_WITH.items()},
        "irregular_plurals": IRREGULAR_PLURALS,
        "most_requests_per_second": MOST_REQUESTS_PER_SECOND,
    }


def rules_text() -> str:
    """The rules as the file holds them."""
    return json.dumps(rules(), indent=1, ensure_ascii=True) + "\n"


def main() -> None:
    RULES_FILE.write_text(rules_text(), encoding="utf-8")


def _needed(known: dict[str, Any], start: str) -> list[str]:
    """The shape and all that it refers to, each once."""
    found = [start]
    for name in found:
        refers = re.findall(r'"#/\$defs/(\w+)"', json.dumps(known[name]))
        found += [each for each in dict.fromkeys(refers) if each not in found]
    return sorted(found)


def _bare(schema: Any) -> Any:  # noqa: ANN401  # any JSON
    """Without what only people read."""
    if isinstance(schema, dict):
        return {
            key: _bare(value) for key, value in schema.items() if not (key == "description" and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    return schema


if __name__ == "__main__":
    main()
