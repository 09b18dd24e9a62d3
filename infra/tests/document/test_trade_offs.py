"""Trade-offs of four systems (q13): no row is true of two, and every number is found again where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from groundplan.capacity import Plan, plan
from groundplan.capacity.cache import cache_load
from groundplan.capacity.demand import demands, service_requests
from groundplan.capacity.events import event_load
from groundplan.declaration.model import System
from groundplan.document.trade_offs import TradeOff, trade_off_rows
from groundplan.pricing.table import usd_of
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import DEV, PROD, one_service
from infra.tests.samples import changed, shop, stack, system_of

CACHED: dict[str, Any] = {"read_share": 0.9, "repeat_share": 0.5, "data_gb": 3000, "cqrs": True}
SYSTEMS: dict[str, tuple[System, Environment]] = {
    "shop": (shop(), stack("prod")),
    "a tool": (one_service({"requests_per_second": 2}, broker="sqs", data_gb=2), PROD),
    "thirty services": (system_of(30, "sqs"), PROD.model_copy(update={"nat": "single"})),
    "a catalogue": (
        changed(
            one_service({"requests_per_second": 20_000}, publishes=["thing.made"], **CACHED),
            edge={"response_cache_seconds": 60},
        ),
        PROD.model_copy(update={"region": "us-east-1"}),
    ),
}
MORE: dict[str, tuple[System, Environment]] = {
    "shop, dev": (shop(), stack("dev")),
    "shop, staging": (shop(), stack("staging")),
    "no NAT": (system_of(4), DEV.model_copy(update={"nat": "none"})),
    "regional NAT": (system_of(5, "sqs"), PROD.model_copy(update={"nat": "regional"})),
}


def rows(name: str) -> tuple[TradeOff, ...]:
    system, environment = (SYSTEMS | MORE)[name]
    return trade_off_rows(system, plan(system, environment), environment)


def test_no_row_is_equal_in_two_systems() -> None:
    said = {name: {(row.decision, row.pros, row.cons) for row in rows(name)} for name in SYSTEMS}
    assert all(len(each) >= 5 for each in said.values())
    for one, other in combinations(SYSTEMS, 2):
        assert said[one] & said[other] == set(), (one, other)


REQUIREMENT = re.compile(r"\(?\b[A-Z]\d\b\)?|TLS 1\.3|`[^`]*`|30 days")
"""What has a digit and is no number of a system: ids of requirements, versions, types, and the span of the target."""
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@pytest.mark.parametrize("name", SYSTEMS | MORE)
def test_every_number_is_found_again(name: str) -> None:
    system, environment = (SYSTEMS | MORE)[name]
    sized = plan(system, environment)
    names = {*system.services, *(word for each in system.services for word in NUMBER.findall(each))}
    for row in trade_off_rows(system, sized, environment):
        text = " ".join((row.decision, row.pros, row.cons))
        for service in sorted(system.services, key=len, reverse=True):
            text = text.replace(service, "")
        known = {part for each in row.numbers for part in NUMBER.findall(each.text)} | names
        assert [found for found in NUMBER.findall(REQUIREMENT.sub("", text)) if found not in known] == [], row
        for each in row.numbers:
            assert each.value == pytest.approx(recomputed(each.source, row, system, environment, sized)), each


def test_every_row_says_a_number_or_a_name() -> None:
    for name, (system, _) in SYSTEMS.items():
        for row in rows(name):
            named = any(service in " ".join((row.decision, row.pros, row.cons)) for service in system.services)
            assert row.numbers or named, row


def recomputed(source: str, row: TradeOff, system: System, environment: Environment, sized: Plan) -> float:
    kind, _, what = source.partition(": ")
    if kind == "rate":
        key, *factors = what.split(" x ")
        usd = usd_of(key, environment.region)
        assert usd is not None
        return usd * (units(factors[0], sized) * 730 if factors else 1)
    today = demands(system, environment)
    if what in COUNTED:
        return COUNTED[what](system, environment, sized, row)
    if kind == "plan" and what.endswith(" full"):
        return next(tier.bites_at_rps for tier in sized.tiers if tier.subject == what.removesuffix(" full"))
    if kind == "plan" and what.endswith(" utilisation_now"):
        subject = what.removesuffix(" utilisation_now")
        return next(tier.utilisation_now for tier in sized.tiers if tier.subject == subject) * 100
    if kind == "plan" and (found := re.fullmatch(r"(\w+) of ([\w-]+)", what)):
        return float(getattr(next(each for each in sized.databases if each.name == found[2]), found[1]))
    if kind == "plan" and (found := re.fullmatch(r"max_pods of ([\w-]+)'s serving workloads", what)):
        pods = (w.max_pods for w in sized.workloads_of(found[1]) if w.role in ("api", "query", "command"))
        return float(sum(pods))
    if kind == "plan":
        value: Any = sized
        for part in what.split("."):
            value = getattr(value, part)
        return float(value)
    if found := re.fullmatch(r"requests of ([\w-]+)", what):
        return service_requests(system)[found[1]] * environment.load_share
    public = [today[each] for each, service in system.services.items() if service.exposure == "public"]
    assert kind == "declared", source
    declared = {
        "services": len(system.services),
        "availability_percent": system.requirements.availability_percent,
        "consumed events": sum(len(each.consumes) for each in system.services.values()),
        "events/s that consumers handle": sum(each.consumed_events for each in today.values()),
        "requests/s of public services": sum(each.requests for each in public),
        "reads/s of public services": sum(each.reads for each in public),
        "projected events/s": sum(today[n].writes for n, s in system.services.items() if s.cqrs),
        "reads/s of them": sum(today[n].database_reads for n, s in system.services.items() if s.cqrs),
        "reads/s from the cache": sum(today[n].cached_reads for n, s in system.services.items() if s.cached),
        "services with an outbox": sum(1 for each in today.values() if each.relayed_events),
        "read statements/s of them": sum(
            today[n].read_statements for each in sized.databases if each.replicas for n in each.services
        ),
        "names left out": int(re.findall(r"and (\d+) more", " ".join((row.decision, row.pros, row.cons)))[0])
        if what == "names left out"
        else 0,
    }
    return float(declared[what])


def units(said: str, sized: Plan) -> float:
    zones = sized.network.zones
    kafka = sized.events.kafka.brokers if sized.events and sized.events.kafka else 0
    gateways = zones if sized.network.nat in ("per_zone", "regional") else 1
    return {
        "one cluster": 1,
        "one instance": 1,
        "one cache": 1,
        "brokers": kafka,
        "gateways": gateways,
        "zones, each endpoint": zones,
    }[said]


COUNTED: dict[str, Callable[[System, Environment, Plan, TradeOff], float]] = {
    "event_load.messages": lambda s, e, _p, _r: event_load(s, demands(s, e)).messages,
    "cache_load.memory_gib": lambda s, e, _p, _r: cache_load(s, e, demands(s, e)).memory_gib,
    "topics": lambda _s, _e, p, _r: len(p.events.topics) if p.events else 0,
    "queues": lambda _s, _e, p, _r: (
        sum(len(t.consumers) + len(t.projectors) for t in p.events.topics) if p.events else 0
    ),
    "partitions": lambda _s, _e, p, _r: sum(t.partitions for t in p.events.topics) if p.events else 0,
    "database instances": lambda _s, _e, p, _r: sum(d.shards * (1 + d.replicas) for d in p.databases),
    "storage_gb of the fullest shard": lambda _s, _e, p, _r: max(d.storage_gb for d in p.databases if d.shards > 1),
    "connections of network.nat": lambda _s, _e, p, _r: p.requests_per_second * 0.1,
    "the goal": lambda _s, _e, p, _r: p.requests_per_second * p.growth_factor,
}
