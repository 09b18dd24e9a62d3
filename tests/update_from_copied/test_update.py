"""A project with copied libraries runs its own old `make update`: no edit is lost, and its owner's code works on."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.projects import commit_all, commit_project, git, make_project
from tests.update_from_copied.conftest import Project

IMPORTS = '''"""Ours: something of every package that was copied."""

from __future__ import annotations

import bench.report
import chassis.clock
import infra.capacity.ours
import local.names as names
from chassis.http.errors import (
    # every one of them
    NotFound,
)
from components import cache
from components.database import Database
from infra.capacity import ours, plan
from infra.program.site import Site
from infra.program.watch import keep
from infra.system.loader import load_system

MODULES = ["local.names", "infra.capacity.ours"]


def test_all_of_them() -> None:
    assert ours is infra.capacity.ours
    assert chassis.clock.__name__.endswith(".clock")
    assert bench.report.__name__.endswith(".report")
    assert all([names, NotFound, cache.Cache, Database, plan, Site, keep])
    assert load_system.__name__ == "load_system"
'''
OURS = '''"""Ours."""

from infra.problems import Problem

from .model import Plan

__all__ = ["Plan", "Problem"]
'''
CONTRACT = """
[[tool.importlinter.contracts]]
name = "Ours: orders are taken by no process of their own"
type = "forbidden"
source_modules = ["order_service.domain"]
forbidden_modules = ["chassis.process", "bench"]
allow_indirect_imports = true
"""


def edit(project: Project) -> None:
    """As owners do, in every kind of file, where the template says the same since."""
    project.replace("system.yaml", "requests_per_second: 1000", "requests_per_second: 1200 # since spring")
    project.add("Pulumi.dev.yaml", "  # ours\n")
    project.replace("README.md", "\n## First commands\n", "\n## Whom to call\n\nThe shop team.\n\n## First commands\n")
    project.replace(
        "Makefile",
        "unexport PYTHONDONTWRITEBYTECODE\n",
        "unexport PYTHONDONTWRITEBYTECODE\n\nours: environment ## Ours\n\t@$(PYTHON) -m local.token --role customer\n",
    )
    project.add("pyproject.toml", CONTRACT)
    project.replace(
        ".github/workflows/check.yml",
        "      - uses: actions/checkout@v5\n",
        "      - uses: actions/checkout@v5\n      - run: python -m infra.commands.plan --why\n",
    )
    project.replace(
        "infra/__main__.py",
        '        pulumi.export("delivery_role", delivery.role_arn)\n',
        '        pulumi.export("delivery_role", delivery.role_arn)\n    pulumi.export("vpc", ground.vpc_id)\n'
        '    pulumi.export("scope", site.scope)\n',
    )
    project.add("services/order/order_service/domain/order.py", "\n\nOURS = 1\n")
    project.add("components/cache.py", "\nOURS = 2\n")
    project.add("infra/capacity/figures.py", "\nOURS = 3\n")
    project.add("chassis/requirements.in", "# ours\n")
    project.write("infra/capacity/ours.py", OURS)
    project.write("tests/test_ours.py", IMPORTS)
    commit_all(project.folder, "Ours")


def test_nothing_is_lost(project: Project) -> None:
    edit(project)
    updated = project.make("update")
    told = updated.stdout + updated.stderr
    assert updated.returncode != 0, "something awaits the owner"
    assert "not up to date yet" not in told
    assert "No module named" not in told
    assert "Traceback" not in told
    for path in ("components/cache.py", "infra/capacity/figures.py", "infra/capacity/ours.py"):
        assert path in updated.stderr
        assert f"moved/{path}.patch" in updated.stderr
    cache = project.read("moved/components/cache.py.patch")
    assert "+OURS = 2\n" in cache
    assert "+++ b/components/groundplan_components/cache/cache.py\n" in cache
    assert "+OURS = 3\n" in project.read("moved/infra/capacity/figures.py.patch")
    assert "+from .model import Plan\n" in project.read("moved/infra/capacity/ours.py.patch")
    report = project.read("moved/README.md")
    assert "its place now: infra/ours.py" in report
    assert "groundplan eject cache" in report
    assert "`chassis/requirements.in`: your edit is in `services/requirements.in`, merged" in report

    refused = project.make("plan")
    assert refused.returncode != 0
    assert "make moved" in refused.stderr
    assert refused.stdout == "", "nothing is done twice"

    acknowledged = project.make("moved")
    assert acknowledged.returncode == 0, acknowledged.stderr
    assert acknowledged.stderr == ""
    assert not (project.folder / "infra" / "commands.py").exists()
    assert project.make("setup").stdout == ""

    assert "requests_per_second: 1200 # since spring" in project.read("system.yaml")
    assert project.read("Pulumi.dev.yaml").endswith("  # ours\n")
    assert "The shop team." in project.read("README.md")
    assert "ours: environment ## Ours\n\t@$(PYTHON) -m groundplan_devkit.token" in project.read("Makefile")
    assert '["groundplan_chassis.process", "groundplan_devkit"]' in project.read("pyproject.toml")
    assert "- run: python -m groundplan plan --why" in project.read(".github/workflows/check.yml")
    assert 'pulumi.export("vpc", platform.vpc_id)' in project.read("infra/__main__.py")
    assert project.read("services/order/order_service/domain/order.py").endswith("\nOURS = 1\n")
    assert project.read("services/requirements.in").endswith("# ours\n"), "the template has it under another name"
    ours = project.read("infra/capacity/ours.py")
    assert "from groundplan.capacity.model import Plan" in ours
    assert "1200" in project.read("ARCHITECTURE.md") or "1,200" in project.read("ARCHITECTURE.md")
    for folder in ("chassis", "components", "local", "bench", "infra/system"):
        assert not (project.folder / folder).exists()

    commit_all(project.folder, "Moved")
    for check in (("format", "--check"), ("check",)):
        done = project.tool("ruff", *check, "tests/test_ours.py", "infra/capacity/ours.py")
        assert done.returncode == 0, done.stdout
    tested = project.tool("python", "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests", QUICK="1")
    assert tested.returncode == 0, tested.stdout
    again = project.make("update")
    assert again.returncode == 0, again.stderr
    assert "v0.2.0 is the newest version" in again.stdout
    assert git(project.folder, "status", "--porcelain") == ""


def test_a_patch_applies_in_the_libraries(project: Project, libraries: Path) -> None:
    """At the place that it names, although its imports are written differently there."""
    project.add("components/cache.py", "\nOURS = 2\n")
    commit_all(project.folder, "Ours")
    assert project.make("update").returncode != 0
    patch = project.folder / "moved" / "components" / "cache.py.patch"
    git(libraries, "apply", "--3way", str(patch))
    changed = libraries / "components" / "groundplan_components" / "cache" / "cache.py"
    assert changed.read_text().endswith("\nOURS = 2\n")


def test_conflicts_are_told_until_they_are_decided(copied: Path, environment: Path, tmp_path: Path) -> None:
    """In a project below its repository's top; a commit in between hides nothing."""
    folder = Path(shutil.copytree(copied, tmp_path / "whole" / "shop"))
    commit_project(tmp_path / "whole")
    project = Project(folder, environment)
    project.replace("pyproject.toml", '\npackages = [\n    "infra",\n', '\npackages = [\n    "ours",\n    "infra",\n')
    project.add("infra/capacity/figures.py", "\nOURS = 3\n")
    commit_all(project.folder, "Ours")

    updated = project.make("update")
    assert updated.returncode != 0
    assert "pyproject.toml" in updated.stderr
    refused = project.make("plan")
    assert refused.returncode != 0
    assert "    pyproject.toml\n" in refused.stderr
    assert "system.yaml" not in refused.stderr
    assert "git add" in refused.stderr

    text = project.read("pyproject.toml")
    before, _, rest = text.partition("<<<<<<< before updating\n")
    _, _, theirs = rest.partition("=======\n")
    chosen, _, after = theirs.partition(">>>>>>> after updating\n")
    project.write("pyproject.toml", before + chosen + after)
    commit_all(project.folder, "Decided")
    refused = project.make("plan")
    assert refused.returncode != 0
    assert "make moved" in refused.stderr
    assert "+OURS = 3\n" in project.read("moved/infra/capacity/figures.py.patch")
    assert project.make("moved").returncode == 0
    assert project.make("plan").returncode == 0


def test_an_untouched_project_moves_by_itself(project: Project) -> None:
    updated = project.make("update")
    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert updated.stderr == ""
    assert not (project.folder / "moved").exists()
    assert not (project.folder / "infra" / "commands.py").exists()
    assert "Filled in by" not in project.read("ARCHITECTURE.md")


def test_a_project_without_copies_has_nothing_to_do(releases: Path, environment: Path, tmp_path: Path) -> None:
    folder = commit_project(make_project(releases, tmp_path / "shop", ref="v0.2.0"))
    assert not (folder / "infra" / "commands.py").exists()
    project = Project(folder, environment)
    assert project.make("setup").returncode == 0
    commit_all(folder, "Filled in")
    done = project.tool("python", "-m", "groundplan.moving", "--done")
    assert (done.returncode, done.stderr) == (0, "")
    assert git(folder, "status", "--porcelain") == ""
