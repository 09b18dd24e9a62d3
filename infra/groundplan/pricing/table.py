"""AWS's list prices: the dated table of this product, and a project's own, read from AWS's price-list files.

A rate without a price in a region isn't priced there. Nothing is multiplied from another region's price.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from groundplan.problems import Problem, ProblemsFound

Confidence = Literal["confirmed", "one-source", "derived", "recalled"]
"""`confirmed`: AWS's own feed or file, or two sources that agree. `recalled`: from memory, to be checked."""

UNITS: Mapping[str, float] = {
    "million": 1e6,
    "100,000": 1e5,
    "10,000": 1e4,
    "1,000": 1e3,
    "1,000 metrics": 1e3,
    "TB": 1024,  # counted in GB
}
"""How many of what is counted one priced unit is; 1 for all others."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Frozen):
    """One region's price of a rate."""

    usd: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    confidence: Confidence


class Rate(_Frozen):
    """What one unit of one dimension costs, by region. Tiers of one dimension share a key."""

    key: str
    service: str
    dimension: str
    unit: str
    prices: Mapping[str, Price]
    sources: tuple[str, ...]
    date: str
    starts: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Units a month from which this tier's price holds."""
    note: str = ""

    @property
    def per(self) -> float:
        return UNITS.get(self.unit, 1)


class _Row(_Frozen):
    key: str
    service: str
    dimension: str
    unit: str
    prices: Mapping[str, tuple[float, Confidence]]
    sources: tuple[int, ...]
    date: str
    starts: float = 0
    note: str = ""


class _File(_Frozen):
    gathered: str
    currency: Literal["USD"]
    sources: tuple[str, ...]
    rates: tuple[_Row, ...]


class PriceTable:
    """Rates by key, each with its tiers in order."""

    def __init__(self, gathered: str, rates: tuple[Rate, ...]) -> None:
        self.gathered = gathered
        self.rates = rates
        tiers: dict[str, list[Rate]] = defaultdict(list)
        for rate in rates:
            tiers[rate.key].append(rate)
        self._tiers = {key: tuple(sorted(found, key=lambda rate: rate.starts)) for key, found in tiers.items()}

    def tiers(self, key: str) -> tuple[Rate, ...]:
        """All tiers of a dimension, the first one first; empty for what the table doesn't know."""
        return self._tiers.get(key, ())

    def regions(self) -> frozenset[str]:
        return frozenset(region for rate in self.rates for region in rate.prices)

    def usd(self, key: str, region: str, quantity: float = 1) -> float | None:
        """What ``quantity`` of what is counted costs in a month; None where it has no price."""
        tiers = [(tier, tier.prices[region]) for tier in self.tiers(key) if region in tier.prices]
        if not tiers:
            return None
        ends = [tier.starts for tier, _ in tiers[1:]] + [float("inf")]
        return sum(
            max(0.0, min(quantity / tier.per, end) - tier.starts) * price.usd
            for (tier, price), end in zip(tiers, ends, strict=True)
        )

    def confidence(self, key: str, region: str) -> Confidence | None:
        """The weakest of the tiers' confidences; None for what isn't priced."""
        order: tuple[Confidence, ...] = ("confirmed", "one-source", "derived", "recalled")
        prices = [tier.prices[region] for tier in self.tiers(key) if region in tier.prices]
        if not prices:
            return None
        return max((price.confidence for price in prices), key=order.index)

    def over(self, other: PriceTable) -> PriceTable:
        """This table's dimensions, region by region, in place of the other's."""
        mine = {(rate.key, region) for rate in self.rates for region in rate.prices}
        kept = [
            rate.model_copy(
                update={"prices": {r: price for r, price in rate.prices.items() if (rate.key, r) not in mine}}
            )
            for rate in other.rates
        ]
        merged: dict[tuple[str, float], Rate] = {(rate.key, rate.starts): rate for rate in kept if rate.prices}
        for rate in self.rates:
            place = (rate.key, rate.starts)
            before = merged.get(place)
            merged[place] = rate.model_copy(update={"prices": {**before.prices, **rate.prices}}) if before else rate
        return PriceTable(self.gathered, tuple(merged.values()))


def parse(text: str, where: str) -> PriceTable:
    """Raises ProblemsFound when it isn't a price table."""
    try:
        read = _File.model_validate(json.loads(text))
        rates = tuple(
            Rate(
                **row.model_dump(exclude={"prices", "sources"}),
                prices={region: Price(usd=usd, confidence=sure) for region, (usd, sure) in row.prices.items()},
                sources=tuple(read.sources[number] for number in row.sources),
            )
            for row in read.rates
        )
    except (ValueError, ValidationError, IndexError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        path = ".".join(map(str, first["loc"])) if first else ""
        raise ProblemsFound(
            [
                Problem(
                    where,
                    path,
                    "not readable as prices",
                    "a table as `groundplan prices` writes it",
                    "write it anew: `make prices REGION=<region>`, or remove the file",
                )
            ]
        ) from None
    return PriceTable(read.gathered, rates)


@cache
def built_in() -> PriceTable:
    """The table that comes with this product."""
    text = files("groundplan.pricing").joinpath("rates.json").read_text("utf-8")
    return parse(text, "groundplan/pricing/rates.json")


def own_file(project: Path, region: str) -> Path:
    """Where a project keeps the prices that it read for a region."""
    return project / f"prices.{region}.json"


def table_for(project: Path, region: str) -> PriceTable:
    """The built-in table, under what the project has read for this region. Raises ProblemsFound."""
    path = own_file(project, region)
    if not path.is_file():
        return built_in()
    return parse(path.read_text("utf-8"), path.name).over(built_in())


def usd_of(key: str, region: str) -> float | None:
    """The first tier's price of one unit in the built-in table."""
    tiers = built_in().tiers(key)
    price = tiers[0].prices.get(region) if tiers else None
    return price.usd if price else None
