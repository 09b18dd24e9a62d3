"""The generators, fetched once a machine: into a folder of the user's cache that is named after their pins.

They are no part of the project's environment: a deployment needs none of them, and their dependencies would bind ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from groundplan.owned import claim, remove
from groundplan.problems import Problem, ProblemsFound

_HERE = Path(__file__).parent
_FETCH_SECONDS = 900


def cache_folder() -> Path:
    """Where generators are kept: below `$XDG_CACHE_HOME`, else `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "groundplan" / "clients"


def python_tool(*, fetch: bool = True) -> Path | None:
    """The folder of programs with openapi-python-client; None where it is not there and may not be fetched.

    Raises ProblemsFound where fetching fails.
    """
    pins = _HERE / "python" / "requirements.txt"

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)], "python -m venv", "a Python with the module venv")
        programs = folder / ("Scripts" if os.name == "nt" else "bin")
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(pins)], "pip install", "the pinned generator from the package index")

    found = _kept("python", pins.read_bytes(), fetch, install)
    return None if found is None else found / ("Scripts" if os.name == "nt" else "bin")


def typescript_tool(*, fetch: bool = True) -> Path | None:
    """The folder whose `node_modules` has openapi-typescript, openapi-fetch and the compiler; as `python_tool`."""
    pinned = [_HERE / "typescript" / name for name in ("package.json", "package-lock.json")]

    def install(folder: Path) -> None:
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise ProblemsFound(
                [
                    Problem(
                        "groundplan clients",
                        "npm",
                        "not found on PATH",
                        "Node.js with npm, for clients in TypeScript",
                        "install Node.js 20 or later, or make clients in Python alone: --language python",
                    )
                ]
            )
        for path in pinned:
            shutil.copy(path, folder / path.name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        _run(command, "npm ci", "the pinned generator from the package registry", folder)

    return _kept("typescript", b"".join(path.read_bytes() for path in pinned), fetch, install)


def _kept(name: str, pins: bytes, fetch: bool, install: Callable[[Path], None]) -> Path | None:
    """Complete or not there: what was interrupted is begun anew."""
    folder = cache_folder() / f"{name}-{hashlib.sha256(pins).hexdigest()[:16]}"
    done = folder / "complete"
    if done.is_file():
        return folder
    if not fetch:
        return None
    print(f"Fetching the generator of clients in {name} into {folder} …", file=sys.stderr)
    try:
        # A virtual environment knows where it lies, so it is made in its place.
        remove(folder)
        claim(folder)
    except OSError as error:
        remedy = "make it writable, or name another cache: XDG_CACHE_HOME=…"
        raise ProblemsFound(
            [Problem(str(folder), "", error.strerror or str(error), "a folder that can be made", remedy)]
        ) from None
    install(folder)
    done.touch()
    return folder


def _run(command: Sequence[str], what: str, expected: str, folder: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=_FETCH_SECONDS)
        failed = done.returncode != 0
        said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
    except (OSError, subprocess.TimeoutExpired) as error:
        failed, said = True, str(error)
    if failed:
        remedy = "see that the registry can be reached, and run the command again"
        raise ProblemsFound([Problem("groundplan clients", what, said[:200] or "failed", expected, remedy)])
