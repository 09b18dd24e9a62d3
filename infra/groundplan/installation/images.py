"""The wheels that images are built from: services' pinned packages for their platform, and the chassis."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from groundplan.installation import bootstrap
from groundplan.installation.bootstrap import Refused, Source, Vendored
from groundplan.owned import claim
from groundplan.project import CHASSIS, own_chassis

WHEELS = Path("build") / "wheels"
"""What a service's Dockerfile copies, beside its own code."""
REQUIREMENTS = Path("services") / "requirements.txt"
"""The pins that services run on."""

PYTHON = "3.12"
"""Of the base image that services' Dockerfiles name."""
GLIBC = 36
"""Minor version of the base image's C library (Debian 12): wheels for it and all older ones run there."""
ARCHITECTURE = "x86_64"
"""What the node pool starts (`components/groundplan_components/cluster/node_pool.py`)."""


def prepare(project: Path, variables: Mapping[str, str]) -> str:
    """Fills ``build/wheels`` with exactly what images need; returns the SHA-256 of the chassis wheel.

    Raises Refused. Wheels that are there with the pinned hash are not fetched again.
    """
    folder = project / WHEELS
    claim(folder)
    source = bootstrap.choose_source(project, variables)
    download(project, folder, vendored=isinstance(source, Vendored))
    chassis = _chassis(source, folder)
    for own in own_chassis(project):
        replace_parts(chassis, Path(own) / CHASSIS)
    pins = (project / REQUIREMENTS).read_text(encoding="utf-8")
    digest = bootstrap.hash_of(chassis)
    ours = f"groundplan-chassis=={chassis.name.split('-')[1]} --hash=sha256:{digest}\n"
    (folder / "requirements.txt").write_text(f"{pins.rstrip()}\n{ours}", encoding="utf-8")
    _remove_others(folder, pinned_hashes(project / REQUIREMENTS) | {digest})
    return digest


def download(project: Path, into: Path, *, vendored: bool) -> None:
    """Services' packages as wheels for the images' platform, each with a pinned hash."""
    if not (project / REQUIREMENTS).is_file():
        raise Refused(str(REQUIREMENTS), "not there", "the pins that services run on", "bring it back from git")
    platforms = [f"manylinux_2_{minor}_{ARCHITECTURE}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"{name}_{ARCHITECTURE}" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux")]
    target = ["--implementation", "cp", "--python-version", PYTHON]
    target += [argument for platform in platforms for argument in ("--platform", platform)]
    offline = ["--no-index"] if vendored else []
    places = ["--find-links", str(into)] + (["--find-links", str(project / bootstrap.VENDOR)] if vendored else [])
    pip_download(project / REQUIREMENTS, into, *target, *offline, *places)


def pip_download(requirements: Path, into: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement", str(requirements)]
    done = subprocess.run([*command, "--dest", str(into), *options], check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        raise Refused(
            str(requirements.name),
            "not all packages could be downloaded as wheels",
            "a wheel with a pinned hash for each",
            "see pip's message above; without an index, run `make vendor` where there is one",
        )


def pinned_hashes(requirements: Path) -> set[str]:
    return set(re.findall(r"--hash=sha256:([0-9a-f]{64})", requirements.read_text(encoding="utf-8")))


def _chassis(source: Source, into: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        bootstrap.library_wheels(source, Path(sys.executable), Path(scratch))
        (built,) = Path(scratch).glob("groundplan_chassis-*.whl")
        wheel = into / built.name
        wheel.write_bytes(built.read_bytes())
    return wheel


def _remove_others(folder: Path, wanted: set[str]) -> None:
    """Packages of earlier pins: an image holds what is pinned now, and its build's context no more."""
    for wheel in folder.glob("*.whl"):
        if bootstrap.hash_of(wheel) not in wanted:
            wheel.unlink()


def replace_parts(wheel: Path, own: Path) -> None:
    """Puts the project's own parts of the chassis, in ``own``, into its wheel in place of the library's.

    A file of a part that the project has removed is not in the wheel either. The same files make the same wheel.
    """
    mine = {
        f"{CHASSIS}/{path.relative_to(own).as_posix()}": path.read_bytes()
        for path in sorted(own.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path != own / "__init__.py"
    }
    replaced = tuple(f"{CHASSIS}/{path.name}{'/' if path.is_dir() else ''}" for path in own.iterdir())
    with zipfile.ZipFile(wheel) as library:
        contents = {name: library.read(name) for name in library.namelist() if not name.startswith(replaced)}
        contents[f"{CHASSIS}/__init__.py"] = library.read(f"{CHASSIS}/__init__.py")
    contents |= mine
    (record,) = (name for name in contents if name.endswith(".dist-info/RECORD"))
    del contents[record]
    lines = [f"{name},sha256={_record_hash(content)},{len(content)}" for name, content in sorted(contents.items())]
    contents[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)


def _record_hash(content: bytes) -> str:
    """As wheels write it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
