"""Finding the CLI: each way to have none is said in one line, and nothing hangs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundplan.installation import allowed
from groundplan.rehearsal import cli
from groundplan.rehearsal.cli import NoCli, find_cli


@pytest.fixture(autouse=True)
def _with_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundplan.rehearsal.cli.find_spec", lambda name: name)
    monkeypatch.setenv(allowed.ALLOW, "1")
    allowed._answer.cache_clear()


pytestmark = pytest.mark.usefixtures("tools")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH without the CLI, on which this machine's shell still is."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    shell = shutil.which("sh")
    assert shell
    (bin_ / "sh").symlink_to(shell)
    monkeypatch.setenv("PATH", str(bin_))
    return bin_


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_none_on_path() -> None:
    with pytest.raises(NoCli, match=r"^no Pulumi CLI was found on PATH$"):
        find_cli()


def test_the_one_on_path_is_taken(tools: Path) -> None:
    script(tools / "pulumi", "echo v3.300.0")
    script(tools / "pulumi-language-python", "")
    assert find_cli() == tools / "pulumi"


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("echo v2.9.0", "Minimum version"),
        ("echo v4.0.0", "Major version mismatch"),
        ("echo hello", "Could not parse"),
        ("exit 3", "exit status 3"),
    ],
)
def test_one_that_cannot_be_used(tools: Path, says: str, why: str) -> None:
    script(tools / "pulumi", says)
    script(tools / "pulumi-language-python", "")
    with pytest.raises(NoCli, match=why) as refused:
        find_cli()
    assert "\n" not in str(refused.value)


def test_one_without_its_python_host(tools: Path) -> None:
    script(tools / "pulumi", "echo v3.300.0")
    with pytest.raises(NoCli, match="no pulumi-language-python beside it"):
        find_cli()


def test_no_pip(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundplan.rehearsal.cli.find_spec", lambda _: None)
    script(tools / "pulumi", "echo v3.300.0")
    with pytest.raises(NoCli, match="needs pip"):
        find_cli()


def test_the_installer_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "installed"
    install = (
        "import sys, pathlib, os; folder = pathlib.Path(sys.argv[1], 'bin'); folder.mkdir(parents=True)\n"
        "for name in ('pulumi', 'pulumi-language-python'):\n"
        "    (folder / name).write_text('#!/bin/sh\\necho v3.300.0'); os.chmod(folder / name, 0o755)"
    )
    monkeypatch.setattr(cli, "_INSTALL", install)
    told: list[str] = []
    assert find_cli(made, told.append) == made / "bin" / "pulumi"
    assert find_cli(made, told.append) == made / "bin" / "pulumi"
    assert len(told) == 1
    assert "get.pulumi.com" in told[0]


def test_the_installer_is_not_asked_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """n8"""
    monkeypatch.delenv(allowed.ALLOW)
    monkeypatch.setattr(cli, "_INSTALL", "raise SystemExit('asked')")
    with pytest.raises(NoCli, match=r"nothing is fetched unasked \(ALLOW_INSTALL=1 allows it\)$"):
        find_cli(tmp_path / "installed")


def test_an_installer_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = "import urllib.error; raise urllib.error.URLError('Name or service not known')"
    monkeypatch.setattr(cli, "_INSTALL", unreachable)
    with pytest.raises(NoCli, match=r"installer can't be reached \(Name or service not known\)$"):
        find_cli(tmp_path / "installed")


def test_an_installer_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_INSTALL", "import time; time.sleep(60)")
    monkeypatch.setattr(cli, "INSTALL_SECONDS", 0.5)
    with pytest.raises(NoCli, match="wasn't done after"):
        find_cli(tmp_path / "installed")
