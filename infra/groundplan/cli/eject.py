"""`groundplan eject`: a part of a library becomes the project's own, and stays comparable with ours.

`groundplan.cli._parts` says where copies lie, and how they stand in for the library's.
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
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import yaml
from click.shell_completion import CompletionItem

from groundplan.cli import _parts
from groundplan.cli._command import Command, main_of
from groundplan.cli._parts import (
    KEPT,
    Part,
    Subject,
    components_in,
    ejected_parts,
    parts,
    sorted_imports,
    subjects,
    texts,
)
from groundplan.problems import Problem, ProblemsFound, did_you_mean, listed
from groundplan.project import CHASSIS, OWN, OWN_CHASSIS, PROGRAM, find_project, load_program, require_project

ORIGIN_FILE = "origin.json"
_CALL = "StackContext.of"


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    labels = (part.label for part in parts(find_project()))
    return [CompletionItem(label) for label in labels if label.startswith(incomplete)]


@click.command("eject", cls=Command)
@click.argument("part", required=False, shell_complete=_complete)
@click.option("--diff", is_flag=True, help="What changed upstream since the part was copied.")
@click.option("--merge", is_flag=True, help="Merge that into the project's own files.")
@click.option("--changed", is_flag=True, help="Say which ejected parts changed upstream; `make update` does.")
def command(part: str | None, *, diff: bool, merge: bool, changed: bool) -> int:
    """Copy a library's part into the project, as its owner's.

    For example `groundplan eject cache`: the components of groundplan_components.cache are copied to infra/own/cache,
    and infra/__main__.py declares them in place of ours. Names and type tokens stay, so nothing deployed is replaced.
    `groundplan eject chassis.caching`: groundplan_chassis.caching is copied to chassis/groundplan_chassis/caching.
    Services, their tests and their images then use it in place of the library's.
    Without a PART, what can be ejected is listed.
    """
    project = require_project()
    if changed:
        return _tell_changed(project)
    if part is None:
        if diff or merge:
            option = "--diff" if diff else "--merge"
            raise ProblemsFound(
                [
                    Problem(
                        "command line",
                        "PART",
                        "missing",
                        f"the part that {option} is about",
                        f"name one: groundplan eject PART {option}; `groundplan eject` lists them",
                    )
                ]
            )
        return _list(project)
    chosen = _known(project, part)
    if diff:
        return _show_difference(chosen)
    if merge:
        return _merge(chosen)
    return eject(chosen) if isinstance(chosen, Subject) else eject_chassis(chosen)


main = main_of(command)


def eject(subject: Subject) -> int:
    """Copies and wires the subject. Raises ProblemsFound, and has then changed nothing."""
    _require_new(subject)
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
        _copy_data(subject)
        if after is not None:
            program.write_text(sorted_imports(subject.project, program, after), encoding="utf-8")
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


def eject_chassis(part: Part) -> int:
    """Copies the part to where the path has it before the library's. Raises ProblemsFound, and changes nothing then."""
    _require_new(part)
    package = part.own / "__init__.py"
    new = [path for path in (part.project / OWN_CHASSIS, part.own.parent, part.own, package) if not path.exists()]
    made = [*part.places(), part.origin, *reversed(new)]
    try:
        if package in new:
            _write(part.own, {package.name: _MERGING})
        _write(part.own, part.upstream())
        _record(part)
        _copy_data(part)
    except BaseException:
        for path in made:
            _remove_made(path)
        raise
    print(f"{part.place} is yours: services, their tests and images use it in place of the library's.")
    missing = _not_on_the_path(part.project)
    if missing:
        print("Put into pyproject.toml, so that tests and the type checker find it before the library:")
        print(*(f"    {line}" for line in missing), sep="\n")
    print("Then: `make test`. `make dev` and `make deliver` take it by themselves.")
    return 0


_MERGING = '''"""Parts of the chassis that are this project's own; all others are the library's."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
'''


def _not_on_the_path(project: Path) -> list[str]:
    """Lines that the project's settings lack."""
    settings = project / "pyproject.toml"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    wanted = {
        f"$MYPY_CONFIG_FILE_DIR/{OWN_CHASSIS}": f'[tool.mypy] mypy_path: "$MYPY_CONFIG_FILE_DIR/{OWN_CHASSIS}", first',
        f'"{OWN_CHASSIS}"': f'[tool.pytest.ini_options] pythonpath: "{OWN_CHASSIS}", first',
    }
    return [line for mark, line in wanted.items() if mark not in text]


def components(subject: Part) -> list[str]:
    return components_in(subject.upstream().values())


def users(name: str) -> dict[str, list[str]]:
    """Components of this subject that other subjects make, by the other subject: those stay the library's."""
    own = components_in(texts(_parts.library() / name).values())
    found: dict[str, list[str]] = {}
    for other in subjects():
        code = "\n".join(texts(_parts.library() / other).values())
        used = [each for each in own if re.search(rf"(?<![\w.]){each}\(", code)]
        if other != name and used:
            found[other] = used
    return found


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
    for part in parts(project):
        state = ""
        if part.ejected:
            state = "  yours, changed upstream" if part.changed_upstream() else "  yours"
        content = ", ".join(components(part)) if isinstance(part, Subject) else f"{CHASSIS}.{part.name}"
        print(f"{part.label:22} {content}{state}")
    return 0


def _tell_changed(project: Path) -> int:
    for part in ejected_parts(project):
        changed = part.changed_upstream()
        if changed:
            print(
                f"{part.place} is yours, and changed upstream ({', '.join(changed)}): see it with\n"
                f"`groundplan eject {part.label} --diff`, take it over with `groundplan eject {part.label} --merge`"
            )
    return 0


def _show_difference(part: Part) -> int:
    _require_ejected(part)
    copied, upstream = part.copied(), part.upstream()
    for path in part.changed_upstream():
        name = part.shown(part.own / path)
        lines = difflib.unified_diff(
            copied.get(path, "").splitlines(keepends=True),
            upstream.get(path, "").splitlines(keepends=True),
            f"a/{name}" if path in copied else "/dev/null",
            f"b/{name}" if path in upstream else "/dev/null",
        )
        sys.stdout.writelines(lines)
    if not part.changed_upstream():
        print(f"Nothing changed upstream since {_origin(part).get('commit') or 'it was copied'}.")
    return 0


def _merge(part: Part) -> int:
    """Three ways: what was copied, the owner's, the library's. Returns 2 when they meet and await a decision."""
    _require_ejected(part)
    copied, upstream = part.copied(), part.upstream()
    if not upstream:
        raise _refusal(
            part,
            "no longer in the library",
            "a part that the library has",
            f"it is all yours now: delete {part.shown(part.origin)}",
        )
    conflicted: list[str] = []
    merged: dict[str, str] = {}
    for path in part.changed_upstream():
        mine = part.own / path
        own = mine.read_text(encoding="utf-8") if mine.is_file() else None
        if path not in upstream:
            print(f"{path} left the library; yours stays.")
        elif own is None and path in copied:
            print(f"{path} changed upstream; you have deleted it.")
        else:
            merged[path], clean = _three_ways(part, path, own or "", copied.get(path, ""), upstream[path])
            if not clean:
                conflicted.append(part.shown(mine))
    _write(part.own, merged)
    _record(part)
    if conflicted:
        print("Your edits and the library's meet in these files, between conflict markers:", file=sys.stderr)
        print(*(f"    {path}" for path in conflicted), sep="\n", file=sys.stderr)
        return 2
    print(f"Merged into {part.place}: {', '.join(merged) or 'nothing'}. See it with `git diff`.")
    return 0


def _three_ways(part: Part, path: str, own: str, base: str, upstream: str) -> tuple[str, bool]:
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
        raise _refusal(part, "git merge-file failed", "a merge of text files", done.stderr.strip() or "run it again")
    return done.stdout, done.returncode == 0


def _record(part: Part) -> None:
    """Keeps the library's text as the base of later comparisons, and says which commit it is of."""
    if part.origin.exists():
        shutil.rmtree(part.origin)
    _write(part.origin, {f"{path}{KEPT}": text for path, text in part.upstream().items()})
    found = {"library": part.library, "commit": _commit(part.project), "version": _version(part.library)}
    (part.origin / ORIGIN_FILE).write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")


def _origin(part: Part) -> Mapping[str, str]:
    """Which library, commit and version it was copied from; nothing where the note is lost, which only names them."""
    try:
        found = json.loads((part.origin / ORIGIN_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _commit(project: Path) -> str:
    """Of the template and the libraries alike, as the project's answers name it; empty where there are none."""
    try:
        answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return ""
    return str(answers.get("_commit", "")) if isinstance(answers, dict) else ""


def _version(library: str) -> str:
    try:
        return version(library.replace("_", "-"))
    except PackageNotFoundError:  # a checkout that isn't installed
        return ""


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _copy_data(part: Part) -> None:
    for path, file in part.data().items():
        target = part.own / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _remove_made(path: Path) -> None:
    """Only what this command has just made."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _known(project: Path, name: str) -> Part:
    """By its label; the chassis's import name is understood, too."""
    known = {part.label: part for part in [*parts(project), *ejected_parts(project)]}
    label = name.removeprefix("groundplan_").replace("/", ".").rstrip(".")
    if label not in known:
        lists = "`groundplan eject` lists them"
        if label.partition(".")[0] == "chassis":
            modules = [each for each in known if each.startswith("chassis.")]
            expected = "a package or module of the chassis, such as chassis.caching"
            remedy = did_you_mean(label, modules, lists) if "." in label else lists
        else:
            names = [each for each in known if not each.startswith("chassis.")]
            expected = f"one of {', '.join(names)}, or a part of the chassis"
            remedy = did_you_mean(label, names, lists)
        raise ProblemsFound([Problem("command line", "part", name, expected, remedy)])
    return known[label]


def _require_new(part: Part) -> None:
    if part.ejected or any(path.exists() for path in part.places()):
        where = [part.shown(path) for path in (*part.places(), part.origin)]
        raise _refusal(
            part,
            "there already",
            "a part that is not the project's own yet",
            f"`groundplan eject {part.label} --diff` shows what changed upstream since; to start over, delete "
            f"{listed(where, last='and')}",
        )


def _require_ejected(part: Part) -> None:
    if not part.ejected:
        raise _refusal(part, "not there", "a part that was ejected", f"`groundplan eject {part.label}` first")


def _refusal(part: Part, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem(part.place, "", value, expected, remedy)])
