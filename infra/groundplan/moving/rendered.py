"""What a project's template wrote, as trees and files that its owner's commit is compared with."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from groundplan.cli.template import ANSWERS_FILE
from groundplan.problems import Problem, ProblemsFound

_SETTINGS = ("-c", "core.quotePath=false", "-c", "core.autocrlf=false", "-c", f"core.hooksPath={os.devnull}")


@dataclass(frozen=True, slots=True)
class Change:
    """``status`` is git's letter for what the owner did to the file: A, M, T or D."""

    status: str
    path: str


@dataclass(frozen=True)
class Rendered:
    """The template at the version and with the answers of ``base``, a commit of the project.

    Objects of the rendering are in a directory of its own: the project's repository stays as it is.
    """

    project: Path
    base: str
    folder: Path
    scratch: Path

    def git(self, *arguments: str, stdin: bytes | None = None, variables: Mapping[str, str] | None = None) -> bytes:
        done = subprocess.run(
            ["git", *_SETTINGS, *arguments],
            cwd=self.project,
            env=_variables() | self._objects() | dict(variables or {}),
            input=stdin,
            check=False,
            capture_output=True,
        )
        if done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def _objects(self) -> dict[str, str]:
        own = _output(self.project, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        return {
            "GIT_OBJECT_DIRECTORY": str(self.scratch / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": own,
        }

    def tree_of(self, folder: Path, *paths: str) -> str:
        """A tree of files below ``folder``: of ``paths``, or of all."""
        index = self.scratch / "index"
        index.unlink(missing_ok=True)
        place = {
            "GIT_DIR": _output(self.project, "rev-parse", "--absolute-git-dir"),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(index),
        }
        listed = "\0".join(paths or (".",)).encode()
        add = ("add", "--force", "--all", "--pathspec-from-file=-", "--pathspec-file-nul")
        self.git("-C", str(folder), "--literal-pathspecs", *add, stdin=listed, variables=place)
        return self.git("write-tree", variables=place).decode().strip()

    @property
    def base_tree(self) -> str:
        prefix = _output(self.project, "rev-parse", "--show-prefix")
        return f"{self.base}:{prefix}"

    def changes(self, tree: str) -> tuple[Change, ...]:
        """What the owner's commit did to what the template wrote."""
        shown = self.git("diff-tree", "-r", "-z", "--no-renames", "--name-status", tree, self.base_tree)
        fields = iter(shown.decode(errors="surrogateescape").split("\0"))
        found = [Change(status, next(fields)) for status in fields if status]
        return tuple(change for change in found if change.path != ANSWERS_FILE)

    def patch(self, tree: str, path: str) -> bytes:
        shown = ("--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        prefixes = ("--no-relative", "--src-prefix=a/", "--dst-prefix=b/")
        return self.git("diff", *shown, *prefixes, tree, self.base_tree, "--", f":(top,literal){path}")

    def owners(self, path: str) -> bytes:
        """The file as the owner committed it."""
        return self.git("cat-file", "blob", f"{self.base_tree}{path}")

    def restore(self, path: str) -> None:
        """Puts the file back as the owner committed it: an executable one as such, a link as a link."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        mode = self.git("--literal-pathspecs", "ls-tree", "--full-tree", self.base_tree, "--", path)[:6]
        if mode == b"120000":
            file.symlink_to(os.fsdecode(self.owners(path)))
            return
        file.write_bytes(self.owners(path))
        if mode == b"100755":
            file.chmod(file.stat().st_mode | 0o111)

    def renames(self, sources: Sequence[str], targets: Sequence[str]) -> Mapping[str, str]:
        """Which of ``targets`` in the project is one of the ``sources`` that the template wrote, under another name."""
        before, after = self.tree_of(self.folder, *sources), self.tree_of(self.project, *targets)
        alike = ("-M60%", "-l0", "--no-rename-empty", "--diff-filter=R", "--name-status")
        fields = iter(self.git("diff-tree", "-r", "-z", *alike, before, after).decode().split("\0"))
        return {next(fields): next(fields) for status in fields if status}


@contextmanager
def rendered(project: Path, base: str) -> Iterator[Rendered]:
    """Raises ProblemsFound when the template can't be reached."""
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        (Path(scratch) / "objects").mkdir()
        folder = Path(scratch) / "rendered"
        _render(project, _answers(project, base), folder)
        yield Rendered(project, base, folder, Path(scratch))


def _answers(project: Path, base: str) -> Mapping[str, Any]:
    answers = yaml.safe_load(_output(project, "show", f"{base}:./{ANSWERS_FILE}"))
    assert isinstance(answers, dict)
    return answers


def _render(project: Path, answers: Mapping[str, Any], into: Path) -> None:
    import copier
    from copier.errors import CopierError

    asked = {key: value for key, value in answers.items() if not key.startswith("_")}
    source, here = str(answers["_src_path"]), Path.cwd()
    previous = os.environ.get("GIT_TERMINAL_PROMPT")
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    try:
        # A template's address may be a path from the project.
        os.chdir(project)
        copier.run_copy(
            source,
            into,
            data=asked,
            vcs_ref=str(answers["_commit"]),
            settings=copier.Settings(),
            defaults=True,
            overwrite=True,
            quiet=True,
        )
    except (CopierError, ValueError, OSError) as error:
        said = str(error).strip().rpartition("\n")[2] or type(error).__name__
        raise ProblemsFound(
            [
                Problem(
                    ANSWERS_FILE,
                    "_src_path",
                    f"{source} at {answers['_commit']}",
                    "the template as this project had it before the update, to find your edits by",
                    f"make it reachable and run `make setup` again; nothing is lost, git has it ({said})",
                )
            ]
        ) from error
    finally:
        os.chdir(here)
        if previous is None:
            os.environ.pop("GIT_TERMINAL_PROMPT", None)
        else:
            os.environ["GIT_TERMINAL_PROMPT"] = previous


def _output(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project, env=_variables(), check=True, capture_output=True, text=True
    )
    return done.stdout.removesuffix("\n")


def _variables() -> dict[str, str]:
    """Without what a hook of git's names: the project's own repository is meant."""
    named = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"}
    return {name: value for name, value in os.environ.items() if name not in named}


def listed(project: Path) -> Sequence[str]:
    """Files that git knows, and files that it doesn't ignore."""
    shown = _output(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({name for name in shown.split("\0") if name})


def unmerged(project: Path) -> Sequence[str]:
    shown = _output(project, "diff", "--name-only", "--diff-filter=U", "--relative", "-z")
    return sorted({name for name in shown.split("\0") if name})
