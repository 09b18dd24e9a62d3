"""A rehearsed night in words: what came back, how old it is, and how long it took by the model."""

from __future__ import annotations

from collections.abc import Sequence

from groundplan.recovery import times
from groundplan.recovery.copies import DATABASE
from groundplan.recovery.losses import COPIED
from groundplan.rehearsal.night import Back, Night, Took
from groundplan.rehearsal.year import Row
from groundplan.stack.contradictions import set_command

TITLE = "loss of the region"
_DATABASES = COPIED[DATABASE].what


def remedy(night: Night) -> str:
    """What makes copies of a stack that has none."""
    return set_command(night.lost.name, f"{night.system.name}:backup_copy_region", "<another region>")


def served_after(took: Sequence[Took]) -> int:
    """Seconds until users are served again, from the decision on."""
    return sum(each.seconds for each in took if each.step.phase == "That night")


def verdict(night: Night, took: Sequence[Took]) -> str:
    """One sentence: what comes back, how old, after how long."""
    if night.region is None:
        databases = sum(each.count for each in night.losses if each.what == "databases")
        return f"nothing comes back of {databases} databases: no copy in another region; {remedy(night)}"
    back = night.back()
    with_data = sum(each.with_data for each in back if each.loss.what == _DATABASES)
    databases = sum(each.loss.count for each in back if each.loss.what in (_DATABASES, "databases"))
    lost = ", ".join(f"{each.loss.what} ({each.loss.count})" for each in back if each.loss.fate == "lost")
    return (
        f"{with_data} of {databases} databases come back in {night.region}, as of at most "
        f"{times.oldest_hours(night.copies):g} h and the time of copying before; users are served after at most "
        f"{times.shown(served_after(took))}, and all data are loaded {full_speed(night)} later at least; "
        f"without a copy: {lost}"
    )


def row(night: Night, took: Sequence[Took]) -> Row:
    """The night as an operation of the year."""
    back = night.back() if night.region is not None else []
    found = Row(TITLE, created=sum(each.made for each in back), note=_short(night, back, took))
    found.surprises = [f"{each.step.title}: {surprise}" for each in took for surprise in each.surprises]
    return found


def row_of(took: Took) -> Row:
    """One step, as a picture has it."""
    found = Row(took.step.title, created=took.created, changed=took.changed)
    found.note = f"at most {times.shown(took.seconds)}" if took.seconds else took.said
    found.surprises = list(took.surprises)
    return found


def lines(night: Night, took: Sequence[Took]) -> list[str]:
    """For a terminal."""
    found = [f"Loss of {night.lost.region}: {verdict(night, took)}"]
    if night.region is None:
        return [*found, *(f"  {each.count:>4} {each.what}: {each.note}" for each in night.losses)]
    for each in night.back():
        found.append(f"  {each.loss.count:>4} {each.loss.what}: {_shown(each)}; {each.loss.note}")
    steps = [each for each in took if each.step.phase == "That night" and each.seconds]
    found.append(
        f"At most, by the model: {', '.join(f'{each.step.title} {times.shown(each.seconds)}' for each in steps)}."
    )
    return [*found, "The commands are those of docs/region-loss.md."]


def markdown(night: Night, took: Sequence[Took]) -> str:
    """Two tables for a record: steps with their times, and what came back."""
    head = ["| step | when | what it does | at most | the longest of it |", "|---|---|---|---|---|"]
    steps = [
        f"| {number}. {each.step.title} | {each.step.phase.lower()} | {each.said} | "
        f"{times.shown(each.seconds) if each.seconds else ''} | {each.because} |"
        for number, each in enumerate(took, 1)
    ]
    counts = ["| lost with the region | there | made again | with its data | |", "|---|---|---|---|---|"]
    rows = [
        f"| {each.loss.what} | {each.loss.count} | {each.made} | {each.with_data or ''} | {each.loss.note} |"
        for each in night.back()
    ]
    return "\n".join(
        [verdict(night, took)[:1].upper() + verdict(night, took)[1:] + ".", "", *counts, *rows, "", *head, *steps]
    )


def full_speed(night: Night) -> str:
    """When the largest restored database has loaded its data, at least."""
    largest = max(night.storage.values(), default=0)
    return times.shown(times.full_speed_seconds(largest)) if largest else ""


def _shown(back: Back) -> str:
    if back.loss.fate == "restored":
        return f"{back.with_data} with their data"
    return f"{back.made} made again" if back.loss.fate == "made again" else "lost"


def _short(night: Night, back: Sequence[Back], took: Sequence[Took]) -> str:
    if night.region is None:
        return "nothing comes back: no backup_copy_region"
    with_data = sum(each.with_data for each in back if each.loss.what == _DATABASES)
    there = sum(each.loss.count for each in back if each.loss.what in (_DATABASES, "databases"))
    return (
        f"{with_data} of {there} databases back, {times.oldest_hours(night.copies):g} h old at most; served after "
        f"{times.shown(served_after(took))}"
    )
