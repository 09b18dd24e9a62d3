"""What an update must not lose: edits in files that left the template, and imports of modules that are libraries now.

Projects were once made with all libraries copied into them. Their own `make update` deletes such files, edits included;
the new `infra/setup.sh` then runs this package before anything else.
"""

from __future__ import annotations

from pathlib import Path

from groundplan.moving.places import MARKER
from groundplan.problems import Problem, ProblemsFound


def require_moved(project: Path) -> None:
    """Raises ProblemsFound in a project that has not finished its move to the libraries."""
    if (project / MARKER).exists():
        what = "the update to the libraries is not finished"
        remedy = "run `make setup`: it says what awaits you"
        raise ProblemsFound([Problem("this project", what, "", "a project that has moved to the libraries", remedy)])
