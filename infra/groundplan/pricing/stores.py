"""What holds data: databases, cache, brokers, topics, queues, buckets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from groundplan.capacity import figures as plan_figures
from groundplan.cloud.model import Resource
from groundplan.pricing import figures
from groundplan.pricing.band import Band
from groundplan.pricing.item import Billed, Item, item
from groundplan.pricing.usage import Usage, gib, items_in

_VCPUS = {each.name: each.vcpus for each in (*plan_figures.BURSTABLE_DATABASE_CLASSES, *plan_figures.DATABASE_CLASSES)}


def _instance(resource: Resource, usage: Usage) -> Iterator[Item]:
    inputs = resource.inputs
    by = usage.database_services(resource.name)
    zones = "multi" if inputs.get("multiAz") else "single"
    kind = inputs.get("instanceClass")
    storage = float(inputs.get("allocatedStorage") or 0)
    standby = " with a standby" if zones == "multi" else ""
    yield item("databases", resource, f"{kind}{standby}", f"rds.{kind}.{zones}", figures.HOURS, shares=by)
    yield item("databases", resource, "storage", f"rds.storage.{zones}", storage, shares=by)
    striped = storage >= plan_figures.GP3_STRIPED_FROM_GB
    for setting, small, large in (
        ("iops", plan_figures.GP3_IOPS, plan_figures.GP3_STRIPED_IOPS),
        ("storageThroughput", plan_figures.GP3_THROUGHPUT, plan_figures.GP3_STRIPED_THROUGHPUT),
    ):
        bought = float(inputs.get(setting) or 0) - float(large if striped else small)
        if bought > 0:
            key = "iops" if setting == "iops" else "throughput"
            yield item("databases", resource, f"{key} over the baseline", f"rds.{key}.{zones}", bought, shares=by)
    if interval := inputs.get("monitoringInterval"):
        samples = figures.SECONDS / float(interval) * (2 if zones == "multi" else 1)
        size = figures.OS_METRICS_KIB.band * (samples * figures.KIB / figures.GIB)
        yield item("logs and metrics", resource, "Enhanced Monitoring", "cloudwatch.logs", size, shares=by)


def _proxy(resource: Resource, usage: Usage) -> Iterator[Item]:
    name = resource.inputs.get("name")
    targets = [
        each.inputs.get("dbInstanceIdentifier")
        for each in usage.of("aws:rds/proxyTarget:ProxyTarget")
        if each.inputs.get("dbProxyName") == name
    ]
    classes = [
        str(each.inputs.get("instanceClass"))
        for each in usage.of("aws:rds/instance:Instance")
        if each.outputs.get("identifier", each.inputs.get("identifier")) in targets
    ]
    vcpus = max((_VCPUS.get(each, 0) for each in classes), default=0)
    by = usage.database_services(resource.name)
    hours = figures.HOURS * max(vcpus, 2)
    yield item("databases", resource, "proxy, by the writer's vCPUs", "rds.proxy", hours, shares=by)


def _cache(resource: Resource, usage: Usage) -> Iterator[Item]:
    inputs = resource.inputs
    nodes = int(inputs.get("numNodeGroups") or 1) * (1 + int(inputs.get("replicasPerNodeGroup") or 0))
    kind = inputs.get("nodeType")
    by = usage.request_shares
    yield item("cache", resource, f"{kind}", f"{kind}", figures.HOURS * nodes, shares=by)
    if (kept := int(inputs.get("snapshotRetentionLimit") or 0)) and usage.plan.cache:
        size = usage.plan.cache.working_set_gb * kept
        yield item("cache", resource, "snapshots", "cache.backup", size, shares=by)


def _brokers(resource: Resource, usage: Usage) -> Iterator[Item]:
    node = resource.inputs.get("brokerNodeGroupInfo") or {}
    kind = str(node.get("instanceType"))
    brokers = int(resource.inputs.get("numberOfBrokerNodes") or 0)
    by = usage.event_shares
    yield item("events", resource, f"{kind}", f"msk.{kind}", figures.HOURS * brokers, shares=by)
    if kind.startswith("express."):
        yield item("events", resource, "written", "msk.express.written", usage.events_gib, grows="load", shares=by)
        hours = usage.plan.events.retention_hours if usage.plan.events else 0
        kept = usage.events_gib * (hours / figures.HOURS)
        yield item("events", resource, "kept", "msk.express.storage", kept, grows="load", shares=by)
    else:
        volume = ((node.get("storageInfo") or {}).get("ebsStorageInfo") or {}).get("volumeSize") or 0
        yield item("events", resource, "volumes", "msk.standard.storage", float(volume) * brokers, shares=by)
    if ((node.get("connectivityInfo") or {}).get("vpcConnectivity") or {}).get("clientAuthentication"):
        yield item("events", resource, "private link to the event log", "msk.connectivity", figures.HOURS)
        yield item(
            "events", resource, "through the private link", "msk.connectivity.processed", usage.events_gib,
            grows="load", shares=by,
        )  # fmt: skip
    if resource.inputs.get("enhancedMonitoring", "DEFAULT") != "DEFAULT":
        topics = len(usage.of("aws:msk/topic:Topic"))
        metrics = (figures.BROKER_METRICS.band + figures.TOPIC_METRICS.band * topics) * brokers
        yield item("logs and metrics", resource, "brokers' and topics' metrics", "cloudwatch.metric", metrics)


def _stream(resource: Resource, usage: Usage) -> Iterator[Item]:
    tags = resource.inputs.get("tags") or {}
    messages = usage.events.get(str(tags.get("Event")))
    if messages is None:
        return
    by = {usage.publisher(str(tags["Event"])): 1.0}
    if resource.inputs.get("mskSourceConfiguration"):
        size = gib(messages, usage.event_kib(str(tags["Event"])) * figures.KIB)
        yield item("events", resource, "event log, from Kafka", "firehose.msk", size, grows="load", shares=by)
    else:
        # Each record is counted in steps of 5 KiB.
        stepped = usage.event_kib(str(tags["Event"])).each(lambda kib: 5 * math.ceil(kib / 5))
        size = gib(messages, stepped * figures.KIB)
        yield item("events", resource, "event log", "firehose.put", size, grows="load", shares=by)
        yield item("events", resource, "topic to the event log", "sns.to-firehose", messages, grows="load", shares=by)


def _topic(resource: Resource, usage: Usage) -> Iterator[Item]:
    event = str((resource.inputs.get("tags") or {}).get("Event"))
    messages = usage.events.get(event)
    if messages is None:
        yield item(
            "logs and metrics", resource, "alarm messages", "sns.requests", figures.ALARM_MESSAGES.band,
            region=resource.region,
        )  # fmt: skip
    else:
        by = {usage.publisher(event): 1.0}
        yield item("events", resource, "published", "sns.requests", messages, grows="load", shares=by)


def _queue(resource: Resource, usage: Usage) -> Iterator[Item]:
    """A queue that a consumer polls; dead letters and undeliverable messages lie in queues that no consumer polls."""
    name = resource.name
    if name.endswith(("-dead-letter", "-undelivered")):
        return
    scope = f"{usage.system.name}-{usage.environment.name}-"
    reader = name.removeprefix(scope)
    service = reader.removesuffix("-projector")
    if service not in usage.demand:
        return
    handled = usage.projected(service) if reader.endswith("-projector") else usage.consumed(service)
    calls = handled * figures.QUEUE_REQUESTS.band
    by = {service: 1.0}
    yield item("events", resource, "requests of messages", "sqs.requests", calls, grows="load", shares=by)
    yield item("events", resource, "polls", "sqs.requests", figures.QUEUE_POLLS.band, shares=by)


_EVENT_LOG = "event-log-store"


def _bucket(resource: Resource, usage: Usage) -> Iterator[Item]:
    name = resource.name
    days = usage.environment.log_days / figures.DAYS
    if name == _EVENT_LOG:
        yield from _event_log(resource, usage)
    elif name.endswith("-edge-log"):
        size = gib(usage.edge_requests, figures.EDGE_LOG_BYTES.band) * days
        yield item("logs and metrics", resource, "CloudFront's log", "s3.storage", size, grows="load")
    elif name == "balancer-logs":
        size = gib(usage.api_requests, figures.BALANCER_LOG_BYTES.band) * days
        yield item("logs and metrics", resource, "load balancer's log", "s3.storage", size, grows="load")
    elif name.endswith("-site"):
        missed = usage.static_requests * figures.STATIC_MISSES.band
        yield item("edge", resource, "static site", "s3.storage", figures.STATIC_SITE_GIB.band)
        yield item("edge", resource, "static files asked for", "s3.get", missed, grows="load")
    else:
        yield item("logs and metrics", resource, "quiet bucket", "s3.storage", figures.QUIET_BUCKET_GIB.band)


def _event_log(resource: Resource, usage: Usage) -> Iterator[Item]:
    by = usage.event_shares
    monthly = usage.events_gib * figures.EVENT_LOG_COMPRESSED.band
    steps = sorted(
        (int(step["days"]) / figures.DAYS, str(step["storageClass"]))
        for each in usage.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
        if each.name == resource.name
        for rule in items_in(each.inputs.get("rules"))
        for step in items_in(rule.get("transitions"))
    )
    age = _event_log_months(usage)
    keys = {"STANDARD_IA": "s3.storage.ia", "GLACIER_IR": "s3.storage.glacier"}
    starts = [(0.0, "s3.storage"), *((start, keys[kind]) for start, kind in steps)]
    for (start, key), end in zip(starts, [*(start for start, _ in starts[1:]), math.inf], strict=True):
        months = age.each(lambda old, start=start, end=end: max(0.0, min(old, end) - start))  # type: ignore[misc]
        yield item("events", resource, "event log, kept", key, monthly * months, grows="load", shares=by)
    streams = len(usage.of("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"))
    objects = streams * figures.SECONDS / 300
    yield item("events", resource, "event log, objects", "s3.put", objects)
    for _, kind in steps:
        key = "s3.to-ia" if kind == "STANDARD_IA" else "s3.to-glacier"
        yield item("events", resource, "event log, moved", key, objects)


def _event_log_months(usage: Usage) -> Band:
    """Months of events that the log holds."""
    kept = usage.plan.events.log_retention_days / figures.DAYS if usage.plan.events else 0
    return figures.EVENT_LOG_MONTHS.band.each(lambda months: min(months, kept))


def _vault(resource: Resource, usage: Usage) -> Iterator[Item]:
    """Snapshots of the databases that are tagged for it."""
    data = {name: service.data_gb * usage.environment.load_share for name, service in usage.system.services.items()}
    tagged = [each for each in usage.of("aws:rds/instance:Instance") if (each.inputs.get("tags") or {}).get("backup")]
    if tagged:
        size = figures.BACKUP_COPIES.band * sum(data.values())
        whole = sum(data.values())
        by = {name: amount / whole for name, amount in data.items()} if whole else None
        yield item("backups", resource, "snapshots of databases", "backup.rds", size, shares=by)
    log = next((each for each in usage.of("aws:s3/bucket:Bucket") if each.name == _EVENT_LOG), None)
    if log is not None and (log.inputs.get("tags") or {}).get("backup"):
        kept = _event_log_months(usage)
        size = usage.events_gib * figures.EVENT_LOG_COMPRESSED.band * kept
        yield item("backups", resource, "copy of the event log", "backup.s3", size, grows="load")


def _workgroup(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("events", resource, "event log, queried", "athena.scanned", figures.ATHENA_GIB.band)


STORES: Mapping[str, Billed] = {
    "aws:rds/instance:Instance": _instance,
    "aws:rds/proxy:Proxy": _proxy,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:msk/cluster:Cluster": _brokers,
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _stream,
    "aws:sns/topic:Topic": _topic,
    "aws:sqs/queue:Queue": _queue,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:backup/vault:Vault": _vault,
    "aws:athena/workgroup:Workgroup": _workgroup,
}
