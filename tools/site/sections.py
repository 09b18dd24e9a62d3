"""Parts of this repository's Markdown."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST = "First ten minutes"


def title(text: str) -> str:
    """The first heading, without a decision's number."""
    found = re.search(r"^# (?:\d+\. )?(.+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next. Raises ValueError where there is none."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"no heading `## {heading}`")
    return found[1].strip() + "\n"


def first_ten_minutes() -> str:
    """The README's, as a page of its own: the README is the one place where it is written, and a script runs it."""
    return f"# {FIRST}\n\n{section((ROOT / 'README.md').read_text(encoding='utf-8'), FIRST)}"
