"""Commands put together around their key are what hiredis packs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundplan_chassis.caching.packing import Prepared, pack

words = st.one_of(st.binary(max_size=20), st.text(max_size=20), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(words, max_size=3), st.binary(max_size=300), st.lists(words, max_size=3))
def test_a_prepared_command_is_what_hiredis_packs(
    before: list[bytes | str | int], key: bytes, after: list[bytes | str | int]
) -> None:
    prepared = Prepared(tuple(before), tuple(after))
    assert prepared.command(key) == (*before, key, *after)
    assert prepared.packed(key) == pack(prepared.command(key))
