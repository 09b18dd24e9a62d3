"""Budgets in words and rows, for reports and documents."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.capacity.model import AvailabilityBudget, Budgets, LatencyBudget
from groundplan.capacity.wording import number

Row = tuple[str, str, str]

_VERDICTS = {
    "covered": "AWS's commitments cover the target",
    "not covered": "AWS's commitments don't cover the target; what this stack does itself is within it",
    "not met": "not met: what this stack does itself already takes more than the target allows",
}


def availability_sentence(budget: AvailabilityBudget) -> str:
    said = (
        f"Availability, {number(budget.target_percent, 3)} %: {number(budget.allowed)} minutes in 30 days are allowed, "
        f"AWS commits itself to {number(budget.committed)}, failovers, upgrades and deployments take "
        f"{number(budget.own)}. {_VERDICTS[budget.verdict]}."
    )
    return f"{said} What would be needed: {budget.needed}." if budget.needed else said


def availability_rows(budget: AvailabilityBudget) -> Iterator[Row]:
    """Part, minutes in 30 days, source."""
    for share in budget.commitments:
        yield (f"AWS's commitment: {share.part}", number(share.amount), share.source)
    yield (
        "AWS's commitments, one after the other",
        number(budget.committed),
        f"{number(budget.committed_percent, 2)} %",
    )
    for share in budget.outages:
        yield (share.part, number(share.amount), share.source)
    yield ("what this stack takes itself", number(budget.own), "the sum of these")


def latency_sentence(budget: LatencyBudget) -> str:
    said = (
        f"Latency, {budget.request} of {budget.service}: {number(budget.total)} of {number(budget.target)} ms at the "
        "95th percentile"
    )
    return f"{said}: not met. What would be needed: {budget.needed}." if budget.needed else f"{said}."


def latency_rows(budget: LatencyBudget) -> Iterator[Row]:
    """Hop, milliseconds at the 95th percentile, source."""
    for hop in budget.hops:
        yield (hop.part, number(hop.amount), hop.source)
    yield ("all hops slow at once", number(budget.total), "the sum, which is an upper bound")


def budget_sentences(budgets: Budgets) -> list[str]:
    return [availability_sentence(budgets.availability), *(latency_sentence(each) for each in budgets.latency)]


def unmet(budgets: Budgets) -> list[str]:
    """What a person should know before they rely on it: targets that this stack misses by itself."""
    found = []
    if budgets.availability.verdict == "not met":
        found.append(availability_sentence(budgets.availability))
    return found + [latency_sentence(each) for each in budgets.latency if each.needed]
