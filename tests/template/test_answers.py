"""For all answers, the project is whole and passes its own tests untouched (U1)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from groundplan.capacity import check_shards
from groundplan.cli.stacks import read_project
from groundplan.declaration.loader import load_system
from tests.projects import make_project

MATRIX: dict[str, dict[str, Any]] = {
    "the default answers": {},
    "one service": {"services": ["order"], "name": "orders"},
    "fifty services": {
        "name": "many",
        "services": [f"part-{number}" for number in range(50)],
        "events": "sqs",
        # Its document then tells of `dev`, which is simulated anyway.
        "domain": "",
    },
    "no domain yet": {"domain": ""},
    "much data, in shards": {
        "services": ["user", {"name": "order", "data_gb": 3000, "data_growth_gb_per_month": 100}, "payment"]
    },
    "another region, 50,000 requests/s": {"region": "us-east-1", "domain": "shop.io", "requests_per_second": 50000},
    "words that YAML takes for something else": {
        "name": "null",
        "description": 'on: "off" # it\'s {{ 7 * 7 }} {% raw %} ünïcödé 🙂 \\',
        "services": [{"name": "off", "description": "yes: 'no' # é"}, "true", {"name": "y1e3", "description": "- 1"}],
        "domain": "xn--bro-hoa.example.com",
    },
    "a pipeline, an address for alarms, Apache licence, a subset of the samples": {
        "repository": "acme-corp/web.shop_2",
        "alarm_email": "on-call+shop@ops.example.com",
        "licence": "Apache-2.0",
        "services": ["payment", "user"],
    },
    "MIT licence, long names": {
        "licence": "MIT",
        "name": "a" * 20,
        "description": "",
        "services": [
            {"name": "b" * 20, "publishes": [f"{'b' * 20}.placed"]},
            {"name": "c" * 20, "consumes": [f"{'b' * 20}.placed"], "cqrs": True},
        ],
    },
    "a handful of requests, no growth": {"requests_per_second": 2, "growth_factor": 1, "services": ["note"]},
    "an internal service, no CQRS": {
        "services": [
            "user",
            {"name": "order", "cqrs": False},
            {"name": "audit", "exposure": "internal", "consumes": ["user.closed"]},
        ]
    },
    "loads of their own": {
        "services": [
            {"name": "invoice", "load": {"requests_per_second": 20, "working_hours": {"days_per_week": 5}}},
            {"name": "report", "load": {"requests_per_second": 0.5, "cpu_ms_per_request": 40}},
        ]
    },
    "CQRS on SQS, fractions": {
        "events": "sqs",
        "event_log_days": 30,
        "requests_per_second": 1500.5,
        "services": [{"name": "invoice", "cqrs": True, "read_share": 0.00001, "data_gb": 1e-7}],
    },
    "resources of its own": {
        "services": [
            {
                "name": "library",
                "traffic_weight": 2.5,
                "resources": {
                    "book": {
                        "description": 'One: "volume"',
                        "fields": {
                            "title": {"type": "string", "required": True, "description": "{{ title }} # 1"},
                            "kind": {"type": "enum", "values": ["print", "audio"]},
                        },
                        "operations": {"list": ["anyone"], "create": ["admin"]},
                        "cache": {"invalidation": "write_through", "seconds": 60},
                    }
                },
                "publishes": ["book.lent"],
            },
            {"name": "reader", "consumes": ["book.lent"]},
        ]
    },
}

ALL = ""
STACKS: dict[str, str] = {
    "the default answers": ALL,
    # Two of them get a sample domain.
    "no domain yet": ALL,
    "MIT licence, long names": "staging",
    # Three stacks of fifty services take minutes.
    "fifty services": "dev",
    "words that YAML takes for something else": "dev",
    "a pipeline, an address for alarms, Apache licence, a subset of the samples": "dev",
    "an internal service, no CQRS": "dev",
    "much data, in shards": "dev prod",
}
"""Stacks whose difference matters to what was answered; the others are tested on `prod` alone, which has every part."""

ON_SERVERS = {"the default answers"}
"""Variants whose services are tested on real servers."""
ANSWERED = "tests services"
LONG = ("fuzzing", "hostile_input", "running", "schemas")
"""Of `tests/system`, in `make prove WHAT=answers`: a minute and a half of CPU for what the chassis' tests hold too."""
TESTS: dict[str, str] = {
    # Services that differ in nothing but their names: the first and the last stand for all.
    "fifty services": "tests services/part-0 services/part-49",
}
"""Variants that are tested on less than `ANSWERED`."""

IN_EVERY_RUN = {"the default answers"}
"""Variants that run their own tests in `make test`; all do in `make prove WHAT=answers`: each takes a minute of CPU."""
MADE_IN_EVERY_RUN = {
    *IN_EVERY_RUN,
    "much data, in shards",
    "words that YAML takes for something else",
    "CQRS on SQS, fractions",
    "resources of its own",
}
"""Variants that are copied and looked at in `make test`: those whose files differ most; all are in the campaign."""

EXPECTED = {
    *(".copier-answers.yml", ".editorconfig", ".gitignore", "LICENSE", "Makefile", "README.md", "ARCHITECTURE.md"),
    *("system.yaml", "system.schema.json", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml"),
    *("pyproject.toml", "requirements.in", "requirements.txt", "infra/__main__.py", "infra/setup.sh"),
    *("foundation/state.yaml", "services/README.md", "infra/clean.sh"),
    *("tests/conftest.py", "tests/test_program.py"),
}
COPIED = {"infra", "tests"}
PIPELINE = (".github/workflows/check.yml", ".github/workflows/deploy.yml", ".github/workflows/deploy-stack.yml")
MARKER = re.compile(r"(?<!\$)\{\{|\{%|\{#|\[\[%|_copier_conf|copier_answers \|")


# Tests of one variant share its project, so they run in one process.
@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in MATRIX], scope="module")
def variant(request: pytest.FixtureRequest) -> str:
    if request.param not in MADE_IN_EVERY_RUN and "PROVE" not in os.environ:
        pytest.skip("ten seconds of CPU, in `make prove WHAT=answers`")
    return str(request.param)


@pytest.fixture(scope="module")
def answers(variant: str) -> dict[str, Any]:
    return MATRIX[variant]


@pytest.fixture(scope="module")
def project(whole_template: Path, answers: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(whole_template, tmp_path_factory.mktemp("matrix") / "project", answers)


def test_its_files_are_there(project: Path, answers: dict[str, Any]) -> None:
    present = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert EXPECTED - present == set()
    assert present.issuperset(PIPELINE) if answers.get("repository") else present.isdisjoint(PIPELINE)
    assert not [name for name in present if name.endswith((".jinja", ".pyc")) or "{" in name]


def test_no_mark_of_the_template_is_left(project: Path, answers: dict[str, Any]) -> None:
    ours = str(answers)
    for path in project.rglob("*"):
        # What comes from these folders is copied, never rendered.
        if path.is_file() and path.relative_to(project).parts[0] not in COPIED:
            for line in path.read_text(encoding="utf-8").splitlines():
                found = MARKER.search(line)
                assert found is None or "{{ 7 * 7 }}" in line or "{{ title }}" in line, f"{path.name}: {line}"
    assert "49" not in (project / "README.md").read_text() or "7 * 7" not in ours


def test_its_declaration_and_stacks_say_what_was_answered(project: Path, answers: dict[str, Any]) -> None:
    system = load_system(project / "system.yaml")
    names = [
        item if isinstance(item, str) else item["name"]
        for item in answers.get("services", ["user", "order", "payment"])
    ]
    assert list(system.services) == names
    assert system.name == answers.get("name", "shop")
    assert system.events.broker == answers.get("events", "kafka")
    assert system.events.log_retention_days == answers.get("event_log_days", 2555)
    assert system.requirements.requests_per_second == answers.get("requests_per_second", 1000)
    assert system.requirements.growth_factor == answers.get("growth_factor", 10)
    if "description" in answers:
        assert system.description == answers["description"]
    for item in answers.get("services", []):
        for key, value in item.items() if isinstance(item, dict) else ():
            if key != "name":
                service = system.services[item["name"]]
                declared = service.model_dump(mode="json", exclude_unset=True).get(key, getattr(service, key))
                assert declared == value, key
    assert check_shards(system) == []
    stacks = read_project(project)
    domain = answers.get("domain", f"{system.name}.example.com")
    assert set(stacks.environments) == ({"dev", "staging", "prod"} if domain else {"dev"})
    for name, environment in stacks.environments.items():
        assert environment.region == answers.get("region", "eu-central-1")
        assert environment.domain == {"dev": None, "staging": f"staging.{domain}", "prod": domain}[name]
        assert environment.repository == (answers.get("repository") or None)
    if domain:
        email = answers.get("alarm_email")
        assert stacks.environments["prod"].alarm_emails == ([email] if email else [])


def test_it_passes_its_own_tests_untouched(project: Path, variant: str, environment: Path, checked_types: Path) -> None:
    if variant not in IN_EVERY_RUN and "PROVE" not in os.environ:
        pytest.skip("a minute of CPU, in `make prove WHAT=answers`")
    stacks = STACKS.get(variant, "prod")
    done = subprocess.run(
        [
            *("make", "test", f"VENV={environment}", "JOBS=0"),
            *([f"STACK={stacks}"] if stacks else []),
            *([] if variant in ON_SERVERS else ["QUICK=1"]),
            f"TESTS={_tests(variant)}",
        ],
        cwd=project,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "MAKE", "MFLAGS"))},
            "MYPY_CACHE_DIR": str(checked_types),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "failed" not in done.stdout


def _tests(variant: str) -> str:
    chosen = TESTS.get(variant, ANSWERED)
    if variant not in ON_SERVERS or "PROVE" in os.environ:
        return chosen
    return " ".join((chosen, *(f"--ignore=tests/system/test_{name}.py" for name in LONG)))


def test_what_is_left_to_the_campaign_is_there(template: Path) -> None:
    there = {path.name for path in (template / "templates/project/tests/system").iterdir()}
    assert {f"test_{name}.py" for name in LONG} <= there


def test_stacks_and_tests_are_chosen_for_variants_that_there_are() -> None:
    assert STACKS.keys() | TESTS.keys() | ON_SERVERS | MADE_IN_EVERY_RUN <= MATRIX.keys()
