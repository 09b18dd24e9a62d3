"""A shard map on a machine that has two databases for it (D3)."""

from __future__ import annotations

import datetime

import pytest

from groundplan.capacity import plan
from groundplan.declaration.loader import parse_system
from groundplan_devkit.provision import local_stack, shards

TODAY = datetime.date(2026, 6, 1)


def generations(*declared: tuple[str, int]) -> shards.Generations:
    shard_map = ", ".join(f"{{since: {since}, shards: {count}}}" for since, count in declared)
    text = f"""
name: shop
identity: {{roles: [admin]}}
services:
  order:
    shard_map: [{shard_map}]
    resources:
      order: {{fields: {{total: {{type: integer}}}}, operations: {{list: [admin]}}}}
"""
    return shards.generations_of(plan(parse_system(text), local_stack()), "order", TODAY)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([("2000-01-01", 1)], [("2000-01-01", 1)]),
        ([("2024-01-01", 1), ("2025-01-01", 2)], [("2024-01-01", 1), ("2025-01-01", 2)]),
        ([("2024-01-01", 1), ("2025-01-01", 7)], [("2024-01-01", 1), ("2025-01-01", 2)]),
        ([("2024-01-01", 1), ("2026-12-01", 4)], [("2024-01-01", 1), ("2026-06-01", 2)]),
        ([("2026-06-01", 1), ("2026-12-01", 4)], [("2026-06-01", 2)]),
        ([("2024-01-01", 1), ("2026-12-01", 2), ("2027-01-01", 9)], [("2024-01-01", 1), ("2026-06-01", 2)]),
    ],
    ids=["one", "as declared", "more than there are", "still to come", "begun today", "two to come"],
)
def test_generations(declared: list[tuple[str, int]], expected: shards.Generations) -> None:
    assert generations(*declared) == expected
