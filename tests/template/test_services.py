"""Services' code is made for every type, option and name that the declaration allows, as a person would write it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.declaration.loader import load_system
from tests.projects import make_project

ANSWERS = Path(__file__).parent / "answers"


def answer(file: str, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ANSWERS / f"{file}.yaml").read_text(encoding="utf-8"))
    return {"name": name, **settings}


AWKWARD: dict[str, dict[str, Any]] = {
    "kafka": {
        "services": [
            *("user", "order", "payment"),
            answer("every-option", "bill-of-long-names-x"),
            answer("words-of-languages", "chassis"),
            answer("own-rows", "holding"),
        ]
    },
    "sqs": {
        "events": "sqs",
        # Without `order` and `payment` beside them the samples have other code.
        "services": ["user", "order", answer("many-shards", "metering"), {"name": "x9", "cqrs": True}],
    },
}
"""Answers by what the projects are called in tests."""


@pytest.fixture(scope="module", params=AWKWARD)
def awkward(request: pytest.FixtureRequest, whole_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of awkward services, whose `openapi.json` are written."""
    project = make_project(whole_template, tmp_path_factory.mktemp(request.param) / "shop", AWKWARD[request.param])
    done = run(project, "groundplan", "openapi", "--missing")
    assert done.returncode == 0, done.stderr
    return project


def run(project: Path, *module: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", *module], cwd=project, env=environment, check=False, capture_output=True, text=True
    )


def packages(project: Path) -> list[str]:
    return sorted(path.parent.name for path in (project / "services").glob("*/*_service/__init__.py"))


def test_the_declaration_is_sound_and_every_service_has_code(awkward: Path) -> None:
    declared = load_system(awkward / "system.yaml").services
    assert [f"{name.replace('-', '_')}_service" for name in sorted(declared)] == packages(awkward)
    left = [
        str(path)
        for path in (awkward / "services").rglob("*")
        # One service's description says `{% tags %}` itself.
        if path.suffix in {".py", ".md"} and "{%" in path.read_text().replace("{% tags %}", "")
    ]
    assert left == [], "nothing of the template is left"


def test_the_code_is_formatted_and_clean(awkward: Path) -> None:
    for command in (["format", "--check", "--quiet", "."], ["check", "--quiet", "."]):
        done = run(awkward, "ruff", *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_is_typed(awkward: Path, checked_types: Path) -> None:
    chosen = [word for package in packages(awkward) for word in ("--package", package)]
    done = run(awkward, "mypy", "--no-error-summary", "--cache-dir", str(checked_types), *chosen)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_answers_what_its_document_says(awkward: Path) -> None:
    done = run(awkward, "groundplan", "openapi", "--check")
    assert done.returncode == 0, done.stderr


def test_what_needs_no_servers_passes(awkward: Path) -> None:
    """The declaration, the layers, and each service's own rules and contract."""
    own = [str(path) for path in sorted((awkward / "services").glob("*/*_service/tests/[uc]*"))]
    assert own
    layers = [
        f"tests/test_code.py::test_{name}" for name in ("imports_keep_to_the_rules", "every_service_has_its_rules")
    ]
    checks = ["tests/system/test_declaration.py", *layers]
    done = run(awkward, "pytest", "-n0", "-q", "-p", "no:cacheprovider", *checks, *own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    assert "failed" not in done.stdout


def test_what_needs_servers_can_be_collected(awkward: Path) -> None:
    done = run(awkward, "pytest", "-n0", "-q", "-p", "no:cacheprovider", "--collect-only", "services", "tests/system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("test_shards.py" in done.stdout) == ("metering_service" in packages(awkward))
