"""How PostgreSQL carried a statement out, as `EXPLAIN (ANALYZE, FORMAT JSON)` tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

Plan = dict[str, Any]


def plan_of(explained: str) -> Plan:
    """The statement's plan, in what EXPLAIN has answered."""
    plan: Plan = json.loads(explained)[0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    """The plan and all that it is made of, from the top."""
    yield plan
    yield from chain.from_iterable(nodes(each) for each in plan.get("Plans", ()))


def rows_read(plan: Plan) -> int:
    """By the one of its nodes that has read the most."""
    return max(int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0)) for node in nodes(plan))
