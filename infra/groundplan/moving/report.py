"""What became of the edits that an update took away: `moved/README.md`, which is also what a second run reads."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from groundplan.moving.saved import REPORT, Lost

_HEADING = """# Edits that the update moved

These files left the template: the libraries hold them now, or they have another name. Nothing of yours is lost: each
edit is here as a patch or merged into the new file, and your last commit before the update holds it too. Look at each
and bring over what you still need. You may delete this folder afterwards.

"""


def write_report(project: Path, lost: Lost) -> None:
    lines = [_HEADING]
    for entry in lost.saved:
        subject = "your file" if entry.added else "your edit"
        lines.append(f"- `{entry.path}`: {subject} is in `{entry.patch}`\n  - its place now: {entry.place}\n")
    for merged in lost.carried:
        state = "with conflict markers" if merged.conflicted else "merged"
        lines.append(f"- `{merged.path}`: your edit is in `{merged.now}`, {state}\n  - its place now: {merged.now}\n")
    path = project / REPORT
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")


def read_lost(project: Path) -> Sequence[str]:
    """The entries of the report, as they are shown."""
    text = (project / REPORT).read_text(encoding="utf-8")
    found = re.findall(r"^- (.+)\n  - (.+)$", text, re.MULTILINE)
    return [f"{entry}\n        {place}".replace("`", "") for entry, place in found]


def tell(entries: Sequence[str], then: str) -> None:
    print("The update took files away that you had changed. Nothing is lost:", file=sys.stderr)
    print(*(f"    {entry}" for entry in entries), sep="\n", file=sys.stderr)
    print(f"{REPORT} says it again. {then}", file=sys.stderr)
