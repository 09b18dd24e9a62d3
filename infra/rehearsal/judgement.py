"""What a step should have done, and what is a surprise: each in one line that names it."""

from __future__ import annotations

from collections.abc import Iterable

from infra.rehearsal.differences import Difference, name_of, type_of
from infra.rehearsal.growth import Change

_MOST_NAMED = 10


def only_creates(done: Difference) -> Iterable[str]:
    yield from _named("preview would change", (*done.updated, *done.replaced, *done.deleted))


def as_previewed(previewed: Difference, done: Difference) -> Iterable[str]:
    yield from _named("preview had not announced", sorted(set(done.created) - set(previewed.created)))
    yield from _named("preview had announced, and up left out,", sorted(set(previewed.created) - set(done.created)))


def changes_nothing(done: Difference) -> Iterable[str]:
    yield from _named("with nothing changed, there would still be created", done.created)
    yield from _named("with nothing changed, there would still be changed", done.updated)
    yield from _named("with nothing changed, there would still be replaced", done.replaced)
    yield from _named("with nothing changed, there would still be deleted", done.deleted)


def loses_nothing(done: Difference) -> Iterable[str]:
    yield from _named("data would be lost with", done.lost)


def judge(change: Change, done: Difference) -> Iterable[str]:
    """What is wrong with what a change did: something that holds data is lost, a step is one that AWS refuses, or what
    was asked for isn't there."""
    yield from loses_nothing(done)
    yield from (f"{change.title}: {refusal}" for refusal in done.refusals)
    if change.service and not any(
        change.type in (type_of(urn), "") and change.service in name_of(urn) for urn in done.created
    ):
        yield f"{change.title}: nothing was created for it"


def _named(what: str, urns: Iterable[str]) -> Iterable[str]:
    shown = list(urns)
    for urn in shown[:_MOST_NAMED]:
        yield f"{what} {described(urn)}"
    if len(shown) > _MOST_NAMED:
        yield f"{what} {len(shown) - _MOST_NAMED} more"


def described(urn: str) -> str:
    return f"{name_of(urn)} ({type_of(urn)})"
