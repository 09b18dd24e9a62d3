"""Sizes that are kept because AWS never makes them smaller: which, for how much more, and what to remember next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from groundplan.capacity import figures
from groundplan.capacity.model import DatabasePlan, Decision, Kept, Plan
from groundplan.capacity.wording import count, sizes
from groundplan.pricing.table import usd_of
from groundplan.stack.remembered import Remembered, RememberedDatabase, RememberedKafka, RememberedShard


def kept(plan: Plan, unbound: Plan, region: str) -> tuple[Kept, ...]:
    """What the plan has more of than ``unbound``, the same plan for a stack that has deployed nothing."""
    return (*_databases(plan, unbound, region), *_kafka(plan, unbound, region))


def _databases(plan: Plan, unbound: Plan, region: str) -> Iterator[Kept]:
    for database, wanted in zip(plan.databases, unbound.databases, strict=True):
        subject = f"database.{database.name}"
        if database.shard_storage_gb != wanted.shard_storage_gb:
            instances = 1 + int(database.multi_zone) + database.replicas
            more = [kept - less for kept, less in zip(database.shard_storage_gb, wanted.shard_storage_gb, strict=True)]
            volumes = instances * sum(1 for each in more if each)
            extra = instances * sum(more)
            yield Kept(
                *_sizes(subject, database, wanted, "storage_gb"),
                "RDS never makes storage smaller",
                _storage(extra, volumes, usd_of("rds.storage.single", region)),
                figures.RDS_NEVER_SHRINKS,
            )
        if database.shard_max_storage_gb != wanted.shard_max_storage_gb:
            yield Kept(
                *_sizes(subject, database, wanted, "max_storage_gb"),
                "storage may have grown by itself up to here, and RDS refuses a ceiling below it",
                "nothing",
                figures.STORAGE_AUTOSCALING_STEP.source,
            )


def _sizes(subject: str, kept: DatabasePlan, wanted: DatabasePlan, setting: str) -> tuple[str, str, str, str]:
    """The fullest shard's size where that is what is kept, else every shard's."""
    fullest = str(getattr(kept, setting)), str(getattr(wanted, setting))
    if fullest[0] != fullest[1]:
        return subject, setting, *fullest
    every = f"shard_{setting}"
    return subject, every, sizes(getattr(kept, every)), sizes(getattr(wanted, every))


def _kafka(plan: Plan, unbound: Plan, region: str) -> Iterator[Kept]:
    if plan.events is None or unbound.events is None:
        return
    for topic, wanted in zip(plan.events.topics, unbound.events.topics, strict=True):
        if topic.partitions > wanted.partitions:
            yield Kept(
                *(f"topic.{topic.event}", "partitions", str(topic.partitions), str(wanted.partitions)),
                "Kafka never takes partitions away",
                "nothing by itself",
                figures.KAFKA_NEVER_SHRINKS,
            )
    kafka, less = plan.events.kafka, unbound.events.kafka
    if kafka is None or less is None:
        return
    if kafka.instance_type != less.instance_type:
        yield Kept(
            *("kafka", "instance_type", kafka.instance_type, less.instance_type),
            "a smaller broker takes fewer partitions than there are",
            f"the difference of {count(kafka.brokers, 'broker')}",
            figures.EXPRESS_BROKERS_SOURCE if kafka.kind == "express" else figures.STANDARD_BROKERS_SOURCE,
        )
    if kafka.brokers > less.brokers:
        yield Kept(
            *("kafka", "brokers", str(kafka.brokers), str(less.brokers)),
            "MSK removes a Standard broker only once no partition is on it",
            f"{count(kafka.brokers - less.brokers, 'broker')} of {kafka.instance_type}",
            figures.BROKERS_NEVER_SHRINK,
        )
    if kafka.storage_gb and less.storage_gb and kafka.storage_gb > less.storage_gb:
        # Fewer brokers would each need more: what is kept is counted over all of them.
        extra = max(0, kafka.storage_gb * kafka.brokers - less.storage_gb * less.brokers)
        yield Kept(
            *("kafka", "storage_gb", str(kafka.storage_gb), str(less.storage_gb)),
            "MSK never makes a broker's volume smaller",
            _storage(extra, kafka.brokers, usd_of("msk.standard.storage", region)),
            figures.MSK_NEVER_SHRINKS,
        )


def _storage(gib: float, volumes: int, usd: float | None) -> str:
    """``usd`` is a GiB's and month's; None where the price table has none for the region."""
    size = f"{gib:,} GiB in {count(volumes, 'volume')}"
    return size if usd is None else f"{size}, about ${gib * usd:,.0f} a month"


def with_kept(plan: Plan, unbound: Plan, region: str) -> Plan:
    """The plan that says of each kept size why it isn't the one that its load asks for."""
    sizes = kept(plan, unbound, region)
    reasons = {(each.subject, each.setting): each for each in sizes}
    decisions = (_reason(decision, reasons.get((decision.subject, decision.setting))) for decision in plan.decisions)
    return replace(plan, kept=sizes, decisions=tuple(decisions))


def _reason(decision: Decision, size: Kept | None) -> Decision:
    if size is None:
        return decision
    reason = f"kept as deployed, {size.needed} would do: {size.why}. It costs {size.cost}"
    return replace(decision, reason=reason, source=size.source)


def remembered_after(plan: Plan) -> Remembered:
    """What the stack remembers once the plan is deployed."""
    databases = {
        database.name: RememberedDatabase(
            storage_gb=database.storage_gb, max_storage_gb=database.max_storage_gb, shards=_shards(database)
        )
        for database in plan.databases
    }
    kafka = plan.events.kafka if plan.events else None
    if plan.events is None or kafka is None:
        return Remembered(databases=databases)
    cluster = RememberedKafka(
        kind=kafka.kind,
        brokers=kafka.brokers,
        storage_gb=kafka.storage_gb,
        topics={topic.event: topic.partitions for topic in plan.events.topics},
    )
    return Remembered(databases=databases, kafka=cluster)


def _shards(database: DatabasePlan) -> dict[str, RememberedShard]:
    if database.shards == 1:
        return {}
    each = zip(database.shard_storage_gb, database.shard_max_storage_gb, strict=True)
    return {
        str(shard): RememberedShard(storage_gb=storage, max_storage_gb=most)
        for shard, (storage, most) in enumerate(each, start=1)
    }
