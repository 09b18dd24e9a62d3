"""What a traced process remembered, as statements a request and milliseconds a statement."""

from __future__ import annotations

import pytest

from groundplan_devkit.bench.statement_times import after_start, means, number_of, steady


def test_what_a_process_asks_at_its_start_is_no_request_s() -> None:
    taken = after_start({"SELECT 1": [9, 9, 1], "INSERT": [4]}, {"SELECT 1": [8, 8], "SET": [1]})
    assert taken == {"SELECT 1": [1], "INSERT": [4]}
    assert number_of(taken) == 2


def test_the_first_of_each_open_connections_and_prepare() -> None:
    assert steady({"SELECT": [50, 40, 1, 2], "once": [7]}, 0.5) == {"SELECT": [1, 2], "once": [7]}


def test_each_round_has_its_part_of_every_statement() -> None:
    """A connection is held for each statement's time, so that the mean counts and not the median."""
    found = means([(1.0, {"BEGIN": [1, 1, 1], "COMMIT": [3, 3, 12]}), (1.0, {"SELECT": [2, 2, 2]})], 3)
    assert found == pytest.approx([2, 2, 5])


def test_kinds_count_by_their_share_of_requests() -> None:
    gets, lists = {"SELECT one": [1.0] * 6}, {"SELECT page": [4.0] * 6, "SELECT count": [10.0] * 6}
    assert means([(0.8, gets), (0.2, lists)], 2) == pytest.approx([(0.8 * 1 + 0.2 * 14) / 1.2] * 2)


def test_a_part_without_statements_has_no_mean() -> None:
    assert means([(1.0, {"SELECT": [5]})], 3) == [5]
    assert means([], 3) == []
