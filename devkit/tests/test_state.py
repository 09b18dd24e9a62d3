"""Where data are, who may read them, and that two processes take turns."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan_devkit import state
from groundplan_devkit.ports import free_ports, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.secrets import password
from groundplan_devkit.state import data_directory, locked, remove_data, write_privately


def test_what_is_written_privately_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "inner" / "secret"
    write_privately(file, b"one")
    write_privately(file, b"two")
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_password_is_made_once_for_all_processes(tmp_path: Path) -> None:
    imports = "from pathlib import Path; from groundplan_devkit.secrets import password"
    code = f"{imports}; print(password(Path({str(tmp_path)!r}), 'a'))"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    made = {process.communicate()[0].strip() for process in both}
    assert made == {password(tmp_path, "a")}
    assert password(tmp_path, "b") not in made
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600


def test_one_waits_while_another_is_inside(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from groundplan_devkit.state import locked\n"
        f"with locked(Path({str(tmp_path)!r})): open({str(tmp_path / 'entered')!r}, 'w').close()"
    )
    with locked(tmp_path):
        other = subprocess.Popen([sys.executable, "-c", code])
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=1)
        assert not (tmp_path / "entered").exists()
    assert other.wait() == 0
    assert (tmp_path / "entered").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_data_move_to_where_their_owner_can_get(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    place = data_directory(closed, "server", "nobody")
    try:
        assert not place.is_relative_to(closed)
        assert pwd.getpwuid(place.stat().st_uid).pw_name == "nobody"
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert data_directory(closed, "server", "nobody") == place
    finally:
        remove_data(closed, "server")
    assert not place.exists()


def test_data_of_ones_own_stay(tmp_path: Path) -> None:
    place = data_directory(tmp_path, "server", None)
    assert place == tmp_path / "server"
    remove_data(tmp_path, "server")
    assert not place.exists()


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(map(is_free, ports))


def test_the_cache_directory_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_CACHE", str(tmp_path / "chosen"))
    assert state.cache_directory() == tmp_path / "chosen"
    assert (tmp_path / "chosen").is_dir()


def test_a_problem_survives_the_way_between_processes() -> None:
    import pickle

    problem = Unavailable("Kafka", "no Java", "Java 17", "install it")
    again = pickle.loads(pickle.dumps(problem))  # noqa: S301
    assert str(again) == str(problem)
    assert (again.what, again.found, again.expected, again.remedy) == ("Kafka", "no Java", "Java 17", "install it")
