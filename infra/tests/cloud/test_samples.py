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
FILES = {"values.yaml": judged_value, "transitions.yaml": judged_change}

MISSES = {
    "aws:elasticache/parameterGroup:ParameterGroup parameters[1].value = 'lfu'": (
        "values of cache parameters are in no installed source"
    ),
    "aws:msk/cluster:Cluster kafkaVersion = '3.9.kraft'": "no installed source lists Kafka's versions",
    "aws:rds/instance:Instance instanceClass = 'db.t2.micro'": "cfn-lint lists it for PostgreSQL of old versions",
    "random:index/randomPassword:RandomPassword length = 2": "the sum of the minima is not compared with the length",
    "aws:rds/instance:Instance allocatedStorage = 50": (
        "with maxAllocatedStorage set the provider leaves grown storage alone"
    ),
    "aws:rds/instance:Instance allocatedStorage = 104": "RDS rounds it up to a tenth more and accepts it",
    "kubernetes:core/v1:ConfigMap data = {'a': 'c'}": "the provider replaces immutable maps; no rule reads immutable",
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


def test_samples_are_large_and_of_every_type() -> None:
    values, changes = (trials(name) for name in FILES)
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
    for name in FILES:
        for each in verdicts(name):
            kind = "values" if name == "values.yaml" else "changes"
            counter = counts.setdefault(each.trial.type, Counter())
            key = kind if each.trial.refused else "neighbours"
            counter[key] += 1
            counter[f"{key} right"] += each.right
    lines = [
        "# What the simulated cloud refuses of a sample",
        "",
        "Invalid values and changes refused, and valid neighbours accepted, of those sampled",
        "(`infra/tests/cloud/samples/`, written before the rules). `infra/tests/cloud/test_samples.py` renews it.",
        "",
        "| type | values refused | changes refused | neighbours accepted |",
        "|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    for token, counter in sorted(counts.items()):
        total.update(counter)
        lines.append(_row(f"`{token}`", counter))
    lines += [_row("**all**", total), "", "Missed:", ""]
    lines += [f"- `{what}`: {why}" for what, why in MISSES.items()]
    return "\n".join(lines) + "\n"


def _row(title: str, counter: Counter[str]) -> str:
    cells = [
        f"{counter[f'{key} right']} of {counter[key]}" if counter[key] else "-"
        for key in ("values", "changes", "neighbours")
    ]
    return f"| {title} | {' | '.join(cells)} |"
