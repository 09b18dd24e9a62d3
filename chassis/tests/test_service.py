"""A service's definition is checked before it starts, alone and against the settings that it gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chassis.tests.environments import of_api, of_consumer, of_queue_consumer
from groundplan_chassis.access import Access
from groundplan_chassis.events.event import Event
from groundplan_chassis.http.operations import Call, Operation, OperationKind, ResourceApi
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.service import Service, check, check_settings
from groundplan_chassis.settings import Settings


class Body(msgspec.Struct):
    text: str


async def handler(_: Call) -> None:
    return None


async def on_event(_transaction: Any, _event: Event, _context: Any) -> None:
    return None


def operation(
    kind: OperationKind = "get", path: str = "/api/v1/notes", name: str = "note", **changes: Any
) -> Operation:
    resource = ResourceApi(name=name, path=path, body=Body, item=Body)
    return Operation(**{"kind": kind, "resource": resource, "handler": handler, "access": Access.of("admin")} | changes)


def service(**changes: Any) -> Service:
    return Service(**{"name": "order", "package": "order_service", "title": "Orders"} | changes)


def problems(subject: Service) -> list[str]:
    try:
        check(subject)
    except ProblemsFound as error:
        return [problem.where for problem in error.problems]
    return []


def disagreements(subject: Service, variables: dict[str, str]) -> list[str]:
    try:
        check_settings(subject, Settings.from_environment(variables, variables["WORKLOAD_ROLE"]))
    except ProblemsFound as error:
        return [problem.where for problem in error.problems]
    return []


def test_a_sound_service() -> None:
    kinds: tuple[OperationKind, ...] = ("list", "get", "create", "update", "delete")
    subject = service(
        operations=[operation(kind) for kind in kinds],
        consumers={"payment.settled": on_event},
        publishes={"order.placed"},
    )
    assert problems(subject) == []


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    subject = service(
        operations=[
            operation("get"),
            operation("get"),
            operation("list", handler=None),
            operation("list", name="other", path="/api/v1/notes"),
        ],
        publishes=frozenset({"order.placed"}),
        consumers={"order.placed": on_event, "payment.settled": "a text"},
        migrations=tmp_path / "nowhere",
    )
    assert problems(subject) == [
        "operations: get /api/v1/notes",
        "operations: list /api/v1/notes",
        "operations: list /api/v1/notes",
        "operations: /api/v1/notes",
        "consumers: order.placed",
        "consumers: payment.settled",
        "migrations",
    ]


def test_the_settings_are_those_of_this_service() -> None:
    assert disagreements(service(), of_api(SERVICE_NAME="payment")) == ["SERVICE_NAME"]


def test_what_is_published_needs_a_topic() -> None:
    subject = service(publishes=frozenset({"order.placed", "order.lost"}))
    assert disagreements(subject, of_api()) == ["publishes: order.lost"]
    assert disagreements(service(publishes=frozenset({"order.placed"})), of_api()) == []


@pytest.mark.parametrize("variables", [of_consumer(), of_queue_consumer()], ids=["kafka", "sqs"])
def test_a_consumer_has_a_handler_of_each_event_it_gets_and_gets_each_it_has_one_of(variables: dict[str, str]) -> None:
    assert disagreements(service(consumers={"payment.settled": on_event}), variables) == []
    assert disagreements(service(), variables) == ["EVENT_SOURCES: payment.settled"]
    other = service(consumers={"payment.settled": on_event, "payment.refused": on_event})
    assert disagreements(other, variables) == ["consumers: payment.refused"]


def test_other_roles_need_not_follow_events() -> None:
    topics = json.dumps({"order.placed": "shop.order.placed"})
    assert disagreements(service(consumers={"payment.settled": on_event}), of_api(EVENT_TOPICS=topics)) == []


def test_what_asks_for_no_secret_imports_no_client_of_aws() -> None:
    """Unit tests, descriptions of an API and migrations import a service's code, and AWS's client is half of that."""
    code = (
        "import sys, groundplan_chassis.process, groundplan_chassis.commands, groundplan_chassis.caching; "
        "print([name for name in ('aiobotocore', 'botocore', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
