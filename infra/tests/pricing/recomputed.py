"""The same bill, computed in another way: plain arithmetic over the resources' inputs and the rates of the data file.

Nothing here comes from `groundplan.pricing` but the file of rates and the expected values of the assumed figures.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import groundplan.pricing
from groundplan.pricing import figures
from infra.tests.program.graphs import Graph

RATES = json.loads((Path(groundplan.pricing.__file__).parent / "rates.json").read_text())["rates"]
HOURS, SECONDS, GIB = 730, 730 * 3600, 2**30
EVENT, RESPONSE, REQUEST = 2 * 1024, 2 * 1024, 1024
SIZE = {"million": 1e6, "10,000": 1e4, "1,000": 1e3, "100,000": 1e5, "TB": 1024}


def assumed(name: str) -> float:
    return float(getattr(figures, name).band.expected)


class Bill:
    """Quantities by rate and region, so that tiers are applied to what a region uses of each together."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.used: dict[tuple[str, str], float] = defaultdict(float)

    def add(self, key: str, quantity: float, region: str = "") -> None:
        self.used[key, region or self.region] += quantity

    def total(self) -> float:
        """Of what has a price."""
        whole = 0.0
        for (key, region), quantity in self.used.items():
            tiers = sorted(
                (row.get("starts", 0), row["prices"][region][0], SIZE.get(row["unit"], 1))
                for row in RATES
                if row["key"] == key and region in row["prices"]
            )
            rest = quantity
            for starts, usd, size in reversed(tiers):
                above = max(0.0, rest - starts * size)
                whole += above / size * usd
                rest -= above
        return whole


def rate(key: str, region: str) -> float:
    return float(next(row for row in RATES if row["key"] == key)["prices"][region][0])


def recompute(graph: Graph) -> Bill:
    system, environment = graph.system, graph.environment
    bill = Bill(environment.region)
    of: dict[str, list[Any]] = defaultdict(list)
    for resource in graph.resources:
        of[resource.type.rpartition(":")[2] if resource.type.startswith("aws:") else resource.type].append(resource)

    peak = system.requirements.requests_per_second * environment.load_share
    weights = sum(service.traffic_weight for service in system.services.values())
    writes = {
        name: peak * service.traffic_weight / weights * (1 - service.read_share)
        for name, service in system.services.items()
    }
    month = assumed("MEAN_LOAD") * SECONDS
    requests = peak * month
    files = requests * assumed("STATIC_REQUESTS") if system.edge.static_site else 0.0
    published = {event: writes[n] / len(s.publishes) for n, s in system.services.items() for event in s.publishes}
    published |= {f"{name}.read_model": writes[name] for name, s in system.services.items() if s.cqrs}
    consumed = {
        name: sum(
            {publisher: writes[publisher] for event in s.consumes for publisher in [event.split(".")[0]]}.values()
        )
        for name, s in system.services.items()
    }
    projected = {name: writes[name] if s.cqrs else 0.0 for name, s in system.services.items()}
    events = sum(published.values()) * month
    events_gib = events * EVENT / GIB
    readers = {event: sum(event in s.consumes for s in system.services.values()) for event in published}
    readers |= {event: 1 for event in published if event.endswith(".read_model")}
    handled = (sum(consumed.values()) + sum(projected.values())) * month
    service_log = (requests * assumed("SERVICE_LOG_BYTES") + handled * assumed("EVENT_LOG_BYTES")) / GIB
    kafka = system.events.broker.value == "kafka"
    passes = sum(rate_ * month * (1 + readers[event]) for event, rate_ in published.items())
    queued = 0.0 if kafka else passes * EVENT / GIB
    days = environment.log_days * 24 / HOURS

    def log(gib: float, key: str = "cloudwatch.logs", region: str = "") -> None:
        bill.add(key, gib, region)
        bill.add("cloudwatch.logs.stored", gib * assumed("STORED_LOG_SHARE") * days, region)

    # Edge and gateway
    edge = "cloudfront.europe" if environment.region.startswith("eu") else "cloudfront.us"
    bill.add(f"{edge}.requests", requests + files, "us-east-1")
    out = requests * RESPONSE + files * assumed("STATIC_KIB") * 1024
    bill.add(f"{edge}.out", out / GIB, "us-east-1")
    bill.add(f"{edge}.origin", sum(writes.values()) * month * REQUEST / GIB, "us-east-1")
    bill.add("cloudfront.functions", requests + files, "us-east-1")
    for acl in of["WebAcl"]:
        at_edge = acl.inputs["scope"] == "CLOUDFRONT"
        where = "us-east-1" if at_edge else ""
        seen = requests + files if at_edge else requests
        bill.add("waf.acl", 1, where)
        bill.add("waf.rule", len(acl.inputs["rules"]), where)
        bill.add("waf.requests", seen, where)
        log(seen * assumed("WAF_LOG_BYTES") / GIB, "cloudwatch.logs.vended", where)
    bill.add("apigateway.rest", requests)
    log(requests * assumed("ACCESS_LOG_BYTES") / GIB, "cloudwatch.logs.vended")
    # The gateway's own, and those of the services.
    bill.add("xray.traces", requests * (assumed("TRACE_SHARE") + environment.trace_share))
    methods = sum(len(r.operations) for s in system.services.values() for r in s.resources.values())
    bill.add("cloudwatch.metric", methods * assumed("METHOD_METRICS"))
    bill.add("alb.hour", HOURS * len(of["LoadBalancer"]))
    bill.add("alb.lcu", requests * (RESPONSE + REQUEST) / GIB)
    checks = of["HealthCheck"]
    bill.add("route53.check.aws", len(checks), "us-east-1")
    bill.add("route53.check.option", 2 * len(checks), "us-east-1")

    # Network
    outside = requests * assumed("OUTBOUND_KIB") * 1024 / GIB
    bill.add("nat.hour", HOURS * len(of["NatGateway"]))
    bill.add("nat.processed", outside + (0 if environment.interface_endpoints else service_log + queued))
    bill.add("transfer.internet", outside * assumed("OUTBOUND_SENT"))
    bill.add("vpc.address", HOURS * len(of["Eip"]))
    endpoints = [each for each in of["VpcEndpoint"] if each.inputs["vpcEndpointType"] == "Interface"]
    bill.add("endpoint.hour", sum(HOURS * len(each.inputs["subnetIds"]) for each in endpoints))
    if endpoints:
        bill.add("endpoint.processed", service_log + queued)
    for firewall in of["Firewall"]:
        bill.add("firewall.hour", HOURS * len(firewall.inputs["subnetMappings"]))
        bill.add("firewall.processed", outside)
    log(requests * assumed("FLOW_LOG_BYTES") / GIB, "cloudwatch.logs.vended")
    inside = requests * (assumed("DATABASE_KIB") * 1024 + RESPONSE) / GIB + (passes * EVENT / GIB if kafka else 0)
    bill.add("transfer.zones", 2 * inside * assumed("ZONE_CROSSING"))

    # Cluster
    nodes = graph.plan.cluster.nodes_now
    bill.add("eks.cluster", HOURS * len(of["Cluster"]) - HOURS * len([e for e in of["Cluster"] if "msk" in e.type]))
    price = rate("ec2.c6a.xlarge", environment.region)
    bill.add("ec2.c6a.xlarge", HOURS * nodes)
    bill.add("eks.auto", HOURS * nodes * price)
    bill.add("ebs.storage", 80 * nodes)
    bill.add("cloudwatch.observations", nodes * assumed("CLUSTER_OBSERVATIONS"))
    log(service_log)
    log(assumed("CLUSTER_LOG_GIB"))

    # Databases
    vcpus = {"small": 2, "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
    for instance in of["Instance"]:
        given = instance.inputs
        zones = "multi" if given.get("multiAz") else "single"
        bill.add(f"rds.{given['instanceClass']}.{zones}", HOURS)
        bill.add(f"rds.storage.{zones}", given["allocatedStorage"])
        documents = SECONDS / 60 * (2 if zones == "multi" else 1)
        bill.add("cloudwatch.logs", documents * assumed("OS_METRICS_KIB") / 1024 / 1024)
    for target in of["ProxyTarget"]:
        instance = next(e for e in of["Instance"] if e.inputs["identifier"] == target.inputs["dbInstanceIdentifier"])
        bill.add("rds.proxy", HOURS * vcpus[instance.inputs["instanceClass"].rpartition(".")[2]])
    data = sum(service.data_gb for service in system.services.values()) * environment.load_share
    bill.add("backup.rds", data * assumed("BACKUP_COPIES"))

    # Cache
    for group in of["ReplicationGroup"]:
        nodes_ = group.inputs["numNodeGroups"] * (1 + group.inputs.get("replicasPerNodeGroup", 0))
        bill.add(group.inputs["nodeType"], HOURS * nodes_)
        if graph.plan.cache:
            bill.add("cache.backup", graph.plan.cache.working_set_gb * group.inputs.get("snapshotRetentionLimit", 0))

    # Events
    for broker in (each for each in of["Cluster"] if "msk" in each.type):
        node, brokers = broker.inputs["brokerNodeGroupInfo"], broker.inputs["numberOfBrokerNodes"]
        bill.add(f"msk.{node['instanceType']}", HOURS * brokers)
        if node["instanceType"].startswith("express"):
            bill.add("msk.express.written", events_gib)
            bill.add("msk.express.storage", events_gib * system.events.retention_hours / HOURS)
        else:
            bill.add("msk.standard.storage", brokers * node["storageInfo"]["ebsStorageInfo"]["volumeSize"])
        bill.add("msk.connectivity", HOURS)
        bill.add("msk.connectivity.processed", events_gib)
        topics = len([each for each in of["Topic"] if "msk" in each.type])
        bill.add("cloudwatch.metric", brokers * (assumed("BROKER_METRICS") + topics * assumed("TOPIC_METRICS")))
    if not kafka:
        bill.add("sns.requests", events)
        bill.add("sns.to-firehose", events)
        bill.add("firehose.put", events * 5 * 1024 / GIB)
        bill.add("sqs.requests", handled * assumed("QUEUE_REQUESTS"))
        queues = sum(1 for n in consumed if system.services[n].consumes) + sum(1 for each in projected.values() if each)
        bill.add("sqs.requests", queues * assumed("QUEUE_POLLS"))
    else:
        bill.add("firehose.msk", events_gib)
    monthly = events_gib * assumed("EVENT_LOG_COMPRESSED")
    months = min(assumed("EVENT_LOG_MONTHS"), system.events.log_retention_days * 24 / HOURS)
    first, second = 30 * 24 / HOURS, 90 * 24 / HOURS
    bill.add("s3.storage", monthly * min(months, first))
    bill.add("s3.storage.ia", monthly * max(0.0, min(months, second) - first))
    bill.add("s3.storage.glacier", monthly * max(0.0, months - second))
    objects = len(of["FirehoseDeliveryStream"]) * SECONDS / 300
    for key in ("s3.put", "s3.to-ia", "s3.to-glacier"):
        bill.add(key, objects)
    bill.add("athena.scanned", assumed("ATHENA_GIB"))

    # Watching
    quiet = 0
    for group in of["LogGroup"]:
        name = str(group.outputs["name"])
        loud = ("aws-waf", "/aws/vendedlogs/api-gateway", "/aws/eks", "network-flows")
        quiet += not name.startswith(loud) and not name.endswith("/application")
    log(quiet * assumed("QUIET_LOG_GIB"))
    for alarm in of["MetricAlarm"]:
        queries = alarm.inputs.get("metricQueries") or []
        measured = len([each for each in queries if each.get("metric")]) or 1
        band = "ANOMALY" in json.dumps(queries)
        bill.add("cloudwatch.alarm", measured + 2 * band, alarm.region)
    for alarm in of["CompositeAlarm"]:
        bill.add("cloudwatch.alarm.composite", 1, alarm.region)
    bill.add("cloudwatch.metric", len(of["LogMetricFilter"]) + len(system.services) * assumed("SERVICE_METRICS"))
    bill.add("cloudwatch.dashboard", len(of["Dashboard"]), "us-east-1")
    for topic in (each for each in of["Topic"] if "sns" in each.type and "alarms" in each.name):
        bill.add("sns.requests", assumed("ALARM_MESSAGES"), topic.region)

    # Keys, secrets, functions, images, buckets
    for key in (each for each in of["Key"] if "kms" in each.type):
        bill.add("kms.key", 1, key.region)
        bill.add("kms.requests", assumed("KEY_REQUESTS"), key.region)
    bill.add("secrets.secret", len(of["Secret"]))
    bill.add("secrets.requests", len(of["Secret"]) * assumed("SECRET_REQUESTS"))
    functions = [each for each in of["Function"] if "lambda" in each.type]
    rotations = len(of["CloudFormationStack"])
    calls, seconds = assumed("FUNCTION_CALLS"), assumed("FUNCTION_SECONDS")
    bill.add("lambda.requests", calls * (rotations + len(functions)))
    bill.add("lambda.x86", calls * seconds * rotations / 8)
    bill.add("lambda.arm", calls * seconds * sum(each.inputs["memorySize"] for each in functions) / 1024)
    bill.add("ecr.storage", len(of["Repository"]) * assumed("IMAGES_GIB"))
    named = {each.name for each in of["Bucket"]}
    scope = f"{system.name}-{environment.name}"
    known = {"event-log-store", f"{scope}-edge-log", "balancer-logs", f"{scope}-site"}
    bill.add("s3.storage", (requests + files) * assumed("EDGE_LOG_BYTES") / GIB * days)
    bill.add("s3.storage", requests * assumed("BALANCER_LOG_BYTES") / GIB * days)
    bill.add("s3.storage", assumed("STATIC_SITE_GIB") + len(named - known) * assumed("QUIET_BUCKET_GIB"))
    bill.add("s3.get", files * assumed("STATIC_MISSES"))
    assert math.isfinite(bill.total())
    return bill
