"""A project's folder, and the program in it that its owner may have changed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from groundplan.declaration.document import missing_file
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.environment import Environment

Declare = Callable[[System, Environment], None]
"""What `infra/__main__.py` defines as `declare`: registers every resource of one stack."""

PROJECT_VARIABLE = "GROUNDPLAN_PROJECT"
"""Names the project's folder for commands and servers that run elsewhere."""
DECLARATION = "system.yaml"
PROGRAM = Path("infra") / "__main__.py"
OWN = "own"
"""The package beside the program that holds the owner's own components: `infra/own`."""
CHASSIS = "groundplan_chassis"
OWN_CHASSIS = "chassis"
"""The folder with the owner's own parts of the chassis: `chassis/groundplan_chassis`."""


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


def require_project() -> Path:
    """As `find_project`, for commands that would write, ask git or fetch before they read the declaration.

    Raises ProblemsFound in a folder that is no project's.
    """
    project = find_project()
    if not (project / DECLARATION).is_file():
        raise ProblemsFound([missing_file(DECLARATION)])
    return project


def own_chassis(project: Path) -> tuple[str, ...]:
    """What stands before the libraries on the path of processes that run services' code.

    A checkout of the libraries, which has a folder of that name too, is its own place.
    """
    folder = project / OWN_CHASSIS
    return (str(folder),) if (folder / CHASSIS).is_dir() and not (folder / "pyproject.toml").exists() else ()


def run_with_services(project: Path, module: str, request: object) -> subprocess.CompletedProcess[str]:
    """Runs a module of the library that loads services' code, in a process of its own: ``request`` as JSON is its
    standard input."""
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*own_chassis(project), str(project)])},
        input=json.dumps(request),
        check=False,
        capture_output=True,
        text=True,
    )


def load_program(project: Path) -> Declare:
    """`declare` of the project's `infra/__main__.py`, as it stands on the disk.

    Raises ProblemsFound when there is no such file, no such function in it, or what it does when it is imported fails.
    So does the function where the owner's code fails.
    """
    path = project / PROGRAM
    if not path.is_file():
        raise ProblemsFound(
            [Problem(str(PROGRAM), "", "not there", "the program of this project", "bring it back: git checkout infra")]
        )
    with owners_mistakes(project):
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

    def declared(system: System, environment: Environment) -> None:
        with owners_mistakes(project):
            declare(system, environment)

    return declared


@contextmanager
def owners_mistakes(project: Path) -> Iterator[None]:
    """Around what runs the owner's program: an exception becomes ProblemsFound that names the line where it began.

    ProblemsFound and pulumi.RunError say that themselves.
    """
    try:
        yield
    except ProblemsFound:
        raise
    except Exception as error:
        if _is_told(error):
            raise
        raise ProblemsFound([_mistake(project, error)]) from error


def _is_told(error: Exception) -> bool:
    """Whether it is pulumi.RunError; the SDK is not imported to find out."""
    sdk = sys.modules.get("pulumi")
    return sdk is not None and isinstance(error, sdk.RunError)


def _mistake(project: Path, error: Exception) -> Problem:
    frames = [
        (Path(frame.filename), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(project) and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(project):
        frames.append((Path(error.filename), error.lineno))
    file, line = frames[-1] if frames else (project / PROGRAM, None)
    place = f"{file.relative_to(project)}:{line}" if line else str(file.relative_to(project))
    said = error.msg if isinstance(error, SyntaxError) else (str(error).splitlines() or [""])[0]
    return Problem(
        place,
        "",
        f"{type(error).__name__}: {said}".removesuffix(": "),
        "a program that declares every stack",
        "mend that line, and run the command again",
    )


@dataclass(frozen=True)
class _Loaded:
    """The program that was loaded last."""

    folder: Path
    name: str
    on_path: bool
    """Whether its folder was put on the import path for it."""


_loaded: _Loaded | None = None


def _module(path: Path) -> ModuleType:
    """Loaded under a name of its own; the folder is on the import path, as it is under the Pulumi engine.

    The modules beside it are the owner's too. They are loaded anew with it when any of them changed, or when another
    project's were loaded before.
    """
    global _loaded
    folder = path.parent
    stamps = tuple((str(each), each.stat().st_mtime_ns, each.stat().st_size) for each in _own_files(folder))
    name = f"_program_{abs(hash(stamps))}"
    if _loaded is not None and (_loaded.folder, _loaded.name) == (folder, name) and name in sys.modules:
        return sys.modules[name]
    _forget()
    on_path = str(folder) not in sys.path
    if on_path:
        sys.path.append(str(folder))
    _loaded = _Loaded(folder, name, on_path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _own_files(folder: Path) -> list[Path]:
    """The program, modules beside it and its package `own`; a library's checkout that lies there is not the owner's."""
    return sorted([*folder.glob("*.py"), *(folder / OWN).rglob("*.py")])


def _forget() -> None:
    """Takes the modules of the program that was loaded last out of the interpreter, and its folder off the path."""
    if _loaded is None:
        return
    own = {str(each) for each in _own_files(_loaded.folder)}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == OWN or (getattr(module, "__file__", None) in own and name != "__main__"):
            del sys.modules[name]
    if _loaded.on_path and str(_loaded.folder) in sys.path:
        sys.path.remove(str(_loaded.folder))
