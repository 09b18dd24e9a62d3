"""`vendor/`: everything that set-up, tests and images install, so that they need neither an address nor an index."""

from __future__ import annotations

import gzip
import re
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from groundplan.installation import bootstrap, images
from groundplan.installation.bootstrap import Checkout, Committed, Source

MANIFEST = "SHA256SUMS"
"""What this command has put into `vendor/`, as `sha256sum --check` reads it: the rest is the owner's."""


@dataclass(frozen=True, slots=True)
class VendoredFiles:
    count: int
    megabytes: float
    commit: str


def vendor(project: Path, variables: Mapping[str, str], *, source: bool = False) -> VendoredFiles:
    """Fills `vendor/` for this machine's platform and the images', and removes what it had put there and is not needed.

    Wheels for other platforms that the pins still name stay, so that each kind of machine can add its own.
    """
    folder = project / bootstrap.VENDOR
    folder.mkdir(exist_ok=True)
    chosen = bootstrap.choose_source(project, variables, vendored=False)
    images.pip_download(project / "requirements.txt", folder, "--find-links", str(folder))
    if (project / images.REQUIREMENTS).is_file():
        images.download(project, folder, vendored=False)
    libraries, commit = _libraries(chosen, folder)
    kept = dict(libraries)
    if source:
        archive = _archive(chosen, folder)
        kept[archive.name] = bootstrap.hash_of(archive)
    pinned = _pinned(project)
    wheels = {path.name: bootstrap.hash_of(path) for path in folder.glob("*.whl")}
    kept |= {name: digest for name, digest in wheels.items() if digest in pinned}
    _write_libraries(folder, libraries, _revision(project, chosen), commit)
    _write_manifest(folder, kept)
    size = sum((folder / name).stat().st_size for name in kept)
    return VendoredFiles(len(kept), round(size / 1e6, 1), commit)


def _libraries(source: Source, folder: Path) -> tuple[dict[str, str], str]:
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        commit = bootstrap.library_wheels(source, Path(sys.executable), Path(scratch))
        found = {}
        for wheel in sorted(Path(scratch).glob("*.whl")):
            (folder / wheel.name).write_bytes(wheel.read_bytes())
            found[wheel.name] = bootstrap.hash_of(folder / wheel.name)
    return found, commit


def _revision(project: Path, source: Source) -> str:
    """What the set-up compares with the project's own: a checkout stands for any."""
    return "override" if isinstance(source, Checkout) else bootstrap.wanted_revision(project)


def _archive(source: Source, folder: Path) -> Path:
    """The libraries' sources in one file; unpacked, they are a checkout that can be named in place of the wheels."""
    opened: AbstractContextManager[bootstrap.Snapshot]
    if isinstance(source, Committed):
        opened = bootstrap.checked_out(source)
    else:
        assert isinstance(source, Checkout), "vendored wheels were left out of the choice"
        opened = nullcontext(bootstrap.Snapshot(source.folder, bootstrap.state_of(source.folder)))
    with opened as snapshot:
        version = bootstrap.library_version(snapshot.folder)
        path = folder / f"groundplan-{version}-source.tar.gz"
        pack(snapshot.folder, path, f"groundplan-{version}")
    return path


def _pinned(project: Path) -> set[str]:
    files = [path for path in (project / "requirements.txt", project / images.REQUIREMENTS) if path.is_file()]
    return set().union(*(images.pinned_hashes(path) for path in files))


def _write_libraries(folder: Path, libraries: Mapping[str, str], revision: str, commit: str) -> None:
    lines = [
        "# Written by `make vendor`: groundplan's own libraries, which `make setup` installs from here.",
        f"# for: {revision}",
        f"# commit: {commit}",
        *(f"./{name} --hash=sha256:{digest}" for name, digest in sorted(libraries.items())),
    ]
    (folder / bootstrap.VENDORED_LIBRARIES.name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_manifest(folder: Path, kept: Mapping[str, str]) -> None:
    path = folder / MANIFEST
    before = re.findall(r"^([0-9a-f]{64})  (\S+)$", path.read_text() if path.is_file() else "", re.MULTILINE)
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(kept.items())), encoding="utf-8")
    for digest, name in before:
        old = folder / Path(name).name
        if name not in kept and old.is_file() and bootstrap.hash_of(old) == digest:
            old.unlink()


def pack(folder: Path, archive: Path, name: str) -> None:
    """The libraries' folders as ``name/…`` in a .tar.gz that is the same for the same files."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"} & set(member.name.split("/")):
            return None
        member.mtime = member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with (
        archive.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as members,
    ):
        for library in bootstrap.LIBRARIES:
            members.add(folder / library, f"{name}/{library}", filter=plain)
