"""Samples of values and changes, written before the rules: what must be refused is, and its neighbours are accepted.

`pytest -s` prints the table by type; docs/proof/cloud-sample.md is its record (`CLOUD_SAMPLE_RECORD=1` writes it).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from infra.tests.cloud.judging import JUDGED_IN, Verdict, account, judged_change, judged_value, trials
from infra.tests.samples import ROOT

RECORD = ROOT / "docs" / "proof" / "cloud-sample.md"
LEAST = 0.95
SAMPLES = (("values.yaml", "transitions.yaml"), ("values-2.yaml", "transitions-2.yaml"))
"""The second was drawn by another hand, after the rules had been written for the first."""
FILES = {name: judge for pair in SAMPLES for name, judge in zip(pair, (judged_value, judged_change), strict=True)}

MISSES = {
    "aws:elasticache/parameterGroup:ParameterGroup parameters[1].value = 'lfu'": (
        "values of cache parameters are in no installed source"
    ),
    "aws:msk/cluster:Cluster kafkaVersion = '3.9.kraft'": "no installed source lists Kafka's versions",
    "aws:rds/instance:Instance instanceClass = 'db.t2.micro'": "cfn-lint lists it for PostgreSQL of old versions",
    "aws:rds/instance:Instance allocatedStorage = 50": (
        "with maxAllocatedStorage set the provider leaves grown storage alone"
    ),
    "aws:rds/instance:Instance allocatedStorage = 104": "RDS rounds it up to a tenth more and accepts it",
    "kubernetes:core/v1:ConfigMap data = {'a': 'c'}": "the provider replaces immutable maps; no rule reads immutable",
    "aws:cloudwatch/logDelivery:LogDelivery recordFields[0] = 'x-nothing'": (
        "no installed source lists the fields of a log; they grow"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint serviceName = 'com.amazonaws.eu-central-1.nothing'": (
        "no installed source lists PrivateLink's services by region; they grow"
    ),
    "aws:eks/addon:Addon addonName = 'no-such-addon'": "no installed source lists EKS's add-ons; they grow",
    (
        "aws:elasticache/parameterGroup:ParameterGroup parameters = "
        "[{'name': 'maxmemory-polici', 'value': 'noeviction'}]"
    ): "names of cache parameters are in no installed source",
    "aws:elasticache/parameterGroup:ParameterGroup parameters = [{'name': 'cluster-enabled', 'value': 'maybe'}]": (
        "values of cache parameters are in no installed source"
    ),
    "aws:elasticache/user:User accessString = 'on ~* +gett'": "no installed source lists Valkey's commands",
    (
        "aws:rds/parameterGroup:ParameterGroup parameters = [{'name': 'shared_preload_libraries', "
        "'value': 'nothing_at_all', 'applyMethod': 'pending-reboot'}]"
    ): "no installed source lists the extensions of each version of RDS",
    (
        'aws:ecr/lifecyclePolicy:LifecyclePolicy policy = \'{"rules": [{"rulePriority": 1, "selection": {"tagStatus": '
        '"any", "countType": "imageCountMoreThan", "countNumber": 7}, "action": {"type": "expire"}}]}\''
    ): "ECR overwrites it in place; that the provider replaces it is in no installed source",
}
"""What is accepted though the sample says it would be refused, with the reason."""


@cache
def verdicts(name: str) -> tuple[Verdict, ...]:
    return tuple(FILES[name](trial) for trial in trials(name))


@pytest.mark.parametrize("name", FILES)
def test_what_would_be_refused_is(name: str) -> None:
    invalid = [each for each in verdicts(name) if each.trial.refused]
    missed = [str(each.trial) for each in invalid if not each.right]
    assert set(missed) <= set(MISSES), "without a reason"
    assert len(missed) <= (1 - LEAST) * len(invalid)


@pytest.mark.parametrize("name", FILES)
def test_valid_neighbours_are_accepted(name: str) -> None:
    refused = {
        str(each.trial): str(each.refusals[0]) for each in verdicts(name) if not each.trial.refused and not each.right
    }
    assert refused == {}


def test_reasons_are_about_misses() -> None:
    wrong = {str(each.trial) for name in FILES for each in verdicts(name) if not each.right}
    assert set(MISSES) <= wrong


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_are_large_and_of_every_type(sample: tuple[str, str]) -> None:
    values, changes = (trials(name) for name in sample)
    assert sum(each.refused for each in values) >= 150
    assert sum(each.refused for each in changes) >= 100
    assert sum(not each.refused for each in (*values, *changes)) >= 250
    declared = {item.type for name in JUDGED_IN for item in account(name).items.values() if not item.adopted}
    assert declared <= {each.type for each in values if each.refused}


@pytest.mark.parametrize("name", JUDGED_IN)
def test_what_is_declared_is_accepted(name: str) -> None:
    assert account(name).refusals == []


def test_compiled_rules_are_those_of_the_installed_sources() -> None:
    command = [sys.executable, "-m", "tools.compile_rules", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-500:]}\nrun python -m tools.compile_rules"


def test_compiled_rules_are_small() -> None:
    files = (ROOT / "infra" / "groundplan" / "cloud" / "compiled").glob("*.json")
    assert 0 < sum(each.stat().st_size for each in files) < 1_000_000


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = table()
    with capsys.disabled():
        if os.environ.get("CLOUD_SAMPLE_RECORD"):
            RECORD.write_text(text, encoding="utf-8")
    print(text)
    assert RECORD.read_text(encoding="utf-8") == text, "renew the record with CLOUD_SAMPLE_RECORD=1"


def table() -> str:
    counts: dict[str, Counter[str]] = {}
    sums: dict[str, Counter[str]] = {}
    for name, judge in FILES.items():
        for each in verdicts(name):
            kind = "values" if judge is judged_value else "changes"
            counter = counts.setdefault(each.trial.type, Counter())
            key = kind if each.trial.refused else "neighbours"
            for each_counter in (
                counter,
                sums.setdefault(next(pair[0] for pair in SAMPLES if name in pair), Counter()),
            ):
                each_counter[key] += 1
                each_counter[f"{key} right"] += each.right
    lines = [
        "# What the simulated cloud refuses of a sample",
        "",
        "Invalid values and changes refused, and valid neighbours accepted, of those in two samples",
        "(`infra/tests/cloud/samples/`): the first was written before the rules; the second was drawn by another hand,",
        "without a look at them, when they held for the first, and the rules were then mended for what it found.",
        "`infra/tests/cloud/test_samples.py` renews this.",
        "",
        "| type | values refused | changes refused | neighbours accepted |",
        "|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    for token, counter in sorted(counts.items()):
        total.update(counter)
        lines.append(_row(f"`{token}`", counter))
    lines += [_row(f"all of `{name}` and its changes", counter) for name, counter in sums.items()]
    lines += [_row("**all**", total), "", "Missed:", ""]
    lines += [f"- `{what}`: {why}" for what, why in MISSES.items()]
    return "\n".join(lines) + "\n"


def _row(title: str, counter: Counter[str]) -> str:
    cells = [
        f"{counter[f'{key} right']} of {counter[key]}" if counter[key] else "-"
        for key in ("values", "changes", "neighbours")
    ]
    return f"| {title} | {' | '.join(cells)} |"
