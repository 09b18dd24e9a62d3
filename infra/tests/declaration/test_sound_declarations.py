"""What may be said: from the smallest declaration to fifty services, and what follows from it."""

from __future__ import annotations

import datetime
import time

import pytest

from groundplan.declaration.checks import check
from groundplan.declaration.loader import parse_system
from groundplan.declaration.model import Access, FieldType, Grant
from groundplan.declaration.words import plural
from infra.tests.declaration.cases import SOUND
from infra.tests.samples import SMALLEST, as_yaml, shop, system_of


def test_the_smallest_declaration_has_the_published_defaults() -> None:
    system = parse_system(SMALLEST)
    needs = system.requirements
    assert (needs.requests_per_second, needs.growth_factor, needs.availability_percent) == (1000, 10, 99.9)
    assert (needs.latency_p95_ms, needs.query_p95_ms) == (200, 20)
    assert (system.edge.rate_limit.requests, system.edge.rate_limit.per_seconds) == (100, 60)
    assert system.events.broker == "kafka"
    assert system.services["note"].exposure == "public"


def test_the_reference_system_is_sound() -> None:
    assert check(shop()) == []


@pytest.mark.parametrize("broker", ["kafka", "sqs"])
@pytest.mark.parametrize("services", [1, 3, 50, 100])
def test_systems_of_any_size_are_sound(services: int, broker: str) -> None:
    assert len(parse_system(as_yaml(system_of(services, broker))).services) == services


def test_fifty_services_load_in_well_under_a_second() -> None:
    text = as_yaml(system_of(50))
    started = time.process_time()
    parse_system(text)
    assert time.process_time() - started < 1.0


def test_every_type_of_field_with_its_options() -> None:
    fields = """{
        title: {type: string, max_length: 200, required: true, unique: true, description: What it is},
        body: {type: text, max_length: 5000},
        count: {type: integer, minimum: -9223372036854775808, maximum: 9223372036854775807, indexed: true},
        price: {type: decimal, scale: 4, minimum: 0.5, maximum: 99.5},
        paid: {type: boolean, indexed: true},
        day: {type: date}, moment: {type: timestamp}, ticket: {type: uuid, unique: true},
        state: {type: enum, values: [open, closed]}, extra: {type: json},
        parent: {type: reference, to: note, indexed: true}, phone: {type: string, personal: true}}"""
    system = parse_system(SMALLEST.replace("{text: {type: text}}", fields))
    assert {field.type for field in system.services["note"].resources["note"].fields.values()} == set(FieldType)


def test_optional_references_may_form_a_circle() -> None:
    text = SOUND.replace("to: order.order, required: true", "to: payment")
    assert parse_system(text).services["payment"].resources["payment"].fields["order_id"].to == "payment"


def test_quoted_and_plain_dates_of_a_shard_map_are_the_same() -> None:
    text = SOUND.replace("cqrs: true", 'shard_map: [{since: 2026-01-31, shards: 2}, {since: "2027-01-31", shards: 2}]')
    generations = parse_system(text).services["order"].shard_map
    assert generations is not None
    assert [each.since for each in generations] == [datetime.date(2026, 1, 31), datetime.date(2027, 1, 31)]


def test_aliases_and_merged_mappings_keep_repetition_out() -> None:
    text = SOUND.replace("get: [admin]", "get: *writers").replace("create: [customer]", "create: &writers [customer]")
    assert parse_system(text).services["payment"].resources["payment"].operations["get"] == ["customer"]
    text = SOUND.replace("amount: {type: integer, minimum: 1}", "amount: {<<: *money, minimum: 1}")
    text = text.replace("total: {type", "total: &money {type")
    amount = parse_system(text).services["payment"].resources["payment"].fields["amount"]
    assert (amount.type, amount.scale, amount.minimum) == (FieldType.DECIMAL, 2, 1)


def test_cqrs_needs_no_published_event() -> None:
    """A4: the read model follows the service's own event tables (D2)."""
    text = SOUND.replace("    publishes: [order.placed]\n", "").replace("    consumes: [order.placed]\n", "")
    assert parse_system(text).services["order"].cqrs


def test_repeated_queries_are_a_fact_that_needs_no_cache() -> None:
    service = parse_system(SOUND.replace("read_share: 0.85", "repeat_share: 0.5")).services["order"]
    assert (service.repeat_share, service.cached) == (0.5, False)


def test_who_publishes_and_who_consumes() -> None:
    system = shop()
    assert system.published_events()["payment.settled"] == "payment"
    assert list(system.published_events())[:2] == ["user.registered", "user.closed"]
    assert system.consumers_of("order.placed") == ("payment",)
    assert system.consumers_of("user.registered") == ()


def test_who_may_do_what() -> None:
    resource = shop().services["order"].resources["order"]
    grants = (Grant("customer", own=True), Grant("support", own=False), Grant("admin", own=False))
    assert resource.access("list") == Access(anyone=False, grants=grants)
    assert parse_system(SMALLEST).services["note"].resources["note"].access("get") == Access(anyone=True, grants=())
    assert shop().services["payment"].resources["payment"].access("delete") is None


def test_data_grows_by_the_month() -> None:
    order = shop().services["order"].model_copy(update={"data_gb": 200.0, "data_growth_gb_per_month": 20.0})
    assert order.data_gb_at(24) == 200 + 24 * 20


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("order", "orders"),
        ("category", "categories"),
        ("day", "days"),
        ("address", "addresses"),
        ("box", "boxes"),
        ("batch", "batches"),
        ("dish", "dishes"),
        ("quiz", "quizes"),
        ("y", "ys"),
    ],
)
def test_plurals_follow_the_english_rule(noun: str, expected: str) -> None:
    assert plural(noun) == expected


def test_paths_and_tables_of_resources() -> None:
    """R1, D1: a hyphen in the path, an underscore in the table; a declared plural wins."""
    resources = shop().services["order"].resources
    assert resources["order_line"].path("order_line") == "order-lines"
    assert resources["order_line"].table("order_line") == "order_lines"
    staff = resources["order"].model_copy(update={"plural": "order-staff"})
    assert (staff.path("order"), staff.table("order")) == ("order-staff", "order_staff")
