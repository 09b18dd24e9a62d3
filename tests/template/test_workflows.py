"""The project's workflows, as GitHub would judge them before it runs them (U8)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects import ROOT

FOLDER = ROOT / "templates/project/{% if repository %}.github{% endif %}/workflows"
FILES = sorted(path.name for path in FOLDER.glob("*.yml"))

# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
TOP = {"name", "on", "permissions", "concurrency", "jobs", "env", "defaults", "run-name"}
JOB = {
    "name", "needs", "if", "runs-on", "environment", "concurrency", "env", "steps", "timeout-minutes", "strategy",
    "permissions", "uses", "with", "secrets", "outputs", "defaults", "container", "services", "continue-on-error",
}  # fmt: skip
STEP = {
    "id",
    "if",
    "name",
    "uses",
    "run",
    "with",
    "env",
    "shell",
    "working-directory",
    "continue-on-error",
    "timeout-minutes",
}
SCOPES = {"actions", "checks", "contents", "deployments", "id-token", "issues", "packages", "pull-requests", "statuses"}
CONTEXTS = {"github", "inputs", "vars", "env", "matrix", "needs", "secrets", "steps", "runner", "job", "strategy"}
UNTRUSTED = re.compile(r"github\.(event\.|head_ref|base_ref|ref_name)|inputs\.")


@cache
def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    found = yaml.safe_load((FOLDER / name).read_text())
    found["on"] = found.pop(True)
    return dict(found)


def jobs(name: str) -> list[tuple[str, dict[str, Any]]]:
    return list(workflow(name)["jobs"].items())


def steps(name: str) -> list[dict[str, Any]]:
    return [step for _, job in jobs(name) for step in job.get("steps", [])]


@pytest.mark.parametrize("name", FILES)
def test_keys_are_githubs(name: str) -> None:
    assert set(workflow(name)) <= TOP
    for identifier, job in jobs(name):
        assert re.fullmatch(r"[A-Za-z_][\w-]*", identifier)
        assert set(job) <= JOB, identifier
        assert ("uses" in job) != ("runs-on" in job and "steps" in job), identifier
        for needed in [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", []):
            assert needed in workflow(name)["jobs"]
    for step in steps(name):
        assert set(step) <= STEP
        assert ("uses" in step) != ("run" in step)


@pytest.mark.parametrize("name", FILES)
def test_expressions_name_what_there_is(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert text.count("${{") == text.count("}}")
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text):
        bare = re.sub(r"'[^']*'", "", expression)
        for context in re.findall(r"(?<![\w.-])([a-z][\w-]*)(?=\.)", bare):
            assert context in CONTEXTS, expression
    called = workflow(name)["on"]
    declared = {}
    for trigger in ("workflow_call", "workflow_dispatch"):
        declared |= (called.get(trigger) or {}).get("inputs") or {} if isinstance(called, dict) else {}
    for used in re.findall(r"(?<![\w.])inputs\.([\w-]+)", text):
        assert used in declared, used


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_others_write_reaches_a_shell(name: str) -> None:
    """A branch's name or an issue's title inside `run` is a command of its author's."""
    for step in steps(name):
        for expression in re.findall(r"\$\{\{(.*?)\}\}", step.get("run", "")):
            assert not UNTRUSTED.search(expression), step["run"]


@pytest.mark.parametrize("name", FILES)
def test_permissions_are_named_and_few(name: str) -> None:
    granted = [workflow(name).get("permissions"), *(job.get("permissions") for _, job in jobs(name))]
    for each in filter(None, granted):
        assert set(each) <= SCOPES
        assert set(each.values()) <= {"read", "write", "none"}
    if "workflow_call" not in workflow(name)["on"]:
        assert workflow(name)["permissions"]["contents"] == "read"


@pytest.mark.parametrize("name", FILES)
def test_called_workflows_get_the_inputs_that_they_take(name: str) -> None:
    for _, job in jobs(name):
        called = job.get("uses", "")
        if called.startswith("./"):
            inputs = workflow(Path(called).name)["on"]["workflow_call"]["inputs"]
            assert set(job.get("with", {})) <= set(inputs)
            assert {key for key, each in inputs.items() if each.get("required")} <= set(job.get("with", {}))


@pytest.mark.parametrize("name", FILES)
def test_make_targets_and_commands_exist(name: str) -> None:
    from groundplan.cli._commands import commands

    makefile = (ROOT / "templates/project/Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for step in steps(name):
        for target in re.findall(r"\bmake (?:--silent )?([a-z-]+)", step.get("run", "")):
            assert target in targets, target
        for command in re.findall(r"bin/groundplan ([a-z]+)", step.get("run", "")):
            assert command in commands.offered, command


def test_a_deployment_may_last_longer_than_a_session_and_can_be_taken_up_again() -> None:
    """e5"""
    (_, job), *_ = jobs("deploy-stack.yml")
    assert job["timeout-minutes"] >= 180
    assert any("groundplan credentials --configure" in step.get("run", "") for step in job["steps"])
    assert not any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"]), (
        "it ends after an hour"
    )
    (repair,) = [step for step in job["steps"] if "make repair" in step.get("run", "")]
    assert repair["if"] == "inputs.repair"
    assert job["concurrency"]["cancel-in-progress"] is False


def test_jobs_that_reach_a_cluster_run_where_it_can_be_reached() -> None:
    """e4: a private API has no way in for `ubuntu-latest`."""
    for name in ("deploy-stack.yml", "drift.yml"):
        for _, job in jobs(name):
            assert "vars.RUNNER" in job["runs-on"]


def test_a_look_each_morning_waits_for_nobody_and_changes_nothing() -> None:
    (_, job), *_ = jobs("drift.yml")
    assert job["environment"].endswith("-drift"), "that of the stack may have reviewers"
    assert "schedule" in workflow("drift.yml")["on"]
