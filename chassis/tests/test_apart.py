"""All that is kept or looked up for a caller is the caller's own (h14): two of them never share it where they must not.

The callers are anonymous ones at two addresses, signed-in ones, one of them with a subject that looks like an address
or like the key of an anonymous one, and one subject in two roles.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
import pytest

from chassis.tests.database.library import BookBody
from chassis.tests.http.shop import NOW, ORDERS, Orders, Stage, document
from chassis.tests.http.test_admission import OFFERS
from chassis.tests.test_tokens import NOW as TOKEN_TIME
from chassis.tests.test_tokens import OURS, claims, verifier
from groundplan_chassis.access import ANONYMOUS, Access, Caller
from groundplan_chassis.database import idempotency
from groundplan_chassis.database.listing import ListStatement
from groundplan_chassis.documents import Page
from groundplan_chassis.http.admission import LISTS_OF_CALLER, Admission
from groundplan_chassis.http.errors import TooManyAtOnce
from groundplan_chassis.http.operations import Call, Operation
from groundplan_chassis.http.queries import QueryType

HERE, THERE = "192.0.2.1", "192.0.2.2"
BODY: Final = BookBody(reader="r-1", pages=7)


def signed_in(subject: str, *roles: str) -> Caller:
    return Caller(subject, frozenset(roles), frozenset({"shop/read", "shop/write"}), "web", TOKEN_TIME + 3600)


def call(caller: Caller, address: str, body: Any = BODY) -> Call:
    absent: Any = None
    return Call(absent, caller, "request-1", own_only=False, body=body, client=address, idempotency_key=uuid4())


def key_of(caller: Caller, address: str) -> str:
    """Under which the answer to a POST is kept."""
    request = call(caller, address)
    return idempotency._subject(request, idempotency._digest(request))


CALLERS: Final = {
    "anonymous here": (ANONYMOUS, HERE),
    "anonymous there": (ANONYMOUS, THERE),
    "anna": (signed_in("anna", "customer"), HERE),
    "ben at the same address": (signed_in("ben"), HERE),
    "a subject like an address": (signed_in(HERE), THERE),
    "a subject like an anonymous key": (signed_in(key_of(ANONYMOUS, HERE).lstrip("\x1f")), HERE),
}
PAIRS: Final = list(itertools.combinations(CALLERS, 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_idempotency_keys(one: str, other: str) -> None:
    assert key_of(*CALLERS[one]) != key_of(*CALLERS[other])


def test_a_caller_in_another_role_or_place_is_the_same() -> None:
    assert key_of(signed_in("anna", "customer"), HERE) == key_of(signed_in("anna", "admin"), THERE)


def test_no_tokens_subject_is_the_key_of_an_anonymous_caller() -> None:
    """Subjects have no control character, and such keys begin with one."""
    key = key_of(ANONYMOUS, HERE)
    token = jwt.encode(claims(sub=key), OURS, algorithm="RS256", headers={"kid": "ours"})
    with pytest.raises(Exception, match="claims are not valid"):
        asyncio.run(verifier().verify(token))


@pytest.fixture
async def stage() -> Stage:
    """Lists are for anyone, who may be signed in."""
    orders = Orders()
    anyone = Access.of("anyone")
    made = Stage(orders=orders)
    kinds: list[Operation] = [
        replace(each, access=anyone) if each.kind == "list" else each for each in made.service().operations
    ]
    made = Stage(orders=orders, operations=kinds)
    for name, (caller, _) in CALLERS.items():
        if caller is not ANONYMOUS:
            made.tokens.callers[name.replace(" ", "-")] = caller
    return made


def headers_of(name: str) -> dict[str, str]:
    caller, address = CALLERS[name]
    signed = {} if caller is ANONYMOUS else {"authorization": f"Bearer {name.replace(' ', '-')}"}
    return {"x-viewer-ip": address, **signed}


@pytest.mark.parametrize(("one", "other"), PAIRS)
async def test_lists_at_once(one: str, other: str) -> None:
    """One that has as many as it may takes none from the other."""
    reading, go = 0, asyncio.Event()

    async def slow(_: Call) -> Page:
        nonlocal reading
        reading += 1
        await go.wait()
        return Page([], 0)

    stage = Stage(operations=[Operation(kind="list", resource=OFFERS, handler=slow, access=Access.of("anyone"))])
    for name, (caller, _) in CALLERS.items():
        stage.tokens.callers[name.replace(" ", "-")] = caller
    del stage.client.headers["authorization"]
    asked = [
        asyncio.ensure_future(stage.client.get("/api/v1/offers", headers=headers_of(name)))
        for name in [one] * (LISTS_OF_CALLER + 1) + [other]
    ]
    while reading + sum(each.done() for each in asked) < len(asked):
        await asyncio.sleep(0)
    go.set()
    statuses = [each.status_code for each in await asyncio.gather(*asked)]
    assert sorted(statuses[:-1]) == [200] * LISTS_OF_CALLER + [429]
    assert statuses[-1] == 200
    await stage.client.aclose()


def test_the_bound_on_lists_is_one_callers() -> None:
    found = Admission()
    with found.listing(("anna", ""), walks=True), found.listing(("anna", ""), walks=True):
        with found.listing(("", "anna"), walks=True):
            pass
        with pytest.raises(TooManyAtOnce), found.listing(("anna", ""), walks=True):
            pass


async def test_rate_limits_go_by_address_alone(stage: Stage) -> None:
    """By which the web ACL and the gateway count too; who is behind one address shares it, as S7 has it."""
    del stage.client.headers["authorization"]
    for name in CALLERS:
        await stage.client.get("/api/v1/offers", headers=headers_of(name))
    assert stage.limiter.keys == [address for _, address in CALLERS.values()]


async def test_cached_copies_are_shown_to_who_may_see_them(stage: Stage) -> None:
    """A copy is the item's, by any caller who read it first."""
    order = stage.orders.add(customer_id="anna")
    stage.cached[order.id] = document(order)
    path = f"/api/v1/orders/{order.id}"
    found = {}
    for name in ("anna", "ben", "eve", "ada"):
        answer = await stage.client.get(path, headers={"authorization": f"Bearer {name}"})
        found[name] = answer.status_code
    assert found == {"anna": 200, "ben": 404, "eve": 403, "ada": 200}
    etag = (await stage.client.get(path, headers={"authorization": "Bearer anna"})).headers["etag"]
    guessed = await stage.client.get(path, headers={"authorization": "Bearer ben", "if-none-match": etag})
    assert guessed.status_code == 404, "nor is it told that there is one"
    del stage.client.headers["authorization"]
    assert (await stage.client.get(path)).status_code == 401


async def test_answers_are_kept_by_no_cache_that_others_share(stage: Stage) -> None:
    order = stage.orders.add(customer_id="anna")
    paths = (f"/api/v1/orders/{order.id}", "/api/v1/orders", "/api/v1/offers", "/api/v1/nothing")
    for path in paths:
        answer = await stage.client.get(path, headers={"authorization": "Bearer ada"})
        kept = answer.headers["cache-control"]
        assert "no-store" in kept or "private" in kept, path


def cursors_of(caller: Caller, *, own: bool) -> Iterator[Any]:
    queries = QueryType(ORDERS)
    owner = caller.subject if own else None
    listing = queries.parse(b"limit=1", owner)
    link = queries.next_link(listing, (NOW, UUID(int=7)), cut=True)
    yield link.partition("?")[2].encode()


def test_a_cursor_leads_no_one_into_anothers_list() -> None:
    """One that was given for one's own rows is good for these alone; for all rows, for who may see them."""
    queries = QueryType(ORDERS)
    (anna,) = cursors_of(signed_in("anna"), own=True)
    (everything,) = cursors_of(signed_in("ada"), own=False)
    assert queries.parse(anna, "anna").owner == "anna"
    for cursor, owner in ((anna, "ben"), (anna, None), (everything, "anna")):
        with pytest.raises(Exception, match="not valid"):
            queries.parse(cursor, owner)


def test_counts_that_are_remembered_are_those_of_ones_own_rows() -> None:
    statement, queries = ListStatement("orders", owner="customer_id"), QueryType(ORDERS)
    asked = [statement.count(queries.parse(b"", owner)) for owner in ("anna", "ben", None)]
    assert len(set(asked)) == 3


async def test_tokens_that_are_remembered_are_their_own() -> None:
    found = verifier()
    for subject, roles in (("anna", ["customer"]), ("anna", ["admin"]), ("ben", ["customer"])):
        token = jwt.encode(
            claims(sub=subject, **{"cognito:groups": roles}), OURS, algorithm="RS256", headers={"kid": "ours"}
        )
        caller = await found.verify(token)
        assert (caller.subject, caller.roles) == (subject, frozenset(roles))
        assert found.remembered(token) == caller
        assert found.remembered(token[:-4] + "AAAA") is None


async def test_the_owner_of_what_is_created_is_who_creates_it(stage: Stage) -> None:
    made = await stage.client.post(
        "/api/v1/orders", json={"status": "placed", "total": "1.00"}, headers={"authorization": "Bearer ben"}
    )
    assert made.json()["data"]["customer_id"] == "ben"
    listed = await stage.client.get("/api/v1/orders", headers={"authorization": "Bearer anna"})
    assert listed.status_code == 200
