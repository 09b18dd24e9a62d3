"""`groundplan eject`: a subject of the component library becomes the project's own, and stays comparable with ours.

`infra/own/<subject>` is the owner's. `infra/own/.origin/<subject>` keeps what was copied: it is the base by which later
versions of the library are compared and merged, without asking any repository.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import click
import yaml
from click.shell_completion import CompletionItem

from groundplan.cli._command import Command, main_of
from groundplan.problems import Problem, ProblemsFound, did_you_mean, listed
from groundplan.project import OWN, PROGRAM, find_project, load_program

LIBRARY = "groundplan_components"
HELPERS = {"shared"}
"""Subjects without components: what is copied goes on using them."""
ORIGIN = ".origin"
ORIGIN_FILE = "origin.json"
KEPT = ".orig"
"""Behind the names of the copied files there, so that no tool takes them for code."""
_CALL = "StackContext.of"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of the library, in a project."""

    project: Path
    name: str

    @property
    def own(self) -> Path:
        return self.project / PROGRAM.parent / OWN / self.name

    @property
    def origin(self) -> Path:
        return self.project / PROGRAM.parent / OWN / ORIGIN / self.name

    @property
    def ejected(self) -> bool:
        return self.origin.is_dir()

    def copied(self) -> dict[str, str]:
        """The text of its files as they were copied, or last merged."""
        return {path.removesuffix(KEPT): text for path, text in _texts(self.origin, f".py{KEPT}").items()}

    def upstream(self) -> dict[str, str]:
        """The text of the library's files as they would be copied now; empty if it has no such subject any more."""
        folder = library() / self.name
        if not folder.is_dir():
            return {}
        return {path: _adapted(self, path, text) for path, text in _texts(folder).items()}

    def changed_upstream(self) -> list[str]:
        copied, upstream = self.copied(), self.upstream()
        return sorted(path for path in copied.keys() | upstream.keys() if copied.get(path) != upstream.get(path))


def library() -> Path:
    spec = find_spec(LIBRARY)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def subjects() -> list[str]:
    found = (path.parent.name for path in library().glob("*/__init__.py"))
    return sorted(name for name in found if name not in HELPERS)


def ejected_subjects(project: Path) -> Iterator[Subject]:
    for folder in sorted((project / PROGRAM.parent / OWN / ORIGIN).glob("*/")):
        yield Subject(project, folder.name)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    return [CompletionItem(name) for name in subjects() if name.startswith(incomplete)]


@click.command("eject", cls=Command)
@click.argument("subject", required=False, shell_complete=_complete)
@click.option("--diff", is_flag=True, help="What changed upstream since the subject was copied.")
@click.option("--merge", is_flag=True, help="Merge that into the project's own files.")
@click.option("--changed", is_flag=True, help="Say which ejected subjects changed upstream; `make update` does.")
def command(subject: str | None, *, diff: bool, merge: bool, changed: bool) -> int:
    """Copy a library's part into the project, as its owner's.

    For example `groundplan eject cache`: the components of groundplan_components.cache are copied to infra/own/cache,
    and infra/__main__.py declares them in place of ours. Names and type tokens stay, so nothing deployed is replaced.
    Without a SUBJECT, what can be ejected is listed.
    """
    project = find_project()
    if changed:
        return _tell_changed(project)
    if subject is None:
        return _list(project)
    chosen = _known(project, subject)
    if diff:
        return _show_difference(chosen)
    return _merge(chosen) if merge else eject(chosen)


main = main_of(command)


def eject(subject: Subject) -> int:
    """Copies and wires the subject. Raises ProblemsFound, and has then changed nothing."""
    if subject.own.exists() or subject.ejected:
        raise _refusal(
            subject,
            "there already",
            "a subject that is not the project's own yet",
            f"`groundplan eject {subject.name} --diff` shows what changed upstream since; to start over, delete "
            f"infra/{OWN}/{subject.name} and infra/{OWN}/{ORIGIN}/{subject.name}",
        )
    program = subject.project / PROGRAM
    if not program.is_file():
        load_program(subject.project)
    before = program.read_text(encoding="utf-8")
    package = subject.own.parent / "__init__.py"
    new_package = not package.exists()
    made = [subject.own, subject.origin, *([package] if new_package else [])]
    after = wired(before, subject.name)
    try:
        # Packages first: the linter sorts imports by what it finds to be a package.
        _write(subject.own, {"__init__.py": ""})
        if new_package:
            package.write_text('"""Components of this project\'s own."""\n', encoding="utf-8")
        _write(subject.own, subject.upstream())
        _record(subject)
        _copy_other_files(subject)
        if after is not None:
            program.write_text(_sorted_imports(subject.project, program, after), encoding="utf-8")
        load_program(subject.project)
    except BaseException:
        for path in made:
            _remove_made(path)
        program.write_text(before, encoding="utf-8")
        raise
    print(f"infra/{OWN}/{subject.name} is yours: {', '.join(components(subject))}.")
    if after is None:
        print(
            f"{PROGRAM} makes no call {_CALL}(system, environment) that can be extended. Put into it:\n"
            f"    import {OWN}.{subject.name}\n"
            f"    {_CALL}(system, environment, ejected({OWN}.{subject.name}))  # from groundplan.program import ejected"
        )
    else:
        print(f"{PROGRAM} declares them in place of the library's. See it with `git diff`.")
    for other, names in users(subject.name).items():
        print(f"{other} of the library makes {listed(names, last='and')} itself, and still the library's.")
    print("Then: `groundplan rehearse`. It replaces nothing as long as names and type tokens stay.")
    return 0


def components(subject: Subject) -> list[str]:
    return _components_in(subject.upstream().values())


def users(name: str) -> dict[str, list[str]]:
    """Components of this subject that other subjects make, by the other subject: those stay the library's."""
    own = _components_in(_texts(library() / name).values())
    found: dict[str, list[str]] = {}
    for other in subjects():
        texts = "\n".join(_texts(library() / other).values())
        used = [each for each in own if re.search(rf"(?<![\w.]){each}\(", texts)]
        if other != name and used:
            found[other] = used
    return found


def _components_in(texts: Iterable[str]) -> list[str]:
    pattern = re.compile(r"^class (\w+)\(pulumi\.ComponentResource\)", re.MULTILINE)
    return sorted(name for text in texts for name in pattern.findall(text))


def wired(program: str, name: str) -> str | None:
    """The program with the subject in place of the library's; None when it doesn't make the call as we know it."""
    try:
        tree = ast.parse(program)
    except SyntaxError:
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == _CALL]
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if len(calls) != 1 or not calls[0].args or not imports:
        return None
    (call,) = calls
    text = program.encode()
    starts = [0, *(match.end() for match in re.finditer(rb"\n", text))]

    def place(line: int | None, column: int | None) -> int:
        return starts[(line or 1) - 1] + (column or 0)

    # After a positional argument: keywords, if any, come last.
    after = place(call.args[-1].end_lineno, call.args[-1].end_col_offset)
    line_end = text.find(b"\n", place(imports[-1].end_lineno, imports[-1].end_col_offset))
    added = f"\nfrom groundplan.program import ejected\nimport {OWN}.{name}".encode()
    text = text[:after] + f", ejected({OWN}.{name})".encode() + text[after:]
    text = text[:line_end] + added + text[line_end:]
    return text.decode()


def _list(project: Path) -> int:
    for name in subjects():
        subject = Subject(project, name)
        state = ""
        if subject.ejected:
            state = "  yours, changed upstream" if subject.changed_upstream() else "  yours"
        print(f"{name:14} {', '.join(components(subject))}{state}")
    return 0


def _tell_changed(project: Path) -> int:
    for subject in ejected_subjects(project):
        changed = subject.changed_upstream()
        if changed:
            print(
                f"infra/{OWN}/{subject.name} is yours, and changed upstream ({', '.join(changed)}): see it with\n"
                f"`groundplan eject {subject.name} --diff`, take it over with `groundplan eject {subject.name} --merge`"
            )
    return 0


def _show_difference(subject: Subject) -> int:
    _require_ejected(subject)
    copied, upstream = subject.copied(), subject.upstream()
    for path in subject.changed_upstream():
        name = f"infra/{OWN}/{subject.name}/{path}"
        lines = difflib.unified_diff(
            copied.get(path, "").splitlines(keepends=True),
            upstream.get(path, "").splitlines(keepends=True),
            f"a/{name}" if path in copied else "/dev/null",
            f"b/{name}" if path in upstream else "/dev/null",
        )
        sys.stdout.writelines(lines)
    if not subject.changed_upstream():
        print(f"Nothing changed upstream since {_origin(subject).get('commit') or 'it was copied'}.")
    return 0


def _merge(subject: Subject) -> int:
    """Three ways: what was copied, the owner's, the library's. Returns 2 when they meet and await a decision."""
    _require_ejected(subject)
    copied, upstream = subject.copied(), subject.upstream()
    if not upstream:
        raise _refusal(
            subject,
            "no longer in the library",
            "a subject that the library has",
            f"it is all yours now: delete infra/{OWN}/{ORIGIN}/{subject.name}",
        )
    conflicted: list[str] = []
    merged: dict[str, str] = {}
    for path in subject.changed_upstream():
        mine = subject.own / path
        own = mine.read_text(encoding="utf-8") if mine.is_file() else None
        if path not in upstream:
            print(f"{path} left the library; yours stays.")
        elif own is None and path in copied:
            print(f"{path} changed upstream; you have deleted it.")
        else:
            merged[path], clean = _three_ways(subject, path, own or "", copied.get(path, ""), upstream[path])
            if not clean:
                conflicted.append(f"infra/{OWN}/{subject.name}/{path}")
    _write(subject.own, merged)
    _record(subject)
    if conflicted:
        print("Your edits and the library's meet in these files, between conflict markers:", file=sys.stderr)
        print(*(f"    {path}" for path in conflicted), sep="\n", file=sys.stderr)
        return 2
    print(f"Merged into infra/{OWN}/{subject.name}: {', '.join(merged) or 'nothing'}. See it with `git diff`.")
    return 0


def _three_ways(subject: Subject, path: str, own: str, base: str, upstream: str) -> tuple[str, bool]:
    """The merged text, and whether it has no conflict."""
    with tempfile.TemporaryDirectory(prefix="merge-") as directory:
        places = [Path(directory) / name for name in ("own", "copied", "library")]
        for place, text in zip(places, (own, base, upstream), strict=True):
            place.write_text(text, encoding="utf-8")
        names = [option for label in (f"yours: {path}", "copied", "library") for option in ("-L", label)]
        done = subprocess.run(
            ["git", "merge-file", "-p", *names, *map(str, places)], check=False, capture_output=True, text=True
        )
    if done.returncode < 0 or done.returncode > 127:
        raise _refusal(subject, "git merge-file failed", "a merge of text files", done.stderr.strip() or "run it again")
    return done.stdout, done.returncode == 0


def _record(subject: Subject) -> None:
    """Keeps the library's text as the base of later comparisons, and says which commit it is of."""
    if subject.origin.exists():
        shutil.rmtree(subject.origin)
    _write(subject.origin, {f"{path}{KEPT}": text for path, text in subject.upstream().items()})
    found = {"library": LIBRARY, "commit": _commit(subject.project), "version": _version()}
    (subject.origin / ORIGIN_FILE).write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")


def _origin(subject: Subject) -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads((subject.origin / ORIGIN_FILE).read_text(encoding="utf-8"))
    return found


def _commit(project: Path) -> str:
    """Of the template and the libraries alike, as the project's answers name it; empty where there are none."""
    try:
        answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return ""
    return str(answers.get("_commit", "")) if isinstance(answers, dict) else ""


def _version() -> str:
    try:
        return version(LIBRARY.replace("_", "-"))
    except PackageNotFoundError:  # a checkout that isn't installed
        return ""


def _texts(folder: Path, suffix: str = ".py") -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob(f"*{suffix}"))
        if "__pycache__" not in path.parts
    }


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _copy_other_files(subject: Subject) -> None:
    """What code reads beside itself, such as certificates."""
    folder = library() / subject.name
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            target = subject.own / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


@cache
def _adapted(subject: Subject, path: str, text: str) -> str:
    """Imports of the subject's own modules name the copy; those of other subjects stay the library's."""
    renamed = re.sub(rf"\b{LIBRARY}\.{subject.name}\b", f"{OWN}.{subject.name}", text)
    return _sorted_imports(subject.project, subject.own / path, renamed)


def _remove_made(path: Path) -> None:
    """Only what this command has just made."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sorted_imports(project: Path, path: Path, text: str) -> str:
    """The text as the project's own linter has it; where it has none, the order is left."""
    settings = project / "pyproject.toml"
    if find_spec("ruff") is None or not settings.is_file() or "[tool.ruff" not in settings.read_text(encoding="utf-8"):
        return text
    for arguments in (["check", "--select", "I", "--fix"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(path), "-"],
            cwd=project,
            input=text,
            check=False,
            capture_output=True,
            text=True,
        )
        text = done.stdout or text
    return text


def _known(project: Path, name: str) -> Subject:
    known = subjects()
    if name.startswith(("chassis", "groundplan_chassis")):
        raise ProblemsFound(
            [
                Problem(
                    "command line",
                    "subject",
                    name,
                    "a subject of the component library; parts of the chassis import each other and go together",
                    "change the chassis in a checkout or fork of groundplan, and name that as the libraries' source",
                )
            ]
        )
    if name not in known and not Subject(project, name).ejected:
        remedy = did_you_mean(name, known, "`groundplan eject` lists them")
        raise ProblemsFound([Problem("command line", "subject", name, f"one of {', '.join(known)}", remedy)])
    return Subject(project, name)


def _require_ejected(subject: Subject) -> None:
    if not subject.ejected:
        raise _refusal(subject, "not there", "a subject that was ejected", f"`groundplan eject {subject.name}` first")


def _refusal(subject: Subject, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem(f"infra/{OWN}/{subject.name}", "", value, expected, remedy)])
