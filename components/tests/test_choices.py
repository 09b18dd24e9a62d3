"""Arguments that take a member of an enumeration, or its word."""

from __future__ import annotations

from enum import Enum

import pulumi
import pytest

from groundplan_components.shared.choices import choice


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@pytest.mark.parametrize("given", [Size.LARGE, "large"])
def test_a_member_and_its_word_are_the_same(given: object) -> None:
    assert choice(Size, given, 'Shirt "mine"', "size") is Size.LARGE


@pytest.mark.parametrize("given", ["LARGE", "huge", "", None, 3])
def test_anything_else_is_refused_with_the_words_that_there_are(given: object) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        choice(Size, given, 'Shirt "mine"', "size")
    assert f'Shirt "mine": size is {given!r}' in str(refused.value)
    assert "one of small, large" in str(refused.value)
