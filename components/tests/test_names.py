"""Bounded names."""

from hypothesis import given
from hypothesis import strategies as st

from groundplan_components.shared.names import autonamed, bounded

NAMES = st.text("abcdefghij-_.", min_size=1, max_size=120)


@given(NAMES, st.integers(min_value=20, max_value=80))
def test_a_name_fits_and_a_short_one_stays_as_it_is(name: str, limit: int) -> None:
    assert len(bounded(name, limit)) <= limit
    if len(name) <= limit:
        assert bounded(name, limit) == name


@given(NAMES, NAMES)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (bounded(one, 24) == bounded(other, 24)) is (one == other)


def test_pulumi_has_room_for_what_it_adds() -> None:
    assert len(autonamed("x" * 100, 64)) + len("-1a2b3c4") == 64
