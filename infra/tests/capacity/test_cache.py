"""What the cache must hold: never more copies than rows, each for as long as its resource says (C2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.capacity import figures, plan
from groundplan.capacity.cache import cache_load
from groundplan.capacity.demand import demands
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import PROD, environments, one_service, systems


def cached(*seconds: int, **service: Any) -> System:
    resources = {
        f"thing_{number}": {
            "cache": {"seconds": life},
            "fields": {"label": {"type": "string"}},
            "operations": {"list": ["member"]},
        }
        for number, life in enumerate(seconds)
    }
    return one_service({"requests_per_second": 5000}, resources=resources, repeat_share=0.5, read_share=0.95, **service)


def copies_gib(system: System, environment: Environment = PROD) -> float:
    """Memory without the token buckets."""
    today = demands(system, environment)
    buckets = sum(demand.requests for demand in today.values()) * 60 * figures.RATE_BUCKET_KIB / 2**20
    return cache_load(system, environment, today).memory_gib - buckets


def test_a_gigabyte_asked_for_all_week_is_a_gigabyte_of_rows() -> None:
    """1 GB, 5,000 requests/s, a week: 1,370 GiB of copies would be of rows that don't exist."""
    system = cached(604_800, data_gb=1)
    cache = plan(system, PROD).cache
    assert cache is not None
    assert copies_gib(system) == pytest.approx(2)
    assert cache.shards == 1


def test_each_resource_has_its_own_expiry() -> None:
    """A minute and a week: half of the reads leave copies for a minute only."""
    alone, both = (copies_gib(cached(*lives, data_gb=60_000)) for lives in ((604_800,), (604_800, 60)))
    assert both == pytest.approx(alone / 2, rel=0.001)


@given(systems(), environments())
def test_copies_never_exceed_rows(system: System, environment: Environment) -> None:
    rows_gib = sum(service.data_gb for service in system.services.values() if service.cached) * environment.load_share
    most = rows_gib * figures.CACHED_OBJECT_KIB / figures.ROW_KIB
    assert copies_gib(system, environment) <= most * (1 + 1e-9) + 1e-9


@given(systems(), st.floats(1, 1000))
def test_more_requests_or_rows_never_need_less(system: System, factor: float) -> None:
    today = demands(system, PROD)
    assert cache_load(system, PROD, today, factor).memory_gib >= cache_load(system, PROD, today).memory_gib * (1 - 1e-9)
    services = {
        name: service.model_copy(update={"data_gb": service.data_gb * factor})
        for name, service in system.services.items()
    }
    larger = system.model_copy(update={"services": services})
    assert copies_gib(larger) >= copies_gib(system) - 1e-9
