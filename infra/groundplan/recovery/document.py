"""The runbook as a document of a project: one table, written for people.

`python -m groundplan.recovery.document` writes the template's `docs/region-loss.md.jinja` anew.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from groundplan.recovery.losses import COPIED, REPLICAS, WITHOUT_A_COPY
from groundplan.recovery.runbook import STEPS, VARIABLES, Step

TEMPLATE = Path("templates/project/docs/region-loss.md.jinja")
WIDTH = 140

_HEAD = """\
# When a region is lost

This is a runbook: `groundplan rehearse` executes its commands in the simulated cloud, for each stack, and prints what
comes back and how long it takes. Both are written from one table (`groundplan.recovery.runbook`), so don't edit this
file; write what is particular to you beside it.

A stack without `backup_copy_region` has nothing to rebuild from. With it a stack comes back in that region under
another name, from copies that are up to a day and an hour old when the next ones begin."""

_SETTINGS = """\
SYSTEM={{ name }}
LOST=prod
NEW=rebuilt
REGION=eu-west-1"""


def runbook() -> str:
    """The text, as the template has it."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield from (_wrapped(part) for part in _HEAD.split("\n\n"))
    yield "## What comes back"
    yield "\n".join(["| what | comes back | why |", "|---|---|---|", *_losses()])
    yield "## Variables"
    yield _wrapped("Commands are written for a shell that has these, with your own values:")
    yield f"```sh\n{_SETTINGS}\n```"
    yield "\n".join(f"- `{name}`: {says}." for name, says in VARIABLES.items())
    number = 0
    for phase, steps in groupby(STEPS, key=lambda step: step.phase):
        yield f"## {phase}"
        for step in steps:
            number += 1
            yield from _step(number, step)


def _losses() -> Iterator[str]:
    kept = dict.fromkeys([*COPIED.values(), REPLICAS, *WITHOUT_A_COPY.values()])
    words = {"restored": "yes", "made again": "made again", "lost": "no"}
    for each in kept:
        what = "databases without a copy" if each is WITHOUT_A_COPY[next(iter(COPIED))] else each.what
        yield f"| {what} | {words[each.fate]} | {each.note} |"


def _step(number: int, step: Step) -> Iterator[str]:
    yield f"### {number}. {step.title}"
    yield _wrapped(step.why)
    if step.commands:
        yield "```sh\n" + "\n".join(step.commands) + "\n```"
    if step.done:
        yield _wrapped(f"Done: {step.done}")


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(runbook(), encoding="utf-8")
    print(f"{TEMPLATE}: {len(STEPS)} steps")
