"""A copy of a project that a rehearsal may change and run, with nothing in it that leads back to the user's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from groundplan.capacity.placement import SHARED
from groundplan.declaration.loader import load_system
from groundplan.declaration.measured import FILE as MEASURED
from groundplan.declaration.model import System
from groundplan.rehearsal import growth
from groundplan.stack.configuration import KUBECONFIG, read_stack_file
from groundplan.stack.remembered import REMEMBERED, deployed

_LEFT_OUT = {"build", "dist", "node_modules", "services", "tests"}
"""What the program doesn't read and what may be large; hidden files and Python environments are left out too."""


class Stage:
    """One stack of the project in ``project``, copied to ``folder``, with an image for each of its services.

    Raises ProblemsFound when the project's declaration or the stack's configuration is wrong.
    """

    def __init__(self, project: Path, stack: str, folder: Path) -> None:
        self.system = load_system(project / "system.yaml")
        self.environment = read_stack_file(project / f"Pulumi.{stack}.yaml", self.system)
        self.folder = folder
        shutil.copytree(project, folder, symlinks=True, ignore=_ignored)
        settings = _read(folder / "Pulumi.yaml")
        # The engine is told which interpreter to use and where the state is.
        settings["runtime"] = "python"
        settings.pop("backend", None)
        _write(folder / "Pulumi.yaml", settings)
        configured = _read(folder / f"Pulumi.{stack}.yaml").get("config") or {}
        # What is encrypted can't be read without the stack's key, nor should it be.
        plain = {key: value for key, value in configured.items() if not _encrypted(value)}
        self.secrets = {key: self._stand_in(key) for key, value in configured.items() if _encrypted(value)}
        """By key, what stands in for the values that the stack has encrypted."""
        self.configuration = yaml.safe_dump(plain)
        """The rest, as text."""
        plain[f"{self.system.name}:images"] = self.images(self.system)
        _write(folder / f"Pulumi.{stack}.yaml", {"config": plain})

    def images(self, system: System) -> dict[str, str]:
        """What each service of ``system`` is deployed from."""
        return growth.images(system, self.environment.region, self.environment.images)

    def declare(self, system: System) -> None:
        """Makes ``system`` what the project declares, and what it was measured to take."""
        _write(self.folder / "system.yaml", system.model_dump(mode="json", exclude_unset=True))
        if system.measured is not None:
            _write(self.folder / MEASURED, system.measured.model_dump(mode="json", exclude_unset=True))

    def remember(self, resources: Iterable[Mapping[str, Any]]) -> None:
        """Makes the configuration remember what only grows of this state, as `make up` does after each deployment."""
        file = self.folder / f"Pulumi.{self.environment.name}.yaml"
        system = load_system(self.folder / "system.yaml")
        content = _read(file)
        remembered = deployed(resources, [*system.services, SHARED])
        content["config"][f"{system.name}:{REMEMBERED}"] = remembered.model_dump(mode="json", exclude_none=True)
        _write(file, content)

    def _stand_in(self, key: str) -> str:
        cluster = self.environment.existing_cluster
        if cluster is None or key != f"{self.system.name}:{KUBECONFIG}":
            return "stand-in"
        named = {"name": cluster.context}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": {"server": "https://cluster.invalid"}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": cluster.context, "user": cluster.context}}],
        }
        return yaml.safe_dump(kubeconfig)


def _ignored(directory: str, names: list[str]) -> set[str]:
    here = Path(directory)
    return {
        name for name in names if name.startswith(".") or name in _LEFT_OUT or (here / name / "pyvenv.cfg").exists()
    }


def _encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return content


def _write(file: Path, content: object) -> None:
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
