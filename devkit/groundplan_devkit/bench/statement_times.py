"""How many statements a request asks, and how long they take: from what a traced process remembered.

A connection is held for a statement's whole time, from its sending to its answer, which is what sizes pools;
PostgreSQL's CPU time is a part of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Durations = Mapping[str, Sequence[float]]
"""Milliseconds in the order of their ends, by statement."""


def after_start(taken: Durations, at_start: Durations) -> dict[str, list[float]]:
    """Those of requests: what a process asks at its start comes first."""
    return {statement: list(each[len(at_start.get(statement, ())) :]) for statement, each in taken.items()}


def number_of(taken: Durations) -> int:
    return sum(len(each) for each in taken.values())


def steady(taken: Durations, share: float) -> dict[str, list[float]]:
    """Without the first ``share`` of each: those open connections and prepare statements."""
    return {statement: list(each[round(len(each) * share) :]) for statement, each in taken.items()}


def means(taken: Iterable[tuple[float, Durations]], rounds: int) -> list[float]:
    """The mean of all statements together in each of ``rounds`` parts of the run, in ms; none of a part without any.

    ``taken`` has the statements of as many requests of each kind, and the kind's share of all requests.
    """
    every = [(share, each) for share, of_kind in taken for each in of_kind.values()]
    parts = []
    for number in range(rounds):
        part = [
            (share, milliseconds)
            for share, each in every
            for milliseconds in each[len(each) * number // rounds : len(each) * (number + 1) // rounds]
        ]
        if part:
            parts.append(sum(share * milliseconds for share, milliseconds in part) / sum(share for share, _ in part))
    return parts
