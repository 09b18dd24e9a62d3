"""Kubernetes quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from groundplan.cloud.rules.quantities import amount


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", Decimal("0.25")),
        ("2", Decimal(2)),
        (2, Decimal(2)),
        ("1.5", Decimal("1.5")),
        (".5", Decimal("0.5")),
        ("512Mi", Decimal(512 * 2**20)),
        ("1Gi", Decimal(2**30)),
        ("1G", Decimal(10**9)),
        ("1e3", Decimal(1000)),
        ("100u", Decimal("0.0001")),
    ],
)
def test_quantities_are_read(text: object, number: Decimal) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "a lot", "1 Gi", "1gi", "1MB", "Mi", True, None, "1e"])
def test_anything_else_is_none(text: object) -> None:
    assert amount(text) is None
