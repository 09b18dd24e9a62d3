"""Logs are kept for a number of days that CloudWatch knows, in every component that keeps any (S5)."""

from __future__ import annotations

import ast
from pathlib import Path

import pulumi
import pytest

from groundplan_components.shared.log_days import LOG_DAYS, require_log_days
from tools.reference import LIBRARY

KEEPERS = [path for path in sorted(LIBRARY.glob("*.py")) if ".LogGroup(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("days", [0, 2, 91, 3654])
def test_other_days_are_refused(days: int) -> None:
    with pytest.raises(pulumi.RunError, match=rf'Gateway "api": log_days is {days}\n.*one of 1, 3, 5'):
        require_log_days('Gateway "api"', days)


def test_known_days_are_taken() -> None:
    for days in LOG_DAYS:
        require_log_days('Gateway "api"', days)


@pytest.mark.parametrize("path", KEEPERS, ids=lambda path: path.stem)
def test_who_keeps_logs_checks_their_days_and_encrypts_them(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    assert [each for each in calls if ast.unparse(each.func) == "require_log_days"]
    for group in (each for each in calls if ast.unparse(each.func).endswith(".LogGroup")):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in group.keywords}
        assert given["kms_key_id"] == "args['kms_key_arn']"
        assert given["retention_in_days"] == "args.get('log_days', 90)"
