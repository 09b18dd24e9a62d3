"""Where data are, who may read them, and that two processes take turns."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan.problems import ProblemsFound
from groundplan_devkit import state
from groundplan_devkit.dev.__main__ import main as dev_command
from groundplan_devkit.dev.alone import alone, record_address
from groundplan_devkit.ports import free_ports, is_free
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.secrets import password
from groundplan_devkit.servers import stop
from groundplan_devkit.servers.__main__ import main as servers_command
from groundplan_devkit.servers.postgres import UNPRIVILEGED_USER
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")
def test_data_move_to_where_their_owner_can_get(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    place = data_directory(closed, "server", UNPRIVILEGED_USER)
    try:
        assert not place.is_relative_to(closed)
        assert pwd.getpwuid(place.stat().st_uid).pw_name == UNPRIVILEGED_USER
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert data_directory(closed, "server", UNPRIVILEGED_USER) == place
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


@pytest.mark.parametrize("command", ["up", "down", "down --remove", "status"])
def test_servers_leave_a_directory_of_the_users_as_it_is(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "servers.json").write_text("{}")
    status = servers_command([*command.split(), "--directory", str(tmp_path)])
    assert status == (0 if command == "down" else 1)
    if command in {"up", "down --remove"}:
        assert "holds other files" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"servers.json": "{}"}


def test_dev_begins_anew_only_in_a_directory_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("x")
    assert dev_command(["--fresh", "--directory", str(tmp_path)]) == 1
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("options", [[], ["--fresh"]])
def test_a_second_dev_is_refused_and_names_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    directory = tmp_path / "local"
    with alone(directory):
        record_address(directory, "http://127.0.0.1:8080/api/v1")
        (directory / "data").write_text("x")
        before = sorted(directory.iterdir())
        assert dev_command([*options, "--directory", str(directory)]) == 1
        assert sorted(directory.iterdir()) == before
    said = capsys.readouterr().err
    assert f"running already (http://127.0.0.1:8080/api/v1, pid {os.getpid()})" in said
    with alone(directory):
        pass


def test_the_projects_own_directory_from_before_stamps_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "DIRECTORY", tmp_path / "local")
    for name in ("local", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock.lock").touch()
    assert stop(tmp_path / "local", remove=True) == []
    assert not (tmp_path / "local").exists()
    with pytest.raises(ProblemsFound):
        stop(tmp_path / "other", remove=True)


def test_only_data_of_ones_own_making_are_removed_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (tmp_path / "server.elsewhere").write_text(str(tmp_path / "precious"))
    remove_data(tmp_path, "server")
    assert (tmp_path / "precious" / "file").read_text() == "x"
