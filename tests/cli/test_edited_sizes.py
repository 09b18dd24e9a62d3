"""Sizes replaced in a declaration as its owner wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.cli.edited_sizes import with_sizes

TEXT = """\
services:
  user:          # people
    data_gb: 20  # measured
    cqrs: no
    resources: {}
  order: {data_gb: 5, resources: {}}
  ledger:
    shard_map:
      - {since: 2000-01-01, shards: 2}
    # keep
    resources: {}
"""
GROWN = "      - {since: 2000-01-01, shards: 2}\n"
GENERATIONS = [{"since": "2000-01-01", "shards": 2}, {"since": "2026-11-30", "shards": 4}]


@pytest.mark.parametrize(
    ("service", "sizes", "before", "after"),
    [
        ("user", {"data_gb": 50}, "data_gb: 20  # measured", "data_gb: 50  # measured"),
        ("user", {"read_share": 1e-05}, "    resources: {}\n  o", "    read_share: 1.0e-05\n    resources: {}\n  o"),
        ("user", {"cqrs": True}, "cqrs: no", "cqrs: true"),
        ("user", {"read_share": 0.9}, "    resources: {}\n  order", "    read_share: 0.9\n    resources: {}\n  order"),
        ("order", {"data_gb": 7, "read_share": 0.5}, "{data_gb: 5, ", "{read_share: 0.5, data_gb: 7, "),
        ("ledger", {"shard_map": GENERATIONS}, GROWN, f"{GROWN}      - {{since: 2026-11-30, shards: 4}}\n"),
        ("user", {"data_gb": 20}, "user:", "user:"),
    ],
)  # fmt: skip
def test_only_the_value_changes(service: str, sizes: dict[str, Any], before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert with_sizes(TEXT, service, sizes) == TEXT.replace(before, after)


def test_a_map_is_written_as_the_template_does() -> None:
    changed = with_sizes(TEXT, "user", {"shard_map": GENERATIONS})
    assert changed is not None
    assert "    shard_map:\n      - {since: 2000-01-01, shards: 2}\n      - {since: 2026-11-30, shards: 4}\n" in changed


def test_a_value_that_others_share_is_left() -> None:
    shared = TEXT.replace("data_gb: 20", "data_gb: &size 20").replace("data_gb: 5", "data_gb: *size")
    assert with_sizes(shared, "user", {"data_gb": 50}) is None
