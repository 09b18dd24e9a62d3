"""MSK."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.addresses import zones
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, transition

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CLUSTER = "aws:msk/cluster:Cluster"
CONFIGURATION = "aws:msk/configuration:Configuration"
TOPIC = "aws:msk/topic:Topic"
_SUBNETS = "brokerNodeGroupInfo.clientSubnets"
# MSK developer guide, "Supported Apache Kafka versions" (in support, November 2026).
_VERSION = r"(3\.[3-9]\.\w+(\.kraft)?|3\.\d\.\d|3\.[89]\.x(\.kraft)?|4\.[01]\.x\.kraft)"
_SIZES = "large|xlarge|2xlarge|4xlarge|8xlarge|12xlarge|16xlarge"
_TYPE = rf"express\.m7g\.({_SIZES})|kafka\.(t3\.small|m5\.({_SIZES}|24xlarge)|m7g\.({_SIZES}))"
# MSK developer guide, "Express broker configurations": read-only or absent on Express.
_FIXED_ON_EXPRESS = (
    "default.replication.factor",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "log.segment.bytes",
    "num.io.threads",
    "num.network.threads",
    "num.replica.fetchers",
    "replica.lag.time.max.ms",
)


def express(cluster: Item) -> bool:
    return str(cluster.known("brokerNodeGroupInfo.instanceType") or "").startswith("express.")


def properties(text: object) -> dict[str, str]:
    """The settings of a `server.properties` text."""
    found = {}
    for line in str(text or "").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.lstrip().startswith("#"):
            found[name.strip()] = value.strip()
    return found


@rule(CLUSTER)
def brokers(cluster: Item, cloud: Cloud) -> Iterator[Broken]:
    """Brokers are a multiple of the subnets, which are two or three in as many zones; Express has three zones and up
    to 60 brokers.

    Source: MSK API, CreateCluster, NumberOfBrokerNodes and ClientSubnets; MSK developer guide, MSK Express brokers.
    """
    asked = cluster.get(_SUBNETS)
    count = cluster.known("numberOfBrokerNodes")
    kind = cluster.known("brokerNodeGroupInfo.instanceType")
    if isinstance(kind, str) and re.fullmatch(_TYPE, kind) is None:
        yield Broken(
            "brokerNodeGroupInfo.instanceType",
            "a broker type of MSK, such as kafka.m7g.large or express.m7g.large",
            "correct the type",
        )
    if not isinstance(asked, list):
        return
    if not (3 <= len(asked) <= 3 if express(cluster) else 2 <= len(asked) <= 3):
        yield Broken(
            _SUBNETS,
            "three subnets" if express(cluster) else "two or three subnets",
            "name one subnet of each zone",
            len(asked),
        )
    elif isinstance(count, int) and (count < len(asked) or count % len(asked)):
        yield Broken(
            "numberOfBrokerNodes", f"a multiple of the {len(asked)} subnets", "add brokers to fill the zones evenly"
        )
    where = zones(cluster, cloud, _SUBNETS)
    if where is not None and len(where) != len(asked):
        yield Broken(_SUBNETS, "one subnet a zone", "name one subnet of each zone", sorted(where))
    if isinstance(count, int) and count > (
        60 if "kraft" in str(cluster.known("kafkaVersion")) or express(cluster) else 30
    ):
        yield Broken("numberOfBrokerNodes", "at most 60 brokers with KRaft, 30 with ZooKeeper", "use larger brokers")


@rule(CLUSTER)
def version(cluster: Item, cloud: Cloud) -> Iterator[Broken]:
    """A version that MSK supports; from 4.0 with KRaft only; the configuration is made for it.

    Source: MSK developer guide, Supported Apache Kafka versions.
    """
    text = cluster.known("kafkaVersion")
    if isinstance(text, str) and re.fullmatch(_VERSION, text) is None:
        yield Broken(
            "kafkaVersion", "a version that MSK supports, such as 3.9.x.kraft or 4.1.x.kraft", "correct the version"
        )
    configuration = cloud.find(CONFIGURATION, cluster.known("configurationInfo.arn"))
    versions = configuration.each("kafkaVersions") if configuration is not None else []
    if isinstance(text, str) and versions and text not in versions:
        yield Broken(
            "configurationInfo.arn",
            f"a configuration for {text}; this one is for {', '.join(map(str, versions))}",
            "add the version to kafka_versions",
        )


@rule(CLUSTER)
def storage(cluster: Item, _: Cloud) -> Iterator[Broken]:
    """Express brokers have no storage to configure; standard ones have 1 to 16,384 GiB each, and throughput only on
    large types.

    Source: MSK developer guide, MSK Express brokers; MSK API, EBSStorageInfo, ProvisionedThroughput.
    """
    info = "brokerNodeGroupInfo.storageInfo"
    if express(cluster):
        if cluster.get(info) is not None:
            yield Broken(info, "nothing: Express brokers grow by themselves", "remove storage_info")
        if cluster.known("storageMode") == "TIERED":
            yield Broken("storageMode", "LOCAL, or nothing, on Express", "remove storage_mode")
        return
    yield from between(cluster, f"{info}.ebsStorageInfo.volumeSize", 1, 16_384)
    if (
        cluster.get("brokerNodeGroupInfo.instanceType") is not None
        and cluster.get(f"{info}.ebsStorageInfo.volumeSize") is None
    ):
        yield Broken(f"{info}.ebsStorageInfo.volumeSize", "GiB for each standard broker", "set storage_info")
    if cluster.known(f"{info}.ebsStorageInfo.provisionedThroughput.enabled") is True:
        kind = str(cluster.known("brokerNodeGroupInfo.instanceType"))
        if re.search(r"\.(small|large|xlarge)$|\.m5\.2xlarge$", kind):
            yield Broken(
                f"{info}.ebsStorageInfo.provisionedThroughput.enabled",
                "brokers of m7g.2xlarge, m5.4xlarge or more",
                "use larger brokers, or leave it off",
            )
        yield from between(cluster, f"{info}.ebsStorageInfo.provisionedThroughput.volumeThroughput", 250, 2375)


@rule(CLUSTER)
def access(cluster: Item, _: Cloud) -> Iterator[Broken]:
    """Signing in needs TLS between clients and brokers; small brokers have no public access; logging names where it
    goes.

    Source: MSK API, ClientAuthentication, EncryptionInTransit, BrokerLogs.
    """
    transit = cluster.get("encryptionInfo.encryptionInTransit.clientBroker", "TLS")
    yield from one_of(cluster, "encryptionInfo.encryptionInTransit.clientBroker", "TLS", "TLS_PLAINTEXT", "PLAINTEXT")
    signed = [name for name in ("sasl.iam", "sasl.scram", "tls") if cluster.known(f"clientAuthentication.{name}")]
    if signed and transit == "PLAINTEXT":
        yield Broken(
            "encryptionInfo.encryptionInTransit.clientBroker",
            f"TLS, as clients sign in by {signed[0]}",
            "set client_broker to TLS",
        )
    if express(cluster) and transit != "TLS":
        yield Broken(
            "encryptionInfo.encryptionInTransit.clientBroker", "TLS on Express brokers", "set client_broker to TLS"
        )
    yield from one_of(
        cluster, "enhancedMonitoring", "DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"
    )
    for name, target in (("cloudwatchLogs", "logGroup"), ("firehose", "deliveryStream"), ("s3", "bucket")):
        path = f"loggingInfo.brokerLogs.{name}"
        if cluster.known(f"{path}.enabled") is True and cluster.get(f"{path}.{target}") is None:
            yield Broken(f"{path}.{target}", "where the logs go", f"set {target}")


@rule(CLUSTER)
def express_configuration(cluster: Item, cloud: Cloud) -> Iterator[Broken]:
    """On Express brokers replication 3 and two in-sync replicas are fixed: a configuration may not set them.

    Source: MSK developer guide, Express broker read-only configurations.
    """
    configuration = cloud.find(CONFIGURATION, cluster.known("configurationInfo.arn"))
    if configuration is None or not express(cluster):
        return
    for name in properties(configuration.known("serverProperties")):
        if name in _FIXED_ON_EXPRESS:
            yield Broken(
                "configurationInfo.arn",
                f"a configuration without {name}, which is fixed on Express",
                f"remove {name} from {configuration.name}",
            )


@rule(CONFIGURATION)
def configuration(item: Item, _: Cloud) -> Iterator[Broken]:
    """A configuration is lines of name=value; replicas in sync never exceed the replication factor.

    Source: MSK developer guide, Custom MSK configurations; Apache Kafka, min.insync.replicas.
    """
    text = item.known("serverProperties")
    if not isinstance(text, str):
        return
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if (
            stripped
            and not stripped.startswith("#")
            and re.fullmatch(r"[a-z][a-zA-Z0-9._]*\s*=\s*\S.*", stripped) is None
        ):
            yield Broken("serverProperties", f"name=value on line {number}", "correct the line", stripped)
    found = properties(text)
    least, factor = found.get("min.insync.replicas", "1"), found.get("default.replication.factor", "3")
    if least.isdigit() and factor.isdigit() and int(least) > int(factor):
        yield Broken(
            "serverProperties",
            f"min.insync.replicas up to default.replication.factor, {factor}",
            "lower it, or writes are refused",
            f"min.insync.replicas={least}",
        )


@rule(TOPIC)
def topic(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A topic has partitions, and replicas up to the number of brokers; on Express it has three.

    Source: MSK API, CreateTopic; MSK developer guide, Express brokers; Apache Kafka, topic configurations.
    """
    yield from between(item, "partitionCount", 1, 1_000_000)
    cluster = cloud.find(CLUSTER, item.known("clusterArn"))
    factor = item.known("replicationFactor")
    if isinstance(factor, int) and factor < 1:
        yield Broken("replicationFactor", "at least 1", "raise it")
    if cluster is None or not isinstance(factor, int):
        return
    count = cluster.known("numberOfBrokerNodes")
    if isinstance(count, int) and factor > count:
        yield Broken("replicationFactor", f"at most the {count} brokers of the cluster", "lower it, or add brokers")
    if express(cluster) and factor != 3:
        yield Broken("replicationFactor", "3 on Express brokers", "set replication_factor to 3")


@rule(TOPIC)
def partitions(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """All partitions with their replicas stay within what the brokers take.

    Source: MSK developer guide, Right-size your cluster: number of partitions per broker; Express broker partition
    quota, maximum number of partitions.
    """
    cluster = cloud.find(CLUSTER, item.known("clusterArn"))
    if cluster is None:
        return
    kind, count = str(cluster.known("brokerNodeGroupInfo.instanceType")), cluster.known("numberOfBrokerNodes")
    most = most_partitions(kind)
    if not isinstance(count, int) or most is None:
        return
    total = 0
    for each in [
        *(one for one in cloud.where(TOPIC, "clusterArn", item.known("clusterArn")) if one.urn != item.urn),
        item,
    ]:
        number, factor = each.known("partitionCount"), each.known("replicationFactor")
        total += number * factor if isinstance(number, int) and isinstance(factor, int) else 0
    if total > most * count:
        yield Broken(
            "partitionCount",
            f"at most {most * count} partitions with replicas on {count} brokers; this makes {total}",
            "use larger brokers or more of them",
        )


def most_partitions(kind: str) -> int | None:
    """Most partitions of a broker of this type, with their replicas; None where that is not known.

    Beyond them an Express broker takes no topic, and a Standard one no update.
    """
    size = kind.rpartition(".")[2]
    if kind.startswith("express."):
        return _ON_EXPRESS.get(size)
    return {"small": 300, "large": 1500, "xlarge": 1500, "2xlarge": 3000}.get(size, 6000)


_ON_EXPRESS = {
    "large": 1500,
    "xlarge": 2000,
    "2xlarge": 4000,
    "4xlarge": 8000,
    "8xlarge": 16000,
    "12xlarge": 24000,
    "16xlarge": 32000,
}


@transition(TOPIC)
def partitions_only_grow(old: Item, new: Item) -> Iterator[Broken]:
    """Kafka adds partitions to a topic and removes none.

    Source: MSK API, UpdateTopic, PartitionCount; Apache Kafka documentation, Modifying topics.
    """
    before, after = old.known("partitionCount"), new.known("partitionCount")
    if isinstance(before, int) and isinstance(after, int) and after < before:
        yield Broken("partitionCount", f"{before} or more: partitions are never removed", f"keep {before}")


@transition(CLUSTER)
def metadata_stays(old: Item, new: Item) -> Iterator[Broken]:
    """A cluster keeps its metadata where it has it: ZooKeeper's don't become KRaft's, nor the other way round.

    Source: MSK developer guide, Metadata management: existing clusters can't be moved to KRaft.
    """
    before, after = old.known("kafkaVersion"), new.known("kafkaVersion")
    if isinstance(before, str) and isinstance(after, str) and (".kraft" in before) != (".kraft" in after):
        mode = "KRaft" if ".kraft" in before else "ZooKeeper"
        yield Broken(
            "kafkaVersion", f"a version with {mode}, as the cluster has", "make a new cluster, and move topics"
        )


@transition(CLUSTER)
def tiers_stay(old: Item, new: Item) -> Iterator[Broken]:
    """A cluster with tiered storage keeps it.

    Source: MSK developer guide, Tiered storage: it can't be turned off for a cluster.
    """
    if old.known("storageMode") == "TIERED" and new.get("storageMode", "LOCAL") == "LOCAL":
        yield Broken("storageMode", "TIERED, as it is", "keep it, or make a new cluster")


@transition(CLUSTER)
def volumes_only_grow(old: Item, new: Item) -> Iterator[Broken]:
    """The volume of a broker grows and never shrinks.

    Source: MSK API, UpdateBrokerStorage; MSK developer guide, Scale up Amazon MSK storage.
    """
    path = "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"
    before, after = old.known(path), new.known(path)
    if isinstance(before, int) and isinstance(after, int) and after < before:
        yield Broken(path, f"{before} GiB or more: volumes never shrink", f"keep {before}")


@transition(CLUSTER)
def standard_or_express(old: Item, new: Item) -> Iterator[Broken]:
    """A cluster of Standard brokers doesn't become one of Express brokers, nor the other way round.

    Source: MSK developer guide, Express brokers, Migrate to Express brokers; boto3#4356.
    """
    if express(old) != express(new):
        yield Broken(
            "brokerNodeGroupInfo.instanceType",
            f"{'an Express' if express(old) else 'a Standard'} broker type, as the cluster has",
            "create a second cluster and copy the topics",
        )
