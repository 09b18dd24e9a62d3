"""Writes `components/REFERENCE.md`: every component with its arguments and outputs, as their docstrings describe them.

It reads the source and imports none of it, so it needs no SDK. Run it as `python -m components.tools.reference`.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "groundplan_components"
LIBRARY = Path(__file__).resolve().parents[1] / PACKAGE
REFERENCE_FILE = LIBRARY.parent / "REFERENCE.md"
SUBJECTS = (
    "network",
    "keys",
    "edge",
    "gateway",
    "identity",
    "cluster",
    "workload",
    "database",
    "cache",
    "events",
    "delivery",
    "observability",
    "backup",
)
"""In the order in which a stack declares them."""

_DEFAULT = re.compile(r" ?Default: (?P<default>.+?)\.(?= |$)")
_INTRODUCTION = """\
# Components

Written by `python -m components.tools.reference` from the docstrings. [README.md](README.md) says how to use them.

Types are Python's, without the `pulumi.` before `Input` and `Output`. An `Input[…]` takes a value or another
resource's output; all other arguments must be known when the program runs. Other languages write names in their own
way: `kms_key_arn` is `kmsKeyArn` in TypeScript and YAML. An enumeration takes one of its words."""


@dataclass(frozen=True, slots=True)
class Field:
    """One argument, output or member."""

    name: str
    type: str
    doc: str

    @property
    def required(self) -> bool:
        return not self.type.startswith("NotRequired[")

    @property
    def default(self) -> str:
        """What the docstring says after `Default:`; empty if it says nothing."""
        found = _DEFAULT.search(self.doc)
        return found["default"] if found else ""

    @property
    def meaning(self) -> str:
        return _DEFAULT.sub("", self.doc, count=1).strip()


@dataclass(frozen=True, slots=True)
class Class:
    """A component, a dictionary of arguments, or an enumeration."""

    module: str
    """Within the package: `database.instance`."""
    name: str
    base: str
    doc: str
    fields: tuple[Field, ...]

    @property
    def subject(self) -> str:
        return self.module.partition(".")[0]


def modules() -> dict[str, Path]:
    """The library's files by their dotted names: `database.instance`."""
    return {
        ".".join(path.relative_to(LIBRARY).with_suffix("").parts): path
        for path in sorted(LIBRARY.rglob("*.py"))
        if path.name != "__init__.py"
    }


@cache
def classes() -> dict[str, Class]:
    """The classes of the library by name, in the order of its files."""
    found = {}
    for module, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.bases and not node.name.startswith("_"):
                base = ast.unparse(node.bases[0]).rpartition(".")[2]
                doc = ast.get_docstring(node) or ""
                found[node.name] = Class(module, node.name, base, doc, tuple(_fields(node)))
    return found


def components() -> list[Class]:
    return sorted((each for each in classes().values() if each.base == "ComponentResource"), key=lambda each: each.name)


def arguments(component: Class) -> Class:
    """The component's arguments. Raises KeyError for a component whose arguments have another name."""
    return classes()[f"{component.name}Args"]


def shared_types() -> list[Class]:
    """Dictionaries and enumerations that arguments consist of, by name."""
    all_classes = classes()
    waiting = [arguments(component) for component in components()]
    found: dict[str, Class] = {}
    while waiting:
        for field in waiting.pop().fields:
            for name in re.findall(r"\w+", field.type):
                if name in all_classes and name not in found:
                    found[name] = all_classes[name]
                    waiting.append(all_classes[name])
    return [found[name] for name in sorted(found)]


def reference() -> str:
    """The file's text."""
    parts = [_INTRODUCTION]
    for subject in SUBJECTS:
        # The package's name keeps the anchor of `# …network` apart from that of the component `Network`.
        parts += [f"# {_code(f'{PACKAGE}.{subject}')}", _prose(summary(subject))]
        parts += [_component(each) for each in components() if each.subject == subject]
    return "\n\n".join([*parts, "# Types", *map(_type, shared_types())]) + "\n"


def summary(subject: str) -> str:
    """The docstring of a subject's package."""
    return ast.get_docstring(ast.parse((LIBRARY / subject / "__init__.py").read_text(encoding="utf-8"))) or ""


def offered(subject: str) -> list[str]:
    """The names that a subject's package lists in `__all__`."""
    for node in ast.parse((LIBRARY / subject / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(each) for each in ast.literal_eval(node.value)]
    return []


def main() -> None:
    argparse.ArgumentParser(description="Write components/REFERENCE.md.").parse_args()
    REFERENCE_FILE.write_text(reference(), encoding="utf-8")


def _component(component: Class) -> str:
    given = arguments(component)
    path = f"{PACKAGE}/{component.module.replace('.', '/')}.py"
    parts = [
        f"## {component.name}",
        f"[{_code(f'from {PACKAGE}.{component.subject} import {component.name}')}]({path})",
        _prose(component.doc),
        _arguments(given) if given.fields else "It takes no arguments.",
    ]
    outputs = [(_code(each.name), _type_text(each.type), _prose(each.doc)) for each in component.fields]
    if outputs:
        parts.append(_table(("output", "type", "meaning"), outputs))
    return "\n\n".join(parts)


def _type(shared: Class) -> str:
    if shared.base == "TypedDict":
        body = _arguments(shared)
    else:
        words = [(_code(each.name), _code(each.type), _prose(each.doc)) for each in shared.fields]
        body = _table(("Python", "word", "meaning"), words)
    return "\n\n".join(part for part in (f"## {shared.name}", _prose(shared.doc), body) if part)


def _arguments(given: Class) -> str:
    rows = [
        (
            _code(each.name),
            _type_text(each.type),
            "required" if each.required else _prose(each.default),
            _prose(each.meaning),
        )
        for each in given.fields
    ]
    return _table(("argument", "type", "default", "meaning"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_row(headings), "|" + "---|" * len(headings), *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _type_text(type_: str) -> str:
    """A type as code, with a link where it is one of the library's own."""
    shown = re.sub(r"^NotRequired\[(.*)\]$", r"\1", type_).replace("pulumi.", "")
    own = [name for name in re.findall(r"\w+", shown) if name in classes()]
    return _code(shown) if not own else f"[{_code(shown)}](#{own[0].lower()})"


def _code(text: str) -> str:
    return f"`{text}`"


def _prose(doc: str) -> str:
    return doc.replace("``", "`")


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    """Annotated attributes, and members of enumerations with their words for types, each with the docstring below."""
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        doc = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            doc = " ".join(after.value.value.split())
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield Field(statement.target.id, ast.unparse(statement.annotation), doc)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield Field(statement.targets[0].id, str(ast.literal_eval(statement.value)), doc)


if __name__ == "__main__":
    main()
