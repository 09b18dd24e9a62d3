"""Which optional arguments of components a project's keys reach, and which only its own program does (e11).

Run `python -m tools.reached_arguments` to write the table of docs/own-program.md anew.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from components.tools.reference import arguments, components

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "infra" / "groundplan" / "program"
PAGE = ROOT / "docs" / "own-program.md"
BEGIN, END = "<!-- arguments: begin -->", "<!-- arguments: end -->"


def _given() -> dict[str, set[str]]:
    """By component: the arguments that program parts give it, in the functions that make it or its args."""
    given: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PROGRAM.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            made = set(_made(function))
            made |= {
                node.id.removesuffix("Args")
                for node in ast.walk(function)
                if isinstance(node, ast.Name) and node.id.endswith("Args")
            }
            keys = set(_keys(function))
            for component in made:
                given[component] |= keys
    return given


def _made(function: ast.FunctionDef) -> Iterator[str]:
    """Components: `stack.component(Network)(…)`, `chosen(changes, Keys)(…)`."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[-1], ast.Name):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("component", "chosen"):
            yield node.args[-1].id


def _keys(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield str(node.slice.value)


def unreached() -> dict[str, list[str]]:
    """By component that program parts make: optional arguments that none of them gives."""
    given = _given()
    found = {}
    for component in components():
        if component.name in given:
            optional = [field.name for field in arguments(component).fields if field.type.startswith("NotRequired[")]
            left = [name for name in optional if name not in given[component.name]]
            if left:
                found[component.name] = left
    return found


def table() -> str:
    lines = ["| component | arguments |", "|---|---|"]
    lines += [
        f"| `{component}` | {', '.join(f'`{name}`' for name in names)} |" for component, names in unreached().items()
    ]
    return "\n".join(lines)


def written(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
