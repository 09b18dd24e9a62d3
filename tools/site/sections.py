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
    found: list[str] = []
    inside = code = False
    for line in text.splitlines():
        # What stands in a block is no heading.
        if line.startswith("## ") and not code:
            inside = line == f"## {heading}"
            continue
        code ^= line.startswith("```")
        if inside:
            found.append(line)
    if not found:
        raise ValueError(f"no heading `## {heading}`")
    return "\n".join(found).strip() + "\n"


def first_ten_minutes() -> str:
    """The README's, as a page of its own: the README is the one place where it is written, and a script runs it."""
    return f"# {FIRST}\n\n{section((ROOT / 'README.md').read_text(encoding='utf-8'), FIRST)}"
