"""What only a deployment gives, as a preview has it: wherever it stands, it is neither refused nor looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.cloud.cloud import Cloud
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


def declared() -> Iterator[tuple[Cloud, Item]]:
    """A resource of each type for each set of properties that one has, switches as they are, and the account it is
    in."""
    seen = set()
    for name in JUDGED_IN:
        for item in account(name).items.values():
            switches = {path: value for path in places(item.inputs) if isinstance(value := item.get(path), bool)}
            shape = item.type, frozenset((path, switches.get(path)) for path in places(item.inputs))
            if shape not in seen:
                seen.add(shape)
                yield account(name), item


def test_a_value_that_is_not_known_yet_is_not_refused() -> None:
    wrong = set()
    for cloud, item in declared():
        before = {str(each) for each in cloud.check(item)}
        for path in places(item.inputs):
            other = with_values(item, {path: UNKNOWN})
            try:
                found = cloud.check(other)
                # That it may be a replacement is right: the engine asks again once it knows.
                refused_changes(item, other)
                refused_changes(other, item)
            except Exception as error:  # of any kind: this test is there to find which
                pytest.fail(f"{item.type} {path}: {type(error).__name__}: {error}")
            wrong |= {f"{item.type} {path}: {each}" for each in found if str(each) not in before}
    assert wrong == set()
