"""Projects, small enough to be set up in seconds, and the repository that their libraries come from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from groundplan.installation.bootstrap import LIBRARIES
from tests.installation.index import BACKEND, Index
from tests.projects import ROOT, commit_all, git

MARK = Path("infra") / "groundplan" / "mark.py"
"""Tells which commit of the libraries runs."""


@dataclass(frozen=True, slots=True)
class Template:
    """``release`` is a tag; the others are full commit ids."""

    folder: Path
    """A clone with a work tree, for overrides; don't change it."""
    bare: Path
    release: str
    released: str
    fix: str
    next_minor: str

    @property
    def address(self) -> str:
        """As copier takes it, and pip doesn't."""
        return f"git+file://{self.bare}"


def make_template(into: Path) -> Template:
    folder = into / "groundplan"
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z", *LIBRARIES)
    for name in filter(None, listed.split("\0")):
        if "tests" not in Path(name).parts and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    shutil.copy2(ROOT / ".gitignore", folder / ".gitignore")
    git(folder, "init", "--quiet", "--initial-branch=main")

    def commit(mark: str) -> str:
        (folder / MARK).write_text(f'"""Which commit this is."""\n\nMARK = "{mark}"\n')
        commit_all(folder, mark)
        return git(folder, "rev-parse", "HEAD").strip()

    released = commit("release")
    git(folder, "tag", "--annotate", "--message", "A release", "0.2.0")
    fix = commit("fix")
    for library in LIBRARIES:
        about = folder / library / "pyproject.toml"
        about.write_text(about.read_text().replace('version = "0.2.', 'version = "0.3.'))
    next_minor = commit("next")
    bare = into / "groundplan.git"
    git(into, "clone", "--quiet", "--bare", str(folder), str(bare))
    git(folder, "checkout", "--quiet", released)
    return Template(folder, bare, "0.2.0", released, fix, next_minor)


@dataclass(frozen=True, slots=True)
class Place:
    """A project's folder and the environment that it is set up in."""

    project: Path
    environment: Path
    home: Path
    index: Index

    def make(self, address: str, commit: str) -> None:
        (self.project / "infra").mkdir(parents=True)
        (self.project / "services").mkdir()
        for name in ("infra/setup.sh", "infra/bootstrap.py", "infra/__main__.py", "system.yaml", "Pulumi.dev.yaml"):
            shutil.copy(ROOT / name, self.project / name)
        (self.project / "requirements.txt").write_text(self.index.pins(*BACKEND))
        (self.project / "services" / "requirements.txt").write_text(self.index.pins("pathspec"))
        (self.project / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "0.1.0"\n')
        self.answer(address, commit)

    def answer(self, address: str, commit: str) -> None:
        text = f"# Written by copier\n_commit: {commit}\n_src_path: {address}\nname: shop\n"
        (self.project / ".copier-answers.yml").write_text(text)

    def options(self, **options: str) -> None:
        """`[tool.groundplan]`."""
        path = self.project / "pyproject.toml"
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())
        path.write_text(f"{path.read_text().partition('[tool')[0]}[tool.groundplan]\n{lines}")

    def variables(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.index.variables, **more}

    def set_up(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        self.home.mkdir(parents=True, exist_ok=True)
        command = ["bash", "infra/setup.sh", *options, str(self.environment)]
        return self._run(command, self.variables(**{"PYTHON3": sys.executable, **variables}))

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the libraries, whose third-party packages are this test's own."""
        purelib = next(self.environment.glob("lib/python*/site-packages"))
        (purelib / "zz_packages_of_the_tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        python = str(self.environment / "bin" / "python")
        return self._run([python, "-m", *command], self.variables(**variables))

    def _run(self, command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.project, env=variables, check=False, capture_output=True, text=True)

    def installed(self) -> tuple[str, dict[str, str]]:
        """The mark of the commit that runs, and the version of each of our distributions."""
        script = (
            "import json, importlib.metadata as m, groundplan.mark\n"
            "import groundplan_components, groundplan_chassis, groundplan_devkit\n"
            "ours = {d.name: d.version for d in m.distributions() if d.name.startswith('groundplan')}\n"
            "print(json.dumps([groundplan.mark.MARK, ours]))"
        )
        python = str(self.environment / "bin" / "python")
        done = subprocess.run([python, "-I", "-c", script], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        mark, versions = json.loads(done.stdout)
        return mark, versions
