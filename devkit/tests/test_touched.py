"""What an edit touches runs first, and alone while files are watched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from watchfiles import Change

from groundplan_devkit import watching
from groundplan_devkit.state import PROJECT
from groundplan_devkit.touched import edited_files, rank, touched

ORDER = "services/order/order_service"


@pytest.mark.parametrize(
    ("edited", "tests"),
    [
        ([f"{ORDER}/domain/order.py"], ["services/order", "tests/system"]),
        ([f"{ORDER}/tests/unit/test_order.py"], [f"{ORDER}/tests/unit/test_order.py"]),
        ([f"{ORDER}/tests/integration/conftest.py"], [f"{ORDER}/tests/integration"]),
        (["tests/conftest.py"], ["tests"]),
        (["chassis/groundplan_chassis/caching/documents.py"], ["services"]),
        (["system.yaml"], ["tests"]),
        (["Pulumi.prod.yaml", "infra/__main__.py"], ["tests"]),
        (["system.yaml", f"{ORDER}/tests/unit/test_order.py"], [f"{ORDER}/tests/unit/test_order.py", "tests"]),
        (["README.md", "services/order/README.md", "../elsewhere.py"], []),
    ],
)
def test_an_edit_touches(tmp_path: Path, edited: Sequence[str], tests: Sequence[str]) -> None:
    assert touched(tmp_path, [tmp_path / each for each in edited]) == tests


def test_the_closest_come_first(tmp_path: Path) -> None:
    first = ["services/order/tests/test_a.py", "services/order", "tests"]
    names = [
        "tests/test_z.py",
        "services/order/tests/test_b.py",
        "services/order/tests/test_a.py",
        "services/x/test_c.py",
    ]
    assert [rank(tmp_path / name, tmp_path, first) for name in names] == [2, 1, 0, 3]
    assert rank(Path("/elsewhere/test_d.py"), tmp_path, first) == 3


def test_what_git_has_not_committed_is_edited(tmp_path: Path) -> None:
    assert edited_files(tmp_path) == []
    project = tmp_path / "größe" / "shop"
    project.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "größe")], check=True)
    (project / "tests").mkdir()
    (project / "tests" / "test_ä.py").touch()
    assert edited_files(project) == [project / "tests" / "test_ä.py"]


def test_edits_run_the_tests_that_they_touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PROJECT", tmp_path)
    (tmp_path / "services" / "order").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    ran: list[Sequence[str]] = []
    edits = [[tmp_path / "services/order/a.py"], [tmp_path / "README.md"], [tmp_path / "system.yaml"]]

    def run(tests: Sequence[str]) -> int:
        ran.append(tests)
        return len(ran) % 2

    watching.follow(edits, [], run)
    assert ran == [["services/order"], ["tests"]]
    ran.clear()
    watching.follow(edits, ["services"], run)
    assert ran == [["services/order"]]


@pytest.mark.parametrize(
    ("only", "ran"),
    [
        (["services/order"], ["services/order"]),
        (["services/order/"], ["services/order"]),
        (["services/order-returns"], []),
        (["services/order/test_a.py"], ["services/order/test_a.py"]),
        (["services/order/test_a.py::test_one"], ["services/order/test_a.py::test_one"]),
        (["-k", "one"], ["services/order", "-k", "one"]),
        (["services", "-x"], ["services/order", "-x"]),
    ],
)
def test_no_more_than_was_asked_for_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: Sequence[str], ran: Sequence[str]
) -> None:
    monkeypatch.setattr(watching, "PROJECT", tmp_path)
    for name in ("order", "order-returns"):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "test_a.py").touch()
    found: list[str] = []

    def run(tests: Sequence[str]) -> bool:
        found.extend(tests)
        return True

    watching.follow([[tmp_path / "services/order/b.py"]], only, run)
    assert found == ran


def test_edits_during_the_first_run_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PROJECT", tmp_path)
    monkeypatch.setattr(watching, "watch", lambda *_, **__: iter([{(Change.modified, str(tmp_path / "c.py"))}]))
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "a.py").touch()
    os.utime(tmp_path / "a.py", (0, 0))
    edits = watching._edits()
    assert next(edits) == [tmp_path / "a.py"]
    (tmp_path / "b.py").touch()
    assert next(edits) == [tmp_path / "b.py"]
    assert next(edits) == [tmp_path / "c.py"]


def test_what_tools_write_is_no_edit() -> None:
    watched = {
        path: watching.worth_a_look(Change.modified, str(PROJECT / path))
        for path in (
            "system.yaml",
            "services/order/a.py",
            ".venv/a.py",
            "build/local/a.json",
            "a/__pycache__/b.py",
            "a.md",
        )
    }
    assert [path for path, worth in watched.items() if worth] == ["system.yaml", "services/order/a.py"]
