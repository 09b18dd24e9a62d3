"""List queries (R2): typed filters, order, pages and cursors; what isn't understood is refused."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.http.shop import ORDERS, Order, Stage, Status, as_
from groundplan_chassis.http.errors import ApiError, BadRequest, UriTooLong
from groundplan_chassis.http.operations import Sort
from groundplan_chassis.http.queries import Listing, QueryType

QUERIES = QueryType(ORDERS)
NEWEST = (Sort("created_at", True), Sort("id", True))


def refusals(query: str) -> dict[str, str]:
    with pytest.raises(BadRequest) as caught:
        QUERIES.parse(query.encode("latin-1"))
    return {detail.field: detail.message for detail in caught.value.details}


def test_without_parameters_it_is_the_newest_twenty() -> None:
    found = QUERIES.parse(b"")
    assert (found.page, found.limit, found.sort, found.filters, found.after) == (1, 20, NEWEST, {}, None)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("status=paid", "status", Status.PAID),
        ("total=12.50", "total", Decimal("12.50")),
        ("customer_id=a%20b+c%26", "customer_id", "a b c&"),
        ("customer_id=", "customer_id", ""),
        ("quantity=7", "quantity", 7),
        ("big=-9223372036854775808", "big", -(2**63)),
        ("gift=true", "gift", True),
        ("due=2024-02-29", "due", date(2024, 2, 29)),
        ("placed_at=2026-01-31T12:00:00.5Z", "placed_at", datetime(2026, 1, 31, 12, 0, 0, 500_000, UTC)),
        ("article=0190163D-8694-739b-aea5-966c26f8ad91", "article", UUID("0190163d-8694-739b-aea5-966c26f8ad91")),
        ("channel=web", "channel", "web"),
    ],
)
def test_filters_have_the_types_of_their_fields(query: str, field: str, value: object) -> None:
    found = QUERIES.parse(query.encode()).filters
    assert found == {field: value}
    assert type(found[field]) is type(value)


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "status=PAID",
        "status=",
        "total=1e3",
        "total=NaN",
        "total=1.234",
        "total=-1",
        "total=1000001",
        "total=%2B1",
        "total=1_0",
        "total=%D9%A1",
        "quantity=0",
        "quantity=1001",
        "quantity=1.5",
        "quantity=0x1",
        "quantity=%D9%A1",
        "big=9223372036854775808",
        "big=99999999999999999999999999999999",
        "gift=1",
        "gift=True",
        "due=2023-02-29",
        "due=20240229",
        "due=2024-02-29T00:00:00Z",
        "placed_at=2026-01-31",
        "placed_at=2026-01-31T12:00:00",
        # A plus sign is a space in a query string.
        "placed_at=2026-01-31T12:00:00+01:00",
        "placed_at=0001-01-01T00:00:00%2B14:00",
        "article=0190163d8694739baea5966c26f8ad91",
        "article=%7B0190163d-8694-739b-aea5-966c26f8ad91%7D",
        "customer_id=" + "a" * 65,
        "customer_id=%00",
        "channel=fax",
        "extras=%7B%7D",
        "id=0190163d-8694-739b-aea5-966c26f8ad91",
        "version=1",
        "total[gte]=1",
        "status%00=paid",
        "owner=anna",
        "q=1",
        "page=0",
        "page=-1",
        "page=1.0",
        "page=%D9%A1",
        "page=",
        "page=99999999999999999999",
        "limit=0",
        "limit=101",
        "limit=ten",
        "sort=",
        "sort=,",
        "sort=status,",
        "sort=+status",
        "sort=--status",
        "sort=Status",
        "sort=extras",
        "sort=status%3BDROP%20TABLE%20orders",
        "sort=status,total,note,quantity,weight,big",
        "sort=status,status",
        "sort=id,-id",
        "page=101&limit=100",
        "cursor=",
        "cursor=!",
        "cursor=AAAA",
        "cursor=%C3%BC",
        "page=1&page=1",
        "status=paid&status=placed",
        "sort=total&sort=status",
    ],
)
def test_what_isnt_understood_is_refused_by_name(query: str) -> None:
    name = query.split("=")[0].replace("%00", "\0")
    assert refusals(query).keys() == {name}


@pytest.mark.parametrize("query", ["status", "status=paid&", "&", "=", "%ff=1", "status=%ff", "status=%C3", "\xfc=1"])
def test_what_is_no_query_string_is_refused_as_a_whole(query: str) -> None:
    assert refusals(query).keys() <= {"", "\\ufffd"}


def test_all_errors_are_reported_at_once() -> None:
    assert refusals("page=0&limit=0&sort=x&status=x&x=1&total=x").keys() == {
        "page",
        "limit",
        "sort",
        "status",
        "x",
        "total",
    }


def test_a_query_string_has_a_length() -> None:
    with pytest.raises(UriTooLong):
        QUERIES.parse(b"customer_id=" + b"a" * 10_000)
    with pytest.raises(BadRequest):
        QUERIES.parse(b"&".join(b"a%d=1" % number for number in range(500)))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("created_at", "created_at id"),
        ("-created_at", "-created_at -id"),
        ("status", "status created_at id"),
        ("-status", "-status -created_at -id"),
        ("status,-total", "status -total -created_at -id"),
        ("-created_at,status", "-created_at status id"),
        ("id", "id"),
        ("-id,status", "-id status"),
        ("updated_at", "updated_at created_at id"),
    ],
)
def test_every_order_is_total(sort: str, expected: str) -> None:
    found = QUERIES.parse(f"sort={sort}".encode()).sort
    assert " ".join(f"{'-' if each.descending else ''}{each.field}" for each in found) == expected


async def test_pages_follow_each_other_by_their_links(stage: Stage) -> None:
    rows = [stage.orders.add(status=Status.PAID, note="a & b") for _ in range(7)]
    stage.orders.add()
    path: str | None = "/api/v1/orders?status=paid&limit=3&sort=created_at&note=a+%26+b"
    seen: list[str] = []
    metas = []
    while path:
        content = (await stage.client.get(path)).json()
        assert content["links"]["self"].startswith("/api/v1/orders?status=paid&limit=3")
        seen += [item["id"] for item in content["data"]]
        metas.append(content["meta"])
        path = content["links"].get("next")
    assert seen == [str(row.id) for row in rows]
    assert metas == [{"limit": 3, "page": page, "total": 7, "total_is_exact": True} for page in (1, 2, 3)]


async def test_beyond_the_deepest_page_the_next_link_is_a_cursor(stage: Stage) -> None:
    rows = [stage.orders.add(total=Decimal(number)) for number in range(250)]
    stage.orders.rows = {row.id: row for row in rows}
    content = (await stage.client.get("/api/v1/orders?limit=100&page=2&sort=-total")).json()
    assert "page=3" in content["links"]["next"]
    # The last page that pages reach: what follows is found by the values of its last row.
    listing = QUERIES.parse(b"limit=100&page=100&sort=-total")
    last = rows[149]
    link = QUERIES.next_link(listing, (last.total, last.created_at, last.id))
    assert "page=" not in link
    content = (await stage.client.get(link)).json()
    assert [item["total"] for item in content["data"]][:2] == ["148", "147"]
    assert content["meta"] == {"limit": 100}
    while "next" in content["links"]:
        assert "cursor=" in content["links"]["next"]
        content = (await stage.client.get(content["links"]["next"])).json()
    assert content["data"][-1]["total"] == "0"


async def test_a_cursor_is_good_for_its_own_list_alone(stage: Stage) -> None:
    rows = [stage.orders.add(customer_id="anna") for _ in range(5)]
    listing = QUERIES.parse(b"limit=100&page=100", owner=None)
    link = QUERIES.next_link(listing, (rows[2].created_at, rows[2].id))
    assert (await stage.client.get(link)).status_code == 200
    cursor = link.split("cursor=")[1]
    for query in (
        f"cursor={cursor}&sort=created_at",
        f"cursor={cursor}&status=paid",
        f"cursor={cursor}&page=1",
        f"cursor={cursor[:-1]}",
        f"cursor={cursor}A",
        f"cursor={'A' if cursor[0] != 'A' else 'B'}{cursor[1:]}",
    ):
        answer = await stage.client.get(f"/api/v1/orders?{query}")
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["error"]["details"]] == ["cursor"]
    assert (await stage.client.get(f"/api/v1/offers?cursor={cursor}")).status_code == 400
    # Another caller, bound to own rows, has another list.
    assert (await stage.client.get(link, headers=as_("anna"))).status_code == 400
    # The number of items may change on the way.
    assert (await stage.client.get(f"/api/v1/orders?cursor={cursor}&limit=1")).status_code == 200


async def test_pages_and_cursors_are_distinguished(stage: Stage) -> None:
    content = (await stage.client.get("/api/v1/orders")).json()
    assert content == {
        "data": [],
        "meta": {"limit": 20, "page": 1, "total": 0, "total_is_exact": True},
        "links": {"self": "/api/v1/orders"},
    }


names = st.sampled_from([*QUERIES._known, "x", "STATUS", ""])
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["1", "true", "paid", "2026-01-31", "12.50", "-created_at", "created_at,total"]),
)


def understood(query: bytes) -> Listing | None:
    """None: it was refused, as a request that is wrong."""
    refused: ApiError | None = None
    found = None
    try:
        found = QUERIES.parse(query)
    except ApiError as error:
        refused = error
    assert refused is None or (refused.status in (400, 414) and refused.details)
    return found


@given(st.lists(st.tuples(names, texts), max_size=6))
def test_any_parameters_are_either_understood_or_refused(pairs: list[tuple[str, str]]) -> None:
    query = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs]).encode()
    found = understood(query)
    if found is None:
        return
    assert 1 <= found.limit <= 100
    assert found.page * found.limit <= 10_000
    assert found.sort[-1].field == "id" or any(sort.field == "id" for sort in found.sort)
    # A listing that was understood is understood again from its own link.
    again = QUERIES.parse(QUERIES.self_link(found).partition("?")[2].encode())
    assert again == found


@given(st.binary(max_size=60))
def test_any_bytes_are_either_understood_or_refused(query: bytes) -> None:
    understood(query)


field_values = {
    "status": st.sampled_from(Status),
    "total": st.decimals(0, 1_000_000, places=2),
    "customer_id": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=64),
    "note": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=255),
    "big": st.none() | st.integers(-(2**63), 2**63 - 1),
    "gift": st.none() | st.booleans(),
    "due": st.none() | st.dates(),
    "placed_at": st.none() | st.datetimes(timezones=st.just(UTC)),
    "article": st.none() | st.uuids(),
    "channel": st.none() | st.sampled_from(["web", "shop"]),
    "created_at": st.datetimes(timezones=st.just(UTC)),
    "updated_at": st.datetimes(timezones=st.just(UTC)),
}


@given(st.data(), st.lists(st.sampled_from(sorted(field_values)), min_size=1, max_size=5, unique=True))
def test_a_cursor_gives_back_the_values_that_it_was_made_of(data: st.DataObject, fields: list[str]) -> None:
    sort = ",".join(("-" if data.draw(st.booleans()) else "") + name for name in fields)
    listing = QUERIES.parse(f"limit=100&page=100&sort={sort}".encode())
    values = tuple(data.draw(st.uuids() if each.field == "id" else field_values[each.field]) for each in listing.sort)
    link = QUERIES.next_link(listing, values)
    found = QUERIES.parse(link.partition("?")[2].encode())
    assert found.after == values
    assert found.page == 1


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=80))
def test_no_cursor_can_be_made_up(cursor: str) -> None:
    assert refusals(f"cursor={cursor}").keys() == {"cursor"}


def test_filters_are_the_declared_fields_unless_named() -> None:
    assert [*ORDERS.filter_types()] == [
        field.name
        for field in msgspec.structs.fields(Order)
        if field.name not in ("id", "created_at", "updated_at", "version", "extras")
    ]


def test_a_list_cant_go_by_what_isnt_there() -> None:
    with pytest.raises(ValueError, match="order: lists can't go by colour, Order has no such field"):
        QueryType(replace(ORDERS, filters=["colour"]))
    with pytest.raises(ValueError, match="colour"):
        QueryType(replace(ORDERS, sorts=["colour"]))


def test_named_filters_and_sorts_are_all_that_there_are() -> None:
    narrow = QueryType(replace(ORDERS, filters=["status"], sorts=["total"]))
    assert narrow.parse(b"status=paid&sort=total").filters == {"status": Status.PAID}
    assert narrow.parse(b"sort=-created_at,id").sort == (Sort("created_at", True), Sort("id", False))
    for query in (b"total=1", b"sort=status", b"sort=updated_at"):
        with pytest.raises(BadRequest):
            narrow.parse(query)
