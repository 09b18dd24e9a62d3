"""Events: topics and partitions, brokers or SNS and SQS (A3, A4, P1, T4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import Demand, mean_share
from groundplan.capacity.figures import BrokerType
from groundplan.capacity.model import Decision, EventsPlan, KafkaPlan, TopicPlan, WorkloadPlan
from groundplan.capacity.wording import count, number, percent
from groundplan.declaration.model import Broker, System
from groundplan.stack.environment import Environment

_KIB_PER_MB = 1e6 / 1024


@dataclass(frozen=True, slots=True)
class EventLoad:
    """Messages a second and MB/s into the broker and out of it."""

    messages: float
    ingress_mbps: float
    egress_mbps: float


def event_load(system: System, demands: dict[str, Demand], factor: float = 1.0) -> EventLoad:
    """The load at ``factor`` times today's: a relayed message goes in, and out to each reader and to the event log."""
    publishers = system.published_events()
    messages = sum(demand.relayed_events for demand in demands.values()) * factor
    written = sum(demand.relayed_events * demand.costs.event_kib for demand in demands.values()) * factor
    read = 0.0
    for name, demand in demands.items():
        read += demand.projected_events * demand.costs.event_kib
        sources = sorted({publishers[event] for event in system.services[name].consumes if event in publishers})
        read += sum(demands[each].published_events * demands[each].costs.event_kib for each in sources)
    read *= factor
    return EventLoad(messages, written / _KIB_PER_MB, (read + written) / _KIB_PER_MB)


def _kept_share(system: System, demands: dict[str, Demand]) -> float:
    """The mean of what is written to the broker, as a part of its peak."""
    written = {name: demand.relayed_events * demand.costs.event_kib for name, demand in demands.items()}
    whole = sum(written.values())
    if not whole:
        return float(figures.PEAK_TO_MEAN)
    return sum(amount * mean_share(system.services[name]) for name, amount in written.items()) / whole


def read_model_stream(service: str) -> str:
    """The stream of all changes of a CQRS service, that its projector follows."""
    return f"{service.replace('-', '_')}.read_model"


def plan_events(
    system: System, environment: Environment, demands: dict[str, Demand], workloads: tuple[WorkloadPlan, ...]
) -> tuple[EventsPlan | None, tuple[Decision, ...]]:
    """Where events travel; None when no service has any."""
    kafka = system.events.broker is Broker.KAFKA
    needed = partitions_in_use(demands)
    remembered = environment.remembered.cluster(environment.kafka) if kafka else None
    floors = remembered.topics if remembered else {}
    topics = _topics(system, workloads, needed, floors, partitioned=kafka)
    if not topics:
        return None, ()
    hours = system.events.retention_hours
    if not kafka:
        hours = min(hours, int(figures.QUEUE_RETENTION_HOURS))
    brokers, reasons = _kafka(system, environment, demands, topics) if kafka else (None, ())
    events = EventsPlan(
        topics=topics, retention_hours=hours, log_retention_days=system.events.log_retention_days, kafka=brokers
    )
    decisions = [
        Decision(
            "events",
            "retention_hours",
            str(hours),
            "declared: how long a consumer may be away and still catch up"
            if hours == system.events.retention_hours
            else f"declared {system.events.retention_hours}, of which a queue keeps {hours} at most",
            "A3",
            "declaration" if kafka else figures.QUEUE_RETENTION_HOURS.source,
        ),
        Decision(
            "events",
            "log_retention_days",
            str(events.log_retention_days),
            "declared: audit and replay read the event log, not the broker",
            "A3",
            "declaration",
        ),
    ]
    decisions += [_topic_reason(topic, needed, system.requirements.growth_factor) for topic in topics]
    return events, (*decisions, *reasons)


def partitions_in_use(demands: dict[str, Demand]) -> dict[str, float]:
    """By reader, the partitions that are being worked on at any moment today, by Little's law.

    A partition's events are handled one after the other, which is what keeps them in order: each takes the mean time of
    its statements, and the work of the pod itself.
    """
    busy: dict[str, float] = {}
    for name, demand in demands.items():
        costs = demand.costs
        consumed = costs.statements_a_consumed_event * costs.write_statement_ms + costs.consumed_event_ms
        projected = costs.statements_a_projected_event * costs.write_statement_ms + costs.projected_event_ms
        busy[f"{name}-consumer"] = demand.consumed_events * consumed / 1000
        busy[f"{name}-projector"] = demand.projected_events * projected / 1000
    return busy


def _topics(
    system: System,
    workloads: tuple[WorkloadPlan, ...],
    busy: dict[str, float],
    floors: Mapping[str, int],
    *,
    partitioned: bool,
) -> tuple[TopicPlan, ...]:
    pods = {workload.name: workload.max_pods for workload in workloads}
    growth = system.requirements.growth_factor

    def partitions(event: str, readers: tuple[str, ...]) -> int:
        """As many as the busiest reader works on at full growth and has pods for, in multiples of zones; never fewer
        than there are."""
        if not partitioned:
            return 0
        zones = int(figures.ZONES)
        needed = [max(busy[reader] * growth / figures.TARGET_UTILISATION, pods[reader]) for reader in readers]
        planned = min(zones * math.ceil(max([zones, *needed]) / zones - 1e-9), int(figures.PARTITIONS_PER_TOPIC))
        return max(planned, floors.get(event, 0))

    topics = []
    for name, service in system.services.items():
        for event in service.publishes:
            consumers = tuple(other for other, declared in system.services.items() if event in declared.consumes)
            readers = tuple(f"{consumer}-consumer" for consumer in consumers)
            topics.append(TopicPlan(event, name, consumers, partitions(event, readers)))
        if service.cqrs:
            stream = read_model_stream(name)
            own = partitions(stream, (f"{name}-projector",))
            topics.append(TopicPlan(stream, name, (), own, projectors=(name,)))
    return tuple(topics)


def readers_of(topic: TopicPlan) -> tuple[str, ...]:
    """The workloads that read a topic."""
    return (*(f"{name}-consumer" for name in topic.consumers), *(f"{name}-projector" for name in topic.projectors))


def _topic_reason(topic: TopicPlan, busy: dict[str, float], growth: float) -> Decision:
    readers = readers_of(topic)
    largest = max(readers, key=lambda reader: busy[reader], default=None)
    if not topic.partitions:
        reason = f"an SNS topic has none; {count(len(readers), 'queue')} with a dead-letter queue each"
    elif largest is None:
        reason = "one in each zone; only the event log reads it so far"
    else:
        reason = (
            f"{largest} works on {number(busy[largest] * growth)} at any moment at full growth, and each of its pods "
            "has one; "
            "in multiples of three brokers. Not for today only: another number would change the order of events"
        )
    return Decision(
        f"topic.{topic.event}",
        "partitions",
        str(topic.partitions),
        reason,
        "A3, P1",
        "Little's law; Apache Kafka documentation, consumer groups",
    )


def _kafka(
    system: System, environment: Environment, demands: dict[str, Demand], topics: tuple[TopicPlan, ...]
) -> tuple[KafkaPlan, tuple[Decision, ...]]:
    express = environment.kafka == "express"
    ladder = figures.EXPRESS_BROKERS if express else figures.STANDARD_BROKERS
    load = event_load(system, demands)
    replicas = sum(topic.partitions for topic in topics) * int(figures.REPLICATION)
    zones = int(figures.ZONES)
    chosen = next((broker for broker in ladder if _fill(broker, zones, load, replicas) <= 1), ladder[-1])
    needed = zones * math.ceil(_fill(chosen, zones, load, replicas) - 1e-9)
    remembered = environment.remembered.cluster(environment.kafka)
    # A Standard broker goes only once no partition is on it; MSK empties Express brokers by itself.
    least = remembered.brokers if remembered and not express else zones
    allowed = int(environment.quota("msk_brokers_per_cluster")) // zones * zones
    brokers = max(zones, least, min(needed, allowed))
    mean = _kept_share(system, demands)
    storage = None if express else _broker_storage_gb(load, system.events.retention_hours, brokers, mean)
    if storage is not None and remembered and remembered.storage_gb:
        storage = max(storage, remembered.storage_gb)
    kafka = KafkaPlan(
        kind=environment.kafka,
        instance_type=chosen.name,
        brokers=brokers,
        storage_gb=storage,
        replication=int(figures.REPLICATION),
        min_in_sync=int(figures.MIN_IN_SYNC),
    )
    source = figures.EXPRESS_BROKERS_SOURCE if express else figures.STANDARD_BROKERS_SOURCE
    capacity = number(chosen.ingress_mbps)
    return kafka, (
        Decision(
            "kafka",
            "instance_type",
            kafka.instance_type,
            f"{number(load.messages)} events/s are {number(load.ingress_mbps, 2)} MB/s in and "
            f"{number(load.egress_mbps, 2)} MB/s out today; a broker holds {capacity} in, and two of three do at "
            f"{percent(figures.SURVIVOR_UTILISATION)}; {replicas:,} partitions with their copies, "
            f"{chosen.partitions:,} a broker",
            "A3, T4",
            source,
        ),
        Decision(
            "kafka",
            "brokers",
            str(kafka.brokers),
            "one in each zone, and more only where the largest type would not do",
            "T4",
            source,
        ),
        Decision(
            "kafka",
            "storage_gb",
            "by use" if storage is None else str(storage),
            "Express brokers grow by themselves"
            if storage is None
            else f"{system.events.retention_hours} hours at {percent(mean)} of the peak, three copies, "
            f"shared by {count(brokers, 'broker')}, with headroom",
            "A3",
            source if storage is None else figures.PEAK_TO_MEAN.source,
        ),
        Decision(
            "kafka",
            "replication",
            str(kafka.replication),
            "a copy in each zone, in every environment: what fails in one fails in all",
            "T4",
            figures.REPLICATION.source,
        ),
        Decision(
            "kafka",
            "min_in_sync",
            str(kafka.min_in_sync),
            "a write is acknowledged once two zones have it, so one may be lost",
            "T4",
            figures.MIN_IN_SYNC.source,
        ),
    )


def _fill(broker: BrokerType, brokers: int, load: EventLoad, partitions: int) -> float:
    """How full the brokers that are left after a zone's loss would be, 1.0 being the most that is planned."""
    surviving = brokers * 2 / 3
    return max(
        load.ingress_mbps / (broker.ingress_mbps * surviving * figures.SURVIVOR_UTILISATION),
        load.egress_mbps / (broker.egress_mbps * surviving * figures.SURVIVOR_UTILISATION),
        load.ingress_mbps / (broker.ingress_mbps * brokers * figures.TARGET_UTILISATION),
        load.egress_mbps / (broker.egress_mbps * brokers * figures.TARGET_UTILISATION),
        partitions / (broker.partitions * brokers),
    )


def _broker_storage_gb(load: EventLoad, hours: int, brokers: int, mean: float) -> int:
    written = load.ingress_mbps * 1e6 / 2**30 * hours * 3600 * mean * figures.REPLICATION
    step = int(figures.BROKER_STORAGE_STEP_GB)
    storage = math.ceil(written * figures.STORAGE_HEADROOM / brokers / step) * step
    return min(max(step, storage), int(figures.MAX_BROKER_STORAGE_GB))


def broker_named(name: str) -> BrokerType:
    return next(broker for broker in (*figures.EXPRESS_BROKERS, *figures.STANDARD_BROKERS) if broker.name == name)
