"""Request bodies (S6): every mistake is told, with its field; hostile ones are refused in the error envelope."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.http.shop import OrderBody, Stage, Status
from chassis.tests.http.test_errors import error_of
from groundplan_chassis.http import bodies
from groundplan_chassis.http.bodies import MOST_BYTES, BodyType
from groundplan_chassis.http.errors import ApiError, ValidationFailed

ORDER = BodyType(OrderBody)
GOOD: dict[str, Any] = {"status": "placed", "total": "12.50"}


def refusals(content: object) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        ORDER.decode(json.dumps(content).encode())
    return {detail.field: detail.message for detail in caught.value.details}


def test_values_have_the_types_of_their_fields() -> None:
    content = {
        "status": "paid",
        "total": "12.50",
        "customer_id": "anna",
        "note": "\u00fc \U0001f600",
        "quantity": 3,
        "weight": "-0.125",
        "big": -(2**63),
        "gift": False,
        "due": "2024-02-29",
        "placed_at": "2026-01-31T12:00:00.123456+01:00",
        "article": "0190163D-8694-739b-aea5-966c26f8ad91",
        "channel": "web",
        "extras": {"a": [1, {"b": None}]},
    }
    found = ORDER.decode(json.dumps(content).encode())
    assert found == OrderBody(
        status=Status.PAID,
        total=Decimal("12.50"),
        customer_id="anna",
        note="\u00fc \U0001f600",
        quantity=3,
        weight=Decimal("-0.125"),
        big=-(2**63),
        gift=False,
        due=date(2024, 2, 29),
        placed_at=datetime(2026, 1, 31, 12, 0, 0, 123456, timezone(timedelta(hours=1))),
        article=UUID("0190163d-8694-739b-aea5-966c26f8ad91"),
        channel="web",
        extras={"a": [1, {"b": None}]},
    )
    assert isinstance(found, OrderBody)
    assert isinstance(found.total, Decimal)


def test_an_optional_field_may_be_null_or_left_out() -> None:
    assert ORDER.decode(json.dumps(GOOD | {"note": None}).encode()) == ORDER.decode(json.dumps(GOOD).encode())


def test_all_errors_are_reported_at_once() -> None:
    assert refusals({"total": 1, "quantity": "3", "gift": 1, "colour": "red", "note": 7}) == {
        "status": "Required",
        "total": "Expected a decimal as a string with at most 2 digits after the point, not negative",
        "quantity": "Expected an integer from 1 to 1000",
        "gift": "Expected true or false",
        "colour": "Unknown field",
        "note": "Expected a string of at most 255 characters",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", None),
        ("status", "lost"),
        ("status", 1),
        ("status", ["paid"]),
        ("total", None),
        ("total", 12.5),
        ("total", 12),
        ("total", "12,50"),
        ("total", "1e2"),
        ("total", "1E+500"),
        ("total", "NaN"),
        ("total", "Infinity"),
        ("total", "-1"),
        ("total", "-0"),
        ("total", "+1"),
        ("total", " 1"),
        ("total", "1\n"),
        ("total", "1_0"),
        ("total", "\u0661"),
        ("total", ".5"),
        ("total", "5."),
        ("total", "1.005"),
        ("total", "1000000.01"),
        ("total", "123456789012345678"),
        ("weight", "1.0005"),
        ("weight", "12345678901234567"),
        ("customer_id", "a" * 65),
        ("customer_id", 5),
        ("note", "a\0b"),
        ("note", "\ud800"),
        ("quantity", 0),
        ("quantity", 1001),
        ("quantity", 1.5),
        ("quantity", True),
        ("quantity", "1"),
        ("big", 2**63),
        ("big", -(2**63) - 1),
        ("big", 1e300),
        ("gift", "true"),
        ("gift", 0),
        ("due", "2023-02-29"),
        ("due", "2024-2-9"),
        ("due", 20240229),
        ("due", "2024-02-29T00:00:00Z"),
        ("placed_at", "2026-01-31T12:00:00"),
        ("placed_at", "2026-01-31 12:00:00Z"),
        ("placed_at", "2026-01-31T24:00:00Z"),
        ("placed_at", "2026-01-31T12:00:60Z"),
        ("placed_at", "0001-01-01T00:00:00+14:00"),
        ("placed_at", "9999-12-31T23:59:59-12:00"),
        ("placed_at", 1769860800),
        ("article", "0190163d8694739baea5966c26f8ad91"),
        ("article", "not one"),
        ("channel", "fax"),
        ("extras", []),
        ("extras", "{}"),
        ("extras", {"a": "\0"}),
        ("extras", {"\0": 1}),
        ("extras", {"a": ["\udfff"]}),
    ],
)
def test_a_value_that_the_column_wont_take_is_refused_by_name(field: str, value: object) -> None:
    assert refusals(GOOD | {field: value}).keys() == {field}


def test_a_number_that_no_double_holds_is_refused() -> None:
    with pytest.raises(ValidationFailed) as caught:
        ORDER.decode(b'{"status": "placed", "total": "1", "extras": {"a": [1e999]}}')
    assert [detail.field for detail in caught.value.details] == ["extras"]


def test_an_integer_may_be_written_with_a_point() -> None:
    found = ORDER.decode(b'{"status": "placed", "total": "1", "quantity": 3.0}')
    assert isinstance(found, OrderBody)
    assert (found.quantity, type(found.quantity)) == (3, int)


@pytest.mark.parametrize("number", ["9007199254740993.0", "-9007199254740993.0", "1e18", "9223372036854774785.0"])
def test_an_integer_of_which_a_double_loses_digits_is_no_other_integer(number: str) -> None:
    """9007199254740993.0 was stored as 9007199254740992."""
    with pytest.raises(ValidationFailed) as caught:
        ORDER.decode(b'{"status": "placed", "total": "1", "big": %b}' % number.encode())
    assert caught.value.details[0].message == "Expected an integer written in digits alone, so that none is lost"
    for exact in (2**53 + 1, 2**63 - 1, -(2**63)):
        assert ORDER.decode(b'{"status": "placed", "total": "1", "big": %d}' % exact).big == exact  # type: ignore[attr-defined]
    assert ORDER.decode(b'{"status": "placed", "total": "1", "big": 9007199254740991.0}').big == 2**53 - 1  # type: ignore[attr-defined]


def test_a_name_that_comes_twice_is_refused_wherever_it_is() -> None:
    for text in (
        b'{"status": "placed", "total": "1", "total": "2"}',
        b'{"status": "placed", "total": "1", "extras": {"a": [{"b": 1, "b": 2}]}}',
    ):
        with pytest.raises(ValidationFailed) as caught:
            ORDER.decode(text)
        assert [detail.message for detail in caught.value.details] == ["Given more than once"]


def nested(levels: int) -> bytes:
    return b'{"status": "placed", "total": "1", "extras": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


def test_nesting_has_a_bound() -> None:
    ORDER.decode(nested(32))
    with pytest.raises(ValidationFailed) as caught:
        ORDER.decode(nested(33))
    assert [detail.field for detail in caught.value.details] == ["extras"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"status": "placed"',
        b"{'status': 'placed'}",
        b'{"status": "placed",}',
        b'{"a": 1} {"b": 2}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": "\n"}',
        b'{"a": "\x00"}',
        b'{"a": "\\x41"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": "\u00fc"}'.encode("latin-1"),
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\xaf"}',
        b"/* */ {}",
        b"a=1&b=2",
        b"<order/>",
        b"[" * 15_000,
        b'{"a":' * 15_000,
        b'{"a": 1' + b"0" * 100_000 + b"}",
        b"\x1f\x8b\x08\x00",
    ],
)
async def test_what_is_no_json_is_400(stage: Stage, body: bytes) -> None:
    answer = await stage.client.post("/api/v1/orders", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "MALFORMED_BODY"


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"{}"', b"true", b"[[]]"])
async def test_what_is_no_object_is_422(stage: Stage, body: bytes) -> None:
    answer = await stage.client.post("/api/v1/orders", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert error_of(answer)["details"] == [{"field": "", "message": "Expected a JSON object"}]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/json-patch+json",
        "application/jsonx",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/html, application/json",
        "application/json\t; x=" + "y" * 5_000,
    ],
)
async def test_other_media_types_are_415(stage: Stage, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await stage.client.post("/api/v1/orders", content=json.dumps(GOOD), headers=headers)
    assert answer.status_code == 415
    assert error_of(answer)["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", 'application/json; charset="UTF-8"', "application/json;charset=utf-8"],
)
async def test_json_may_be_called_so_in_several_ways(stage: Stage, content_type: str) -> None:
    answer = await stage.client.post("/api/v1/orders", content=json.dumps(GOOD), headers={"content-type": content_type})
    assert answer.status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "x"])
async def test_compressed_bodies_are_415(stage: Stage, encoding: str) -> None:
    answer = await stage.client.post("/api/v1/orders", json=GOOD, headers={"content-encoding": encoding})
    assert answer.status_code == 415


async def test_a_body_that_says_it_is_too_large_isnt_read(stage: Stage) -> None:
    answer = await stage.client.post(
        "/api/v1/orders", json=GOOD, headers={"content-length": str(MOST_BYTES + 1), "host": "shop"}
    )
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "PAYLOAD_TOO_LARGE"
    assert answer.headers["connection"] == "close"


async def test_a_body_that_becomes_too_large_isnt_read_to_its_end(stage: Stage) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 65_536

    answer = await stage.client.post("/api/v1/orders", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert sent == MOST_BYTES // 65_536 + 1


async def test_a_body_as_large_as_may_be_is_looked_at(stage: Stage) -> None:
    content = json.dumps(GOOD | {"extras": {"a": ["x" * 1000] * 1000}}).encode()
    content += b" " * (MOST_BYTES - len(content))
    answer = await stage.client.post("/api/v1/orders", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 201


async def test_a_body_that_comes_in_drips_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Any:
        await stalled.wait()

    stalled = asyncio.Event()
    monkeypatch.setattr(bodies, "SLOWEST_SECONDS", 0.01)
    with pytest.raises(ApiError) as caught:
        await bodies.read_body(never, None)
    assert (caught.value.status, caught.value.headers) == (408, {"connection": "close"})


async def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_error_of_ours() -> None:
    messages = iter(
        [{"type": "http.request", "body": b'{"status": "placed"', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Any:
        return next(messages)

    with pytest.raises(ApiError) as caught:
        await bodies.read_body(receive, b"1000")
    assert caught.value.status == 400


def test_details_are_bounded() -> None:
    assert len(refusals({f"field{number}": 1 for number in range(5000)})) == bodies.MOST_DETAILS


async def test_names_of_unknown_fields_come_back_harmless(stage: Stage) -> None:
    name = "\r\nset-cookie: a=b\u202e\ud800" + "x" * 1000
    answer = await stage.client.post(
        "/api/v1/orders", content=json.dumps(GOOD | {name: 1}).encode(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    (detail,) = error_of(answer)["details"]
    assert detail["field"].isascii()
    assert len(detail["field"]) == bodies.LONGEST_NAME
    assert "set-cookie" not in answer.headers


def test_rules_over_several_fields_are_the_structs_own() -> None:
    class Range(msgspec.Struct, frozen=True):
        first: int
        last: int

        def __post_init__(self) -> None:
            if self.last < self.first:
                raise ValueError("last comes before first")

    with pytest.raises(ValidationFailed) as caught:
        BodyType(Range).decode(b'{"first": 2, "last": 1}')
    assert [(each.field, each.message) for each in caught.value.details] == [("", "last comes before first")]


def test_a_type_of_several_kinds_is_refused_when_it_is_declared() -> None:
    class Either(msgspec.Struct):
        value: int | str

    with pytest.raises(TypeError, match="expected one type"):
        BodyType(Either)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from([*OrderBody.__struct_fields__, "x"]), json_values))
def test_any_json_is_either_taken_or_refused(content: dict[str, object]) -> None:
    refused: ApiError | None = None
    found: object = None
    try:
        found = ORDER.decode(json.dumps(content).encode())
    except ApiError as error:
        refused = error
    assert refused is None or refused.status in (400, 422)
    # What was taken can be stored: encoded as UTF-8, with no NUL and nothing infinite in it.
    text = msgspec.json.encode(found)
    assert b"\\u0000" not in text


@given(st.binary(max_size=200))
def test_any_bytes_are_either_taken_or_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        ORDER.decode(body)
    assert caught.value.status in (400, 422)
