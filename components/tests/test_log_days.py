"""Every log group has a retention that CloudWatch offers, and a customer key (S5)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pulumi
import pytest

from components.tools.reference import Class, arguments, components, modules
from groundplan_components.shared.log_days import LOG_DAYS, require_log_days

KEEPERS = {name: path for name, path in modules().items() if ".LogGroup(" in path.read_text(encoding="utf-8")}
# The arguments that these files' functions take.
WITH_LOGS = [
    each
    for each in map(arguments, components())
    if any(re.search(rf"\bargs: {each.name}\b", path.read_text(encoding="utf-8")) for path in KEEPERS.values())
]
GIVEN = {("args['kms_key_arn']", "args.get('log_days', 90)"), ("rotation.kms_key_arn", "rotation.log_days")}
"""Key and retention, as components are given them; a rotation's are those of the component that declares it."""
FOR_OTHERS = {"keys._rotation"}


@pytest.mark.parametrize("days", [0, 2, 91, 3654])
def test_other_days_are_refused(days: int) -> None:
    with pytest.raises(pulumi.RunError, match=rf'Gateway "api": log_days is {days}\n.*one of 1, 3, 5'):
        require_log_days('Gateway "api"', days)


def test_known_days_are_taken() -> None:
    for days in LOG_DAYS:
        require_log_days('Gateway "api"', days)


def calls(node: ast.AST) -> list[ast.Call]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]


@pytest.mark.parametrize("given", WITH_LOGS, ids=lambda each: each.name)
def test_who_keeps_logs_checks_their_days(given: Class) -> None:
    """In a function that takes these arguments."""
    functions = [
        node
        for name, path in modules().items()
        if name.startswith(f"{given.subject}.")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(each.annotation and ast.unparse(each.annotation) == given.name for each in node.args.args)
    ]
    assert [each for node in functions for each in calls(node) if ast.unparse(each.func) == "require_log_days"]


@pytest.mark.parametrize("path", KEEPERS.values(), ids=list(KEEPERS))
def test_logs_are_encrypted_and_expire(path: Path) -> None:
    groups = [each for each in calls(ast.parse(path.read_text())) if ast.unparse(each.func).endswith(".LogGroup")]
    assert groups
    for group in groups:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in group.keywords}
        assert (given["kms_key_id"], given["retention_in_days"]) in GIVEN


def test_each_file_with_a_log_group_is_covered() -> None:
    assert len(KEEPERS) > 8
    assert {name.partition(".")[0] for name in KEEPERS if name not in FOR_OTHERS} == {
        each.subject for each in WITH_LOGS
    }
