"""The services' files as the template writes them of a declaration, at the version that the project has."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import Service
from groundplan.following.merging import Files
from groundplan.following.stamps import answered
from groundplan.problems import Problem, ProblemsFound

_ANSWERS_FILE = ".copier-answers.yml"
SHARED = ("pyproject.toml", "README.md")
"""Files of the project that name its services."""
_DECLARED = "declared_services"
"""The template's answer that all of a service's files are rendered from."""


def rendered(
    project: Path, answers: Mapping[str, Any], services: Mapping[str, Service], *, shared: bool = False
) -> Files:
    """The files below `services/`, and with ``shared`` those that name every service.

    Raises ProblemsFound where the template can't be reached or is too old.
    """
    # As text: copier would sort the keys of anything else, and fields have an order.
    declared = json.dumps([answered(*each) for each in services.items()])
    only = ("/services", "/system.yaml", *(SHARED if shared else ()))
    with _copied(project, answers, {_DECLARED: declared}, only) as folder:
        written = yaml.safe_load((folder / "system.yaml").read_text(encoding="utf-8"))["services"]
        if set(written) != set(services):
            raise _refused(
                answers, "make update", "a template that renders services by what is declared", "this one is older"
            )
        return {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted([*(folder / "services").rglob("*"), *(folder / name for name in SHARED)])
            if path.is_file() and path.parent != folder / "services"
        }


def answers_services(project: Path, answers: Mapping[str, Any]) -> dict[str, Service]:
    """What the answers alone declare: what a project's code was rendered from when it was made."""
    with _copied(project, answers, {}, ("/system.yaml",)) as folder:
        return dict(load_system(folder / "system.yaml").services)


@contextmanager
def _copied(
    project: Path,
    answers: Mapping[str, Any],
    data: Mapping[str, Any],
    only: tuple[str, ...],
) -> Iterator[Path]:
    import copier
    from copier.errors import CopierError

    asked = {key: value for key, value in answers.items() if not key.startswith("_")} | dict(data)
    previous = {name: os.environ.get(name) for name in ("GIT_TERMINAL_PROMPT",)}
    # Copier runs git with its output captured: a question for a password would wait for ever, unseen.
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        folder = Path(scratch) / "rendered"
        try:
            # A template's address may be a path from the project.
            os.chdir(project)
            copier.run_copy(
                str(answers["_src_path"]),
                folder,
                data=asked,
                vcs_ref=str(answers["_commit"]),
                exclude=["/*", *(f"!{path}" for path in only)],
                settings=copier.Settings(),
                defaults=True,
                overwrite=True,
                quiet=True,
            )
            yield folder
        except (CopierError, ValueError, OSError) as error:
            said = str(error).strip().rpartition("\n")[2].strip("| ") or type(error).__name__
            remedy = "make it reachable, and run the command again"
            raise _refused(answers, remedy, "the template, as this project has it", said) from error
        finally:
            os.chdir(here)
            for name, value in previous.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _refused(answers: Mapping[str, Any], remedy: str, expected: str, said: str) -> ProblemsFound:
    value = f"{answers['_src_path']} at {answers['_commit']}"
    return ProblemsFound([Problem(_ANSWERS_FILE, "_src_path", value, expected, f"{remedy} ({said})")])
