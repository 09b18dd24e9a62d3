"""What a month of one stack costs, line by line: the simulated program's resources, priced under its load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from groundplan.capacity.model import Plan
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.pricing import figures, unbilled
from groundplan.pricing.band import NOTHING, Band, total
from groundplan.pricing.item import TIERS, Billed, Item
from groundplan.pricing.operations import OPERATIONS
from groundplan.pricing.stores import STORES
from groundplan.pricing.table import Confidence, PriceTable
from groundplan.pricing.traffic import TRAFFIC
from groundplan.pricing.usage import Usage
from groundplan.stack.environment import Environment

BILLED: Mapping[str, Billed] = {**TRAFFIC, **STORES, **OPERATIONS}
REFERENCE_REGION = "us-east-1"
"""Where the table is most complete: its list shows how much a rate without a price may weigh. It is in no total."""

BROUGHT_CLUSTER = "an existing cluster"


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its price; ``usd`` is None when there is none, and ``reference`` then what it costs elsewhere."""

    item: Item
    usd: Band | None
    confidence: Confidence | None
    reference: Band | None

    @property
    def weight(self) -> Band:
        return self.usd or self.reference or NOTHING


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A resource type that AWS bills and this table has no figure for."""

    type: str
    resources: int
    reason: str


@dataclass(frozen=True)
class Cost:
    """US dollars a month."""

    stack: str
    region: str
    gathered: str
    requests: Band
    """Of the API, a month."""
    lines: tuple[Line, ...]
    unpriced_types: tuple[Unpriced, ...]
    not_billed: Mapping[str, tuple[int, str]]
    """By type: how many, and why."""
    users_known: bool

    @property
    def priced(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.usd is not None)

    @property
    def unpriced(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.usd is None and line.item.quantity.high > 0)

    @property
    def total(self) -> Band:
        return _sum(self.priced)

    @property
    def fixed(self) -> Band:
        return _sum(line for line in self.priced if line.item.grows == "fixed")

    @property
    def by_load(self) -> Band:
        return _sum(line for line in self.priced if line.item.grows == "load")

    def by_tier(self) -> dict[str, Band]:
        """Largest first."""
        return _largest_first({tier: _sum(line for line in self.priced if line.item.tier == tier) for tier in TIERS})

    def by_service(self) -> dict[str, Band]:
        """Largest first; their sum is the total."""
        found: dict[str, Band] = defaultdict(lambda: NOTHING)
        for line in self.priced:
            assert line.usd is not None
            for service, part in line.item.by_service.items():
                found[service] = found[service] + line.usd * part
        return _largest_first(found)

    def grouped(self, lines: Iterable[Line] | None = None) -> list[tuple[Item, int, Band]]:
        """Lines of one kind as one, largest first: a first item of it, how many there are, the sum."""
        groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
        for line in self.priced if lines is None else lines:
            groups[line.item.tier, line.item.what, line.item.key].append(line)
        found = [(group[0].item, len(group), total(line.weight for line in group)) for group in groups.values()]
        return sorted(found, key=lambda each: each[2].expected, reverse=True)

    @property
    def missing(self) -> Band:
        """What the unpriced would cost at the reference region's list; no part of the total."""
        return total(line.reference for line in self.unpriced if line.reference)

    @property
    def recalled(self) -> Band:
        """The part of the total whose rates are from memory."""
        return _sum(line for line in self.priced if line.confidence == "recalled")

    @property
    def uncertain_share(self) -> float:
        """Of the expected cost, how much has no rate here or one from memory."""
        whole = self.total.expected + self.missing.expected
        return (self.missing.expected + self.recalled.expected) / whole if whole else 0.0


def cost(
    resources: Iterable[Resource],
    system: System,
    environment: Environment,
    plan: Plan,
    table: PriceTable,
    *,
    load: float = 1.0,
    users: int | None = None,
) -> Cost:
    """The bill of the program as it is declared, under ``load`` times the load that it was planned for."""
    usage = Usage(system, environment, plan, tuple(resources), table, load, users)
    items: list[Item] = []
    not_billed: dict[str, tuple[int, str]] = {}
    unknown: dict[str, Unpriced] = {}
    for resource in usage.resources:
        if not resource.custom:
            continue
        kind = resource.type
        if kind in BILLED:
            items.extend(BILLED[kind](resource, usage))
        elif reason := unbilled.not_billed(kind):
            not_billed[kind] = (not_billed.get(kind, (0, ""))[0] + 1, reason)
        else:
            reason = unbilled.NOT_PRICED.get(kind, "a type that this price table doesn't know")
            before = unknown[kind].resources if kind in unknown else 0
            unknown[kind] = Unpriced(kind, before + 1, reason)
    if environment.existing_cluster is not None:
        reason = "nodes, and what pods log, are in the bill of the cluster that is brought along"
        unknown[BROUGHT_CLUSTER] = Unpriced(BROUGHT_CLUSTER, 1, reason)
    return Cost(
        stack=environment.name,
        region=environment.region,
        gathered=table.gathered,
        requests=usage.api_requests,
        lines=_priced(items, environment.region, table),
        unpriced_types=tuple(unknown.values()),
        not_billed=not_billed,
        users_known=users is not None or not usage.of("aws:cognito/userPool:UserPool"),
    )


def _priced(items: list[Item], region: str, table: PriceTable) -> tuple[Line, ...]:
    """AWS bills the sum of a dimension in a region, by tiers: each line gets its part of that."""
    sums: dict[tuple[tuple[str, str, str], str], Band] = defaultdict(lambda: NOTHING)
    for each in items:
        place = (each.keys, each.region or region)
        sums[place] = sums[place] + each.quantity
    lines = []
    for each in items:
        keys, where = each.keys, each.region or region
        whole = sums[keys, where]

        def amount(
            region: str, keys: tuple[str, str, str] = keys, whole: Band = whole, each: Item = each
        ) -> Band | None:
            ends = [
                _part(table, key, region, all_of_it, its)
                for key, all_of_it, its in zip(keys, _ends(whole), _ends(each.quantity), strict=True)
            ]
            low, expected, high = ends
            return None if low is None or expected is None or high is None else Band(low, expected, high)

        usd = amount(where)
        confidence = table.confidence(each.key, where) if usd is not None else None
        lines.append(Line(each, usd, confidence, amount(REFERENCE_REGION) if usd is None else None))
    return tuple(lines)


def _part(table: PriceTable, key: str, region: str, whole: float, its: float) -> float | None:
    usd = table.usd(key, region, whole)
    if usd is None:
        return None
    return usd * its / whole if whole else 0.0


def _ends(band: Band) -> tuple[float, float, float]:
    return band.low, band.expected, band.high


def _sum(lines: Iterable[Line]) -> Band:
    return total(line.usd for line in lines if line.usd is not None)


def _largest_first(found: Mapping[str, Band]) -> dict[str, Band]:
    present = [(name, band) for name, band in found.items() if band.high > 0]
    return dict(sorted(present, key=lambda each: each[1].expected, reverse=True))


def assumptions() -> tuple[figures.Assumption, ...]:
    """Every figure that the quantities rest on beside declaration and plan."""
    return figures.ASSUMPTIONS
