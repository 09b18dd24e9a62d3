"""When reads get replicas: where they prevail and press a writer (D3)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from infra.tests.capacity.stacks import PROD, STAGING, one_service, systems
from infra.tests.samples import shop


def replicas(system: System) -> list[int]:
    return [database.replicas for database in plan(system, PROD).databases]


@pytest.mark.parametrize("share", [0.69, 0.7, 0.99, 1.0])
@pytest.mark.parametrize("cqrs", [False, True])
def test_two_requests_a_second_need_no_replicas(share: float, cqrs: bool) -> None:
    assert replicas(one_service({"requests_per_second": 2}, data_gb=2, read_share=share, cqrs=cqrs)) == [0]


def test_thirty_small_services_are_thirty_instances() -> None:
    """30 x 50 requests/s were 90 instances."""
    one = one_service({"requests_per_second": 1500}, read_share=0.8)
    services = {f"part-{n}": one.services["thing"] for n in range(30)}
    assert sum(1 + each for each in replicas(one.model_copy(update={"services": services}))) == 30


def test_a_smaller_stack_rehearses_the_shape_of_the_whole() -> None:
    prod, staging = plan(shop(), PROD), plan(shop(), STAGING)
    assert [database.replicas for database in staging.databases] == [database.replicas for database in prod.databases]


@given(st.floats(0.7, 1), st.floats(0.1, 20_000), st.floats(1, 20))
def test_replicas_follow_the_goal_and_not_how_it_is_declared(share: float, load: float, factor: float) -> None:
    """The same goal has replicas or none, however much of it is today's load; a goal beyond it has no fewer."""
    today = one_service({"requests_per_second": load, "growth_factor": factor}, read_share=share)
    grown = one_service({"requests_per_second": load * factor, "growth_factor": 1}, read_share=share)
    beyond = one_service({"requests_per_second": load, "growth_factor": factor * 2}, read_share=share)
    assert bool(replicas(today)[0]) == bool(replicas(grown)[0])
    assert replicas(beyond)[0] >= replicas(today)[0]


@given(systems())
def test_without_replicas_nothing_is_sent_to_them(system: System) -> None:
    try:
        sized = plan(system, PROD)
    except ProblemsFound:
        assume(False)
        raise
    for database in sized.databases:
        for name in database.services:
            sends = sum(workload.replica_connections for workload in sized.workloads_of(name))
            assert bool(sends) == bool(database.replicas)
