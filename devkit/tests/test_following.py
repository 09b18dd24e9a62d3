"""Logs on one screen, and what an edit concerns."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from groundplan_devkit.dev.edits import Concerned, concerned
from groundplan_devkit.dev.follow import LONGEST_VALUE, Follower, coloured, readable


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(line: str) -> list[str]:
    return [text for text, _ in readable(line)]


def test_json_is_shown_as_a_person_reads_it() -> None:
    line = json.dumps({"level": "WARNING", "message": "Slow", "duration_ms": 31, "service": "order", "time": "now"})
    assert shown(line) == ["warning Slow duration_ms=31"]


def test_metrics_are_left_out_and_other_text_is_kept() -> None:
    assert shown(json.dumps({"_aws": {}, "requests": 1})) == []
    assert shown("Traceback (most recent call last):") == ["Traceback (most recent call last):"]
    assert shown("   ") == []
    assert shown("[1, 2]") == ["[1, 2]"]


def test_a_long_value_is_shortened() -> None:
    [line] = shown(json.dumps({"level": "info", "message": "Slow", "statement": "SELECT " * 100}))
    assert line.endswith("…")
    assert len(line) < LONGEST_VALUE + 40


def test_an_error_is_loud() -> None:
    assert list(readable('{"level": "error", "message": "Away"}')) == [("error   Away", True)]


def test_a_log_cannot_move_the_cursor() -> None:
    assert "\033" not in shown("\033[2Jgone")[0]
    assert "\033" not in shown(json.dumps({"level": "info", "message": "\033[2Jgone\x07"}))[0]


def test_what_is_added_is_shown_once_and_whole(tmp_path: Path) -> None:
    screen = io.StringIO()
    follower = Follower(9, screen)
    log = tmp_path / "order.log"
    follower.add("order-api", log)
    follower.show()
    log.write_text("one\ntw")
    follower.show()
    with log.open("a") as file:
        file.write("o\n")
    follower.show()
    follower.show()
    assert screen.getvalue() == "order-api │ one\norder-api │ two\n"


def slow(number: int) -> str:
    entry = {"level": "WARNING", "message": "a database statement took longer than 20 ms", "duration_ms": number}
    return json.dumps(entry) + "\n"


def test_a_hundred_slow_statements_bury_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "24")
    screen, now = io.StringIO(), [0.0]
    follower = Follower(9, screen, clock=lambda: now[0])
    log = tmp_path / "order-api.log"
    follower.add("order-api", log)
    log.write_text("".join(map(slow, range(119))) + '{"level": "warning", "message": "Away"}\n')
    follower.show()
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4
    assert "warning Away" in lines[-1]
    assert not follower.scrolled_away()
    now[0] = 21.0
    follower.show()
    assert screen.getvalue().splitlines()[-1].endswith("(116 more of these: order-api.log)")
    with log.open("a") as file:
        file.write(slow(1))
    follower.show()
    assert "duration_ms=1" in screen.getvalue().splitlines()[-1]


def test_the_address_is_due_again_once_a_screen_has_gone_by_and_the_logs_are_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "24")
    now = [0.0]
    follower = Follower(3, io.StringIO(), clock=lambda: now[0])
    log = tmp_path / "a.log"
    follower.add("a", log)
    log.write_text("line\n" * 24)
    follower.show()
    assert not follower.scrolled_away()
    now[0] = 2.0
    assert follower.scrolled_away()
    assert not follower.scrolled_away()


def test_a_log_that_began_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    screen = io.StringIO()
    follower = Follower(3, screen)
    log = tmp_path / "a.log"
    log.write_text("what was there before\n")
    follower.add("a", log)
    log.write_text("new\n")
    follower.show()
    assert screen.getvalue() == "a   │ new\n"


def test_colours_are_for_terminals_whose_user_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    follower = Follower(1, screen)
    follower.add("a", tmp_path / "a.log")
    (tmp_path / "a.log").write_text("one\n")
    follower.show()
    assert screen.getvalue().startswith("\033[36m")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(screen)
    assert not coloured(io.StringIO())


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ("chassis/groundplan_chassis/http/app.py", Concerned(frozenset({"order", "card-payment"}), frozenset())),
        ("services/order/order_service/domain/order.py", Concerned(frozenset({"order"}), frozenset())),
        ("services/order/migrations/versions/0002_more.py", Concerned(frozenset({"order"}), frozenset({"order"}))),
        ("services/order/order_service/tests/unit/test_order.py", Concerned(frozenset(), frozenset())),
        ("services/order/README.md", Concerned(frozenset(), frozenset())),
        ("services/README.py", Concerned(frozenset(), frozenset())),
        ("services/another/another_service/__main__.py", Concerned(frozenset(), frozenset())),
        ("infra/groundplan/capacity/figures.py", Concerned(frozenset(), frozenset())),
        ("system.yaml", Concerned(frozenset(), frozenset(), declaration=True)),
        ("../elsewhere/chassis/groundplan_chassis/a.py", Concerned(frozenset(), frozenset())),
    ],
)
def test_an_edit_concerns_those_that_run_the_code(edited: str, expected: Concerned) -> None:
    project = Path("/project")
    path = Path("/elsewhere/chassis/groundplan_chassis/a.py") if edited.startswith("..") else project / edited
    assert concerned(project, ["order", "card-payment"], [path]) == expected
