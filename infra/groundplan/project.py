"""A project's folder, and the program in it that its owner may have changed."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.environment import Environment

Declare = Callable[[System, Environment], None]
"""What `infra/__main__.py` defines as `declare`: registers every resource of one stack."""

PROJECT_VARIABLE = "GROUNDPLAN_PROJECT"
"""Names the project's folder for commands and servers that run elsewhere."""
DECLARATION = "system.yaml"
PROGRAM = Path("infra") / "__main__.py"


def find_project() -> Path:
    """The folder that ``GROUNDPLAN_PROJECT`` names, or the nearest one with a `system.yaml` from here upwards.

    Without either it is the current folder: what is missing there is then reported by its reader.
    """
    named = os.environ.get(PROJECT_VARIABLE)
    here = Path(named).resolve() if named else Path.cwd()
    if not named:
        for folder in (here, *here.parents):
            if (folder / DECLARATION).is_file():
                return folder
    return here


def load_program(project: Path) -> Declare:
    """`declare` of the project's `infra/__main__.py`, as it stands on the disk.

    Raises ProblemsFound when there is no such file, or no such function in it.
    """
    path = project / PROGRAM
    if not path.is_file():
        raise ProblemsFound(
            [Problem(str(PROGRAM), "", "not there", "the program of this project", "bring it back: git checkout infra")]
        )
    declare = getattr(_module(path), "declare", None)
    if not callable(declare):
        raise ProblemsFound(
            [
                Problem(
                    str(PROGRAM),
                    "declare",
                    repr(declare),
                    "a function declare(system, environment)",
                    "keep that name: plan, check and rehearse run the program through it",
                )
            ]
        )
    return declare  # type: ignore[no-any-return]


def _module(path: Path) -> ModuleType:
    """Loaded under a name of its own; the folder is on the import path, as it is under the Pulumi engine."""
    stamp = path.stat().st_mtime_ns
    name = f"_program_{abs(hash(str(path)))}_{stamp}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
