"""What every command looks at when it starts: which libraries run, and whether they fit the project's template."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from groundplan.installation import bootstrap
from groundplan.moving import require_moved
from groundplan.problems import Problem, ProblemsFound


def start(project: Path) -> None:
    """Names libraries that stand in for the installed ones on standard error.

    Raises ProblemsFound for libraries of another minor version than the project's template, and in a project that has
    not finished its move to the libraries.
    """
    line = override_line(project)
    if line:
        print(line, file=sys.stderr)
    require_fit(project, library_version())
    require_moved(project)


def override_line(project: Path) -> str:
    """The checkout that runs in place of the installed libraries, with its commit; empty where none does."""
    checkout = checkout_in_use(project)
    return f"groundplan: libraries from {checkout} ({bootstrap.state_of(checkout)})" if checkout else ""


def checkout_in_use(project: Path) -> Path | None:
    """The checkout or fork that this code runs from; None for installed libraries and for the project's own."""
    folder = Path(__file__).resolve().parents[3]
    is_checkout = all((folder / name / "pyproject.toml").is_file() for name in bootstrap.LIBRARIES)
    return folder if is_checkout and folder != project.resolve() else None


def library_version() -> str:
    """Of a checkout as it stands now: its version may have moved since it was installed in place."""
    folder = Path(__file__).resolve().parents[3]
    if (folder / "infra" / "pyproject.toml").is_file():
        return bootstrap.library_version(folder)
    try:
        return version("groundplan")
    except PackageNotFoundError:
        return bootstrap.CONTRACT


def template_version(project: Path) -> str | None:
    """The minor version that the project's copy of `bootstrap.py` came with; None for a project without one."""
    try:
        text = (project / "infra" / "bootstrap.py").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found = re.search(r'^CONTRACT = "([^"]+)"$', text, re.MULTILINE)
    return found[1] if found else None


def require_fit(project: Path, libraries: str) -> None:
    template = template_version(project)
    if template is None or template == bootstrap.minor(libraries):
        return
    raise ProblemsFound(
        [
            Problem(
                "groundplan",
                "the libraries' version",
                libraries,
                f"{template}.*, the version of the template that this project is at (infra/bootstrap.py)",
                "run `make setup`; if pyproject.toml or GROUNDPLAN_LIBRARIES names a checkout, check out a commit of"
                " that version there; `make update` brings the project to the newest version",
            )
        ]
    )


def renew(project: Path) -> None:
    """Gives the environment of this process the libraries that an update has brought the project to.

    Raises ProblemsFound. One that `make setup` did not make, or that holds a checkout in their place, stays as it is.
    """
    venv = Path(sys.prefix)
    installed = bootstrap.state(venv).get("request", "")
    if not installed or installed.startswith("checkout"):
        return
    done = subprocess.run(["bash", "infra/setup.sh", str(venv)], cwd=project, check=False)
    if done.returncode:
        raise ProblemsFound(
            [
                Problem(
                    "the project",
                    "its files",
                    "updated, but its libraries are not",
                    "the libraries of the new version",
                    "mend what is said above, then run `make setup` and `make plan`",
                )
            ]
        )
