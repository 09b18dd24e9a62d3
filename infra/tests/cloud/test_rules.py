"""Each rule of AWS and Kubernetes: what breaks it is refused and told why, and its twin is accepted (U5)."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from groundplan.capacity import figures
from groundplan.cloud.rules import kafka, known_rules
from infra.tests.cloud import rules
from infra.tests.cloud.test_samples import FILES, verdicts
from infra.tests.cloud.world import Case, outcome

_MODULES = [importlib.import_module(f"{rules.__name__}.{each.name}") for each in pkgutil.iter_modules(rules.__path__)]
CASES: list[Case] = [case for module in _MODULES for case in module.CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_breaks_a_rule_is_refused_with_its_source(case: Case) -> None:
    refusals = outcome(case, broken=True)
    source = known_rules()[case.rule]
    told = [
        each for each in refusals if each.path == case.path and case.says in each.expected and each.source == source
    ]
    assert told, f"expected {case.path}: {case.says}\n" + "\n".join(map(str, refusals))
    assert told[0].remedy


@pytest.mark.parametrize("case", {(each.given, each.token): each for each in CASES}.values(), ids=str)
def test_its_twin_is_accepted(case: Case) -> None:
    assert outcome(case, broken=False) == []


def test_every_rule_has_a_case() -> None:
    """Or is what a sample (test_samples.py) was refused for."""
    told_by_order = {"gateway.methods_have_integrations", "gateway.logs_need_an_account_role"}  # test_order.py
    by_regions = {"zones.cluster_zones", "zones.vpc_link_zones"}  # infra/tests/program/test_regions.py
    told = {refusal.source for name in FILES for verdict in verdicts(name) for refusal in verdict.refusals}
    by_samples = {name for name, source in known_rules().items() if source in told}
    by_samples.add("values.accepted_values")  # each of its values has a source of its own
    assert {case.rule for case in CASES} | told_by_order | by_samples | by_regions == set(known_rules())


@pytest.mark.parametrize("broker", [*figures.EXPRESS_BROKERS, *figures.STANDARD_BROKERS], ids=lambda each: each.name)
def test_the_cloud_takes_as_many_partitions_as_are_planned_for_a_broker(broker: figures.BrokerType) -> None:
    """d9: 20,000 on one of the largest were planned, and refused."""
    most = kafka.most_partitions(broker.name)
    assert most is not None
    assert broker.partitions <= most


def test_every_rule_says_where_it_is_written() -> None:
    assert all(len(source) > 10 for source in known_rules().values())
