"""Countries that exist, and a rate limit that limits (S1, S7)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.countries import COUNTRIES, MISTAKEN
from groundplan.declaration.model import System
from groundplan.problems import Finding


def check_edge(system: System) -> list[Finding]:
    return [*_countries(system), *_rate_limit(system)]


def _countries(system: System) -> Iterator[Finding]:
    edge = system.edge
    for key, codes in (("allowed_countries", edge.allowed_countries), ("blocked_countries", edge.blocked_countries)):
        for position, code in enumerate(codes):
            path = ("edge", key, position)
            if code in codes[:position]:
                yield Finding(path, code, "each country once", "remove one of the two")
            elif code not in COUNTRIES:
                correct = MISTAKEN.get(code)
                remedy = f"write {correct}" if correct else "look the code up: https://www.iso.org/obp/ui/#search/code/"
                yield Finding(path, code, "a country's code in ISO 3166-1", remedy)
    if edge.allowed_countries and edge.blocked_countries:
        yield Finding(
            ("edge", "blocked_countries"),
            "given beside allowed_countries",
            "one of the two: with allowed countries all others are refused anyway",
            "remove one of the lists",
        )


def _rate_limit(system: System) -> Iterator[Finding]:
    limit, needs = system.edge.rate_limit, system.requirements
    one_client = limit.requests / limit.per_seconds
    whole_system = needs.requests_per_second * needs.growth_factor
    if one_client > whole_system:
        most = int(whole_system * limit.per_seconds)
        remedy = f"lower it to {most:,} or less" if most >= 10 else "lower it, or correct requirements"
        yield Finding(
            ("edge", "rate_limit", "requests"),
            f"{limit.requests:,} in {limit.per_seconds} s, {one_client:,.0f} a second",
            f"less for one client than the whole system holds at its growth factor, {whole_system:,.0f} a second (S7)",
            remedy,
        )
