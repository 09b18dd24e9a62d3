"""Installation of server programs: from the machine, else from system packages, PyPI or Maven Central."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from groundplan.installation.allowed import HINT, may_install, was_allowed
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.say import say
from groundplan_devkit.state import cache_directory, locked

Found = TypeVar("Found")
SYSTEM_DIRECTORIES = (
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
)
"""Directories of servers that are not on a user's PATH."""


def find(*names: str, also: Sequence[str] = ()) -> Path | None:
    """The first of these programs that is on PATH, in the system's directories or in ``also``."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_DIRECTORIES, *also])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    return None


def find_or_install(look: Callable[[], Found | None], *packages: str) -> Found | None:
    """What ``look`` finds on this machine, else once Debian packages have brought it; None where neither can."""
    found = look()
    return look() if found is None and apt_install(*packages) else found


def can_use_apt() -> bool:
    return shutil.which("apt-get") is not None and _as_root() is not None


def apt_install(*packages: str) -> bool:
    """Install Debian packages without starting what they bring. False when the machine or the package can't, or no one
    allows it.

    Needs root, or sudo that asks for no password.
    """
    root = _as_root()
    if shutil.which("apt-get") is None or root is None:
        return False
    if not may_install(f"{' '.join(packages)}, packages of the system, by apt-get{' with sudo' if root else ''}"):
        return False
    say(f"Installing {' '.join(packages)} from the system's packages (once)")
    # Without a run level the packages' scripts start no service.
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq"]
    patient = ["-o", "DPkg::Lock::Timeout=600"]
    with locked(cache_directory(), "apt"):
        install = [*quiet, *patient, "install", "--yes", "--no-install-recommends", *packages]
        if _succeeds(install):
            return True
        return _succeeds([*quiet, *patient, "update"]) and _succeeds(install)


def pip_install(package: str) -> Path | None:
    """A package of PyPI in a directory of its own, so that it never meets the project's packages. None when refused,
    or not allowed."""
    target = cache_directory() / "pypi" / package
    with locked(cache_directory(), "pypi"):
        if target.is_dir():
            return target
        if not may_install(f"{package}, from PyPI into {target}"):
            return None
        say(f"Installing {package} from PyPI (once)")
        fresh = target.with_name(f".{package}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        if not _succeeds([*command, "--target", str(fresh), package]):
            return None
        fresh.rename(target)
        return target


def refused(what: str, expected: str, remedy: str) -> Unavailable:
    """The error when no source worked, with the ways that this machine allows."""
    means = ["not on PATH"]
    if shutil.which("apt-get") is None:
        means.append("no apt-get here")
    elif _as_root() is None:
        means.append("apt-get needs root or sudo without a password")
    elif not was_allowed():
        means.append("nothing is installed unasked")
        remedy = f"{HINT}, or {remedy}"
    else:
        means.append("apt-get could not install it")
    return Unavailable(what, ", ".join(means), expected, remedy)


@functools.cache
def _as_root() -> list[str] | None:
    """The prefix that runs a command as root; None: not possible for this user."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]) else None


def _succeeds(command: list[str]) -> bool:
    result = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        for line in result.stderr.strip().splitlines()[-3:]:
            say(f"    {line}")
    return result.returncode == 0
