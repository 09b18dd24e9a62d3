"""Files of a project follow, and what can't be rewritten is listed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from groundplan.moving import require_moved
from groundplan.moving.follow import follow, left_over
from groundplan.problems import ProblemsFound


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "Makefile": "ours:\n\tcp chassis/settings.py local/ build/\n\tpython -m local.token\n",
        "deploy.sh": "python -m infra.commands.up prod\r\n",
        "ours.py": "import chassis.clock\r\n\r\nNOW = chassis.clock\r\n",
        "infra/capacity/ours.py": "from infra.capacity import plan\n",
        "infra/commands.py": "",
        "tests/chassis/test_ours.py": "from tests.chassis.environments import given\n",
        "vendor/theirs.py": "import chassis.clock\n",
        "latin.py": "# \xe9\nimport chassis.clock\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode("latin-1"))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_files_follow_and_keep_their_line_endings(project: Path) -> None:
    followed = {entry.path for entry in follow(project, "HEAD")}
    assert followed == {"Makefile", "deploy.sh", "infra/capacity/ours.py", "ours.py"}
    assert (project / "deploy.sh").read_bytes() == b"python -m groundplan up prod\r\n"
    code = b"import groundplan_chassis.clock\r\n\r\nNOW = groundplan_chassis.clock\r\n"
    assert (project / "ours.py").read_bytes() == code
    assert (project / "vendor/theirs.py").read_text() == "import chassis.clock\n"
    assert follow(project, "HEAD") == ()


def test_what_is_left_is_listed(project: Path) -> None:
    follow(project, "HEAD")
    assert sorted(left_over(project)) == [
        "Makefile:2: cp chassis/settings.py local/ build/",
        "latin.py:2: import chassis.clock",
        "tests/chassis/test_ours.py:1: from tests.chassis.environments import given",
    ]


def test_commands_wait_for_the_move(project: Path) -> None:
    with pytest.raises(ProblemsFound, match="make setup"):
        require_moved(project)
    (project / "infra/commands.py").unlink()
    require_moved(project)
