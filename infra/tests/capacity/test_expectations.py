"""Twelve systems planned, against what was expected of them before (docs/expectations/systems.yaml)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from groundplan.capacity import Plan, check_shards, plan
from groundplan.capacity.placement import class_named
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import DEV, PROD
from infra.tests.samples import ROOT

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "docs/expectations/systems.yaml").read_text())["systems"]

OPEN: set[tuple[str, str]] = set()
"""Expectations that the planner doesn't meet yet."""


def system_of(declared: dict[str, Any]) -> System:
    services = {}
    for name, sizes in declared["services"].items():
        sizes = dict(sizes)
        seconds = sizes.pop("cache_seconds", None)
        for number in range(declared.get("repeat", 1)):
            own = f"{name}-{number}" if "repeat" in declared else name
            resource: dict[str, Any] = {
                "fields": {"label": {"type": "string"}},
                "operations": {"list": ["member"], "create": ["member"]},
            }
            if seconds:
                resource["cache"] = {"seconds": seconds}
            services[own] = {**sizes, "resources": {own.replace("-", "_"): resource}}
    return System.model_validate(
        {
            "name": "expected",
            "identity": {"roles": ["member"]},
            "events": {"broker": "sqs"},
            "requirements": declared["requirements"],
            "services": services,
        }
    )


class Case:
    """One system, planned."""

    def __init__(self, declared: dict[str, Any]) -> None:
        self.system = system_of(declared)
        self.environment: Environment = DEV if declared.get("stack") == "dev" else PROD
        self.plan: Plan = plan(self.system, self.environment)

    def database(self, name: str) -> Any:
        return next(database for database in self.plan.databases if database.name == name)

    def full_at(self, subject: str) -> float:
        return next(tier.bites_at_rps for tier in self.plan.tiers if tier.subject == subject)

    def provisioned(self) -> float:
        total = 0.0
        for database in self.plan.databases:
            sizes = getattr(database, "shard_storage_gb", None) or (database.storage_gb,) * database.shards
            total += sum(sizes) * (1 + database.replicas)
        return total

    def reach(self) -> Any:
        from groundplan.capacity import reach

        return reach(self.plan, self.system, self.environment)

    def rollout_share(self) -> float:
        """The fullest instance's max_connections that pods hold while each Deployment surges by a quarter."""
        shares = [0.0]
        for database in self.plan.databases:
            if not database.proxy:
                held = sum(
                    (workload.max_pods + math.ceil(workload.max_pods / 4)) * workload.primary_connections
                    for name in database.services
                    for workload in self.plan.workloads_of(name)
                )
                shares.append(held / database.max_connections)
        return max(shares)

    def reachable(self) -> int:
        """Whether every pool-bound pod asks for another before its pool is used up."""
        from groundplan.capacity.demand import demands
        from groundplan.capacity.workloads import usable_cores, work_of

        today = demands(self.system, self.environment)
        for name, service in self.system.services.items():
            database = self.plan.database_of(name)
            for work in work_of(service, today[name], replicas=bool(database.replicas)):
                workload = next(each for each in self.plan.workloads if each.name == f"{name}-{work.role}")
                cores = usable_cores(workload, work, database.shards)
                if cores * 1000 / workload.cpu_millicores < workload.target_cpu_percent / 100:
                    return 0
        return 1

    def what_if(self) -> int:
        from groundplan.capacity.comparison import comparison_report
        from groundplan.cli.compare import compared

        return int("requests/s" in comparison_report(compared(self.system, self.environment, "10", (), ())))


@cache
def case(name: str) -> Case:
    return Case(DECLARED[name])


def measured(at: Case, quantity: str) -> float:
    subject = quantity.rpartition(" of ")[2]
    ways: dict[str, Callable[[], float]] = {
        "replicas": lambda: at.database(subject).replicas,
        "shards": lambda: at.database(subject).shards,
        "class vCPU": lambda: class_named(at.database(subject).instance_class).vcpus,
        "replica vCPU": lambda: class_named(at.database(subject).replica_class).vcpus * at.database(subject).replicas,
        "configured times today": lambda: at.reach().configured_rps / at.plan.requests_per_second,
        "as deployed times today": lambda: at.plan.bottlenecks[0].bites_at_rps / at.plan.requests_per_second,
        "network.addresses full at": lambda: at.full_at("network.addresses"),
        "cache GiB": lambda: at.plan.cache.working_set_gb if at.plan.cache else 0,
        "cache shards": lambda: at.plan.cache.shards if at.plan.cache else 0,
        "problems": lambda: len(check_shards(at.system)),
        "provisioned GiB": at.provisioned,
        "fullest shard GiB": lambda: max(_at_horizon(at)),
        "says P1 is not met": lambda: int(not at.reach().goal_is_met),
        "what-if ten times says something": at.what_if,
        "database busy at full growth": lambda: max(
            tier.utilisation_grown
            for tier in at.plan.tiers
            if tier.subject.startswith("database.") and tier.subject.endswith((".writer", ".replicas"))
        ),
        "scaling reaches the plan": at.reachable,
        "database instances": lambda: sum(each.shards * (1 + each.replicas) for each in at.plan.databases),
        "rollout connections": at.rollout_share,
    }
    return ways[quantity.partition(" of ")[0]]()


def _at_horizon(at: Case) -> tuple[float, ...]:
    from groundplan.capacity.shards import shard_generations, shards_gb

    (service,) = at.system.services.values()
    requirements = at.system.requirements
    sizes: tuple[float, ...] = shards_gb(service, shard_generations(service, requirements), requirements.horizon_months)
    return sizes


def expectations() -> Iterator[Any]:
    for name, declared in DECLARED.items():
        for expected in declared["expect"]:
            key = (name, expected["quantity"])
            marks = [pytest.mark.xfail(strict=True, reason="not met yet")] if key in OPEN else []
            yield pytest.param(name, expected, id=f"{name}: {expected['quantity']}", marks=marks)


@pytest.mark.parametrize(("name", "expected"), list(expectations()))
def test_the_plan_is_as_expected(name: str, expected: dict[str, Any]) -> None:
    value = measured(case(name), expected["quantity"])
    why = expected["why"]
    if "is" in expected:
        assert value == expected["is"], why
    if "at_least" in expected:
        assert value >= expected["at_least"], why
    if "at_most" in expected:
        assert value <= expected["at_most"], why


def test_there_are_twelve_and_each_says_why() -> None:
    assert len(DECLARED) == 12
    for declared in DECLARED.values():
        assert declared["is"]
        assert all(expected["why"] for expected in declared["expect"])
