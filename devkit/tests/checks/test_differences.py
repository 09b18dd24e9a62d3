"""A check that fails names what differs, and where: without that it can't be followed."""

from __future__ import annotations

import pytest

from groundplan_devkit.checks import agreement, schemas


def test_code_that_differs_from_the_declaration_is_named_with_its_place() -> None:
    agreement.agree({"a": 1}, {"a": 1}, "here")
    with pytest.raises(pytest.fail.Exception) as failure:
        agreement.agree({"a": 1, "b": 2, "d": 3}, {"a": 1, "c": 3, "d": 4}, "orders.py")
    assert str(failure.value).splitlines() == [
        "orders.py and system.yaml differ:",
        "  - `c` is declared (3), and missing there",
        "  - `d` is 3 there, and declared as 4",
        "  - `b` is there (2), and not declared",
    ]


def test_tables_that_differ_from_the_declaration_are_named() -> None:
    declared = {"column": {"a.x": "text", "a.y": "bigint"}, "constraint": {}, "index": {"a.i": "CREATE INDEX"}}
    migrated = {"column": {"a.x": "uuid", "a.z": "date"}, "constraint": {}, "index": {"a.i": "CREATE INDEX"}}
    assert schemas.differences(declared, migrated) == [
        "column a.x: declared as text; migrations make uuid",
        "column a.y: declared, and no migration makes it: bigint",
        "column a.z: made by a migration, and not declared: date",
    ]
    assert schemas.differences(declared, declared) == []
