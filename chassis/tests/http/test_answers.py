"""What answers have in their heads is what would be let through as headers of any program."""

from __future__ import annotations

import pytest

from chassis.tests.http.shop import Verdict
from groundplan_chassis.http import answers
from groundplan_chassis.http.answers import Answer
from groundplan_chassis.http.errors import ApiError, MethodNotAllowed
from groundplan_chassis.response import read, written

TAG = (b"etag", b'"3-0a1b2c3d"')
TOKEN = (b"consistency-token", b"01890000-0000-7000-8000-000000000007.3.1795000000")
PATH = "/api/v1/orders/01890000-0000-7000-8000-000000000007"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answers.of_item(b"{}", TAG[1]), [TAG]),
        (answers.unchanged(TAG[1]), [TAG]),
        (answers.changed(b"{}", TAG[1], TOKEN[1]), [TAG, TOKEN]),
        (answers.created(b"{}", TAG[1], PATH, TOKEN[1]), [TAG, (b"location", PATH.encode()), TOKEN]),
        (answers.nothing(TOKEN[1]), [TOKEN]),
        (answers.of_list(b"{}"), []),
        (answers.refused(MethodNotAllowed(headers={"allow": "GET, HEAD"})), [(b"allow", b"GET, HEAD")]),
    ],
)
def test_an_answer_has_its_headers(answer: Answer, expected: list[tuple[bytes, bytes]]) -> None:
    assert read(answer.own) == expected
    assert written(expected) == answer.own


@pytest.mark.parametrize("allowed", [True, False])
def test_every_answer_says_its_id_and_what_is_left(allowed: bool) -> None:
    own = answers.of_all("a.b=c+d/e-f", Verdict(allowed=allowed, retry_after=7))
    expected = [
        (b"x-request-id", b"a.b=c+d/e-f"),
        (b"ratelimit-policy", b'"client";q=100;w=60'),
        (b"ratelimit", b'"client";r=99;t=1'),
        *([] if allowed else [(b"retry-after", b"7")]),
    ]
    assert read(own) == expected
    assert written(expected) == own
    assert read(answers.of_all("a", None)) == [(b"x-request-id", b"a")]


def test_a_refusal_s_header_can_not_end_it() -> None:
    with pytest.raises(ValueError, match="header"):
        answers.refused(ApiError(headers={"x": "a\r\nset-cookie: b"}))
