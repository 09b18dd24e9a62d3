"""The repository's own declaration is what the default answers render: knowing one is knowing the other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from groundplan.capacity.shards import required_shards
from groundplan.declaration.model import System
from tests.projects import ROOT, make_project

RENDERED = ("system.yaml", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml")
MOST_FILES = 190
MOST_LINES = 8_500
PINS = {"requirements.txt"}
BOOTSTRAP = "bootstrap.py"
"""It installs the libraries, so it can't come with them."""


@pytest.mark.parametrize("name", RENDERED)
def test_default_answers_render_the_roots_own_file(shop: Path, name: str) -> None:
    assert (shop / name).read_text() == (ROOT / name).read_text()


def test_a_project_is_small_enough_to_review(shop: Path) -> None:
    """P5: without pins and generated JSON."""
    files = [path for path in shop.rglob("*") if path.is_file()]
    assert len(files) <= MOST_FILES
    read = [path for path in files if path.name not in PINS and path.suffix != ".json"]
    assert sum(len(path.read_text().splitlines()) for path in read) <= MOST_LINES


def test_no_line_of_a_library_is_in_a_project(shop: Path) -> None:
    """P5"""
    libraries = {
        path.read_bytes()
        for folder in ("infra/groundplan", "components/groundplan_components", "chassis", "devkit")
        for path in (ROOT / folder).rglob("*.py")
        if path.stat().st_size > 200
    }
    assert libraries
    assert [str(path) for path in shop.rglob("*.py") if path.name != BOOTSTRAP and path.read_bytes() in libraries] == []
    assert not {"components", "chassis", "local", "bench"} & {path.name for path in shop.iterdir()}


def test_a_project_has_real_files_only(shop: Path) -> None:
    assert [path for path in shop.rglob("*") if path.is_symlink()] == []


def test_answers_are_remembered_without_what_is_computed(shop: Path) -> None:
    answers = yaml.safe_load((shop / ".copier-answers.yml").read_text())
    questions = {
        name
        for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
        if not name.startswith("_") and question.get("when", True)
    }
    assert set(answers) == questions | {"_commit", "_src_path"}
    assert answers["services"] == ["user", "order", "payment"]


def test_every_question_has_help_a_default_and_a_check() -> None:
    """U1"""
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items():
        if name.startswith("_") or question.get("when") is False:
            continue
        assert question["help"], name
        assert "default" in question, name
        assert "validator" in question or "choices" in question, name


def test_nothing_in_the_template_needs_trust() -> None:
    """U1"""
    config = yaml.safe_load((ROOT / "copier.yml").read_text())
    assert {"_tasks", "_migrations", "_jinja_extensions"}.isdisjoint(config)


@pytest.mark.parametrize(
    ("data_gb", "growth"), [(0, 0), (1000, 0), (1024, 0), (1024.1, 0), (800, 20), (3000, 10), (5120, 0), (60000, 0)]
)
def test_shards_are_declared_by_the_plans_own_rule(
    template: Path, tmp_path: Path, data_gb: float, growth: float
) -> None:
    """D3: the template renders what the plan asks for, so that a new project with much data is deployable."""
    order = {"name": "order", "data_gb": data_gb, "data_growth_gb_per_month": growth}
    project = make_project(template, tmp_path / "big", {"services": [order]})
    system = System.model_validate(yaml.safe_load((project / "system.yaml").read_text()))
    service = system.services["order"]
    needed = required_shards(service, system.requirements)
    declared = [(str(g.since), g.shards) for g in service.shard_map or ()]
    assert declared == ([("2000-01-01", needed)] if needed > 1 else [])


def test_a_plural_that_an_answer_says_names_path_and_table(template: Path, tmp_path: Path) -> None:
    """n6. Without one a project keeps what it has had: the rule of English, right or wrong."""
    services = ["child", {"name": "person", "plural": "people"}]
    project = make_project(template, tmp_path / "named", {"services": services})
    system = System.model_validate(yaml.safe_load((project / "system.yaml").read_text()))
    paths = {name: each.resources[name].path(name) for name, each in system.services.items()}
    assert paths == {"child": "childs", "person": "people"}
