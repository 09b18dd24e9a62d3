"""The plan as text (U5)."""

from __future__ import annotations

import pytest

from groundplan.capacity import plan
from groundplan.capacity.report import report
from groundplan.capacity.text import table
from groundplan.capacity.wording import count, number, percent, span, whole
from infra.tests.capacity.stacks import STACKS
from infra.tests.samples import busy_shop as shop
from infra.tests.samples import system_of


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("reasons", [False, True])
def test_a_report_keeps_within_100_columns(stack: str, reasons: bool) -> None:
    for system in (shop(), system_of(30), system_of(4, "sqs")):
        text = report(plan(system, STACKS[stack]), reasons=reasons)
        assert max(len(line) for line in text.splitlines()) <= 100
        assert not any(line != line.rstrip() for line in text.splitlines())


def test_a_report_shows_sizes_bottleneck_and_notes() -> None:
    text = report(plan(shop(), STACKS["prod"]))
    assert text.startswith("shop, prod: 1,000 requests/s today, 10,000 the goal\n")
    assert "order-query       3 to 8" in text
    assert "db.r7g.large, standby" in text
    assert "First bottleneck: database.order.writer, at 3,703 requests/s" in text
    assert "Next: database.payment.writer" in text
    assert "L-8A5B8E43" in text


def test_reasons_are_there_when_asked_for() -> None:
    sized = plan(shop(), STACKS["prod"])
    without, with_reasons = report(sized), report(sized, reasons=True)
    assert "instance_class = " not in without
    flat = " ".join(with_reasons.split())
    for decision in sized.decisions:
        assert f"{decision.setting} = {decision.value}: {' '.join(decision.reason.split())}" in flat


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.004, "less than 0.01"),
        (0.254, "0.25"),
        (3.333, "3.3"),
        (4.0, "4"),
        (12.5, "12.5"),
        (10_000, "10,000"),
        (1234.5, "1,234"),
    ],
)
def test_numbers_say_no_more_than_they_know(value: float, text: str) -> None:
    assert number(value) == text


def test_words_for_numbers() -> None:
    assert percent(0.274) == "27 %"
    assert whole(17999.9999999) == "18,000"
    assert whole(3703.9) == "3,703"
    assert count(1, "replica") == "1 replica"
    assert count(2, "proxy", "proxies") == "2 proxies"
    assert span(2, 2) == "2"
    assert span(3, 1000) == "3 to 1,000"


def test_a_table_wraps_its_last_column() -> None:
    lines = table(("a", "b"), [("x", "word " * 40)], left=2)
    assert max(len(line) for line in lines) <= 100
    assert len(lines) > 2
