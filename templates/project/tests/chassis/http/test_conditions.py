from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chassis.http.conditions import changeable, etag, none_match
from chassis.http.errors import ApiError

tags = st.sampled_from([b'"1"', b'W/"1"', b'"2"', b'""', b'"a,b"', b"*", b"1", b'"', b",", b" "])


@given(st.integers(1, 2**31 - 1), st.binary(max_size=40), st.binary(max_size=40))
def test_a_version_is_known_by_its_tag(version: int, body: bytes, other: bytes) -> None:
    tag = etag(version, body)
    assert changeable(tag, None) == [version]
    assert changeable(b'"%d"' % version, None) == [version]
    assert none_match(tag, tag)
    assert none_match(b"W/" + tag, tag)
    assert not none_match(tag, etag(version + 1, body))
    assert none_match(tag, etag(version, other)) == (body == other)


@given(st.binary(max_size=40) | st.lists(tags, max_size=6).map(b",".join))
def test_any_bytes_are_a_condition_or_refused(value: bytes) -> None:
    refused: ApiError | None = None
    try:
        found = changeable(value, None)
    except ApiError as error:
        refused = error
    else:
        assert found == (None,) or all(version is not None and version >= 1 for version in found)
    assert refused is None or refused.status in (400, 412)
    assert none_match(value, b'"1"') in (True, False)


def test_a_long_list_of_tags_takes_no_time_to_speak_of() -> None:
    hostile = [b'"' * 60_000, b" " * 60_000, b'"1" ' * 15_000, b'"1",' * 15_000, b"W/" * 30_000, b'"1"' + b" " * 60_000]
    assert [none_match(value, b'"2"') for value in hostile] == [False] * len(hostile)
