"""The answer to a repeated POST is all that there is of it (R1): nothing happens after `create_once`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from groundplan_devkit.state import PROJECT

REMEDY = "return what it returns, and give it as `after_commit` what is to happen for a new item alone"


def effects_after(source: str) -> Iterator[int]:
    """Lines on which `create_once` is called otherwise than as `return await create_once(…)`."""
    tree = ast.parse(source)
    returned = {
        id(node.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Await)
    }
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try | ast.With | ast.AsyncWith)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] != "create_once":
            continue
        # What a `finally` or a `with` does at its end comes after, too.
        if id(node) not in returned or id(node) in guarded:
            yield node.lineno


def sources() -> Iterator[Path]:
    return (path for path in (PROJECT / "services").rglob("*.py") if "/tests/" not in path.as_posix())


def found() -> list[str]:
    """Every place in the services' code at which something follows a create, and what to do."""
    return [
        f"{path.relative_to(PROJECT)}:{line}: {REMEDY}"
        for path in sources()
        for line in effects_after(path.read_text(encoding="utf-8"))
    ]
