"""What a pull request changes, as Markdown that GitHub shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundplan.capacity.comparison import Comparison
from groundplan.problems import Problem, printable

if TYPE_CHECKING:
    from groundplan.changes import ChangeSet, ResourceChange
    from groundplan.changes.model import Operation
    from groundplan.pricing.cost import Cost

LONGEST = 60_000
"""Characters: GitHub takes 65,536 in a comment."""
_MOST_ROWS = 150
_MARKS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


@dataclass(frozen=True, slots=True)
class StackDifference:
    """One stack before and after. ``problems`` say why it can't be compared."""

    stack: str
    changes: ChangeSet | None = None
    sizes: Comparison | None = None
    costs: tuple[Cost, Cost] | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def markdown(system: str, base: str, found: Sequence[StackDifference]) -> str:
    """All stacks, the one that loses most first; cut where GitHub would refuse it."""
    lines = [
        f"## {system}: what this changes",
        "",
        f"Compared with `{base}`, declared in-process: no account was asked.",
        "",
    ]
    for each in sorted(found, key=_weight):
        lines += [*_stack(each), ""]
    text = "\n".join(lines).rstrip() + "\n"
    if len(text) <= LONGEST:
        return text
    cut = text[:LONGEST].rpartition("\n")[0]
    open_ = cut.count("<details>") - cut.count("</details>")
    return f"{cut}\n{'</details>' * open_}\n\nCut here: `make diff BASE={base}` shows all of it.\n"


def _weight(each: StackDifference) -> tuple[bool, bool, bool]:
    changes = each.changes
    return (not (changes and changes.lost), not (changes and changes.moved), not (changes and changes.changes))


def _stack(each: StackDifference) -> Iterator[str]:
    from groundplan.changes import summary

    yield f"### {each.stack}"
    yield ""
    if each.problems:
        yield "It can't be declared:"
        yield ""
        yield "```"
        yield from (str(problem) for problem in each.problems)
        yield "```"
        return
    changes = each.changes
    assert changes is not None
    if not changes.changes:
        yield "Nothing changes."
        return
    counts = ", ".join(
        f"{len(changes.of(operation))} {words}" for operation, words in _COUNTED if changes.of(operation)
    )
    yield f"{summary(changes, each.stack)} {counts.capitalize()}; {changes.unchanged} stay."
    yield ""
    yield from _refused(changes)
    yield from _data(changes)
    yield from _effect(changes)
    yield from _cost(each.costs)
    yield from _sizes(each.sizes)
    yield from _resources(changes)
    for note in each.notes:
        yield f"> {note}"


_COUNTED: tuple[tuple[Operation, str], ...] = (
    ("create", "created"),
    ("update", "changed in place"),
    ("replace", "replaced"),
    ("delete", "deleted"),
)


def _refused(changes: ChangeSet) -> Iterator[str]:
    if changes.refusals:
        yield "**AWS or Kubernetes would refuse:**"
        yield ""
        yield from (f"- {cell(str(refusal))}" for refusal in changes.refusals)
        yield ""


def _data(changes: ChangeSet) -> Iterator[str]:
    rows = [(f"**{each.data}**", each.name, each.holds) for each in (*changes.lost, *changes.moved)]
    yield from _table(("data", "of", "what"), rows)


def _effect(changes: ChangeSet) -> Iterator[str]:
    from groundplan.changes.sentence import duration

    rows = [
        (each.name, duration(each.interruption), each.interruption.source)
        for each in changes.interrupted
        if each.interruption is not None
    ]
    yield from _table(("unavailable", "how long", "source"), rows)
    later = [
        (each.name, part.path, f"{part.when}{f' ({each.window})' if part.when == 'in the window' else ''}", part.source)
        for each in changes.changes
        for part in each.later
    ]
    yield from _table(("takes effect later", "property", "when", "source"), later)


def _cost(costs: tuple[Cost, Cost] | None) -> Iterator[str]:
    if costs is None:
        return
    before, after = (cost.total for cost in costs)
    change = after.expected - before.expected
    if abs(change) >= 1:
        sign = "+" if change > 0 else "-"
        both = f"{_usd(before.expected)} → {_usd(after.expected)}"
        yield f"**Cost:** {both} a month ({sign}{_usd(abs(change))})."
    else:
        yield f"**Cost:** {_usd(after.expected)} a month, as before."
    yield ""


def _sizes(sizes: Comparison | None) -> Iterator[str]:
    if sizes is None:
        return
    rows = [
        (
            change.subject,
            change.setting,
            f"{change.old} → {change.new}" if change.old and change.new else change.new or "deleted",
            str(change.effort),
            change.reason,
        )
        for change in sizes.changes
    ]
    yield from _folded(f"Sizes ({len(rows)})", ("", "setting", "change", "takes", "why"), rows)


def _resources(changes: ChangeSet) -> Iterator[str]:
    rows = [_row(each) for each in changes.changes[:_MOST_ROWS]]
    left = len(changes.changes) - len(rows)
    title = f"Resources ({len(changes.changes)})"
    yield from _folded(title, ("", "type", "name", "properties"), rows)
    if left:
        yield f"{left} more aren't shown."
        yield ""


def _row(change: ResourceChange) -> tuple[str, str, str, str]:
    properties = "; ".join(f"{part.path}: {printable(part.old)} → {printable(part.new)}" for part in change.parts[:6])
    more = f"; {len(change.parts) - 6} more" if len(change.parts) > 6 else ""
    because = f"follows {', '.join(urn.rpartition('::')[2] for urn in change.because)}" if change.because else ""
    mark = _MARKS[change.operation]
    return (
        f"{mark} {change.operation}",
        change.type,
        change.name,
        "; ".join(filter(None, (f"{properties}{more}", because))),
    )


def _folded(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"<details><summary>{title}</summary>"
        yield ""
        yield from _table(heads, rows)
        yield "</details>"
        yield ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(cell(each) for each in row)} |" for row in rows]
    if lines:
        yield f"| {' | '.join(heads)} |"
        yield f"|{'---|' * len(heads)}"
        yield from lines
        yield ""


def cell(text: str) -> str:
    """Text in a table's cell: one line, and nothing that GitHub would read as markup or as a mention."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    plain = plain.replace("<", "&lt;").replace("@", "@\u200b")
    return plain if plain.startswith("**") else plain.replace("`", "'")


def _usd(amount: float) -> str:
    return f"${amount:,.0f}"
