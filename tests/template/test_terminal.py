"""Every question at a terminal: Enter, typing, editing, wrong then right (n2); the remedy is what one sees (n3)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects import ROOT
from tests.template.terminal import Terminal

QUESTIONS: dict[str, dict[str, Any]] = {
    name: question
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8")).items()
    if not name.startswith("_") and question.get("when") is not False
}
CLEAR = "\x01\x0b"
"""Ctrl-A, Ctrl-K: to the start, then delete the rest."""
DOWN, ENTER, BACKSPACE = "\x1b[B", "\r", "\x7f"


@dataclass
class Case:
    """What is typed into an empty field, and what becomes of it."""

    wrong: str
    said: str
    """What must be in sight of the error."""
    right: str
    answer: object


CASES: dict[str, Case | tuple[str, str]] = {
    # Of a choice: the keys, and the answer.
    "name": Case("Web", "expected a name like web-shop", "web", "web"),
    "description": Case("x" * 201, "expected one line, 200", "Ünïcödé: one", "Ünïcödé: one"),
    "services": Case("user", "expected a list: [user, order]", "[user, {name: invoice, data_gb: 5}]", None),
    "requests_per_second": Case("1,000", "expected 2 to 1000000", "2000", 2000),
    "growth_factor": Case("0.5", "expected 1 to 1000", "2.5", 2.5),
    "events": (DOWN, "sqs"),
    "event_log_days": Case("30 days", "expected 1 to 3650", "30", 30),
    "region": Case("Frankfurt", "expected a region such as eu-central-1", "us-east-1", "us-east-1"),
    "domain": Case("localhost", "expected a name like shop.example.com", "shop.io", "shop.io"),
    "alarm_email": Case("ops", "expected one like ops@example.com", "ops@example.com", "ops@example.com"),
    "repository": Case("acme", "expected owner/name, or nothing", "acme/shop", "acme/shop"),
    "licence": (DOWN, "Apache-2.0"),
}
CASES_ANSWERS = {"services": ["user", {"name": "invoice", "data_gb": 5}]}
USUAL = {"requests_per_second": 1000, "growth_factor": 10, "event_log_days": 2555}


@pytest.fixture(params=[80, 120])
def columns(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def copying(template: Path, tmp_path: Path, columns: int) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "copier", "copy", "--vcs-ref=HEAD", str(template), str(tmp_path / "project")]
    colour = {"NO_COLOR": "1"} if columns == 120 else {}
    terminal = Terminal(
        command, columns=columns, environment={**os.environ, "COPIER_SETTINGS_PATH": os.devnull, **colour}
    )
    yield terminal
    terminal.close()


def ask(terminal: Terminal, name: str) -> None:
    """Waits for a question; all of its help is in sight."""
    terminal.see(*(line.strip() for line in QUESTIONS[name]["help"].splitlines()))


def answers(tmp_path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((tmp_path / "project" / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in read.items() if not name.startswith("_")}


def test_every_question_has_a_case() -> None:
    assert list(CASES) == list(QUESTIONS)


def test_enter_takes_what_is_shown(copying: Terminal, tmp_path: Path) -> None:
    shown: dict[str, str] = {}
    for name in QUESTIONS:
        ask(copying, name)
        if name in USUAL:
            copying.see(f"   {USUAL[name]}")
            assert "..." not in copying.screen.text()
        shown[name] = copying.screen.text()
        copying.type(ENTER)
    assert copying.end() == 0, copying.screen.text()
    expected = {
        name: USUAL.get(name, question["default"])
        for name, question in QUESTIONS.items()
        if "{{" not in str(question["default"])
    }
    assert {**answers(tmp_path), **expected} == answers(tmp_path)
    assert answers(tmp_path)["domain"] == "shop.example.com"
    declared = yaml.safe_load((tmp_path / "project" / "system.yaml").read_text(encoding="utf-8"))
    assert declared["requirements"]["requests_per_second"] == 1000


def test_wrong_then_right(copying: Terminal, tmp_path: Path) -> None:
    for name, case in CASES.items():
        ask(copying, name)
        if isinstance(case, tuple):
            copying.type(case[0])
            copying.type(ENTER)
            continue
        copying.type(CLEAR + case.wrong + ENTER)
        copying.see(case.said)
        # Typed with a slip that is mended.
        copying.type(CLEAR + case.right + "q" + BACKSPACE + ENTER)
    assert copying.end() == 0, copying.screen.text()
    for name, case in CASES.items():
        wanted = case[1] if isinstance(case, tuple) else CASES_ANSWERS.get(name, case.answer)
        assert answers(tmp_path)[name] == wanted, name


def test_a_number_that_is_typed_takes_the_place_of_the_usual_one(copying: Terminal, tmp_path: Path) -> None:
    for name in QUESTIONS:
        ask(copying, name)
        copying.type(("20" if name in USUAL else "") + ENTER)
    assert copying.end() == 0, copying.screen.text()
    assert {name: answers(tmp_path)[name] for name in USUAL} == dict.fromkeys(USUAL, 20)
