"""One side of a comparison: a declaration and a stack, of the working tree, another file or a git revision."""

from __future__ import annotations

import copy
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from groundplan.cli.stacks import read_project, stack_names
from groundplan.declaration.document import read_document
from groundplan.declaration.loader import judge_system, load_system
from groundplan.declaration.measured import FILE as MEASURED
from groundplan.declaration.measured import read_measured
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound, did_you_mean, listed
from groundplan.stack.configuration import environment_from, read_stack_file, stack_values
from groundplan.stack.environment import Environment

DECLARATION = "system.yaml"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Side:
    """``label`` says where it comes from."""

    label: str
    system: System
    environment: Environment


def read_side(folder: Path, source: str, stack: str | None, settings: Sequence[str] = ()) -> Side:
    """``source`` is ``[WHAT][:STACK]``, where WHAT is a stack, a declaration's file, a git revision, or nothing for the
    working tree; ``settings`` are ``KEY=VALUE``, of the declaration (``services.order.data_gb=500``) or of the stack
    (``nat=single``). Raises ProblemsFound.
    """
    what, _, named = source.partition(":")
    if what in stack_names(folder) and not named:
        what, named = "", what
    with tempfile.TemporaryDirectory() as place:
        files = _files(folder, what, Path(place))
        name = named or stack or read_project(files).main
        path = files / f"Pulumi.{name}.yaml"
        system = load_system(files / DECLARATION)
        if not path.exists():
            _refuse(source, f"Pulumi.{name}.yaml there", f"name one of {listed(stack_names(files))}: `{what}:STACK`")
        environment = read_stack_file(path, system)
        if settings:
            system, environment = _changed(files, name, settings)
    label = ", ".join(part for part in (what or "working tree", name, *settings) if part)
    return Side(label, system, environment)


def _files(folder: Path, what: str, place: Path) -> Path:
    """A folder with the side's declaration and stacks."""
    if what in ("", "."):
        return folder
    file = Path(what) if Path(what).is_absolute() else folder / what
    if file.is_file():
        _copy(folder, place)
        shutil.copy(file, place / DECLARATION)
        return place
    if file.is_dir():
        return file
    listing = _git(folder, "ls-tree", "--name-only", f"{what}^{{commit}}", "./")
    if listing is None:
        _refuse(
            what,
            f"a stack ({', '.join(stack_names(folder))}), a declaration's file, a folder, or a git revision",
            "name one of these, or nothing for the working tree",
        )
    wanted = [name for name in listing.split() if name in (DECLARATION, MEASURED) or name.startswith("Pulumi.")]
    for name in wanted:
        content = _git(folder, "show", f"{what}:./{name}")
        if content is not None:
            (place / name).write_text(content, encoding="utf-8")
    if DECLARATION not in wanted:
        _refuse(what, f"a revision that has a {DECLARATION}", "name a later one")
    return place


def _copy(folder: Path, place: Path) -> None:
    for path in (*folder.glob("Pulumi*.yaml"), folder / MEASURED):
        if path.exists():
            shutil.copy(path, place / path.name)


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    # What is named after `--` or begins with a dash would be an option.
    if any(part.startswith("-") for part in arguments[1:] if not part.startswith("--name-only")):
        return None
    done = subprocess.run([git, *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=_SECONDS)
    return done.stdout if done.returncode == 0 else None


def _changed(folder: Path, stack: str, settings: Sequence[str]) -> tuple[System, Environment]:
    """The declaration and the stack with keys set."""
    declared: dict[str, Any] = copy.deepcopy(dict(read_document(folder / DECLARATION).values))
    of_stack: dict[str, object] = {}
    problems: list[Problem] = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        own = key.rpartition(":")[2]
        if not equals or not key:
            problems.append(
                _problem(setting, "KEY=VALUE", "write for example nat=single or services.order.data_gb=500")
            )
        elif own in Environment.model_fields and "." not in key and own != "name":
            of_stack[own] = text.strip()
        elif "." in key or key in System.model_fields:
            problems += _put(declared, key, _value(text), setting)
        else:
            known = [*Environment.model_fields, *System.model_fields]
            otherwise = "name a key of the stack, or a path of system.yaml with dots"
            problems.append(_problem(setting, "a key that there is", did_you_mean(own, known, otherwise)))
    if problems:
        raise ProblemsFound(problems)
    if found := judge_system(declared):
        raise ProblemsFound(finding.at("command line") for finding in found)
    system = System.model_validate(declared).with_measured(read_measured(folder / MEASURED))
    values = stack_values(folder / f"Pulumi.{stack}.yaml", system)
    values |= {("aws:region" if key == "region" else f"{system.name}:{key}"): value for key, value in of_stack.items()}
    return system, environment_from(values, stack, system, "command line")


def _put(declared: dict[str, Any], key: str, value: object, setting: str) -> list[Problem]:
    """Sets a value at a dotted path; events and the like keep their dots where a key has them."""
    parts = key.split(".")
    place: Any = declared
    for number, part in enumerate(parts[:-1]):
        if not isinstance(place, dict):
            break
        if part not in place:
            if number == 0 or (parts[0] == "services" and number == 1):
                known = [str(each) for each in place] if number else list(System.model_fields)
                if part not in System.model_fields or number:
                    there = ".".join(parts[:number]) or DECLARATION
                    remedy = did_you_mean(part, known, f"name one of {listed(known)}")
                    return [_problem(setting, f"a key of {there}", remedy)]
            place[part] = {}
        place = place[part]
    if not isinstance(place, dict):
        return [
            _problem(setting, "a path of mappings", "name a key of system.yaml, for example services.order.data_gb")
        ]
    place[parts[-1]] = value
    return []


def _value(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _problem(value: str, expected: str, remedy: str) -> Problem:
    return Problem("command line", "--set", value, expected, remedy)


def _refuse(value: str, expected: str, remedy: str) -> NoReturn:
    raise ProblemsFound([Problem("command line", "", value, expected, remedy)])
