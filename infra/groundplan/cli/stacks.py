"""The project of the current directory: its declaration, and its stacks as far as they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.environment import Environment

ORDER = ("dev", "staging", "prod")
"""From cheap to safe; other stacks follow by name."""


@dataclass(frozen=True, slots=True)
class Project:
    """``left_out`` holds what is wrong with stacks that could not be read."""

    folder: Path
    system: System
    environments: dict[str, Environment]
    left_out: tuple[Problem, ...] = ()

    @property
    def main(self) -> str:
        """The stack that carries the most load, the safest of equals: what single figures speak of."""

        def weight(name: str) -> tuple[float, bool, bool]:
            environment = self.environments[name]
            return environment.load_share, environment.multi_zone, environment.protect

        return max(reversed(self.environments), key=weight)


def read_project(folder: Path, stacks: Sequence[str] = ()) -> Project:
    """The project in ``folder`` with the named stacks, or with all that have a file.

    Raises ProblemsFound when the declaration, a named stack, or every stack is wrong.
    """
    system = load_system(folder / "system.yaml")
    require_stacks(folder, stacks)
    environments: dict[str, Environment] = {}
    left_out: list[Problem] = []
    for name in stacks or _some_stacks(folder):
        try:
            environments[name] = read_stack_file(folder / f"Pulumi.{name}.yaml", system)
        except ProblemsFound as found:
            left_out.extend(found.problems)
    if left_out and (stacks or not environments):
        raise ProblemsFound(left_out)
    return Project(folder, system, environments, tuple(left_out))


def stack_names(folder: Path) -> list[str]:
    """The stacks that have a file, from cheap to safe."""
    names = [path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml") if path.name.count(".") == 2]
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def require_stacks(folder: Path, stacks: Sequence[str]) -> None:
    """A name is looked up among the files that there are, so that it can't lead to any other. Raises ProblemsFound."""
    known = stack_names(folder)
    problems = [
        Problem(
            "the command",
            "STACK",
            stack or "empty",
            f"one of {', '.join(known)}" if known else "a project with a Pulumi.<stack>.yaml",
            did_you_mean(
                stack, known, "name one of them" if known else "run this in the project's folder, or restore the file"
            ),
        )
        for stack in stacks
        if stack not in known
    ]
    if problems:
        raise ProblemsFound(problems)


def _some_stacks(folder: Path) -> list[str]:
    names = stack_names(folder)
    if not names:
        raise ProblemsFound(
            [
                Problem(
                    str(folder.name or folder),
                    "Pulumi.<stack>.yaml",
                    "",
                    "at least one stack's configuration",
                    "run this in the project's folder, or bring the stack files back from git",
                )
            ]
        )
    return names
