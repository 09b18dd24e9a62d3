"""What a person reads before a change: one sentence, then what stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from groundplan.changes.model import ChangeSet, Interruption, ResourceChange, subjects

_MOST_NAMED = 6
_CREDENTIALS = "aws:secretsmanager/secret:Secret"


def summary(changes: ChangeSet, stack: str) -> str:
    """What would be lost, moved or unavailable, for how long, and what has to be unprotected first, in one sentence."""
    clauses = [*_losses(changes), *_interruptions(changes), *_waiting(changes)]
    if not clauses:
        return f"{stack}: nothing would be lost, moved or unavailable."
    protected = subjects(changes.protected)
    lift = f"; protection is lifted first, in this order: {_listed(protected)}" if protected else ""
    return f"{stack} would {'; '.join(clauses)}{lift}."


def changes_report(changes: ChangeSet, stack: str) -> str:
    """The sentence, and below it each part of it with its source."""
    lines = [summary(changes, stack)]
    lines.extend(f"  lost:     {_named(each)}: {each.holds}" for each in changes.lost)
    lines.extend(f"  moved:    {_named(each)}: {each.holds}" for each in changes.moved)
    lines.extend(
        f"  away:     {_named(each)}, {duration(each.interruption)} ({each.interruption.source})"
        for each in changes.interrupted
        if each.interruption is not None
    )
    lines.extend(_later(changes))
    lines.extend(
        f"  in order: {_short(order.first)} before {_short(order.then)}: {order.why}"
        + ("" if order.kept else "; one deployment does not keep this order")
        for order in changes.orders
    )
    lines.extend(f"  refused:  {refusal.urn.rpartition('::')[2]}: {refusal}" for refusal in changes.refusals)
    return "\n".join([*lines, *_protection(changes, stack)])


def duration(interruption: Interruption) -> str:
    least, most = interruption.least, interruption.most
    if most <= 180:
        return f"for {least} to {most} s" if least else f"for up to {most} s"
    minutes = -(-most // 60)
    return f"for {least // 60} to {minutes} min" if least >= 60 else f"for up to {minutes} min"


def _losses(changes: ChangeSet) -> Iterator[str]:
    for verb, found in (("lose", changes.lost), ("move", changes.moved)):
        by_subject: dict[str, list[str]] = {}
        for each in found:
            kinds = by_subject.setdefault(each.subject, [])
            # A generated password says little beside the rows that go with it.
            if each.holds not in kinds and not (kinds and each.type == _CREDENTIALS):
                kinds.append(each.holds)
        if by_subject:
            told = [f"{subject} ({', '.join(kinds)})" for subject, kinds in by_subject.items()]
            yield f"{verb} {_listed(told)}"


def _interruptions(changes: ChangeSet) -> Iterator[str]:
    found: dict[str, Interruption] = {}
    later: set[str] = set()
    for each in changes.interrupted:
        assert each.interruption is not None
        name = each.subject
        found[name] = found[name] | each.interruption if name in found else each.interruption
        if each.later:
            later.add(name)
    for moment, names in (("", found.keys() - later), (" in their maintenance windows", later)):
        by_length: dict[str, list[str]] = {}
        for name in found:
            if name in names:
                by_length.setdefault(duration(found[name]), []).append(name)
        for length, interrupted in by_length.items():
            yield f"interrupt {_listed(interrupted)} {length}{moment}"


def _waiting(changes: ChangeSet) -> Iterator[str]:
    for moment, words in (
        ("at a restart", "change only at the next restart"),
        ("never", "be accepted and not done for"),
    ):
        found = [each for each in changes.changes if any(part.when == moment for part in each.parts)]
        names = _listed(subjects(found))
        if found and moment == "never":
            yield f"{words} {names}"
        elif found:
            yield f"see {names} {words}"


def _later(changes: ChangeSet) -> Iterator[str]:
    for each in changes.changes:
        by_moment: dict[str, list[str]] = {}
        for part in each.later:
            where = f" {each.window}" if part.when == "in the window" and each.window else ""
            by_moment.setdefault(f"{part.when}{where}", []).append(
                f"{part.path} {_shown(part.old)} → {_shown(part.new)}" if "[" not in part.path else part.path
            )
        for moment, parts in by_moment.items():
            yield f"  later:    {each.name}, {moment}: {', '.join(dict.fromkeys(parts))}"


def _protection(changes: ChangeSet, stack: str) -> Iterator[str]:
    protected = changes.protected
    if not protected:
        return
    yield "  protected, lift it in this order:"
    own = [each for each in protected if any(name != "Pulumi" for name in each.protections)]
    step = 1
    if own:
        names = _listed([each.name for each in own])
        yield f"    {step}. set `protect` to false and deploy with nothing else changed, for {names}"
        step += 1
    for each in protected:
        if "Pulumi" in each.protections:
            yield f"    {step}. pulumi state unprotect --stack {stack} '{each.urn}'"
            step += 1


def _named(change: ResourceChange) -> str:
    inside = f" with {change.subject}" if change.within and change.subject != change.name else ""
    return f"{change.name} ({change.type.rpartition(':')[2]}){inside}"


def _short(urn: str) -> str:
    return urn.rpartition("::")[2]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _listed(names: Iterable[str] | Sequence[str]) -> str:
    found = list(names)
    if len(found) > _MOST_NAMED:
        return f"{', '.join(found[:_MOST_NAMED])} and {len(found) - _MOST_NAMED} more"
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
