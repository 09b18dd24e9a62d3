"""A project checks its code as this repository does, so that what passes here passes there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

from groundplan.document import skeleton
from tests.projects import ROOT


def tools(where: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((where / "pyproject.toml").read_text())["tool"]
    return found


def test_the_tools_settings_are_the_same_but_for_what_services_need(shop: Path) -> None:
    ours, theirs = tools(ROOT), tools(shop)
    for settings in (ours, theirs):
        settings["ruff"].pop("extend-exclude", None)
        # A project has more packages, and rules between them; services' words are the declaration's own.
        settings.pop("importlinter", None)
        settings["ruff"]["lint"].pop("isort")
        settings["ruff"]["lint"]["per-file-ignores"].pop("services/**", None)
        for name in ("packages", "files", "mypy_path"):
            settings["mypy"].pop(name, None)
        for name in ("testpaths", "pythonpath", "consider_namespace_packages"):
            settings["pytest"]["ini_options"].pop(name, None)
    # Folders of a service's tests are no packages.
    theirs["pytest"]["ini_options"]["addopts"] = theirs["pytest"]["ini_options"]["addopts"].removesuffix(
        " --import-mode=importlib"
    )
    assert theirs == ours


def test_the_document_starts_as_the_skeleton(shop: Path) -> None:
    """O1"""
    assert (shop / "ARCHITECTURE.md").read_text() == skeleton("shop")


def test_help_lists_every_command_of_the_readme(shop: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=shop, env=clean, check=True, capture_output=True, text=True)
    # What does not fit beside a name goes on in the next line.
    listed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("  make ")}
    readme = (shop / "README.md").read_text()
    used = {
        word.split()[1].strip("`.,;:)") for word in readme.replace("\n", " ").split("`") if word.startswith("make ")
    }
    assert used - listed == set()
    assert listed >= {"setup", "plan", "compare", "test", "rehearse", "up", "add-service", "remove-service", "update"}


def test_a_service_command_without_a_name_says_so(shop: Path, environment: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "NAME"}
    done = subprocess.run(
        ["make", "add-service", f"VENV={environment}"], cwd=shop, env=clean, check=False, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "say which: NAME=" in done.stderr


def test_a_service_command_runs_nothing_that_its_values_say(shop: Path, environment: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", "add-service", f"VENV={environment}", "NAME=a'; touch ran #", 'SET=b="$(touch ran)"']
    done = subprocess.run(command, cwd=shop, env=clean, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert not (shop / "ran").exists()
    assert "Traceback" not in done.stderr


def test_workflows_are_whole_and_pin_their_actions(template: Path) -> None:
    workflows = sorted((template / "templates/project").glob("*.github*/workflows/*.yml"))
    assert len(workflows) == 4
    for path in workflows:
        workflow = yaml.safe_load(path.read_text())
        for job in workflow["jobs"].values():
            for step in job.get("steps", []):
                assert "uses" not in step or step["uses"].rpartition("@v")[2].isdigit(), step
        # YAML 1.1 reads the key `on` as true.
        assert True in workflow


def test_tests_of_a_group_share_a_process(tmp_path: Path) -> None:
    """Tests that share a project, a stack or a service say so by a group; pytest and its plugin must agree on it."""
    (tmp_path / "test_inner.py").write_text(
        "import os, pathlib, pytest\n"
        "@pytest.mark.xdist_group('one')\n"
        "@pytest.mark.parametrize('number', range(12))\n"
        "def test_it(number):\n"
        "    (pathlib.Path(__file__).parent / f'{os.getpid()}.seen').touch()\n"
    )
    options = ("-n", "2", "--dist", "loadgroup", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    assert len(list(tmp_path.glob("*.seen"))) == 1
