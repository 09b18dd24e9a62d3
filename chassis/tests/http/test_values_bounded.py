"""A body is bounded in its values, not in its bytes alone (h5, h6): what it takes decoded, stored and answered."""

from __future__ import annotations

import json
import tracemalloc
from typing import Annotated, Any, cast

import msgspec
import pytest

from chassis.tests.http.shop import ORDERS, OrderBody, Orders, Stage, as_
from groundplan_chassis.access import Access
from groundplan_chassis.documents import Document
from groundplan_chassis.fields import text
from groundplan_chassis.http.app import Api
from groundplan_chassis.http.bodies import MOST_BYTES, BodyType, memory_of
from groundplan_chassis.http.errors import ApiError, ValidationFailed
from groundplan_chassis.http.operations import Call, Operation
from groundplan_chassis.http.schemas import value_schema
from groundplan_chassis.http.sizes import largest_document
from groundplan_chassis.http.values import MOST_MATCHED, MOST_VALUES, Refused, value_type

ORDER = BodyType(OrderBody)
ITEMS = ["[]", "{}", '{"":0}', "1", '""', '"\\""', '"\\\\"', "[[],[]]", '{"a":{"b":[1.5,2.5]}}']
"""Values that take much less room in JSON than in memory."""

STARTS = {"email": "a.", "uri": "a:", "url": "http://a.b/", "hostname": "a.", "phone": "+1", "country": "D"} | {
    "currency": "E",
    "language": "en-",
}


def body_of(*items: str) -> bytes:
    return f'{{"status": "placed", "total": "1", "extras": {{"a": [{",".join(items)}]}}}}'.encode()


def filled(item: str, most: int = MOST_BYTES - 200) -> bytes:
    return body_of(*[item] * (most // (len(item) + 1)))


@pytest.mark.parametrize("item", ITEMS)
def test_a_body_of_many_small_values_is_refused_before_it_is_decoded(item: str) -> None:
    body = filled(item)
    tracemalloc.start()
    try:
        with pytest.raises(ValidationFailed) as caught:
            ORDER.decode(body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.details[0].message == f"Expected at most {MOST_VALUES} values, those in lists counted"
    # Decoded it would be up to thirty times the body.
    assert most < 6 * len(body)


@pytest.mark.parametrize("item", ITEMS)
def test_what_is_decoded_is_counted_with_its_memory(item: str) -> None:
    body = filled(item, 64 * 1024)
    tracemalloc.start()
    try:
        try:
            kept: Any = ORDER.decode(body)
        except ValidationFailed:
            return
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.extras
    assert now <= memory_of(body) + 2 * len(body)


@pytest.mark.parametrize("text", ["," * 900_000, "[{," * 300_000, '\\",' * 200_000, "\\\\,[" * 200_000])
def test_what_is_in_texts_is_no_value(text: str) -> None:
    body = json.dumps({"status": "placed", "total": "1", "extras": {"a": text}}).encode()
    if len(body) <= MOST_BYTES:
        assert ORDER.decode(body).extras == {"a": text}  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ['"', '"\\', '\\"', '"' * 300_001, '"\\' * 300_000, '\\"' * 300_000, '",' * 300_000])
def test_what_is_no_json_is_refused_as_such(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        ORDER.decode(text.encode())
    assert caught.value.status in (400, 422)


@pytest.mark.parametrize("number", ["1e308", "5e-324", "-1.7976931348623157e308", "1e100", "1e-30"])
def test_numbers_that_postgresql_writes_out_are_bounded(number: str) -> None:
    """19,000 times `1e308` are 114 kB, and 6 MB where PostgreSQL gives them back."""
    with pytest.raises(ValidationFailed) as caught:
        ORDER.decode(body_of(*[number] * 19_000))
    assert "without their exponents" in caught.value.details[0].message
    few = ORDER.decode(body_of(*[number] * 200))
    assert len(few.extras["a"]) == 200  # type: ignore[attr-defined]


def test_usual_numbers_are_not_counted() -> None:
    for number in ("1234567.25", "52.520008", "0.0001", "9007199254740991", "1e15", "0.0", "-0.0"):
        assert ORDER.decode(body_of(*[number] * 19_000))


def test_a_document_may_be_as_large_as_its_numbers_written_out() -> None:
    class Item(msgspec.Struct):
        data: dict[str, Any]

    written = sum(len(format(value, "f")) + 1 for value in [1e15] * (MOST_VALUES - 1) + [1e308])
    assert largest_document(Item) >= MOST_BYTES - 6 * MOST_VALUES + written


async def test_the_bytes_in_flight_count_decoded_values() -> None:
    """A body of 25 kB was no byte in flight, and took half a megabyte until its row was written."""
    orders = Orders()
    held: list[int] = []

    async def create(call: Call) -> Document:
        held.append(api._admission.bytes.taken)
        return await orders.create(call)

    stage = Stage(
        orders=orders,
        operations=[Operation(kind="create", resource=ORDERS, handler=create, access=Access.of("admin"))],
    )
    api = cast(Api, stage.app)
    body = filled("[]", 25_000)
    headers = as_("ada") | {"content-type": "application/json"}
    answer = await stage.client.post("/api/v1/orders", content=body, headers=headers)
    assert answer.status_code == 201
    assert held == [memory_of(body)]
    assert memory_of(body) > 20 * len(body)
    assert api._admission.bytes.taken == 0


@pytest.mark.parametrize(
    ("meta", "start"),
    [*((text(format=name), start) for name, start in STARTS.items()), (text(pattern="([a-z]+ )*"), "a ")],
)
def test_a_text_is_matched_with_an_expression_up_to_a_length(meta: msgspec.Meta, start: str) -> None:
    """A URL of a megabyte that ends in a line break took 0.6 s and 300 MB, in a field without a bound of its own."""
    kind = value_type(Annotated[str, meta])
    assert value_schema(kind)["maxLength"] == MOST_MATCHED
    value = start * (MOST_BYTES // len(start)) + "\n"
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as caught:
            kind.from_json(value)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.message == f"Expected at most {MOST_MATCHED} characters"
    assert most < 2 * MOST_BYTES
    # What only has to be visible may be as long as a body.
    assert value_type(Annotated[str, text(blank=False)]).from_json(value) == value
