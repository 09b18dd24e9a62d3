"""Alembic revisions: a service's history, what is added to it, and what waits in `migrations/waiting` (ADR 14)."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.following.schema import Plan, Step
from groundplan.problems import Problem, ProblemsFound

VERSIONS = Path("migrations") / "versions"
WAITING = Path("migrations") / "waiting"
"""Revisions that must not run before every process of the release before is gone; Alembic does not look here."""
SECOND = ("_end", "_end_online")
"""How the names of files end that waited."""
_WIDTH = 100
_INDENT = " " * 8


@dataclass(frozen=True, slots=True)
class Revision:
    name: str
    """The file's."""
    identifier: str
    follows: tuple[str, ...]


def history(folder: Path) -> list[Revision]:
    """The revisions of a service's `migrations/versions`, in no order."""
    found = []
    for path in sorted((folder / VERSIONS).glob("*.py")):
        values = _assigned(path)
        if "revision" in values:
            before = values.get("down_revision")
            follows = (before,) if isinstance(before, str) else tuple(map(str, before or ()))
            found.append(Revision(path.name, str(values["revision"]), follows))
    return found


def head(folder: Path) -> str | None:
    """The newest revision; None where there is none. Raises ProblemsFound for more than one."""
    known = history(folder)
    followed = {each for revision in known for each in revision.follows}
    heads = [revision for revision in known if revision.identifier not in followed]
    if len(heads) > 1:
        names = ", ".join(revision.name for revision in heads)
        remedy = "let one of them name the other in `down_revision`, and commit"
        raise ProblemsFound([Problem(str(folder / VERSIONS), "down_revision", names, "one newest migration", remedy)])
    return heads[0].identifier if heads else None


def in_order(folder: Path) -> list[Revision]:
    """The revisions as they run. Raises ProblemsFound for more than one newest."""
    head(folder)
    left, found = history(folder), list[Revision]()
    while left:
        done = {each.identifier for each in found}
        ready = [each for each in left if all(before in done for before in each.follows)]
        # What follows a revision that is elsewhere runs when that has.
        found += ready or left
        left = [each for each in left if each not in found]
    return found


def waiting(folder: Path) -> list[Path]:
    """Revisions that wait, in the order in which they will run."""
    return sorted((folder / WAITING).glob("*.py"))


def of_second_release(path: Path) -> bool:
    """Whether the file is one that waits, or waited, until no process of the release before runs."""
    return path.parent.name == WAITING.name or path.stem.endswith(SECOND)


def accepted_in(path: Path) -> Mapping[str, object]:
    """What a revision does knowingly although `groundplan check` refuses it: reasons by the rule's name."""
    accepted = _assigned(path).get("accepted")
    return accepted if isinstance(accepted, dict) else {}


def written(
    folder: Path, plan: Plan, slug: str, title: str, earlier: Mapping[Path, str] | None = None
) -> dict[Path, str]:
    """The files that a plan adds to a service's folder, by their paths in it, after those of an ``earlier`` plan.

    Raises ProblemsFound for a history with more than one head.
    """
    files: dict[Path, str] = {}
    before, number = head(folder), _next_number(folder)
    for path in earlier or ():
        if path.parent == VERSIONS:
            before, number = f"{number:04}", number + 1
    for steps, ending, online in ((plan.first, "", False), (plan.online, "_online", True)):
        if steps:
            identifier = f"{number:04}"
            files[VERSIONS / f"{identifier}_{slug}{ending}.py"] = _revision(steps, title, identifier, before, online)
            before, number = identifier, number + 1
    place = len(waiting(folder)) + 1
    for steps, ending, online in ((plan.last, "_end", False), (plan.last_online, "_end_online", True)):
        if steps:
            name = f"{place:02}_{slug}{ending}.py"
            said = f"{title}: what waits until no process of the release before runs"
            files[WAITING / name] = _revision(steps, said, f"waiting_{place:02}", None, online)
            place += 1
    return files


def released(folder: Path) -> tuple[dict[Path, str], list[Path]]:
    """Files by their paths in the service's folder once nothing waits any more, and those that go then."""
    files: dict[Path, str] = {}
    before, number = head(folder), _next_number(folder)
    for path in waiting(folder):
        identifier = f"{number:04}"
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^revision = .*$", f'revision = "{identifier}"', text, count=1, flags=re.MULTILINE)
        follows = f"down_revision = {_quoted(before)}"
        text = re.sub(r"^down_revision = .*$", follows, text, count=1, flags=re.MULTILINE)
        files[VERSIONS / f"{identifier}_{path.name.partition('_')[2]}"] = text
        before, number = identifier, number + 1
    return files, waiting(folder)


def finished(service: Path, into: Path) -> Path:
    """A copy of the service's migrations with those that wait in their place: what they lead to in the end."""
    target = into / "migrations"
    (target / "versions").mkdir(parents=True)
    own = (service / "migrations").glob("env.py")
    for path in [*own, *sorted((service / VERSIONS).glob("*.py"))]:
        (into / path.relative_to(service)).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for path, text in released(service)[0].items():
        (into / path).write_text(text, encoding="utf-8")
    return target


def _assigned(path: Path) -> Mapping[str, Any]:
    """The literals that a module assigns to names. Raises ProblemsFound for what is no Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        remedy = "mend the file, and run the command again"
        raise ProblemsFound([Problem(str(path), "", str(error), "a migration that Python can read", remedy)]) from None
    found: dict[str, Any] = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                with contextlib.suppress(ValueError, TypeError):
                    found[name] = ast.literal_eval(value) if value is not None else None
            case _:
                continue
    return found


def _next_number(folder: Path) -> int:
    numbers = [int(found[0]) for path in (folder / VERSIONS).glob("*.py") if (found := re.match(r"\d+", path.name))]
    return max(numbers, default=0) + 1


def _quoted(identifier: str | None) -> str:
    return "None" if identifier is None else f'"{identifier}"'


def _revision(steps: Sequence[Step], title: str, identifier: str, before: str | None, online: bool) -> str:
    up = [statement for step in steps for statement in step.up]
    down = [statement for step in reversed(steps) for statement in step.down]
    lines = [f'"""{_sentence(title)}"""', "", "from __future__ import annotations", "", "from alembic import op", ""]
    lines += [f'revision = "{identifier}"', f"down_revision = {_quoted(before)}"]
    lines += ["branch_labels = None", "depends_on = None", *_accepted(steps), "", ""]
    for name, statements in (("upgrade", up), ("downgrade", down)):
        lines.append(f"def {name}() -> None:")
        lines += _body(statements, online=online)
        lines += ["", ""]
    return "\n".join(lines).rstrip() + "\n"


def _accepted(steps: Sequence[Step]) -> list[str]:
    reasons = {rule: reason for step in steps for rule, reason in step.accepts.items()}
    if not reasons:
        return []
    lines = [f"    {json.dumps(rule)}: {json.dumps(reason)}," for rule, reason in reasons.items()]
    return ["# What `groundplan check` refuses, and why it is done here.", "accepted = {", *lines, "}"]


def _sentence(title: str) -> str:
    text = title.replace("\\", "/").replace('"', "'")
    text = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
    return f"{text}."


def _body(statements: Sequence[str], *, online: bool) -> list[str]:
    if not statements:
        return ["    pass"]
    if not online:
        return [line for statement in statements for line in _execute(statement, "    ")]
    said = "    # Each by itself, and again from the start if one of them is stopped."
    lines = [said, "    with op.get_context().autocommit_block():"]
    return lines + [line for statement in statements for line in _execute(statement, _INDENT)]


def _execute(statement: str, indent: str) -> list[str]:
    text = _escaped(statement)
    raw = "r" if "\\" in text else ""
    inside = indent + " " * 4
    if '"""' in text:
        return [f"{indent}op.execute({text!r})"]
    shown = [f"{inside}{line}" for line in _laid_out(text, _WIDTH - len(inside))]
    return [f"{indent}op.execute(", f'{inside}{raw}"""', *shown, f'{inside}"""', f"{indent})"]


def _escaped(statement: str) -> str:
    """Without what SQLAlchemy would take for a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", statement)


def _laid_out(statement: str, width: int) -> list[str]:
    """Its lines, broken where they are too long and set in by the blocks they are in; texts in it stay whole."""
    lines: list[str] = []
    depth = 0
    for line in statement.split("\n"):
        word = line.strip()
        if word.startswith(("END", "ELSE", "ELSIF")) or (word == "BEGIN" and depth):
            depth -= 1
        own = " " * (len(line) - len(line.lstrip()))
        first = own + " " * 4 * depth
        for position, part in enumerate(_wrapped(word, width - len(first))):
            lines.append(first + ("    " if position else "") + part)
        opens = word.startswith(("IF ", "ELSE", "ELSIF")) and not word.endswith(";")
        depth += int(opens or word in ("BEGIN", "LOOP", "DECLARE"))
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    parts = re.findall(r"(?:'(?:[^']|'')*'|[^\s'])+", line)
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 1 + len(part) <= width - 4:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines
