"""Values that were worked out by hand, from the figures and the declared load."""

from __future__ import annotations

import math
from typing import Any

import pytest

from groundplan.capacity import Plan, WorkloadPlan, figures, plan
from groundplan.capacity.demand import demands
from groundplan.capacity.workloads import plan_workloads, pods_for
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import DEV, PROD, one_service
from infra.tests.samples import WAITING_MS, system_of, with_round_figures, with_statements_of
from infra.tests.samples import busy_shop as shop


def workload(sized: Plan, name: str) -> WorkloadPlan:
    return next(each for each in sized.workloads if each.name == name)


def reason(sized: Plan, subject: str, setting: str) -> str:
    return next(d.reason for d in sized.decisions if (d.subject, d.setting) == (subject, setting))


@pytest.mark.parametrize(
    ("cores", "pod_cores", "floor", "multi_zone", "pods"),
    [
        (0, 1, 3, True, 3),
        (0.6, 1, 1, False, 1),
        (0.61, 1, 1, False, 2),
        # 3.0 cores at 60 % are 5 pods; 2 of them in the fullest zone, and 3 left would be 100 % busy: 4 must be left.
        (3.0, 1, 3, True, 6),
        (2.4, 1, 3, True, 5),
        (0.25, 0.25, 1, False, 2),
    ],
)
def test_pods_hold_the_load_and_a_lost_zone(
    cores: float, pod_cores: float, floor: int, multi_zone: bool, pods: int
) -> None:
    """T4: survivors of the fullest zone's loss are at 85 % or less."""
    assert pods_for(cores, pod_cores, floor, multi_zone=multi_zone) == pods
    if multi_zone:
        left = pods - -(-pods // 3)
        assert cores <= left * pod_cores * 0.85 + 1e-9


def test_demand_of_the_shop() -> None:
    """1,000 requests/s in weights 3 : 5 : 2."""
    today = demands(shop(), PROD)
    user, order, payment = (today[name] for name in ("user", "order", "payment"))
    # 300 requests/s: 285 read, of which 60 % come from the cache.
    assert user.cached_reads == pytest.approx(171)
    assert user.database_reads == pytest.approx(114)
    assert user.writes == pytest.approx(15)
    # 500 requests/s: 75 write; it reads payment's 100 events, projects its own 75, and sends them twice.
    assert order.writes == pytest.approx(75)
    assert order.consumed_events == pytest.approx(100)
    assert order.projected_events == pytest.approx(75)
    assert order.relayed_events == pytest.approx(150)
    # Not cached: its repeated reads reach the database.
    assert payment.cached_reads == 0
    assert payment.database_reads == pytest.approx(100)


def test_pods_of_the_shop() -> None:
    """T3, P1. user: 171/2000 + 114/860 + 15/430 = 0.253 cores; ten times that is 5 pods at 60 %, 5 for a lost zone."""
    sized = plan(shop(), PROD)
    user = workload(sized, "user-api")
    assert (user.min_pods, user.max_pods, user.cpu_millicores) == (3, 5, 1000)
    # order's queries: 127.5/2000 + 297.5/860 = 0.41 cores, ten times 4.1: 7 at 60 %, 5 survivors of 8.
    query = workload(sized, "order-query")
    assert (query.min_pods, query.max_pods) == (3, 8)
    # Relays: 1,500 messages/s at full growth are 0.75 cores: two pods, either of which holds them alone.
    relay = workload(sized, "order-relay")
    assert (relay.min_pods, relay.max_pods) == (2, 2)


def test_pools_of_the_shop() -> None:
    """D3: 430 writes/s x 4 statements x (3 + 2) ms x 1.5 = 12.9 connections; queries open none to the primary."""
    sized = plan(shop(), PROD)
    assert workload(sized, "order-command").primary_connections == 13
    assert workload(sized, "order-command").replica_connections == 0
    assert workload(sized, "order-query").primary_connections == 0
    # 297.5 x 2 statements/s / 0.41 cores x (2 + 2) ms x 1.5 = 8.7
    assert workload(sized, "order-query").replica_connections == 9


def test_workloads_follow_the_declaration() -> None:
    """A1, A3, A4: CQRS splits, publishing brings a relay, consuming a consumer."""
    roles = {
        name: [each.role for each in plan(shop(), PROD).workloads_of(name)] for name in ("user", "order", "payment")
    }
    assert roles == {
        "user": ["api", "relay"],
        "order": ["command", "query", "consumer", "relay", "projector"],
        "payment": ["api", "consumer", "relay"],
    }


def test_databases_of_the_shop() -> None:
    """D3, A2: replicas where reads prevail, a proxy where connections do, hot data in memory."""
    user, order, payment = plan(shop(), PROD).databases
    assert (user.replicas, order.replicas, payment.replicas) == (2, 2, 0)
    assert (user.proxy, order.proxy, payment.proxy) == (False, True, True)
    # 5 % of 200 GiB are 10, more than the 6 that 8 GiB leave for pages.
    assert order.instance_class == "db.r7g.large"
    assert payment.instance_class == "db.m7g.large"
    # 20 GiB x 1.3 = 26; and 400 where ten times the writes need more than 3,000 IOPS.
    assert user.storage_gb == 30
    assert order.storage_gb == 400
    # (200 + 20 x 24 x 10) x 1.3
    assert order.max_storage_gb == 6500
    # 16 GiB x 0.9 / 9,531,392
    assert order.max_connections == 1622


def test_the_shops_first_bottleneck_is_the_order_writer() -> None:
    """900 statements' worth/s x 0.6 ms = 0.54 of 2 cores today, so they are full at 1,000 / 0.27 requests/s."""
    first, second = plan(shop(), PROD).bottlenecks[:2]
    assert first.subject == "database.order.writer"
    assert first.demand_now == pytest.approx(0.54)
    assert first.bites_at_rps == pytest.approx(1000 * 2 / 0.54)
    assert "failover" in first.remedy
    assert second.subject == "database.payment.writer"


def test_ten_times_the_load_meets_the_gateways_quota() -> None:
    """P1: 10,000 requests/s are what an account has for regional REST APIs."""
    sized = plan(shop(), PROD)
    assert sized.gateway.requests_per_second == 10_000
    assert sized.gateway.account_limit_rps == 10_000
    (note,) = [each for each in sized.notes if "L-8A5B8E43" in each]
    assert "10,000 requests/s at full growth, 10,000 requests/s by default; ask for 12,500" in note
    raised = PROD.model_copy(update={"quotas": {"gateway_rps": 12_500}})
    assert not any("L-8A5B8E43" in each for each in plan(shop(), raised).notes)


def test_newer_regions_have_a_smaller_quota() -> None:
    sized = plan(shop(), PROD.model_copy(update={"region": "il-central-1"}))
    assert sized.gateway.account_limit_rps == 2500
    assert next(tier for tier in sized.tiers if tier.subject == "gateway.account").bites_at_rps == 2500


def test_internal_services_do_not_pass_the_gateway() -> None:
    sized = plan(one_service({"requests_per_second": 500}, exposure="internal"), PROD)
    assert sized.gateway.requests_per_second == 1
    tier = next(tier for tier in sized.tiers if tier.subject == "gateway.account")
    assert tier.demand_now == 0
    assert tier.bites_at_rps == float("inf")


def test_dev_is_cheap() -> None:
    """One burstable instance for all, one small pod each, one cache node without a replica."""
    sized = plan(shop(), DEV)
    (database,) = sized.databases
    assert database.instance_class == "db.t4g.small"
    assert (database.replicas, database.multi_zone, database.proxy, database.storage_gb) == (0, False, False, 20)
    assert {each.cpu_millicores for each in sized.workloads} == {250}
    assert {each.max_pods for each in sized.workloads} == {1}
    assert sized.cache is not None
    assert (sized.cache.node_type, sized.cache.replicas) == ("cache.t4g.micro", 0)
    assert sized.events is not None
    assert sized.events.kafka is not None
    assert sized.events.kafka.instance_type == "kafka.m7g.large"
    assert sized.cluster.nodes_now == 1


def test_kafka_of_the_shop() -> None:
    """A3, T4: three Express brokers; partitions for ten times the events, one after the other in each."""
    events = plan(shop(), PROD).events
    assert events is not None
    assert events.kafka is not None
    assert (events.kafka.instance_type, events.kafka.brokers, events.kafka.replication, events.kafka.min_in_sync) == (
        "express.m7g.large",
        3,
        3,
        2,
    )
    partitions = {topic.event: topic.partitions for topic in events.topics}
    # 1,000 events/s x (3 statements x 5 ms + 1/430 s) = 17.3 partitions in use, at 60 % 28.9: 30 in multiples of three.
    assert partitions["payment.settled"] == 30
    assert partitions["order.placed"] == 24
    assert partitions["user.closed"] == 3


def test_a_cqrs_service_has_a_stream_of_its_own_changes() -> None:
    """A4: its projector competes with no consumer."""
    events = plan(shop(), PROD).events
    assert events is not None
    (stream,) = [topic for topic in events.topics if topic.projectors]
    assert (stream.event, stream.publisher, stream.consumers, stream.projectors) == (
        "order.read_model",
        "order",
        (),
        ("order",),
    )


def test_no_events_no_broker() -> None:
    assert plan(one_service(), PROD).events is None


def test_sqs_keeps_a_message_two_weeks_at_most() -> None:
    system = shop().model_copy(
        update={"events": shop().events.model_copy(update={"broker": "sqs", "retention_hours": 8760})}
    )
    events = plan(system, PROD).events
    assert events is not None
    assert events.kafka is None
    assert events.retention_hours == 336
    assert {topic.partitions for topic in events.topics} == {0}


def test_replicas_go_where_the_stack_wants_them() -> None:
    """Without replicas the queries of a CQRS service ask the primary."""
    sized = plan(shop(), PROD.model_copy(update={"read_replicas": False}))
    assert {database.replicas for database in sized.databases} == {0}
    assert workload(sized, "order-query").primary_connections == 9
    assert reason(sized, "database.order", "replicas") == "this stack keeps no replicas; reads go to the primary"


def test_a_pooler_comes_when_replicas_can_not_take_every_pool() -> None:
    """D3: RDS Proxy serves the writer only, so PgBouncer stands before replicas."""
    system = with_statements_of(one_service({"requests_per_second": 20_000}, read_share=0.99), WAITING_MS)
    database = plan(system, PROD).databases[0]
    assert database.pooler is not None
    assert database.pooler.pods >= 2
    assert database.pooler.max_client_connections == 5000


def test_shared_instances_that_cannot_connect_every_pod_are_refused() -> None:
    system = one_service({"requests_per_second": 1_000_000, "growth_factor": 2}, read_share=0.0)
    services = {f"part-{n}": system.services["thing"] for n in range(8)}
    crowded = with_round_figures(system.model_copy(update={"services": services}))
    stack = PROD.model_copy(update={"shared_database": True, "database_proxy": False})
    with pytest.raises(ProblemsFound) as found:
        plan(crowded, stack)
    (problem,) = found.value.problems
    assert (problem.where, problem.path, problem.value) == ("Pulumi.prod.yaml", "shared_database", "true")
    assert "8 services" in problem.expected


def test_slow_statements_bound_what_a_pod_can_do() -> None:
    """Little's law: a pool of 40 at 1 s a statement holds 40 x 3 / 1.5 statements/s, however fast the pod is."""
    sized = plan(one_service({"query_p95_ms": 1000, "requests_per_second": 100}, read_share=0.0), PROD)
    api = workload(sized, "thing-api")
    assert api.primary_connections == 40
    tier = next(tier for tier in sized.tiers if tier.subject == "workload.thing-api")
    assert tier.capacity == pytest.approx(api.max_pods * 40 * 3 / 1.5 / 4, rel=0.01)
    assert "its pool lets it use" in reason(sized, "workload.thing-api", "cpu_millicores")


@pytest.mark.parametrize(
    ("change", "subject", "setting", "text"),
    [
        ({"nat": "single"}, "network", "nat", "one gateway: cheap"),
        ({"multi_zone": False}, "database.order", "multi_zone", "may wait"),
        ({"database_proxy": False}, "database.order", "proxy", "this stack has no proxy"),
        ({"shared_database": True}, "database.shared", "shards", "one instance for all services"),
    ],
)
def test_reasons_name_what_the_stack_chose(change: dict[str, Any], subject: str, setting: str, text: str) -> None:
    assert text in reason(plan(shop(), PROD.model_copy(update=change)), subject, setting)


def test_account_quotas_are_named() -> None:
    """A plan that an account's defaults don't hold says which to raise."""
    services = {f"part-{n}": shop().services["order"].model_copy(update={"consumes": []}) for n in range(25)}
    requirements = shop().requirements.model_copy(update={"requests_per_second": 20_000})
    large = shop().model_copy(update={"services": services, "requirements": requirements})
    notes = " ".join(plan(large, PROD).notes)
    assert "DB instances: 75 now, 40 by default; ask for 75, Service Quotas rds L-7B6409FD, before deploying" in notes
    assert "Proxies: 25 now, 20 by default" in notes
    assert "Event subscriptions: 25 now, 20 by default; ask for 25, Service Quotas rds L-A59F4C87" in notes
    assert "L-1216C47A" in notes


def test_the_response_cache_holds_what_lives_at_once() -> None:
    """C1: 800 GETs/s x 60 s x 2 KiB = 0.09 GiB, so the smallest cache."""
    system = one_service(None, read_share=0.8)
    cached = system.model_copy(update={"edge": system.edge.model_copy(update={"response_cache_seconds": 60})})
    assert plan(system, PROD).gateway.cache_gb is None
    assert plan(cached, PROD).gateway.cache_gb == 0.5
    assert plan(cached, PROD).gateway.cache_seconds == 60


def test_planning_needs_no_pulumi() -> None:
    """The plan is pure: importing it loads no SDK."""
    import subprocess
    import sys

    code = (
        "import sys, groundplan.capacity, groundplan.capacity.report; "
        "sys.exit(any(name.split('.')[0].startswith('pulumi') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_environment_names_reach_the_problems() -> None:
    stack = Environment(
        name="blue", region="eu-west-1", require_domain=False, shared_database=True, database_proxy=False
    )
    # As measured, pods take too many writes to run out of connections: these are dearer.
    load = {"cpu_ms_per_request": 1.5}
    system = one_service({"requests_per_second": 1_000_000, "growth_factor": 2}, read_share=0.0, load=load)
    services = {f"part-{n}": system.services["thing"] for n in range(8)}
    with pytest.raises(ProblemsFound, match=r"Pulumi\.blue\.yaml"):
        plan(system.model_copy(update={"services": services}), stack)


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_node_pool_has_a_whole_node_to_spare(stack: Environment) -> None:
    """A limit within the last node would stop a rollout."""
    cluster = plan(shop(), stack).cluster
    assert cluster.cpu_limit >= 4 * (cluster.nodes_grown + 1)
    assert cluster.cpu_limit % 4 == 0
    assert cluster.memory_limit_gib == 4 * cluster.cpu_limit


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_node_pool_holds_a_rollout_of_everything(stack: Environment) -> None:
    """With one pod each, every one of fifty services is there twice."""
    planned = plan(system_of(50), stack)
    asked = sum((w.max_pods + math.ceil(w.max_pods / 4)) * w.cpu_millicores for w in planned.workloads) / 1000
    assert planned.cluster.cpu_limit * figures.NODE_ALLOCATABLE * figures.NODE_PACKING >= asked


@pytest.mark.parametrize("count", [20, 60, 100])
def test_a_rollout_of_everything_connects_to_a_shared_instance(count: int) -> None:
    """Pods that start beside those they replace hold pools too: 60 services passed what a small instance takes."""
    sized = plan(system_of(count, "sqs"), DEV)
    (shared,) = sized.databases
    held = sum((w.max_pods + math.ceil(w.max_pods / 4)) * w.primary_connections for w in sized.workloads)
    assert held <= shared.max_connections


def test_no_consumer_is_without_a_partition() -> None:
    """A topic stops at 999 partitions, and consumers at 1,000 pods did not."""
    system = shop()
    busy = system.requirements.model_copy(update={"requests_per_second": 400_000})
    heavy = system.model_copy(update={"requirements": busy})
    workloads, _ = plan_workloads(heavy, PROD, demands(heavy, PROD), dict.fromkeys(heavy.services, 1))
    pods = {each.name: each.max_pods for each in workloads}
    assert pods["order-command"] == 1000
    assert max(pods["order-consumer"], pods["payment-consumer"], pods["order-projector"]) == 999
