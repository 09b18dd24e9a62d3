"""One model of a statement's time: what sizes pools sizes cores, and what sizes pods scales them (T2, D3)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundplan.capacity import Plan, plan
from groundplan.capacity.demand import demands, query_seconds, reads_apart
from groundplan.capacity.placement import class_named
from groundplan.capacity.workloads import usable_cores, work_of
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import PROD, environments, one_service, systems


def reports(query_p95_ms: int, load: float = 100) -> System:
    requirements = {"requests_per_second": load, "query_p95_ms": query_p95_ms}
    return one_service(requirements, read_share=0.99, data_gb=800)


def reading_vcpus(sized: Plan) -> int:
    (database,) = sized.databases
    return class_named(database.replica_class).vcpus * database.replicas


def test_statements_that_run_have_vcpus_to_run_on() -> None:
    """198 reads/s of 0.67 s are 132 sessions; 16 vCPU were said to be 4 % full with ten times that."""
    sized = plan(reports(2000), PROD)
    tier = next(tier for tier in sized.tiers if tier.subject == "database.thing.replicas")
    assert tier.demand_now == pytest.approx(132, rel=0.03)
    assert reading_vcpus(sized) * 0.6 >= 131
    assert tier.utilisation_now > 0.5


def test_what_waits_for_milliseconds_is_sized_as_it_was() -> None:
    """T2's 20 ms are mostly waits: measured, such a statement takes 0.3 ms of a core."""
    fast, usual = plan(reports(1), PROD).databases[0], plan(reports(20), PROD).databases[0]
    assert (fast.instance_class, fast.replicas) == (usual.instance_class, usual.replicas)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(1, 1000))
def test_slower_statements_never_need_less(one: int, other: int, load: float) -> None:
    faster, slower = sorted((one, other))
    demand = [
        next(t.demand_now for t in plan(reports(ms, load), PROD).tiers if t.subject == "database.thing.writer")
        for ms in (faster, slower)
    ]
    replicas = [bool(plan(reports(ms, load), PROD).databases[0].replicas) for ms in (faster, slower)]
    assert demand[0] <= demand[1] * (1 + 1e-9) or replicas != [True, True]


@given(systems(most=4), environments())
def test_the_autoscaler_reaches_what_the_plan_counts_with(system: System, environment: Environment) -> None:
    """A pod that can use 0.47 of its core never gets to 60 % of it, so no 54 pods ever came."""
    try:
        sized = plan(system, environment)
    except ProblemsFound:
        assume(False)
        raise
    today = demands(system, environment)
    shards = {name: database.shards for database in sized.databases for name in database.services}
    for name, service in system.services.items():
        apart = reads_apart(system, environment, name, today[name])
        for work in work_of(service, today[name], replicas=apart):
            workload = next(each for each in sized.workloads if each.name == f"{name}-{work.role}")
            usable = usable_cores(workload, work, shards[name], query_seconds(system))
            share = usable * 1000 / workload.cpu_millicores
            assert workload.target_cpu_percent <= max(1, 60 * share + 1e-6)
