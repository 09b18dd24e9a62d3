"""`vendor/` holds everything that set-up, tests and images install; images hold wheels and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from groundplan.installation import bootstrap, images
from groundplan.owned import claim
from tests.installation.index import BACKEND, OURS
from tests.installation.places import Place, Template
from tests.projects import ROOT, git

pytestmark = pytest.mark.xdist_group("installation")  # one environment for all, in one process

VERSIONS = dict.fromkeys(OURS, "0.2.0")
DOCKERFILE = next((ROOT / "templates" / "project" / "services").glob("*Dockerfile*.jinja"))
UNREACHABLE = "git+file:///nowhere/groundplan.git"
OFFLINE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple/", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": "1"}


@pytest.fixture
def vendored(place: Place) -> Place:
    done = place.set_up()
    assert done.returncode == 0, done.stderr
    done = place.run("groundplan", "vendor", "--source")
    assert done.returncode == 0, done.stderr
    assert "groundplan's libraries at" in done.stdout
    return place


def listed(place: Place) -> set[str]:
    return {path.name for path in (place.project / "vendor").iterdir()}


def test_a_project_needs_neither_address_nor_index(vendored: Place, tmp_path: Path) -> None:
    """On a machine that has nothing: environment, and wheels for images, from `vendor/` alone."""
    machine = Place(vendored.project, tmp_path / "fresh", tmp_path / "home", vendored.index)
    text = (vendored.project / ".copier-answers.yml").read_text()
    address = text.partition("_src_path: ")[2].partition("\n")[0]
    (vendored.project / ".copier-answers.yml").write_text(text.replace(address, UNREACHABLE))
    vendored.index.asked.clear()
    done = machine.set_up(**OFFLINE)
    assert done.returncode == 0, done.stderr
    assert machine.installed() == ("release", VERSIONS)
    done = machine.run("groundplan", "wheels", **OFFLINE)
    assert done.returncode == 0, done.stderr
    assert vendored.index.asked == []
    gathered = {path.name.split("-")[0] for path in (vendored.project / images.WHEELS).glob("*.whl")}
    assert gathered == {"pathspec", "groundplan_chassis"}
    assert not (tmp_path / "home" / ".cache" / "groundplan").exists()


def test_a_wheel_that_was_changed_is_refused(vendored: Place, tmp_path: Path) -> None:
    machine = Place(vendored.project, tmp_path / "fresh", tmp_path / "home", vendored.index)
    (wheel,) = (vendored.project / "vendor").glob("groundplan-0*.whl")
    with zipfile.ZipFile(wheel, "a") as changed:
        changed.writestr("groundplan/more.py", "")
    done = machine.set_up(**OFFLINE)
    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (machine.environment / bootstrap.INPUTS).exists()


def test_wheels_of_another_version_than_the_project_are_refused(vendored: Place, template: Template) -> None:
    vendored.answer(template.address, template.fix)
    done = vendored.set_up()
    assert done.returncode == 1
    assert f"the wheels are for 0.2.0, the project is at {template.fix}" in done.stderr
    assert "make vendor" in done.stderr
    # What `make vendor` does.
    assert vendored.set_up("--without-vendor").returncode == 0
    assert vendored.run("groundplan", "vendor").returncode == 0
    assert vendored.set_up().returncode == 0
    assert vendored.installed() == ("fix", VERSIONS)


def test_only_what_vendor_made_is_removed(vendored: Place) -> None:
    folder = vendored.project / "vendor"
    assert any(name.endswith("-source.tar.gz") for name in listed(vendored))
    (folder / "private-1.0-py3-none-any.whl").write_bytes(b"the owner's")
    without = tuple(name for name in BACKEND if name != "tomlkit")
    (vendored.project / "requirements.txt").write_text(vendored.index.pins(*without))
    done = vendored.run("groundplan", "vendor")
    assert done.returncode == 0, done.stderr
    left = listed(vendored)
    assert "private-1.0-py3-none-any.whl" in left
    assert not any(name.startswith("tomlkit") or name.endswith("-source.tar.gz") for name in left)
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert checked.returncode == 0


def test_sources_unpacked_are_a_checkout(vendored: Place, tmp_path: Path) -> None:
    """Without the address, a patch begins with them."""
    (archive,) = (vendored.project / "vendor").glob("*-source.tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(tmp_path, filter="data")
    folder = tmp_path / archive.name.removesuffix("-source.tar.gz")
    vendored.options(libraries=str(folder))
    assert vendored.set_up(**OFFLINE).returncode == 0
    done = vendored.run("groundplan", "compare")
    assert done.stderr.splitlines()[0] == f"groundplan: libraries from {folder} (not in git)"


def test_an_image_gets_pinned_wheels_and_the_chassis(place: Place, template: Template, tmp_path: Path) -> None:
    assert place.set_up().returncode == 0
    folder = place.project / images.WHEELS
    claim(folder)
    (folder / "left-1.0-py3-none-any.whl").write_bytes(b"from earlier pins")
    assert place.run("groundplan", "wheels").returncode == 0
    released = {path.name: bootstrap.hash_of(path) for path in folder.glob("*.whl")}
    assert {name.split("-")[0] for name in released} == {"pathspec", "groundplan_chassis"}
    assert place.index.asked_for_ours() == set()
    # The image's own command, on this machine.
    target = tmp_path / "image"
    command = ["install", "--no-index", "--find-links", str(folder), "--require-hashes", "--requirement"]
    pip = [sys.executable, "-m", "pip", "--isolated", "--quiet"]
    # Only a part of what services run on is in this index, so that dependencies are not looked at.
    subprocess.run([*pip, *command, str(folder / "requirements.txt"), "--no-deps", "--target", str(target)], check=True)
    assert (target / "groundplan_chassis" / "rds_authorities.pem").read_text().startswith("# af-south-1")
    # A patch in a checkout reaches the image.
    checkout = tmp_path / "groundplan"
    git(tmp_path, "clone", "--quiet", str(template.folder), str(checkout))
    (checkout / "chassis" / "groundplan_chassis" / "patched.py").write_text("")
    assert place.run("groundplan", "wheels", GROUNDPLAN_LIBRARIES=str(checkout)).returncode == 0
    patched = {path.name: bootstrap.hash_of(path) for path in folder.glob("*.whl")}
    assert patched.keys() == released.keys()
    assert {name.split("-")[0] for name in patched if patched[name] != released[name]} == {"groundplan_chassis"}


def test_wheels_are_for_the_image_that_dockerfiles_name() -> None:
    bases = re.findall(r"FROM (\S+)", DOCKERFILE.read_text())
    assert set(bases) == {f"python:{images.PYTHON}-slim-bookworm"}, "Debian 12, whose C library is 2.36"


def test_a_dockerfile_installs_what_is_gathered() -> None:
    text = DOCKERFILE.read_text()
    assert f"COPY {images.WHEELS}/ /wheels/" in text
    assert "--no-index --find-links /wheels --require-hashes --requirement /wheels/requirements.txt" in text
    assert f"!{images.WHEELS}" in (ROOT / "templates" / "project" / ".dockerignore").read_text().splitlines()


def test_a_missing_wheel_is_told(place: Place) -> None:
    assert place.set_up().returncode == 0
    pins = place.project / "services" / "requirements.txt"
    pins.write_text(pins.read_text().replace("pathspec==", "pathspec==9"))
    done = place.run("groundplan", "wheels")
    assert done.returncode == 1
    assert "make vendor" in done.stderr
    assert "Traceback" not in done.stderr
    shutil.rmtree(place.project / "services")
    assert "services/requirements.txt" in place.run("groundplan", "wheels").stderr
