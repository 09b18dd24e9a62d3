"""A small sound declaration, and wrong changes to it with what the user must be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from groundplan.declaration.loader import parse_system
from groundplan.problems import Problem, ProblemsFound

SOUND = """\
name: shop
requirements:
  requests_per_second: 1000
  growth_factor: 10
  availability_percent: 99.9
  latency_p95_ms: 200
  query_p95_ms: 20
identity:
  roles: [customer, support, admin]
  default_role: customer
edge:
  rate_limit: {requests: 100, per_seconds: 60}
events:
  broker: kafka
  retention_hours: 168
services:
  order:
    read_share: 0.85
    cqrs: true
    resources:
      order:
        owner: customer_id
        fields:
          customer_id: {type: string, max_length: 64, indexed: true}
          status: {type: enum, values: [placed, paid], required: true}
          total: {type: decimal, scale: 2, minimum: 0}
        operations:
          list: ["customer:own", admin]
          create: [customer]
    publishes: [order.placed]
  payment:
    traffic_weight: 2
    resources:
      payment:
        fields:
          order_id: {type: reference, to: order.order, required: true}
          amount: {type: integer, minimum: 1}
        operations:
          get: [admin]
    consumes: [order.placed]
"""


@dataclass(frozen=True)
class Wrong:
    """One mistake: a replacement in the sound text, and the problem that must be the only one."""

    id: str
    old: str
    new: str
    path: str
    value: str
    expected: str
    """A part of the expectation; `remedy` is a part of the remedy."""
    remedy: str
    at: str = ""
    """A part of the line that is blamed; the replacement's first line when empty."""

    def text(self) -> str:
        assert SOUND.count(self.old) == 1, f"{self.old!r} must occur once in the sound declaration"
        return SOUND.replace(self.old, self.new)

    def line(self) -> int:
        wanted = self.at or self.new.splitlines()[0]
        return next(number for number, line in enumerate(self.text().splitlines(), start=1) if wanted in line)


def problems_of(action: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as caught:
        action()
    return caught.value.problems


def assert_only_problem(wrong: Wrong) -> None:
    problems = problems_of(lambda: parse_system(wrong.text()))
    assert len(problems) == 1, "\n".join(map(str, problems))
    problem = problems[0]
    assert (problem.where, problem.path, problem.value) == (f"system.yaml:{wrong.line()}", wrong.path, wrong.value)
    assert wrong.expected in problem.expected
    assert wrong.remedy in problem.remedy
