"""Costs as text, and as a table of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundplan.capacity.text import paragraph, table
from groundplan.capacity.wording import count, number, percent
from groundplan.pricing.band import Band
from groundplan.pricing.cost import REFERENCE_REGION, Cost, assumptions
from groundplan.pricing.item import Item
from groundplan.pricing.savings import Alternative, Saving

SHOWN_SAVINGS = 3
ACTIVE_USERS = 1000


@dataclass(frozen=True)
class Costing:
    """One stack: its cost today and grown, and what would save."""

    today: Cost
    grown: Mapping[float, Cost]
    """By times the load; planned anew for it."""
    savings: tuple[Saving, ...] = ()
    refused: tuple[tuple[Alternative, str], ...] = ()
    per_user: float | None = None
    """US dollars of a monthly active user, where the pool's plan has a rate."""
    not_grown: Mapping[float, str] | None = None
    """Loads that can't be planned, with the reason."""


def report(system: str, costing: Costing, *, shown: int = 15, why: bool = False) -> str:
    """In lines of at most 100 columns."""
    today = costing.today
    requests = today.requests.expected
    lines = [
        f"{system}, {today.stack}: about ${_usd(today.total.expected)} a month, from ${_usd(today.total.low)} to "
        f"${_usd(today.total.high)}",
        *paragraph(
            f"List prices of {today.region} as of {today.gathered}, on demand, before tax, no free tier subtracted. "
            f"Fixed ${_usd(today.fixed.expected)}; by load ${_usd(today.by_load.expected)}, which is "
            f"${number(today.by_load.expected / requests * 1e6, 2) if requests else 0} a million requests of "
            f"{number(requests / 1e6)} million."
        ),
        "",
        "By tier",
        *_columns(costing, lambda cost: cost.by_tier()),
        "",
        "By service",
        *_columns(costing, lambda cost: cost.by_service()),
        "",
        "Largest first",
        *_largest(today, shown),
        *_gaps(costing),
    ]
    if costing.savings:
        lines += ["", "What would save most, each planned and simulated anew", *_savings(costing.savings)]
    for alternative, reason in costing.refused:
        lines += paragraph(f"{alternative.name}: can't be deployed here ({reason}).", "- ")
    if why:
        lines += ["", "Figures that quantities rest on, beside the plan's", *_assumptions()]
        lines += ["", "Not billed", *_not_billed(today)]
    return "\n".join(lines) + "\n"


def _columns(costing: Costing, parts: Callable[[Cost], dict[str, Band]]) -> list[str]:
    today = parts(costing.today)
    others = {factor: parts(cost) for factor, cost in costing.grown.items()}
    names = list(dict.fromkeys([*today, *(name for found in others.values() for name in found)]))
    headings = ("", "a month", "least", "most", *(f"at {number(factor)}x" for factor in others))
    nothing = Band(0, 0, 0)
    rows = [
        (
            name,
            *_three(today.get(name, nothing)),
            *(_usd(found.get(name, nothing).expected) for found in others.values()),
        )
        for name in names
    ]
    rows.append(("all", *_three(costing.today.total), *(_usd(cost.total.expected) for cost in costing.grown.values())))
    return table(headings, rows)


def _largest(today: Cost, shown: int) -> list[str]:
    groups = today.grouped()
    rows = [
        (item.tier, _named(item, how_many), item.grows, *_three(amount))
        for item, how_many, amount in groups[:shown]
        if amount.high > 0
    ]
    lines = table(("", "", "", "a month", "least", "most"), rows, left=3)
    rest = [amount.expected for _, _, amount in groups[shown:] if amount.high > 0]
    if rest:
        lines.append(f"  and {len(rest)} more, ${_usd(sum(rest))} together")
    return lines


def _named(item: Item, how_many: int) -> str:
    return item.what if how_many == 1 else f"{item.what}, {how_many} of them"


def _gaps(costing: Costing) -> list[str]:
    today = costing.today
    lines: list[str] = []
    if today.unpriced:
        lines += ["", f"Not priced in {today.region}, and in no total; `make prices REGION={today.region}` reads them"]
        rows = [
            (_named(item, how_many), f"{_usd(amount.expected)} at {REFERENCE_REGION}'s list")
            for item, how_many, amount in today.grouped(today.unpriced)
        ]
        lines += table(("", "a month"), rows, left=2)
    for factor, cost in costing.grown.items():
        if cost.missing.expected >= 1:
            lines += paragraph(
                f"At {number(factor)} times the load {_usd(cost.missing.expected)} by {REFERENCE_REGION}'s list have "
                "no rate here, and are in no total either.",
                "- ",
            )
    for each in today.unpriced_types:
        lines += paragraph(f"{count(each.resources, 'resource')} of {each.type}: {each.reason}.", "- ")
    if recalled := today.grouped(
        line for line in today.priced if line.confidence == "recalled" and line.weight.high >= 1
    ):
        lines += ["", "Rates from memory, to be checked"]
        rows = [(_named(item, how_many), _usd(amount.expected)) for item, how_many, amount in recalled]
        lines += table(("", "a month"), rows)
    if today.unpriced or recalled:
        lines += paragraph(f"Both are {percent(today.uncertain_share)} of the whole.")
    if not today.users_known and costing.per_user is not None:
        lines += [
            "",
            *paragraph(
                f"Identity is in no total, as the declaration doesn't say how many people sign in: "
                f"{number(ACTIVE_USERS)} monthly active users are ${_usd(costing.per_user * ACTIVE_USERS)}. Give their "
                "number with --users."
            ),
        ]
    for factor, reason in (costing.not_grown or {}).items():
        lines += paragraph(f"At {number(factor)} times the load there is no plan: {reason}.", "- ")
    return lines


def _savings(savings: Sequence[Saving]) -> list[str]:
    lines: list[str] = []
    for saving in savings[:SHOWN_SAVINGS]:
        unpriced = saving.saved_unpriced
        beside = ""
        if abs(unpriced) >= 0.5:
            sign = "" if unpriced > 0 else "-"
            beside = f" (and {sign}${_usd(abs(unpriced))} of what isn't priced here)"
        lines += paragraph(
            f"${_usd(saving.saved)} a month{beside}: {saving.alternative.name}. Gives up: "
            f"{saving.alternative.gives_up}. {saving.alternative.change}; {saving.effort.value}.",
            "- ",
        )
    if others := savings[SHOWN_SAVINGS:]:
        lines += paragraph(
            "Then: " + "; ".join(f"{each.alternative.name} ${_usd(each.weight)}" for each in others) + "."
        )
    return lines


def _assumptions() -> list[str]:
    rows = [
        (each.name, f"{_figure(each.band.low)} / {_figure(each.band.expected)} / {_figure(each.band.high)}",
         f"{each.unit}: {each.source}")
        for each in assumptions()
    ]  # fmt: skip
    return table(("", "least / expected / most", ""), rows, left=3)


def _not_billed(today: Cost) -> list[str]:
    reasons: dict[str, int] = {}
    for how_many, reason in today.not_billed.values():
        reasons[reason] = reasons.get(reason, 0) + how_many
    return table(("", ""), [(count(many, "resource"), reason) for reason, many in reasons.items()], left=2)


def cost_table(costings: Mapping[str, Costing], *, factor: float = 10.0) -> str:
    """Markdown for a document: tiers by stack, the band, and the whole at so many times the load."""
    stacks = list(costings)
    found = {stack: costing.today.by_tier() for stack, costing in costings.items()}
    largest = max(costings.values(), key=lambda each: each.today.total.expected)
    tiers = list(dict.fromkeys([*largest.today.by_tier(), *(tier for each in found.values() for tier in each)]))
    nothing = Band(0, 0, 0)
    rows = [
        ("US dollars a month", *stacks),
        *((tier, *(_usd(found[stack].get(tier, nothing).expected) for stack in stacks)) for tier in tiers),
        ("**all**", *(f"**{_usd(costings[stack].today.total.expected)}**" for stack in stacks)),
        ("least to most", *(_range(costings[stack].today.total) for stack in stacks)),
        ("of it fixed", *(_usd(costings[stack].today.fixed.expected) for stack in stacks)),
        (
            f"all at {number(factor)} times the load",
            *(
                _usd(costings[stack].grown[factor].total.expected) if factor in costings[stack].grown else "-"
                for stack in stacks
            ),
        ),
        (
            f"beside it, without a rate here ({REFERENCE_REGION}'s list)",
            *(_usd(costings[stack].today.missing.expected) for stack in stacks),
        ),
        ("no rate or from memory", *(percent(costings[stack].today.uncertain_share) for stack in stacks)),
    ]
    lines = ["| " + " | ".join(rows[0]) + " |", "|---|" + "---:|" * len(stacks)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows[1:])])


def savings_table(savings: Sequence[Saving]) -> str:
    """Markdown for a document: what would save most, and what it gives up."""
    rows = [
        (each.alternative.name, _usd(each.saved), each.alternative.gives_up, each.effort.value)
        for each in savings[:SHOWN_SAVINGS]
    ]
    lines = ["| Change | US dollars a month less | Gives up | The way there |", "|---|---:|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _three(band: Band) -> tuple[str, str, str]:
    return _usd(band.expected), _usd(band.low), _usd(band.high)


def _range(band: Band) -> str:
    return f"{_usd(band.low)} to {_usd(band.high)}"


def _usd(amount: float) -> str:
    return f"{amount:,.0f}"


def _figure(value: float) -> str:
    return number(value, 2)
