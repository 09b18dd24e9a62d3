"""U9: the README's first ten minutes, read in every run, and run by `make prove WHAT=first-minutes`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.projects import ROOT
from tools.first_minutes import ADDRESS, Place, difference, run, steps

PRINTED = "one\nshop is in shop. Next:\n\n    make plan\nlast\n"


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        ("…\nshop is in … Next:\n…\n", ""),
        ("one\nshop is in shop. Next:\n\n    make plan\nlast\n", ""),
        ("…\n    make plan\nlast\n", ""),
        ("…\nmake plan\n…\n", "make plan"),
        ("shop is in shop. Next:\n…\n", "shop is in shop. Next:"),
        ("one\n…\nlast\n…\nmore\n", "more"),
        ("one\n", "nothing after it, but was: shop is in shop. Next:"),
    ],
)
def test_output_is_compared_line_by_line(expected: str, missing: str) -> None:
    assert difference(expected, PRINTED) == missing


def test_colours_are_not_compared() -> None:
    assert difference("create a", "\x1b[32m\x1b[1mcreate\x1b[0m a\n") == ""


def test_every_step_is_compared_or_says_why_not() -> None:
    found = steps()
    assert len(found) > 6
    assert ADDRESS in found[0].commands
    for step in found:
        assert step.printed or step.reason or "git" in step.commands, step.commands
    assert [step.commands for step in found if step.reason] == ["make dev\n"]


def test_targets_of_the_first_ten_minutes_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "templates/project/Makefile").read_text(), re.MULTILINE))
    named = {name for step in steps() for name in re.findall(r"^make ([a-z-]+)", step.commands, re.MULTILINE)}
    assert {"plan", "compare", "add-service", "dev"} <= named <= targets


@pytest.mark.skipif(
    not os.environ.get("PROVE_FIRST_MINUTES"), reason="a whole set-up takes minutes: `make prove WHAT=first-minutes`"
)
@pytest.mark.parametrize("name", ["shops", "mes systèmes à é"])
def test_the_first_ten_minutes_are_as_written(name: str) -> None:
    """In an empty folder, as a user without rights (where this runs as root) and without an identity for git."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root, and nothing to become another user by")
    # Not below pytest's own folder, which each new run of it closes to all other users.
    with tempfile.TemporaryDirectory(prefix="first-minutes-") as directory:
        here = Path(directory)
        here.chmod(0o755)
        clone, folder, home = here / "groundplan", here / name, here / "home"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        folder.mkdir()
        home.mkdir()
        (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
        tools = here / "tools"
        subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
        subprocess.run([str(tools / "bin/pip"), "install", "--quiet", "uv"], check=True)
        assert run(Place(folder, home, [tools / "bin"], str(clone)), steps()) == {}
