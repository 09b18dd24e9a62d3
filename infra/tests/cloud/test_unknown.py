"""What only a deployment gives, as a preview has it: wherever it stands, it is neither refused nor looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.cloud.item import Item
from groundplan.cloud.transitions import refused_changes
from groundplan.cloud.wire import UNKNOWN
from infra.tests.cloud.judging import JUDGED_IN, account, with_values


def places(value: Any, path: str = "") -> Iterator[str]:
    """Every path inside a value."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            if not re.search(r"[.\[]", key):
                yield from places(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, f"{path}[{index}]")


def declared() -> dict[tuple[str, str], tuple[str, Item, str]]:
    """A resource of each type for each of its paths, indices left out, and the account it is in."""
    found: dict[tuple[str, str], tuple[str, Item, str]] = {}
    for name in JUDGED_IN:
        for item in account(name).items.values():
            for path in places(item.inputs):
                found.setdefault((item.type, re.sub(r"\[\d+\]", "[]", path)), (name, item, path))
    return found


def test_a_value_that_is_not_known_yet_is_not_refused() -> None:
    wrong = []
    for (token, place), (name, item, path) in declared().items():
        cloud, other = account(name), with_values(item, {path: UNKNOWN})
        before = {str(each) for each in cloud.check(item)}
        try:
            found = cloud.check(other)
            # That it may be a replacement is right: the engine asks again once it knows.
            refused_changes(item, other)
            refused_changes(other, item)
        except Exception as error:  # of any kind: this test is there to find which
            pytest.fail(f"{token} {place}: {type(error).__name__}: {error}")
        wrong += [f"{token} {place}: {each}" for each in found if str(each) not in before]
    assert wrong == []
