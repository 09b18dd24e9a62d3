"""How components refuse an argument."""

from __future__ import annotations

import pulumi
import pytest

from groundplan_components.shared.checks import require


def test_a_refusal_says_where_what_and_what_to_do() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        require(False, 'Network "shop"', "cidr", "10.0.0.0/30", "at least /28", "choose a larger range")
    assert str(refused.value) == (
        "Network \"shop\": cidr is '10.0.0.0/30'\n    expected: at least /28\n    to do:    choose a larger range"
    )


def test_what_is_right_passes() -> None:
    require(True, "Network", "cidr", "10.0.0.0/16", "a range", "nothing")
