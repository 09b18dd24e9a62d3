"""What a plan uses of an account's quotas, today and at full growth.

Here are the quotas whose use follows from declaration and load. What else a program declares is the same for every
system, and is counted where the program is (`groundplan.quotas.declared`); a test holds the two to each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import demands
from groundplan.capacity.events import event_load
from groundplan.capacity.gateway import public_requests
from groundplan.capacity.model import Plan, WorkloadPlan
from groundplan.capacity.wording import number
from groundplan.capacity.workloads import SERVING
from groundplan.declaration.model import System
from groundplan.quotas import QUOTAS, Quota
from groundplan.stack.environment import Environment

_PATHS_A_RULE = 2
"""A listener rule compares five values; a path takes two, and the methods of reads (GET, HEAD) the other two."""
_HEALTH_RULE = 1
_SHARED_RESOURCES = 2
"""Of every API: the root and `health`; each version has one more."""
_RESOURCES_A_PATH = 2
"""The collection and `{id}`."""
_SECONDS_A_DAY = 86_400
_GIB_A_TIB = 1024
_RATE_HEADROOM = 1.25


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one quota a stack uses."""

    quota: Quota
    limit: float
    """The account's, as configured or by default."""
    now: float
    grown: float
    """At the declared growth factor."""

    @property
    def over(self) -> bool:
        """Beyond the quota today, or as soon as it is deployed."""
        return self._beyond(self.now)

    @property
    def outgrown(self) -> bool:
        return self._beyond(self.grown)

    def _beyond(self, amount: float) -> bool:
        # At a rate that is just allowed, the first burst is refused.
        return amount > self.limit - 1e-9 if self.quota.rate else amount > self.limit + 1e-9

    @property
    def needed(self) -> int:
        """What to ask for; of a rate more, as a second of it may bring more than the mean."""
        most = max(self.now, self.grown)
        return math.ceil(most * (_RATE_HEADROOM if self.quota.rate else 1) - 1e-9)


def planned_use(plan: Plan, system: System, environment: Environment) -> tuple[Use, ...]:
    """In the order of the table."""
    found = dict(_uses(plan, system, environment))
    return tuple(
        Use(quota, environment.quota(key), now, max(now, grown))
        for key, quota in QUOTAS.items()
        if (amount := found.get(key)) is not None
        for now, grown in [amount]
    )


def _uses(plan: Plan, system: System, environment: Environment) -> Iterator[tuple[str, tuple[float, float]]]:
    for uses in (_balancer(plan, system), _databases(plan), _cache(plan, system), _events(plan)):
        for key, amount in uses:
            yield key, (amount, amount)
    yield from _rates(plan, system, environment)
    yield from _pods(plan)
    if environment.existing_cluster is None:
        yield from _nodes(plan)
    yield "rds_storage_gib", _storage(plan)


def _public(plan: Plan, system: System) -> list[WorkloadPlan]:
    """Workloads behind the load balancer."""
    return [
        each for each in plan.workloads if each.role in SERVING and system.services[each.service].exposure == "public"
    ]


def _balancer(plan: Plan, system: System) -> Iterator[tuple[str, float]]:
    public = {name: service for name, service in system.services.items() if service.exposure == "public"}
    paths = {name: sum(len(each.versions()) for each in service.resources.values()) for name, service in public.items()}
    rules = sum(
        math.ceil(paths[name] / _PATHS_A_RULE) + (paths[name] if service.cqrs else 0)
        for name, service in public.items()
    )
    yield "alb_rules", rules + _HEALTH_RULE
    versions = {
        each.api_version for service in public.values() for of in service.resources.values() for each in of.versions()
    }
    yield "gateway_resources", _SHARED_RESOURCES + len(versions) + _RESOURCES_A_PATH * sum(paths.values())
    groups = len(_public(plan, system))
    yield "alb_target_groups", groups
    yield "alb_groups_per_region", groups


def _pods(plan: Plan) -> Iterator[tuple[str, tuple[float, float]]]:
    poolers = sum(database.shards for database in plan.databases if database.pooler)
    services = len({each.service for each in plan.workloads})
    identities = len(plan.workloads) + services + poolers
    yield "eks_pod_identities", (identities, identities)


def _databases(plan: Plan) -> Iterator[tuple[str, float]]:
    shards = sum(database.shards for database in plan.databases)
    yield "rds_instances", sum(database.shards * (1 + database.replicas) for database in plan.databases)
    yield "rds_parameter_groups", shards
    yield "rds_subnet_groups", shards
    yield "rds_event_subscriptions", shards
    yield "rds_replicas", max(database.replicas for database in plan.databases)
    yield "rds_proxies", sum(database.shards for database in plan.databases if database.proxy)
    yield "lambda_interfaces", plan.network.zones * shards


def _storage(plan: Plan) -> tuple[float, float]:
    now = sum(sum(each.shard_storage_gb) * (1 + each.replicas) for each in plan.databases)
    grown = sum(sum(each.shard_max_storage_gb) * (1 + each.replicas) for each in plan.databases)
    return now, grown


def _cache(plan: Plan, system: System) -> Iterator[tuple[str, float]]:
    if plan.cache:
        nodes = plan.cache.shards * (1 + plan.cache.replicas)
        yield "cache_nodes", nodes
        yield "cache_nodes_per_cluster", nodes
        # The user `default` that ElastiCache demands is in the group, too.
        users = len(system.services) + 1
        yield "cache_users", users
        yield "cache_users_per_group", users


def _events(plan: Plan) -> Iterator[tuple[str, float]]:
    if plan.events:
        yield "firehose_streams", len(plan.events.topics)
        if plan.events.kafka:
            yield "msk_brokers", plan.events.kafka.brokers
            yield "msk_brokers_per_cluster", plan.events.kafka.brokers


def _rates(plan: Plan, system: System, environment: Environment) -> Iterator[tuple[str, tuple[float, float]]]:
    today, growth = demands(system, environment), plan.growth_factor
    requests = public_requests(system, today)

    def grown(rate: float) -> tuple[float, float]:
        return rate, rate * growth

    for key in ("gateway_rps", "waf_rps", "cloudfront_rps"):
        yield key, grown(requests)
    users = requests / figures.USER_REQUESTS
    visits = users / figures.VISIT_SECONDS
    sign_ins = visits * figures.VISITS_WITH_SIGN_IN
    yield "cognito_sign_ins", grown(sign_ins)
    yield "cognito_tokens", grown(sign_ins + users / (60 * system.identity.access_token_minutes))
    mails = visits * figures.VISITS_WITH_MAIL * _SECONDS_A_DAY * figures.PEAK_TO_MEAN
    if environment.email_identity_arn:
        yield "ses_mail", grown(mails)
    elif system.identity.self_sign_up:
        yield "cognito_mail", grown(mails)
    if plan.events and plan.events.kafka is None:
        yield "sns_publish", grown(event_load(system, today).messages)
    public = _public(plan, system)
    yield (
        "alb_targets",
        (sum(each.min_pods for each in public), sum(each.max_pods for each in public)),
    )
    yield (
        "alb_targets_per_group",
        (max((each.min_pods for each in public), default=0), max((each.max_pods for each in public), default=0)),
    )


def _nodes(plan: Plan) -> Iterator[tuple[str, tuple[float, float]]]:
    cluster = plan.cluster
    yield "eks_nodes", (cluster.nodes_now, cluster.nodes_grown)
    now = cluster.nodes_now * cluster.node_vcpus
    yield "ec2_vcpus", (now, cluster.cpu_limit)
    tib = figures.NODE_STORAGE_GIB / _GIB_A_TIB
    yield "ebs_gp3_tib", (cluster.nodes_now * tib, cluster.nodes_grown * tib)
    # An address of a prefix counts once for the whole prefix, so this is the most.
    yield "vpc_address_units", (cluster.nodes_now, cluster.nodes_grown + cluster.pods_grown)


def quota_notes(plan: Plan, system: System, environment: Environment) -> Iterator[str]:
    """A sentence for each quota that has to be raised, those that a deployment meets first."""
    uses = planned_use(plan, system, environment)
    yield from (_sentence(use, environment) for use in uses if use.over)
    yield from (_sentence(use, environment) for use in uses if use.outgrown and not use.over)


def _sentence(use: Use, environment: Environment) -> str:
    quota = use.quota
    unit = f" {quota.unit}" if quota.unit else ""
    of = "" if quota.per == "account" else f" for one {quota.per}"
    had = (
        f"the account has {number(use.limit)}{unit}"
        if quota.key in environment.quotas
        else f"{number(use.limit)}{unit} by default"
    )
    amount = f"{number(use.now)}{unit} now" if use.over else f"{number(use.grown)}{unit} at full growth"
    first = "before deploying" if use.over and quota.stops else "before" if use.over else "before the load is there"
    ask = f"ask for {use.needed:,}, {quota.ask}, {first}" if quota.adjustable else quota.instead
    return f"{quota.name}{of}: {amount}, {had}; {ask}."
