"""Data directories of local servers, and their owners."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from groundplan.owned import STAMP, is_owned
from groundplan.project import find_project

PROJECT = find_project()
DIRECTORY = PROJECT / "build" / "local"
"""The directory of `make dev` and `python -m groundplan_devkit.servers`; test runs have their own."""
STATE_VARIABLE = "LOCAL_SERVERS"
"""Environment variable with the state file of running servers, to use instead of starting new ones."""
STATE_FILE = "servers.json"


def cache_directory() -> Path:
    """The cache of downloads for all projects of this user: ``LOCAL_CACHE``, or the user's cache directory."""
    named = os.environ.get("LOCAL_CACHE")
    # Of root it is the system's: accounts that servers run as can read programs there.
    users = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or users) / "groundplan"
    base.mkdir(parents=True, exist_ok=True)
    return base


@contextlib.contextmanager
def locked(directory: Path, name: str = "lock") -> Iterator[None]:
    """A lock over all processes of the machine; waits for its turn."""
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / f"{name}.lock"):
        yield


def write_privately(path: Path, content: bytes) -> None:
    """Replace a file by one that only its owner can read, atomically: no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


def data_directory(directory: Path, name: str, user: str | None) -> Path:
    """Where a server keeps its data: within ``directory``, or elsewhere when its user can't get there.

    A server that may not run as root has an account of its own, to which a root user's own folders are closed. Its data
    are then in the system's folder for temporary files, and `<name>.elsewhere` remembers where.
    """
    own = directory / name
    elsewhere = directory / f"{name}.elsewhere"
    if elsewhere.exists():
        place = Path(elsewhere.read_text())
        if place.is_dir():
            return place
        elsewhere.unlink()
    own.mkdir(parents=True, exist_ok=True)
    if user is None:
        own.chmod(0o700)
        return own
    give_to(own, user)
    if _enters(own, user):
        return own
    own.rmdir()
    place = Path(tempfile.mkdtemp(prefix=f"local-{name}-"))
    give_to(place, user)
    elsewhere.write_text(str(place))
    return place


def adopt(directory: Path) -> None:
    """Take over the project's own directory as it was before it got a stamp: servers have been started in it."""
    if directory == DIRECTORY and (directory / "lock.lock").is_file() and not is_owned(directory):
        (directory / STAMP).touch()


def remove_data(directory: Path, name: str) -> None:
    """Delete a server's data, wherever they are."""
    elsewhere = directory / f"{name}.elsewhere"
    if elsewhere.exists():
        place = Path(elsewhere.read_text())
        # As `data_directory` makes them: nothing else that such a file might name.
        if place.parent == Path(tempfile.gettempdir()) and place.name.startswith(f"local-{name}-"):
            shutil.rmtree(place, ignore_errors=True)
        elsewhere.unlink()
    shutil.rmtree(directory / name, ignore_errors=True)


def give_to(path: Path, user: str) -> None:
    """Make the account the owner of a file or directory, and the only one that may read it."""
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    path.chmod(0o700 if path.is_dir() else 0o600)


def _enters(path: Path, user: str) -> bool:
    return (
        subprocess.run(
            ["test", "-w", str(path)],
            user=user,
            group=pwd.getpwnam(user).pw_gid,
            extra_groups=[],
            cwd="/",
            check=False,
        ).returncode
        == 0
    )
