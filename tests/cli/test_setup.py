"""`make setup` works with what a machine has, and says what it lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan.installation import bootstrap
from tests.projects import ROOT


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with nothing to install, of others or of ours."""
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "libraries.txt").write_text("")
    return tmp_path


def setup(place: Path, path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "bash", str(ROOT / "infra" / "setup.sh"), "environment"],
        cwd=place,
        env={"PATH": path, "HOME": str(place), **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def python(directory: Path, name: str, version: str) -> None:
    """A stand-in that answers as that version of Python would."""
    directory.mkdir(exist_ok=True)
    status = 0 if tuple(map(int, version.split(".")[:2])) >= (3, 11) else 1
    script = directory / name
    script.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] && echo "Python {version}" && exit 0\n'
        f'[ "$1" = -c ] && exit {status}\n'
        f'echo "{name} $*" >> calls\nexit 1\n'
    )
    script.chmod(0o755)


def test_a_python_that_is_too_old_is_named(place: Path) -> None:
    python(place / "bin", "python3", "3.9.2")
    done = setup(place, f"{place / 'bin'}:/bin", PYTHON3="python3")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; found: Python 3.9.2" in done.stderr
    assert "make setup PYTHON3=" in done.stderr
    assert not (place / "environment").exists()


def test_a_newer_python_of_another_name_is_found(place: Path) -> None:
    python(place / "bin", "python3", "3.9.2")
    python(place / "bin", "python3.14", "3.10.0")
    python(place / "bin", "python3.13", "3.13.1")
    done = setup(place, f"{place / 'bin'}:/bin")
    assert (place / "calls").read_text() == f"python3.13 -I {ROOT}/infra/bootstrap.py environment\n"
    assert done.returncode == 1, "the stand-in makes no environment"


def test_a_python_without_the_venv_module_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python(place / "bin", "python3", "3.12.1")
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python3"))
    monkeypatch.chdir(place)
    assert bootstrap.main(["environment"]) == 1
    assert "python3-venv" in capsys.readouterr().err
    assert not (place / "environment").exists()


def test_the_environment_is_made_once_and_again_only_for_other_requirements(place: Path) -> None:
    first = setup(place, os.environ["PATH"])
    assert first.returncode == 0, first.stderr
    assert "Setting up Python packages" in first.stdout
    assert (place / "environment" / "bin" / "python").exists()
    again = setup(place, os.environ["PATH"])
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    (place / "requirements.txt").write_text("# other\n")
    assert "Setting up" in setup(place, os.environ["PATH"]).stdout
    assert (place / "environment" / "requirements.txt").read_text() == "# other\n"


def test_requirements_without_hashes_are_refused(place: Path) -> None:
    shutil.rmtree(place / "vendor")
    (place / ".copier-answers.yml").write_text("_commit: 0.2.0\n_src_path: git+file:///nowhere\n")
    (place / "requirements.txt").write_text("pyyaml==6.0.3\n")
    done = setup(place, os.environ["PATH"])
    assert done.returncode != 0
    assert "--require-hashes" in done.stderr
    assert not (place / "environment" / "requirements.txt").exists()


@pytest.mark.parametrize("script", ["setup.sh", "clean.sh"])
def test_windows_line_ends_are_taken(place: Path, script: str) -> None:
    """n7: as git checks files out where it is told to, before .gitattributes came."""
    infra = place / "infra"
    infra.mkdir()
    for name in ("setup.sh", "clean.sh", "bootstrap.py"):
        text = (ROOT / "infra" / ("groundplan/installation" if name == "bootstrap.py" else "") / name).read_bytes()
        (infra / name).write_bytes(text.replace(b"\n", b"\r\n"))
    done = subprocess.run(
        ["bash", f"infra/{script}", *(["environment"] if script == "setup.sh" else [])],
        cwd=place,
        env={**os.environ, "PYTHON3": "no-such-python"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Python 3.11 or newer is needed; found: none called no-such-python" in done.stderr
    assert done.returncode == (1 if script == "setup.sh" else 0)
    assert "\r" not in done.stderr


def test_without_the_pulumi_cli_up_stops_before_anything_else(tmp_path: Path) -> None:
    """n7: not after minutes of set-up."""
    makefile = ROOT / "templates" / "project" / "Makefile"
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "bash", "sh"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    for target in ("up", "deliver", "repair", "remember"):
        done = subprocess.run(
            [str(tools / "make"), "-f", str(makefile), target],
            cwd=tmp_path,
            env={"PATH": str(tools)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert done.stderr.startswith("pulumi: not found\n    expected: the Pulumi CLI on the PATH\n    to do:")
        assert "setup.sh" not in done.stderr
