"""`groundplan eject chassis.<part>`: services, their types, tests and images use the owner's copy (P5)."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from groundplan.cli import _parts, eject, main
from groundplan.cli.openapi import described
from groundplan.installation.images import replace_parts
from groundplan.project import own_chassis
from tests.cli.ejecting import edit, files, require_refused
from tests.projects import ROOT, reference_project

LIBRARY = ROOT / "chassis" / "groundplan_chassis"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = reference_project(tmp_path / "shop")
    (project / ".copier-answers.yml").write_text("_src_path: somewhere\n_commit: 0123abc\n")
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(ROOT / "chassis")
    monkeypatch.delenv("GROUNDPLAN_PROJECT", raising=False)
    return project


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's sources as a later version of it may have them, for comparisons."""
    later = Path(shutil.copytree(LIBRARY, tmp_path / "later" / "groundplan_chassis"))
    monkeypatch.setattr(_parts, "chassis", lambda: later)
    return later


def as_a_service_has_it(project: Path, program: str) -> str:
    """What a process of a service prints."""
    path = os.pathsep.join([*own_chassis(project), str(ROOT / "chassis")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_part_can_be_the_projects_own(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All at once: each module is the copy, and works, with the files that it reads beside itself."""
    for name in _parts.chassis_parts():
        assert main(["eject", f"chassis.{name}"]) == 0, capsys.readouterr().err
    own = project / "chassis" / "groundplan_chassis"
    expected = files(LIBRARY)
    expected["__init__.py"] = (own / "__init__.py").read_bytes()
    del expected["py.typed"]
    assert files(own) == expected
    found = as_a_service_has_it(
        project,
        "import importlib, pkgutil, groundplan_chassis as library\n"
        "for each in pkgutil.walk_packages(library.__path__, 'groundplan_chassis.'):\n"
        "    if not each.name.endswith('__main__'): print(importlib.import_module(each.name).__file__)\n"
        "from groundplan_chassis.trust import RDS_AUTHORITIES\n"
        "print(RDS_AUTHORITIES if RDS_AUTHORITIES.is_file() else '')\n",
    ).splitlines()
    assert len(found) > 100
    assert [path for path in found if not path.startswith(str(own))] == []


def test_the_rest_stays_the_librarys_and_uses_the_copy(project: Path) -> None:
    assert main(["eject", "chassis.backoff"]) == 0
    copy = project / "chassis" / "groundplan_chassis" / "backoff.py"
    copy.write_text(f"{copy.read_text()}\nOURS = 4711\n")
    user = next(path for path in LIBRARY.rglob("*.py") if "groundplan_chassis.backoff import" in path.read_text())
    name = ".".join(user.relative_to(LIBRARY.parent).with_suffix("").parts)
    program = f"import {name}, sys; print(sys.modules['groundplan_chassis.backoff'].OURS, {name}.__file__)"
    assert as_a_service_has_it(project, program).split() == ["4711", str(user)]


def test_the_type_checker_reads_the_copy(project: Path) -> None:
    """With the settings that the template writes."""
    assert main(["eject", "chassis.backoff"]) == 0
    copy = project / "chassis" / "groundplan_chassis" / "backoff.py"
    copy.write_text(f"{copy.read_text()}\nOURS: int = 4711\n")
    (project / "pyproject.toml").write_text(
        '[tool.mypy]\nstrict = true\nexplicit_package_bases = true\nmypy_path = ["$MYPY_CONFIG_FILE_DIR/chassis"]\n'
    )
    (project / "service.py").write_text(
        "from groundplan_chassis.backoff import OURS\nfrom groundplan_chassis.clock import Clock\n\n"
        "wrong: str = OURS\nclock: Clock\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(project / ".cache"), "service.py"],
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[:-1] == [
        'service.py:4: error: Incompatible types in assignment (expression has type "int", variable has type "str")'
        "  [assignment]"
    ]


def test_commands_run_services_on_the_copy(project: Path) -> None:
    """`groundplan openapi`: what a service prints comes from the chassis that it runs on."""
    assert main(["eject", "chassis.backoff"]) == 0
    (project / "chassis" / "groundplan_chassis" / "backoff.py").write_text("OURS = 'the copy'\n")
    package = project / "services" / "user" / "user_service"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("from groundplan_chassis.backoff import OURS\nprint(OURS)\n")
    assert described(project, [("user", package.parent)]) == {"user": "the copy\n"}


def test_a_projects_settings_find_the_copy(committed_shop: Path) -> None:
    settings = tomllib.loads((committed_shop / "pyproject.toml").read_text())["tool"]
    assert settings["pytest"]["ini_options"]["pythonpath"][0] == "chassis"
    assert settings["mypy"]["mypy_path"][0] == "$MYPY_CONFIG_FILE_DIR/chassis"
    assert eject._not_on_the_path(committed_shop) == []


def test_settings_that_lack_it_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eject", "chassis.caching"]) == 0
    said = capsys.readouterr().out
    assert '[tool.mypy] mypy_path: "$MYPY_CONFIG_FILE_DIR/chassis", first' in said
    assert '[tool.pytest.ini_options] pythonpath: "chassis", first' in said


def test_what_changed_upstream_is_told_shown_and_merged(
    project: Path, upstream: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eject", "chassis.caching"]) == 0
    mine = project / "chassis" / "groundplan_chassis" / "caching" / "documents.py"
    edit(mine, "NEGATIVE_SECONDS: Final = 5.0", "NEGATIVE_SECONDS: Final = 6.0")
    assert main(["eject", "--changed"]) == 0
    assert "changed upstream" not in capsys.readouterr().out
    edit(upstream / "caching" / "documents.py", "RETRY_SECONDS: Final = 0.25", "RETRY_SECONDS: Final = 0.5")
    (upstream / "caching" / "new.py").write_text('"""New."""\n')
    edit(upstream / "backoff.py", "from __future__", "# Not ours.\nfrom __future__")
    assert main(["eject", "--changed"]) == 0
    said = capsys.readouterr().out
    assert "chassis/groundplan_chassis/caching is yours, and changed upstream" in said
    assert "(caching/documents.py, caching/new.py)" in said
    assert "`groundplan eject chassis.caching --diff`" in said
    assert main(["eject", "chassis.caching", "--diff"]) == 0
    said = capsys.readouterr().out
    assert "--- a/chassis/groundplan_chassis/caching/documents.py" in said
    assert "+RETRY_SECONDS: Final = 0.5" in said
    assert main(["eject", "chassis.caching", "--merge"]) == 0
    assert "NEGATIVE_SECONDS: Final = 6.0" in mine.read_text()
    assert "RETRY_SECONDS: Final = 0.5" in mine.read_text()
    assert (mine.parent / "new.py").is_file()
    assert not (mine.parent.parent / "backoff.py").exists()
    edit(mine, "RETRY_SECONDS: Final = 0.5", "RETRY_SECONDS: Final = 1.0")
    edit(upstream / "caching" / "documents.py", "RETRY_SECONDS: Final = 0.5", "RETRY_SECONDS: Final = 2.0")
    capsys.readouterr()
    assert main(["eject", "chassis.caching", "--merge"]) == 2
    assert "    chassis/groundplan_chassis/caching/documents.py\n" in capsys.readouterr().err
    assert "RETRY_SECONDS: Final = 1.0" in mine.read_text()
    assert "RETRY_SECONDS: Final = 2.0" in mine.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chassis"], "`groundplan eject` lists them"),
        (["chassis.cache"], "did you mean `chassis.caching`?"),
        (["groundplan_chassis/cachin"], "did you mean `chassis.caching`?"),
        (["chassis.__init__"], "a package or module of the chassis"),
        (["chassis.caching.documents"], "a package or module of the chassis"),
        (["chassis..caching"], "a package or module of the chassis"),
        (["chassis.caching", "--diff"], "`groundplan eject chassis.caching` first"),
        (["chassis.caching", "--merge"], "`groundplan eject chassis.caching` first"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_refused(arguments, said, project, capsys)


@pytest.mark.parametrize("there", ["chassis/groundplan_chassis/caching/mine.py", "chassis/.origin/caching/origin.json"])
def test_what_is_there_already_is_kept(there: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = project / there
    mine.parent.mkdir(parents=True)
    mine.write_text("{}\n")
    before = files(project)
    assert main(["eject", "chassis.caching"]) == 1
    assert "there already" in capsys.readouterr().err
    assert files(project) == before


def test_what_fails_leaves_nothing_behind(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(project)
    monkeypatch.setattr(eject, "_copy_data", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        eject.eject_chassis(_parts.ChassisPart(project, "caching"))
    assert files(project) == before
    assert not (project / "chassis").exists()


def test_a_checkout_of_the_libraries_is_no_project_with_parts_of_its_own() -> None:
    assert own_chassis(ROOT) == ()


def test_images_hold_the_copy(project: Path, tmp_path: Path) -> None:
    """In the wheel: a file that the owner removed is gone, all else is the library's, and it is reproducible."""
    wheel = tmp_path / "groundplan_chassis-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for path, content in files(LIBRARY).items():
            packed.writestr(f"groundplan_chassis/{path}", content)
        packed.writestr("groundplan_chassis-0.2.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        packed.writestr("groundplan_chassis-0.2.0.dist-info/RECORD", "")
    assert main(["eject", "chassis.caching"]) == 0
    assert main(["eject", "chassis.trust"]) == 0
    own = project / "chassis" / "groundplan_chassis"
    edit(own / "caching" / "documents.py", "NEGATIVE_SECONDS: Final = 5.0", "NEGATIVE_SECONDS: Final = 6.0")
    (own / "caching" / "login.py").unlink()
    (own / "rds_authorities.pem").write_text("ours\n")
    replace_parts(wheel, own)
    first = wheel.read_bytes()
    replace_parts(wheel, own)
    assert wheel.read_bytes() == first
    with zipfile.ZipFile(wheel) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    expected = {f"groundplan_chassis/{path}": content for path, content in files(LIBRARY).items()}
    del expected["groundplan_chassis/caching/login.py"]
    expected["groundplan_chassis/rds_authorities.pem"] = b"ours\n"
    expected["groundplan_chassis/caching/documents.py"] = (own / "caching" / "documents.py").read_bytes()
    record = held.pop("groundplan_chassis-0.2.0.dist-info/RECORD").decode()
    assert {name: content for name, content in held.items() if ".dist-info/" not in name} == expected
    rows = {name: (digest, size) for name, digest, size in csv.reader(record.splitlines())}
    assert rows.pop("groundplan_chassis-0.2.0.dist-info/RECORD") == ("", "")
    for name, content in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert rows.pop(name) == (f"sha256={digest}", str(len(content)))
    assert rows == {}


def test_origins_are_no_code_for_tools(project: Path) -> None:
    assert main(["eject", "chassis.caching"]) == 0
    origin = project / "chassis" / _parts.ORIGIN / "caching"
    assert {path.suffix for path in origin.rglob("*") if path.is_file()} == {".orig", ".json"}
    said = json.loads((origin / eject.ORIGIN_FILE).read_text())
    assert (said["library"], said["commit"]) == ("groundplan_chassis", "0123abc")
