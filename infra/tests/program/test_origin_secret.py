"""The edge's secret changes by itself, and no request is refused for it (e12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from groundplan.changes import classify
from groundplan.controls import CONTROLS
from groundplan.stack.origin_secret import CHANGED_AFTER, FIRST, SENT_AFTER, OriginSecretGenerations, next_generations
from groundplan.stack.remembered import Remembered
from infra.tests.program.graphs import Graph, few, graph_of, group, simulated
from infra.tests.samples import stack, with_images

PASSWORD = "random:index/randomPassword:RandomPassword"
START = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.xdist_group(group("alone in dev"))


def made(number: int, created: datetime | None) -> dict[str, Any]:
    name = "origin-secret" if number == 1 else f"origin-secret-{number}"
    date = {"created": created.isoformat().replace("+00:00", "Z")} if created else {}
    return {"urn": f"urn:pulumi:dev::shop::groundplan:index:Keys${PASSWORD}::{name}", "type": PASSWORD, **date}


def test_two_years_of_deployments_refuse_no_request() -> None:
    """What the edge sends before a deployment, during it and after is admitted by the web ACL all the while."""
    state: dict[int, datetime] = {1: START}
    admitted, sent, changes = {1}, 1, set()
    for day in range(0, 730, 3):
        for again in (0, 1):  # a deployment, and one right after it
            now = START + timedelta(days=day, minutes=10 * again)
            found = next_generations([made(number, date) for number, date in state.items()], now)
            wanted = found or FIRST
            # The web ACL changes first, everywhere within minutes; the edge after it, in its own time.
            assert sent in wanted.admitted, "locations of the edge that have not changed yet"
            assert wanted.sent in admitted, "places of the web ACL that have not changed yet"
            for number in wanted.admitted:
                state.setdefault(number, now)
            state = {number: date for number, date in state.items() if number in wanted.admitted}
            admitted, sent = set(wanted.admitted), wanted.sent
            changes.add(sent)
    assert changes == set(range(1, 10)), "eight changes in two years: each is 90 days old before the next one is made"


@pytest.mark.parametrize(
    ("state", "age", "wanted"),
    [
        ({}, timedelta(0), None),
        ({1: 0}, CHANGED_AFTER - timedelta(seconds=1), None),
        ({1: 0}, CHANGED_AFTER, (2, 1)),
        ({1: 0, 2: 90}, CHANGED_AFTER, (2, 1)),
        ({1: 0, 2: 90}, CHANGED_AFTER + SENT_AFTER, (2, 2)),
        ({2: 90}, CHANGED_AFTER, (2, 2)),
        ({1: 0, 2: 90}, 2 * CHANGED_AFTER, (3, 2)),
    ],
)
def test_what_is_due(state: dict[int, int], age: timedelta, wanted: tuple[int, int] | None) -> None:
    resources = [made(number, START + timedelta(days=day)) for number, day in state.items()]
    found = next_generations(resources, START + age)
    assert (found and (found.newest, found.sent)) == wanted


def test_a_state_without_dates_changes_no_secret() -> None:
    assert next_generations([made(1, None)], START) is None
    found = next_generations([made(1, None), made(2, None)], START)
    assert found == OriginSecretGenerations(newest=2, sent=1)


def test_what_is_deleted_soon_and_what_is_no_secret_of_the_edge_count_for_nothing() -> None:
    gone = {**made(7, START), "delete": True}
    other = {**made(1, START), "urn": "urn:pulumi:dev::shop::x::origin-secret-of-ours"}
    assert next_generations([gone, other, made(1, START)], START + CHANGED_AFTER) == OriginSecretGenerations(
        newest=2, sent=1
    )


def test_generations_that_no_deployment_makes_are_refused() -> None:
    with pytest.raises(ValidationError, match="not as expected"):
        OriginSecretGenerations(newest=5, sent=3)


@cache
def at(newest: int, sent: int) -> Graph:
    system = few("order")
    memory = Remembered(origin_secret=OriginSecretGenerations(newest=newest, sent=sent))
    environment = with_images(stack("dev"), system).model_copy(update={"remembered": memory})
    return simulated(f"origin secret {newest}", system, environment)


def test_the_web_acl_admits_two_and_the_edge_sends_one_of_them() -> None:
    graph = at(2, 1)
    assert graph.simulation.refusals == ()
    assert CONTROLS["S1.edge-only"].assess(graph.captured).met
    assert len({each.name for each in graph.some(PASSWORD) if each.name.startswith("origin-secret")}) == 2
    changes = classify(graph_of("alone in dev").resources, graph.resources).changes
    assert {(each.name, each.operation) for each in changes} == {
        ("origin-secret-2", "create"),
        ("shop-dev-gateway", "update"),
    }, "the edge is left as it is"


def test_the_next_deployment_changes_the_edge_alone() -> None:
    before, after = at(2, 1), at(2, 2)
    assert CONTROLS["S1.edge-only"].assess(after.captured).met
    changes = classify(before.resources, after.resources).changes
    assert [(each.type, each.operation) for each in changes] == [("aws:cloudfront/distribution:Distribution", "update")]
