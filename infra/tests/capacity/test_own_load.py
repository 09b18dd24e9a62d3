"""Services that declare a load of their own (q12): the total follows, neighbours keep theirs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundplan.capacity import plan
from groundplan.capacity.cache import cache_load
from groundplan.capacity.demand import demands, mean_share, requests_per_second, service_requests, with_load
from groundplan.capacity.events import event_load
from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import Load, Service, System
from infra.tests.capacity.stacks import DEV, PROD, one_service, systems

EXAMPLES = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def with_service(system: System, name: str, **load: Any) -> System:
    service = Service.model_validate(
        {
            "load": load,
            "resources": {
                name: {
                    "fields": {"label": {"type": "string"}},
                    "operations": {"list": ["member"], "create": ["member"]},
                }
            },
            "publishes": [f"{name}.made"],
        }
    )
    return system.model_copy(update={"services": {**system.services, name: service}})


def loaded(system: System, **load: Any) -> System:
    """The one service of a system with a load of its own."""
    ((name, service),) = system.services.items()
    return system.model_copy(
        update={"services": {name: service.model_copy(update={"load": Load.model_validate(load)})}}
    )


@EXAMPLES
@given(systems(most=4), st.floats(0.01, 10_000))
def test_a_service_with_a_load_of_its_own_takes_nothing_from_its_neighbours(system: System, load: float) -> None:
    before, after = demands(system, PROD), demands(with_service(system, "added", requests_per_second=load), PROD)
    assert {name: after[name] for name in before} == before
    assert after["added"].requests == pytest.approx(load)


@EXAMPLES
@given(systems(most=4), st.floats(0.01, 10_000))
def test_the_total_follows(system: System, load: float) -> None:
    more = with_service(system, "added", requests_per_second=load)
    assert requests_per_second(more, PROD) == pytest.approx(requests_per_second(system, PROD) + load)
    assert requests_per_second(more, PROD) == pytest.approx(sum(each.requests for each in demands(more, PROD).values()))


@EXAMPLES
@given(systems(most=4))
def test_a_declaration_without_own_loads_means_what_it_meant(system: System) -> None:
    weights = sum(service.traffic_weight for service in system.services.values())
    for name, service in system.services.items():
        requests = system.requirements.requests_per_second * service.traffic_weight / weights
        demand = demands(system, PROD)[name]
        assert demand.requests == pytest.approx(requests)
        assert demand.published_events == pytest.approx(requests * (1 - service.read_share))


@EXAMPLES
@given(systems(most=3), st.floats(0.01, 1000), st.floats(0.1, 50))
def test_more_load_is_more_of_every_load(system: System, load: float, factor: float) -> None:
    mixed = with_service(system, "added", requests_per_second=load, events_per_second=load / 2)
    scaled = with_load(mixed, factor)
    assert requests_per_second(scaled, PROD) == pytest.approx(requests_per_second(mixed, PROD) * factor)
    for name, each in demands(scaled, PROD).items():
        assert each.relayed_events == pytest.approx(demands(mixed, PROD)[name].relayed_events * factor)
        assert each.consumed_events == pytest.approx(demands(mixed, PROD)[name].consumed_events * factor)


def test_a_system_of_own_loads_alone_needs_no_other() -> None:
    system = loaded(one_service(read_share=0.5), requests_per_second=40)
    assert service_requests(system) == {"thing": 40}
    assert plan(system, PROD).requests_per_second == 40
    assert plan(system, DEV).requests_per_second == pytest.approx(0.4)


def test_declared_events_go_to_consumers_brokers_and_relays() -> None:
    system = one_service(read_share=0.9, publishes=["thing.made"])
    many = loaded(system, events_per_second=500)
    assert demands(system, PROD)["thing"].relayed_events == pytest.approx(100)
    assert demands(many, PROD)["thing"].relayed_events == 500
    assert event_load(many, demands(many, PROD)).messages == 500


@pytest.mark.parametrize("payload", [100, 10_000, 100_000])
def test_bytes_of_a_payload_are_those_of_copies_and_events(payload: int) -> None:
    system = one_service(
        {"requests_per_second": 1000}, repeat_share=0.5, publishes=["thing.made"], data_gb=50_000, read_share=0.5
    )
    heavy = loaded(system, payload_bytes=payload)
    before, after = demands(system, PROD), demands(heavy, PROD)
    buckets = 1000 * 60 * 0.2 / 2**20
    copies = cache_load(heavy, PROD, after).memory_gib - buckets
    assert copies / (cache_load(system, PROD, before).memory_gib - buckets) == pytest.approx((payload + 200) / 2048)
    events = event_load(heavy, after).ingress_mbps / event_load(system, before).ingress_mbps
    assert events == pytest.approx((payload + 512) / 2048)


def test_declared_cpu_sizes_pods() -> None:
    system = one_service({"requests_per_second": 500})
    slow = loaded(system, cpu_ms_per_request=20)
    (before,), (after,) = plan(system, PROD).workloads, plan(slow, PROD).workloads
    # 500 requests/s of 20 ms are ten cores; at 60 % of a core each, 17 pods.
    assert after.min_pods >= 17 > before.min_pods


def test_hours_and_peaks_say_the_mean() -> None:
    office = {"days_per_week": 5, "hours_per_day": 10}
    service = loaded(one_service(), peak_to_mean=4, working_hours=office).services["thing"]
    assert mean_share(service) == pytest.approx(50 / 168 / 4)
    assert mean_share(one_service().services["thing"]) == pytest.approx(0.4)


def test_brokers_keep_what_the_mean_writes() -> None:
    system = one_service({"requests_per_second": 20_000}, read_share=0.2, publishes=["thing.made"])
    environment = PROD.model_copy(update={"kafka": "standard"})

    def storage(system: System) -> int:
        events = plan(system, environment).events
        assert events
        assert events.kafka
        return events.kafka.storage_gb or 0

    office = loaded(system, working_hours={"days_per_week": 5, "hours_per_day": 8})
    assert storage(office) / storage(system) == pytest.approx(40 / 168, abs=0.02)


@pytest.mark.parametrize(
    ("requirements", "service", "path"),
    [
        ({"requests_per_second": 10}, {"load": {"requests_per_second": 5}}, ("requirements", "requests_per_second")),
        ({}, {"load": {"events_per_second": 5}}, ("services", "thing", "load", "events_per_second")),
        ({}, {"load": {"create_share": 0.5}}, ("services", "thing", "load", "create_share")),
    ],
)
def test_a_load_that_nothing_has_is_refused(
    requirements: dict[str, Any], service: dict[str, Any], path: tuple[str, ...]
) -> None:
    declared: dict[str, Any] = {
        "name": "one",
        "identity": {"roles": ["member"]},
        "requirements": requirements,
        "services": {
            "thing": {
                "resources": {"thing": {"fields": {"label": {"type": "string"}}, "operations": {"list": ["member"]}}},
                **service,
            }
        },
    }
    assert [finding.path for finding in judge_system(declared)] == [path]
