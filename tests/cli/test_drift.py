"""One issue about drift, while there is any (U8)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from groundplan.cli.drift import keep_issue
from groundplan.problems import ProblemsFound
from tests.cli.stand_ins import Tools, only_these

OPEN = json.dumps([{"number": 4, "title": "Drift in prod"}, {"number": 7, "title": "Drift in dev"}])


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    return tools


@pytest.mark.parametrize(
    ("opened", "text", "then"),
    [
        ("[]", "something", [["issue", "create", "--title", "Drift in dev", "--body-file", "-"]]),
        (OPEN, "something", [["issue", "edit", "7", "--body-file", "-"]]),
        (OPEN, "", [["issue", "close", "7", "--comment", "Nothing differs any more."]]),
        ("[]", "", []),
    ],
    ids=["first", "again", "gone", "none"],
)
def test_one_issue_is_kept(tools: Tools, opened: str, text: str, then: list[list[str]]) -> None:
    tools.install("gh", {"issue list": (0, opened)})
    keep_issue("dev", text)
    assert [call[1:] for call in tools.calls[1:]] == then


def test_what_github_refuses_is_said(tools: Tools) -> None:
    tools.install("gh", {"issue": (1, "")})
    with pytest.raises(ProblemsFound, match="issues: write"):
        keep_issue("dev", "something")


def test_without_githubs_cli_it_says_so(tools: Tools) -> None:
    with pytest.raises(ProblemsFound, match="leave --issue out"):
        keep_issue("dev", "something")
    assert tools.calls == []
