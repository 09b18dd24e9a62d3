"""What stacks cost: against what was expected before, against other arithmetic, and as a function of the load."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan.cloud.catalogue import catalogued
from groundplan.pricing import unbilled
from groundplan.pricing.band import Band
from groundplan.pricing.cost import BILLED, BROUGHT_CLUSTER, Cost, cost
from groundplan.pricing.figures import ASSUMPTIONS
from groundplan.pricing.table import built_in
from infra.tests.pricing.recomputed import recompute
from infra.tests.program.graphs import ALL, EITHER_BROKER, STACKS, Graph, graph_of, in_group, on
from infra.tests.samples import ROOT

WITHIN = 0.01


def costed(graph: Graph, load: float = 1.0, users: int | None = None) -> Cost:
    return cost(graph.resources, graph.system, graph.environment, graph.plan, built_in(), load=load, users=users)


def _expected() -> dict[str, dict[str, tuple[float, float]]]:
    """The table of docs/expectations/costs.md: row to stack to range."""
    rows: dict[str, dict[str, tuple[float, float]]] = {}
    for line in (ROOT / "docs/expectations/costs.md").read_text().splitlines():
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
        if len(cells) != 5:
            continue
        ranges = {
            stack: (float(found[1].replace(",", "")), float(found[2].replace(",", "")))
            for stack, cell in zip(STACKS, cells[1:4], strict=True)
            if (found := re.fullmatch(r"([\d,]+) to ([\d,]+)", cell))
        }
        if ranges:
            rows[cells[0]] = ranges
    return rows


EXPECTED = _expected()


def _disagreements() -> dict[tuple[str, str], float]:
    """Row and stack of what was computed otherwise, with a reason: the rows of four cells."""
    found = {}
    for line in (ROOT / "docs/expectations/costs.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"[\d,]+", cells[2]):
            assert len(cells[3]) > 40, f"{cells[0]}: no reason"
            found[cells[0], cells[1]] = float(cells[2].replace(",", ""))
    return found


DISAGREEMENTS = _disagreements()


def hold(row: str, stack: str, least: float, found: float, most: float) -> None:
    """Within what was expected, or what a reason explains: a reason for what is in its range is out of date."""
    if (row, stack) in DISAGREEMENTS:
        assert not least <= found <= most, f"{row}, {stack}: no disagreement any more"
        assert found == pytest.approx(DISAGREEMENTS[row, stack], rel=WITHIN), row
    else:
        assert least <= found <= most, row


def _of(*keys: str, tier: str = "", what: str = "") -> Callable[[Cost], float]:
    def amount(of: Cost) -> float:
        return sum(
            line.usd.expected
            for line in of.priced
            if line.usd
            and (not keys or line.item.key.startswith(keys))
            and tier in ("", line.item.tier)
            and what in line.item.what
        )

    return amount


def _logs(of: Cost) -> float:
    return _of("cloudwatch.logs", "xray")(of)


PARTS: dict[str, Callable[[Cost], float]] = {
    "API Gateway, requests": _of("apigateway.rest"),
    "two web ACLs": _of("waf."),
    "CloudFront": _of("cloudfront."),
    "logs, traces": _logs,
    "EKS, nodes": _of("eks.", "ec2.", "ebs."),
    "RDS instances that have a rate": _of("rds.db."),
    "RDS storage, proxies, backups": _of("rds.storage", "rds.proxy", "backup."),
    "cache": _of(tier="cache"),
    "Kafka": _of(tier="events"),
    "NAT, endpoints, addresses": _of("nat.", "endpoint.", "vpc."),
    "keys, secrets": _of("kms.", "secrets."),
    "everything, expected": lambda of: of.total.expected,
}


def test_every_row_that_was_expected_is_looked_at() -> None:
    assert set(EXPECTED) - {"at ten times the load, planned anew"} == set(PARTS)
    assert {row for row, _ in DISAGREEMENTS} - {"queues for Kafka, saved"} <= set(PARTS)


@on(*STACKS)
def test_costs_are_in_the_ranges_that_were_written_before(graph: Graph) -> None:
    of = costed(graph)
    for row, part in PARTS.items():
        if graph.name in EXPECTED[row]:
            least, most = EXPECTED[row][graph.name]
            hold(row, graph.name, least, part(of), most)


@on(*STACKS, "queues", "queues in dev", "network firewall", "us-east-1")
def test_costs_are_what_other_arithmetic_gives(graph: Graph) -> None:
    of, bill = costed(graph), recompute(graph)
    assert of.total.expected == pytest.approx(bill.total(), rel=WITHIN)
    counted: dict[tuple[str, str], float] = defaultdict(float)
    for line in of.lines:
        counted[line.item.key, line.item.region or graph.environment.region] += line.item.quantity.expected
    other = {place: quantity for place, quantity in bill.used.items() if quantity}
    assert {place for place, quantity in counted.items() if quantity} == set(other)
    for place, quantity in other.items():
        assert counted[place] == pytest.approx(quantity, rel=WITHIN), place


@on("prod")
def test_little_of_production_has_no_rate_or_one_from_memory(graph: Graph) -> None:
    of = costed(graph)
    assert of.uncertain_share <= 0.10
    assert {line.item.key for line in of.unpriced} == {
        "rds.db.r7g.large.multi",
        "rds.db.r7g.large.single",
        "rds.db.m7g.large.single",
        "cache.m7g.large",
        "firehose.msk",
    }


@on("prod")
def test_requests_are_more_than_half_of_production(graph: Graph) -> None:
    of = costed(graph)
    requests = _of("apigateway.", "waf.requests", "cloudfront.", "xray.", "cloudwatch.logs")(of)
    assert 0.6 <= requests / of.total.expected <= 0.75
    assert of.grouped()[0][0].key == "apigateway.rest"


@on(*ALL)
def test_every_resource_is_priced_or_listed(graph: Graph) -> None:
    of = costed(graph)
    priced = {line.item.type for line in of.lines}
    for resource in graph.resources:
        if resource.custom:
            listed = resource.type in of.not_billed or resource.type in {each.type for each in of.unpriced_types}
            assert resource.type in priced or resource.type in BILLED or listed, resource.urn
    unpriced = {each.type for each in of.unpriced_types}
    assert unpriced == ({BROUGHT_CLUSTER} if graph.environment.existing_cluster else set())
    assert all(reason for _, reason in of.not_billed.values())
    assert all(line.item.key == "" or built_in().tiers(line.item.key) for line in of.priced)


def test_every_type_that_the_simulated_cloud_knows_has_one_place() -> None:
    for token in catalogued():
        places = (token in BILLED, unbilled.not_billed(token) is not None, token in unbilled.NOT_PRICED)
        # A node pool is billed, as any other object of Kubernetes is not.
        assert sum(places) == 1 or (token in BILLED and token.startswith("kubernetes:")), token


def test_a_type_that_nobody_knows_is_named_and_not_free() -> None:
    graph = graph_of("dev")
    stranger = next(each for each in graph.resources if each.type == "aws:kms/key:Key")
    other = replace(stranger, type="aws:redshift/cluster:Cluster")
    of = cost([other], graph.system, graph.environment, graph.plan, built_in())
    assert [(each.type, each.resources) for each in of.unpriced_types] == [("aws:redshift/cluster:Cluster", 1)]


@on("prod", "queues")
def test_every_line_counts_something_by_a_rate_that_is_known(graph: Graph) -> None:
    for line in costed(graph).lines:
        assert built_in().tiers(line.item.key), line.item
        band = line.item.quantity
        assert 0 <= band.low <= band.expected <= band.high, line.item
        assert sum(line.item.by_service.values()) == pytest.approx(1)


LOADS = st.floats(0.01, 40, allow_nan=False)


@pytest.mark.parametrize("name", [in_group(name) for name in EITHER_BROKER])
@given(load=LOADS, more=st.floats(0, 10))
@settings(max_examples=25, deadline=None)
def test_more_load_never_costs_less(name: str, load: float, more: float) -> None:
    graph = graph_of(name)
    one, other = costed(graph, load).total, costed(graph, load + more).total
    for less, larger in zip(_ends(one), _ends(other), strict=True):
        assert less <= larger * (1 + 1e-9)


@pytest.mark.parametrize("name", [in_group(name) for name in EITHER_BROKER])
@given(load=LOADS)
@settings(max_examples=25, deadline=None)
def test_a_little_more_load_costs_a_little_more(name: str, load: float) -> None:
    """No step: a thousandth more load is at most a thousandth more of what grows, nodes of the plan's span aside."""
    graph = graph_of(name)
    one, other = costed(graph, load), costed(graph, load * 1.001)
    cluster = graph.plan.cluster
    nodes = max(1.0, cluster.nodes_grown / cluster.nodes_now)
    for before, after, grows in zip(_ends(one.total), _ends(other.total), _ends(one.by_load), strict=True):
        assert after - before <= 0.002 * nodes * max(1.0, load) * grows + 1e-6


@on(*STACKS, "queues", "fifty services")
def test_parts_add_up(graph: Graph) -> None:
    of = costed(graph)
    for parts in (of.by_service().values(), of.by_tier().values(), [of.fixed, of.by_load]):
        for name in ("low", "expected", "high"):
            assert sum(getattr(band, name) for band in parts) == pytest.approx(getattr(of.total, name))
    assert set(of.by_service()) <= {*graph.system.services, "shared"}


@on("prod")
def test_users_are_counted_when_their_number_is_given(graph: Graph) -> None:
    without, with_them = costed(graph), costed(graph, users=100_000)
    assert not without.users_known
    assert with_them.total.expected - without.total.expected == pytest.approx(100_000 * 0.015)


def test_assumed_figures_have_units_sources_and_ranges() -> None:
    for each in ASSUMPTIONS:
        assert each.unit, each
        assert len(each.source) > 10, each
        assert 0 <= each.band.low <= each.band.expected <= each.band.high, each
    assert len({each.name for each in ASSUMPTIONS}) == len(ASSUMPTIONS)


def test_bands_keep_their_order() -> None:
    assert Band(1, 2, 3) + Band(1, 1, 1) == Band(2, 3, 4)
    assert Band(1, 2, 3) * Band(2, 2, 2) == Band(2, 4, 6)


def _ends(band: Band) -> tuple[float, float, float]:
    return band.low, band.expected, band.high
