"""The answer to a repeated POST is all that there is of it (R1): nothing happens after `create_once`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PROJECT

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


def test_nothing_follows_a_create_that_may_be_a_replay() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}: {REMEDY}"
        for path in sources()
        for line in effects_after(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_effects_are_found() -> None:
    """What makes the test above one that can fail."""
    body = {
        "    return await create_once(database, call, create, after_commit=cache.written)": [],
        "    document = await create_once(database, call, create)\n    await cache.written(document)": [2],
        "    return told(await idempotency.create_once(database, call, create))": [2],
        "    try:\n        return await create_once(database, call, create)\n    finally:\n        tell()": [3],
    }
    found = {text: list(effects_after(f"async def create(call):\n{text}\n")) for text in body}
    assert found == body
