"""Which tests a resource has, and that each of them fails for a fault of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from devkit.tests.checks.in_memory import Alter, Alteration, Altered, InMemory
from groundplan.declaration.loader import load_system, parse_system
from groundplan_chassis.identifiers import derived_id
from groundplan_devkit import deployed
from groundplan_devkit.checks import resource_under_test
from groundplan_devkit.checks.resource_under_test import ResourceUnderTest
from groundplan_devkit.checks.resources import ResourceTests
from groundplan_devkit.state import PROJECT

DECLARED = """
name: lab
identity: {roles: [customer, support, admin]}
services:
  holding:
    cqrs: true
    resources:
      wallet:
        owner: holder
        fields:
          holder: {type: string, max_length: 36, required: true, indexed: true}
          title: {type: string, max_length: 80, required: true}
        operations:
          {list: ["customer:own", admin], get: ["customer:own", admin], create: ["customer:own"],
           delete: ["customer:own"]}
      card:
        owner: holder
        retention_days: 30
        fields:
          holder: {type: string, max_length: 36, required: true, indexed: true}
          label: {type: string, max_length: 40, required: true, indexed: true}
          number: {type: string, max_length: 40, required: true, unique: true, caseless: true}
          wallet: {type: reference, to: wallet, required: true}
        operations:
          {list: ["customer:own"], get: ["customer:own", admin], create: ["customer:own"], update: ["customer:own"],
           delete: ["customer:own"]}
      person:
        owner: subject
        erasure: person
        fields:
          subject: {type: string, max_length: 36, required: true, indexed: true}
          mail: {type: string, max_length: 80, required: true, personal: true}
        operations: {get: ["customer:own"], create: ["customer:own"], delete: ["customer:own"]}
      note:
        owner: writer
        fields:
          writer: {type: string, max_length: 36, required: true, indexed: true}
          text: {type: string, max_length: 80, required: true}
        operations: {get: ["customer:own"], create: ["customer:own"], update: ["customer:own"]}
      rate:
        fields:
          label: {type: string, max_length: 40, required: true, indexed: true}
        operations: {list: [anyone], get: [anyone]}
"""


class Wallet(msgspec.Struct):
    holder: str
    title: str


class Card(msgspec.Struct):
    holder: str
    label: str
    number: str
    wallet: UUID


class Person(msgspec.Struct):
    subject: str
    mail: str


class Note(msgspec.Struct):
    writer: str
    text: str


class Rate(msgspec.Struct):
    label: str


def subject(number: int) -> str:
    return f"00000000-0000-4000-8000-{number + 1:012d}"


def identifier_of(resource: str, number: int) -> UUID:
    return derived_id(UUID(int=1), f"{resource} {number}", 0)


def seeds(**samples: Any) -> ModuleType:
    module = ModuleType("seed")
    usual = {
        "subject": subject,
        "identifier_of": identifier_of,
        "sample_wallet": lambda number: Wallet(subject(number), f"Wallet {number}"),
        "sample_card": lambda n: Card(subject(n % 5), f"Card {n}", f"N{n}", identifier_of("wallet", n % 5)),
        "sample_person": lambda number: Person(subject(number), f"{number}@example.com"),
        "sample_note": lambda number: Note(subject(number), f"Note {number}"),
        "sample_rate": lambda number: Rate(f"Rate {number}"),
    }
    for name, made in (usual | samples).items():
        setattr(module, name, made)
    return module


PARENTS = {"wallet": {str(identifier_of("wallet", number)): subject(number) for number in range(5)}}


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A declaration of every kind, and no long waits for what never comes."""
    system = parse_system(DECLARED)
    monkeypatch.setattr(resource_under_test, "_system", lambda: system)
    monkeypatch.setattr(deployed, "LONGEST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(deployed, "LOOK_SECONDS", 0.0)


def made(resource: str, seed: ModuleType | None = None, **more: Any) -> type[ResourceTests]:
    keywords = {"service": "holding", "resource": resource, "seed": seed or seeds(), "rows": 5, **more}
    if resource == "card":
        keywords.setdefault("owners", 5)
    return type("TestMade", (ResourceTests,), {}, **keywords)


def names(tests: type[ResourceTests]) -> set[str]:
    return {name for name, test in inspect.getmembers(tests) if name.startswith("test_") and test is not None}


def calls(tests: type[ResourceTests], name: str) -> list[Callable[[Any], None]]:
    """A test with each of its arguments, as functions of a service."""
    test = getattr(tests, name)
    arguments, values = getattr(test, "each", ("", lambda _: [()]))
    named = arguments.split(",") if arguments else []
    given = [value if isinstance(value, tuple) else (value,) for value in values(tests.tested)]
    return [partial(test, tests(), **dict(zip(named, each, strict=True))) for each in given]


def failed(resource: str, fault: str) -> set[str]:
    """The tests that fail, each on a service of its own."""
    tests, found = made(resource), set()
    for name in names(tests):
        for call in calls(tests, name):
            try:
                call(Altered(tests.tested, fault, PARENTS, alterations=ALTERATIONS))
            except (AssertionError, KeyError):
                found.add(name)
    return found


@pytest.mark.parametrize("resource", ["wallet", "card", "person", "note", "rate"])
def test_a_service_without_a_fault_passes(resource: str) -> None:
    assert failed(resource, "") == set()


FAULTS: dict[tuple[str, str], set[str]] = {
    ("card", "a value is lost"): {"test_a_sample_is_found", "test_what_is_created_is_answered_and_recorded"},
    ("card", "all is sent again"): {"test_what_the_client_has_is_not_sent_again"},
    ("card", "what is not there is found"): {"test_what_is_not_there_is_not_found"},
    ("card", "a stranger is told that it is there"): {"test_a_stranger_is_not_told_that_it_is_there"},
    ("card", "pages count from nought"): {"test_a_list_has_pages"},
    ("card", "a list takes what it does not know"): {"test_a_list_refuses_what_it_does_not_know"},
    ("rate", "a list is not filtered"): {"test_a_list_is_filtered"},
    ("card", "a list has the rows of others"): {"test_a_list_is_of_own_rows_alone"},
    ("card", "the address is another"): {"test_what_is_created_is_answered_and_recorded"},
    ("card", "requests are not told apart"): {"test_what_is_created_is_answered_and_recorded"},
    ("card", "a repeated request creates another"): {"test_a_request_that_is_sent_again_creates_one"},
    ("card", "a key stands for two bodies"): {"test_a_request_that_is_sent_again_creates_one"},
    ("card", "a replay fills the cache"): {"test_a_replay_touches_nothing"},
    ("card", "a replay writes"): {"test_a_replay_touches_nothing"},
    ("person", "a replay tells of an erased person"): {"test_a_replay_touches_nothing"},
    ("card", "one mistake is told of several"): {"test_every_mistake_in_a_body_is_told"},
    ("card", "what is unique is taken twice"): {"test_what_is_unique_is_taken_once"},
    ("card", "case makes another value"): {"test_a_value_is_one_in_either_case"},
    ("card", "a reference leads nowhere"): {"test_a_reference_is_to_what_is_there"},
    ("card", "a row of another is referred to by create"): {"test_a_reference_is_not_to_a_row_of_another"},
    ("card", "a row of another is referred to by update"): {"test_a_reference_does_not_become_one_to_a_row_of_another"},
    ("card", "rows are created in another's name"): {"test_no_row_is_created_in_the_name_of_another"},
    ("card", "a version stays"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "an update is not recorded"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "an update keeps what was there"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "a stranger's update is done"): {"test_a_stranger_changes_nothing"},
    ("card", "a stranger's update is done in silence"): {"test_a_stranger_changes_nothing"},
    ("card", "a stranger's delete is done"): {"test_a_stranger_deletes_nothing"},
    ("card", "a stranger's delete is done in silence"): {"test_a_stranger_deletes_nothing"},
    ("rate", "a limit is not read"): {"test_a_list_has_pages"},
    ("card", "number is taken twice"): {"test_a_value_is_taken_once"},
    ("wallet", "a refusal deletes"): {"test_what_others_refer_to_stays"},
    ("wallet", "a refusal is recorded"): {"test_what_others_refer_to_stays"},
    ("card", "rows at their end are told of"): {"test_what_is_kept_no_longer_is_deleted"},
    ("card", "admin may do it"): {"test_a_role_is_needed"},
    ("card", "a condition is not read"): {"test_an_update_replaces_it_and_is_recorded", "test_what_is_deleted_is_gone"},
    ("card", "what is deleted stays"): {"test_what_is_deleted_is_gone"},
    ("card", "a deletion is not recorded"): {"test_what_is_deleted_is_gone"},
    ("wallet", "what others refer to goes"): {"test_what_others_refer_to_stays"},
    ("card", "rows are kept for ever"): {"test_what_is_kept_no_longer_is_deleted"},
    ("card", "no token is asked for"): {"test_a_token_is_needed"},
    ("card", "any role may do it"): {"test_a_role_is_needed"},
    ("card", "the relay stands still"): {"test_all_that_is_to_be_told_is_sent"},
    ("card", "read models are told nothing"): {"test_all_that_is_to_be_told_is_sent"},
}


@pytest.mark.parametrize(("resource", "fault"), FAULTS)
def test_a_fault_fails_the_tests_of_it(resource: str, fault: str) -> None:
    assert failed(resource, fault) >= FAULTS[resource, fault]


Json = dict[str, Any]


def altered(found: httpx.Response, content: object = None, status: int | None = None, **headers: str) -> httpx.Response:
    kept = {name: found.headers[name] for name in ("etag", "location") if name in found.headers}
    if content is None and found.content:
        content = found.json()
    return httpx.Response(status or found.status_code, json=content, headers=kept | headers)


def status(code: int) -> Alter:
    return lambda found, _: altered(found, status=code)


def header(name: str, value: str) -> Alter:
    return lambda found, _: altered(found, None, None, **{name: value})


def content(change: Callable[[Json], Json]) -> Alter:
    return lambda found, _: altered(found, change(found.json()))


def data(change: Callable[[Json], Json]) -> Alter:
    return content(lambda said: said | {"data": change(said["data"])})


def error(**parts: Any) -> Alter:
    return content(lambda said: {"error": said["error"] | parts})


def without_label(said: Json) -> Json:
    return {name: value for name, value in said.items() if name != "label"}


def kept_without_label(found: httpx.Response, body: Json) -> httpx.Response:
    return data(without_label)(found, body) if found.is_success else found


def with_a_row_of_another(said: Json) -> Json:
    return said | {"data": said["data"] and [*said["data"], {"holder": subject(4)}]}


def with_a_row_where_there_is_none(said: Json) -> Json:
    return said | {"data": said["data"] or [{"holder": subject(4)}]}


def telling_what_is_there(found: httpx.Response, body: Json) -> httpx.Response:
    """Of a row that the caller may not know of."""
    known = body.get("wallet") in PARENTS["wallet"]
    return error(details=[{"field": "wallet", "message": "not yours"}])(found, body) if known else found


FOUND, MADE, REPEATED, REPLACED, LISTED = ("get",), ("create",), ("again",), ("update",), ("list",)
ELSEWHERE = [{"field": "elsewhere"}]

ALTERATIONS: dict[str, Alteration] = {
    "a version that is read is another": Alteration(200, header("etag", '"9-x"'), FOUND),
    "a link leads elsewhere": Alteration(200, content(lambda said: said | {"links": {"self": "/"}}), FOUND),
    "what is missing is called otherwise": Alteration(404, error(code="GONE"), FOUND),
    "what is missing has another status": Alteration(404, status(410), FOUND),
    "a limit is not told": Alteration(200, content(lambda said: said | {"meta": said["meta"] | {"limit": 2}}), LISTED),
    "a total is nought": Alteration(200, content(lambda said: said | {"meta": said["meta"] | {"total": 0}}), LISTED),
    "an unknown filter has another status": Alteration(400, status(422), LISTED),
    "one mistake in a query is told": Alteration(400, error(details=[{"field": "limit"}]), LISTED),
    "a row of another is among one's own": Alteration(200, content(with_a_row_of_another), LISTED),
    "a stranger's list has a row": Alteration(200, content(with_a_row_where_there_is_none), LISTED),
    "a creation has another status": Alteration(201, status(200), MADE),
    "a value is not kept": Alteration(None, kept_without_label, MADE + REPEATED + FOUND),
    "an address has a query": Alteration(
        201, lambda said, _: altered(said, location=f"{said.headers['location']}?a=1")
    ),
    "a creation has another version": Alteration(201, header("etag", '"x"'), MADE),
    "a replay tells more": Alteration(201, data(lambda said: said | {"more": 1}), REPEATED),
    "a version that is read is the first": Alteration(200, data(lambda said: said | {"version": 1}), FOUND),
    "a body's mistake has another status": Alteration(422, status(400), MADE),
    "another body with a key has another status": Alteration(422, status(400), REPEATED),
    "a body's mistake is called otherwise": Alteration(422, error(code="WRONG"), MADE),
    "a body's mistake is elsewhere": Alteration(422, error(details=ELSEWHERE), MADE),
    "a row of another is told of": Alteration(422, telling_what_is_there, MADE),
    "what is taken has another status": Alteration(409, status(422), MADE),
    "what is taken is elsewhere": Alteration(409, error(details=ELSEWHERE), MADE),
    "an update has another status": Alteration(200, status(201), REPLACED),
    "an update has another version": Alteration(200, header("etag", '"x"'), REPLACED),
    "an update tells too little": Alteration(200, data(without_label), REPLACED),
    "an update's condition has another status": Alteration(412, status(409), REPLACED),
    "an update's mistake has another status": Alteration(422, status(400), REPLACED),
    "an update's mistake is elsewhere": Alteration(422, error(details=ELSEWHERE), REPLACED),
    "a deletion has another status": Alteration(204, status(202), ("delete",)),
    "a deletion's condition has another status": Alteration(412, status(409), ("delete",)),
    "a refused deletion has another status": Alteration(409, status(400), ("delete",)),
    "a second deletion has another status": Alteration(404, status(410), ("delete",)),
    "a missing token is called otherwise": Alteration(401, error(code="WHO")),
    "a missing role is called otherwise": Alteration(403, error(code="NO")),
}

ALTERED: dict[tuple[str, str], set[str]] = {
    ("card", "a version that is read is another"): {
        "test_a_sample_is_found",
        "test_what_the_client_has_is_not_sent_again",
        "test_an_update_replaces_it_and_is_recorded",
    },
    ("card", "a link leads elsewhere"): {"test_a_sample_is_found"},
    ("card", "what is missing is called otherwise"): {"test_what_is_not_there_is_not_found"},
    ("card", "what is missing has another status"): {
        "test_what_is_not_there_is_not_found",
        "test_a_stranger_is_not_told_that_it_is_there",
        "test_a_replay_touches_nothing",
        "test_what_is_deleted_is_gone",
        "test_what_is_kept_no_longer_is_deleted",
    },
    ("card", "a limit is not told"): {"test_a_list_has_pages"},
    ("card", "a total is nought"): {"test_a_list_has_pages"},
    ("card", "an unknown filter has another status"): {"test_a_list_refuses_what_it_does_not_know"},
    ("card", "one mistake in a query is told"): {"test_a_list_refuses_what_it_does_not_know"},
    ("wallet", "a row of another is among one's own"): {
        "test_a_list_has_pages",
        "test_a_list_is_filtered",
        "test_a_list_is_of_own_rows_alone",
    },
    ("wallet", "a stranger's list has a row"): {"test_a_list_is_filtered", "test_a_list_is_of_own_rows_alone"},
    ("card", "a creation has another status"): {
        "test_what_is_created_is_answered_and_recorded",
        "test_a_request_that_is_sent_again_creates_one",
        "test_a_replay_touches_nothing",
    },
    ("card", "a value is not kept"): {
        "test_a_sample_is_found",
        "test_what_is_created_is_answered_and_recorded",
    },
    ("card", "an address has a query"): {"test_what_is_created_is_answered_and_recorded"},
    ("card", "a creation has another version"): {"test_what_is_created_is_answered_and_recorded"},
    ("card", "a replay tells more"): {
        "test_a_request_that_is_sent_again_creates_one",
        "test_a_replay_touches_nothing",
    },
    ("note", "a version that is read is the first"): {
        "test_a_replay_touches_nothing",
        "test_an_update_replaces_it_and_is_recorded",
    },
    ("card", "a body's mistake has another status"): {
        "test_every_mistake_in_a_body_is_told",
        "test_a_reference_is_to_what_is_there",
        "test_a_reference_is_not_to_a_row_of_another",
    },
    ("card", "another body with a key has another status"): {"test_a_request_that_is_sent_again_creates_one"},
    ("card", "a body's mistake is called otherwise"): {"test_every_mistake_in_a_body_is_told"},
    ("card", "a body's mistake is elsewhere"): {
        "test_every_mistake_in_a_body_is_told",
        "test_a_reference_is_to_what_is_there",
    },
    ("card", "a row of another is told of"): {"test_a_reference_is_not_to_a_row_of_another"},
    ("card", "what is taken has another status"): {
        "test_a_value_is_taken_once",
        "test_what_is_unique_is_taken_once",
        "test_a_value_is_one_in_either_case",
    },
    ("card", "what is taken is elsewhere"): {
        "test_a_value_is_taken_once",
        "test_what_is_unique_is_taken_once",
        "test_a_value_is_one_in_either_case",
    },
    ("card", "an update has another status"): {
        "test_a_replay_touches_nothing",
        "test_an_update_replaces_it_and_is_recorded",
    },
    ("card", "an update has another version"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "an update tells too little"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "an update's condition has another status"): {"test_an_update_replaces_it_and_is_recorded"},
    ("card", "an update's mistake has another status"): {"test_a_reference_does_not_become_one_to_a_row_of_another"},
    ("card", "an update's mistake is elsewhere"): {"test_a_reference_does_not_become_one_to_a_row_of_another"},
    ("card", "a deletion has another status"): {"test_a_replay_touches_nothing", "test_what_is_deleted_is_gone"},
    ("card", "a deletion's condition has another status"): {"test_what_is_deleted_is_gone"},
    ("wallet", "a refused deletion has another status"): {"test_what_others_refer_to_stays"},
    ("card", "a second deletion has another status"): {
        "test_what_is_deleted_is_gone",
        "test_a_stranger_deletes_nothing",
    },
    ("card", "the row is not there"): {"test_what_is_kept_no_longer_is_deleted"},
    ("card", "a row is deleted twice"): {"test_what_is_kept_no_longer_is_deleted"},
    ("card", "a missing token is called otherwise"): {"test_a_token_is_needed"},
    ("card", "a missing role is called otherwise"): {"test_a_role_is_needed"},
}


@pytest.mark.parametrize(("resource", "fault"), ALTERED)
def test_a_fault_of_an_answer_fails_the_tests_of_it_alone(resource: str, fault: str) -> None:
    assert failed(resource, fault) == ALTERED[resource, fault]


def test_every_alteration_is_tried() -> None:
    assert {fault for _, fault in ALTERED} >= set(ALTERATIONS)


def test_every_test_can_fail() -> None:
    tests = {name for name in vars(ResourceTests) if name.startswith("test_")}
    assert set().union(*FAULTS.values()) == tests


def test_the_event_of_a_creation_is_the_declared_one() -> None:
    tests = made("card", created="card.made")
    right, wrong = (InMemory(tests.tested, fault, PARENTS) for fault in ("", "a creation has another event"))
    tests().test_what_is_created_is_answered_and_recorded(right)  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        tests().test_what_is_created_is_answered_and_recorded(wrong)  # type: ignore[arg-type]


def test_a_test_that_the_declaration_has_nothing_for_is_not_there() -> None:
    assert names(made("rate")) == {
        "test_a_sample_is_found",
        "test_what_the_client_has_is_not_sent_again",
        "test_what_is_not_there_is_not_found",
        "test_a_list_has_pages",
        "test_a_list_refuses_what_it_does_not_know",
        "test_a_list_is_filtered",
        "test_all_that_is_to_be_told_is_sent",
    }
    assert "test_an_update_replaces_it_and_is_recorded" not in names(made("wallet"))
    assert "test_what_others_refer_to_stays" not in names(made("card"))
    assert not [name for name in names(made("card", creates=False)) if "create" in name]


def test_a_test_of_ones_own_takes_the_place_of_one_by_its_name() -> None:
    class Ours(ResourceTests, service="holding", resource="rate", seed=seeds(), rows=5):
        def test_a_sample_is_found(self, service: Any) -> None:
            service.append("ours")

        def test_a_stranger_changes_nothing(self, service: Any) -> None:
            """There would be none of this name."""

    seen: list[str] = []
    Ours().test_a_sample_is_found(seen)
    assert seen == ["ours"]
    assert "test_a_stranger_changes_nothing" in names(Ours)


def test_a_test_is_left_out_by_its_name() -> None:
    whole = names(made("rate"))
    assert names(made("rate", without={"test_a_list_has_pages"})) == whole - {"test_a_list_has_pages"}
    with pytest.raises(LookupError, match="no test test_a_list_has_lines to do without: name one of test_a_sample_is"):
        made("rate", without={"test_a_list_has_lines"})


@pytest.mark.parametrize(("service", "resource"), [("holding", "gone"), ("gone", "card")])
def test_what_is_not_declared_is_told(service: str, resource: str) -> None:
    with pytest.raises(LookupError, match="delete its tests, or name another"):
        type("TestMade", (ResourceTests,), {}, service=service, resource=resource, seed=seeds(), rows=1)


def cards(**changes: Any) -> Iterator[Any]:
    yield lambda n: Card(**{**msgspec.structs.asdict(seeds().sample_card(n)), **changes})


@pytest.mark.parametrize(
    "changes",
    [{"number": "the same"}, {"number": None}, {"label": None}],
    ids=["a unique value repeats", "a unique value is missing", "a field is missing"],
)
def test_samples_that_a_service_would_refuse_are_not_created(changes: dict[str, Any]) -> None:
    (sample,) = cards(**changes)
    tested = made("card", seeds(sample_card=sample)).tested
    assert not tested.creatable
    assert made("card").tested.creatable


def test_values_that_differ_in_case_are_one() -> None:
    def sample(number: int) -> Card:
        text = f"N{number // 2}"
        return Card(subject(0), "Card", text if number % 2 else text.lower(), identifier_of("wallet", 0))

    assert not made("card", seeds(sample_card=sample)).tested.creatable


def test_what_is_derived() -> None:
    card, wallet, rate = (made(name).tested for name in ("card", "wallet", "rate"))
    assert card.filtered == ("label", "Card 0", "Card 1")
    assert rate.filtered == ("label", "Rate 0", "Rate 1")
    assert (card.collection, card.table, card.history) == ("/api/v1/cards", "cards", "card_events")
    assert rate.guarded() == []
    refused = [("list", "support"), ("list", "admin"), ("get", "support")]
    refused += [(kind, role) for kind in ("create", "update", "delete") for role in ("support", "admin")]
    assert card.refused() == refused
    assert card.private("create") == card.moved() == {"wallet": "customer"}
    assert wallet.private("create") == {}
    assert (wallet.referred, card.referred) == (True, False)
    assert card.subject(7) == subject(2)
    assert wallet.subject(7) == subject(7)


def test_samples_may_be_plain_data() -> None:
    def sample(number: int) -> dict[str, Any]:
        return msgspec.structs.asdict(seeds().sample_card(number))

    assert made("wallet", seeds(sample_card=sample)).tested.referred


def test_the_tests_of_one_service_leave_each_other_their_rows() -> None:
    """Rows that can't be created: one sample is deleted, another one's days end."""
    tests = made("card", creates=False)
    shared = InMemory(tests.tested, "", PARENTS)
    tests().test_what_is_deleted_is_gone(shared)  # type: ignore[arg-type]
    tests().test_what_is_kept_no_longer_is_deleted(shared)  # type: ignore[arg-type]
    assert len(shared.stored) == tests.tested.rows - 2
    assert "test_what_is_deleted_is_gone" not in names(made("card", creates=False, rows=1))


def test_as_many_samples_are_looked_at_as_tests_create() -> None:
    """A unique value that comes again behind them does no harm; before them it does."""
    tests = made("card")
    unused = tests._unused
    for name in names(tests):
        for call in calls(tests, name):
            call(InMemory(tests.tested, "", PARENTS))
    first_left = next(unused)

    def repeated(place: int) -> Callable[[int], Card]:
        return lambda number: seeds().sample_card(0 if number == place else number)

    assert made("card", seeds(sample_card=repeated(first_left))).tested.creatable
    assert not made("card", seeds(sample_card=repeated(first_left - 1))).tested.creatable


def test_an_owner_that_is_computed_is_the_creator(monkeypatch: pytest.MonkeyPatch) -> None:
    """No body names it, so that no one can create in the name of another."""
    holder = "holder: {type: string, max_length: 36, required: true, indexed: true"
    system = parse_system(
        DECLARED.replace(f"{holder}}}\n          title", f"{holder}, computed: true}}\n          title")
    )
    monkeypatch.setattr(resource_under_test, "_system", lambda: system)
    tests = made("wallet", seeds(sample_wallet=lambda number: {"title": f"Wallet {number}"}))
    assert tests.tested.creatable
    assert "test_no_row_is_created_in_the_name_of_another" not in names(tests)


def test_one_owner_has_no_row_of_another_to_refer_to() -> None:
    tested: ResourceUnderTest = made("card", owners=1).tested
    assert tested.private("create") == tested.moved() == {}


def test_rows_that_services_make_are_not_created() -> None:
    tested = made("card", creates=False).tested
    assert tested.does("create")
    assert not tested.creatable


def test_owners_do_not_make_samples_vary() -> None:
    same = seeds(sample_wallet=lambda number: Wallet(subject(number), "Wallet"))
    assert made("wallet").tested.varies
    assert not made("wallet", same).tested.varies


def test_a_caller_without_a_token_is_one_where_all_may_call() -> None:
    rate, card = made("rate").tested, made("card").tested
    asked = [tested.caller(InMemory(tested), "get", 2) for tested in (rate, card)]  # type: ignore[arg-type]
    assert [(caller.role, caller.subject) for caller in asked] == [  # type: ignore[attr-defined]
        (None, ""),
        ("customer", subject(2)),
    ]
    assert (rate.own("get"), card.own("get")) == (None, "customer")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's own declaration."""
    system = load_system(PROJECT / "system.yaml")
    monkeypatch.setattr(resource_under_test, "_system", lambda: system)


def in_shop(service: str, resource: str, **samples: Any) -> type[ResourceTests]:
    rest = {"creates": False} if resource == "order_line" else {}
    return type(
        "TestShop", (ResourceTests,), {}, service=service, resource=resource, seed=seeds(**samples), rows=5, **rest
    )


@pytest.mark.usefixtures("shop")
def test_payments_are_read_alone() -> None:
    tests = in_shop("payment", "payment", sample_payment=lambda number: {"customer_id": subject(number)})
    assert tests.tested.filtered == ("customer_id", subject(0), subject(1))
    assert not tests.tested.creatable
    assert tests.tested.refused() == [("list", "customer")]
    assert names(tests) == {
        "test_a_sample_is_found",
        "test_what_the_client_has_is_not_sent_again",
        "test_what_is_not_there_is_not_found",
        "test_a_stranger_is_not_told_that_it_is_there",
        "test_a_list_has_pages",
        "test_a_list_refuses_what_it_does_not_know",
        "test_a_list_is_filtered",
        "test_a_token_is_needed",
        "test_a_role_is_needed",
        "test_all_that_is_to_be_told_is_sent",
    }


@pytest.mark.usefixtures("shop")
def test_order_lines_are_deleted_and_made_elsewhere() -> None:
    sample = {"order_id": str(identifier_of("order", 0)), "article": "Chair", "quantity": 1}
    tests = in_shop("order", "order_line", sample_order_line=lambda _: sample, sample_order=lambda _: {})
    assert tests.tested.references == {"order_id": "order"}
    assert (tests.tested.filtered, tests.tested.needed) == (None, ["order_id", "article", "quantity"])
    assert not {name for name in names(tests) if "creat" in name or "unique" in name or "update" in name}
    assert "test_what_is_deleted_is_gone" in names(tests)
