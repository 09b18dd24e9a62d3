"""The built-in table of prices: what it holds, and what it never makes up."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import groundplan.pricing
from groundplan.capacity import figures
from groundplan.pricing.selectors import selector_for
from groundplan.pricing.table import Price, PriceTable, Rate, built_in

REGIONS = ("us-east-1", "eu-central-1")


def test_it_is_dated_small_and_has_both_regions() -> None:
    table = built_in()
    assert table.gathered == "2026-11-29"
    assert table.regions() == set(REGIONS)
    assert len(table.rates) >= 213
    assert (Path(groundplan.pricing.__file__).parent / "rates.json").stat().st_size < 300_000


def test_every_rate_has_sources_and_a_date() -> None:
    for rate in built_in().rates:
        assert rate.sources, rate.key
        assert all(rate.sources), rate.key
        assert rate.date, rate.key


def test_tiers_follow_one_another_and_are_priced_together() -> None:
    table = built_in()
    for key in {rate.key for rate in table.rates}:
        tiers = table.tiers(key)
        assert tiers[0].starts == 0, key
        assert all(one.starts < other.starts for one, other in pairwise(tiers)), key
        assert len({frozenset(tier.prices) for tier in tiers}) == 1, key
        assert len({tier.unit for tier in tiers}) == 1, key


@pytest.mark.parametrize("key", ["rds.db.r7g.large.multi", "cache.m7g.large", "firehose.msk", "no.such.rate"])
def test_what_has_no_rate_is_not_priced(key: str) -> None:
    assert built_in().usd(key, "eu-central-1", 10) is None
    assert built_in().confidence(key, "eu-central-1") is None


def test_no_region_but_those_of_the_table_has_a_price() -> None:
    assert all(built_in().usd(rate.key, "eu-west-1", 1) is None for rate in built_in().rates)


@pytest.mark.parametrize(
    ("key", "quantity", "usd"),
    [
        ("apigateway.rest", 1051.2e6, 333 * 3.7 + 667 * 3.19 + 51.2 * 2.71),
        ("cloudfront.europe.out", 20_480, 10_240 * 0.085 + 10_240 * 0.08),
        ("cloudwatch.logs.vended", 40_960, 10_240 * 0.63 + 20_480 * 0.315 + 10_240 * 0.126),
        ("cloudfront.europe.requests", 1e6, 1.2),
        ("athena.scanned", 512, 2.5),
        ("eks.cluster", 730, 73.0),
    ],
)
def test_tiers_and_units(key: str, quantity: float, usd: float) -> None:
    assert built_in().usd(key, "eu-central-1", quantity) == pytest.approx(usd)


@given(st.sampled_from(sorted({rate.key for rate in built_in().rates})), st.floats(0, 1e12), st.floats(0, 1e6))
def test_more_never_costs_less(key: str, quantity: float, more: float) -> None:
    less, larger = (built_in().usd(key, "us-east-1", each) for each in (quantity, quantity + more))
    assert less is None or (larger is not None and less <= larger * (1 + 1e-12) + 1e-9)


def test_an_own_table_replaces_dimensions_whole() -> None:
    def rate(starts: float, usd: float, region: str) -> Rate:
        price = Price(usd=usd, confidence="confirmed")
        return Rate(key="apigateway.rest", service="API Gateway", dimension="REST", unit="million", starts=starts,
                    prices={region: price}, sources=("mine",), date="today")  # fmt: skip

    own = PriceTable("today", (rate(0, 5, "eu-central-1"), rate(500, 4, "eu-central-1"), rate(0, 7, "eu-west-1")))
    table = own.over(built_in())
    assert table.usd("apigateway.rest", "eu-central-1", 1e9) == 500 * 5 + 500 * 4
    assert table.usd("apigateway.rest", "eu-west-1", 1e9) == 7000
    assert table.usd("apigateway.rest", "us-east-1", 1e9) == built_in().usd("apigateway.rest", "us-east-1", 1e9)
    assert table.usd("eks.cluster", "eu-central-1") == 0.1


def test_most_rates_can_be_read_from_aws() -> None:
    keys = {rate.key: selector_for(rate) for rate in built_in().rates}
    assert sum(1 for selector in keys.values() if selector) / len(keys) > 0.7


def test_the_plan_takes_the_prices_of_kept_storage_from_here() -> None:
    assert not hasattr(figures, "RDS_GIB_MONTH")
    assert not hasattr(figures, "MSK_GIB_MONTH")
