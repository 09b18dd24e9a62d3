"""What a project brings for editors, containers, git and assistants says what is true of it; no engine runs here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from groundplan.cli._commands import SECTIONS
from tests.projects import ROOT

COMMANDS = {name for section in SECTIONS.values() for name in section}


def test_the_dev_container_is_composes_service(shop: Path) -> None:
    container = json.loads((shop / ".devcontainer" / "devcontainer.json").read_text())
    compose = yaml.safe_load((shop / ".devcontainer" / container["dockerComposeFile"]).read_text())
    service = compose["services"][container["service"]]
    assert (shop / service["build"]["context"] / "Dockerfile").is_file()
    assert f".:{container['workspaceFolder']}" in service["volumes"]
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == f"{service['environment']['VENV']}/bin/python"
    # Servers listen on 127.0.0.1 only: nothing is published beyond the host.
    assert "ports" not in service
    assert service["network_mode"] == "host"


def test_editors_know_the_schema_and_the_debuggers_port(shop: Path) -> None:
    settings = json.loads((shop / ".vscode" / "settings.json").read_text())
    for schema, file in settings["yaml.schemas"].items():
        assert (shop / schema).is_file()
        assert (shop / file).is_file()
    [attach] = json.loads((shop / ".vscode" / "launch.json").read_text())["configurations"]
    assert attach["connect"] == {"host": "127.0.0.1", "port": 5678}


def test_hooks_run_the_projects_own_tools(shop: Path) -> None:
    hooks = yaml.safe_load((shop / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {hook["entry"].split()[0] for hook in hooks} == {".venv/bin/ruff", ".venv/bin/groundplan"}
    assert all(hook["language"] == "system" for hook in hooks)


def test_assistants_are_told_of_commands_that_there_are(shop: Path) -> None:
    text = (shop / "AGENTS.md").read_text()
    told = re.findall(r"groundplan ([a-z]+)", text)
    assert {"plan", "compare", "service", "follow", "contracts", "check"} <= set(told) <= COMMANDS
    targets = set(re.findall(r"^([a-z-]+):", (shop / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("conftest", ["conftest.py", "templates/project/conftest.py"])
def test_tests_before_set_up_say_what_to_do(tmp_path: Path, conftest: str) -> None:
    """n7: in another Python than the project's."""
    code = (
        "import importlib.util, runpy\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'groundplan_devkit' else found(name)\n"
        f"runpy.run_path({str(ROOT / conftest)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr
