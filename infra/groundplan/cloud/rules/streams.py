"""Firehose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.policies import as_document, listed, statements_of
from groundplan.cloud.rules.registry import Broken, between, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_S3 = "extendedS3Configuration"


@rule(STREAM)
def destination(item: Item, _: Cloud) -> Iterator[Broken]:
    """A stream has the configuration of its destination; buffers hold 1 to 128 MiB (64 with dynamic partitions) and
    up to 900 s.

    Source: Firehose API, CreateDeliveryStream, BufferingHints, DynamicPartitioningConfiguration.
    """
    yield from one_of(
        item,
        "destination",
        "extended_s3",
        "redshift",
        "elasticsearch",
        "splunk",
        "http_endpoint",
        "opensearch",
        "opensearchserverless",
        "snowflake",
        "iceberg",
    )
    if item.known("destination") == "extended_s3" and item.get(_S3) is None:
        yield Broken(_S3, "the bucket and how to write to it", "set extended_s3_configuration")
    partitioned = item.known(f"{_S3}.dynamicPartitioningConfiguration.enabled") is True
    converted = item.get(f"{_S3}.dataFormatConversionConfiguration") is not None
    yield from between(item, f"{_S3}.bufferingSize", 64 if partitioned or converted else 1, 128)
    yield from between(item, f"{_S3}.bufferingInterval", 0, 900)
    yield from one_of(item, f"{_S3}.compressionFormat", "UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY")
    prefix = item.known(f"{_S3}.prefix")
    if isinstance(prefix, str) and "!{" in prefix and not item.get(f"{_S3}.errorOutputPrefix"):
        yield Broken(
            f"{_S3}.errorOutputPrefix", "a prefix for errors, as the prefix has expressions", "set error_output_prefix"
        )
    if isinstance(prefix, str) and "!{partitionKeyFrom" in prefix and not partitioned:
        yield Broken(
            f"{_S3}.dynamicPartitioningConfiguration", "dynamic partitioning, as the prefix uses its keys", "enable it"
        )
    if converted and item.known(f"{_S3}.compressionFormat") not in (None, "UNCOMPRESSED"):
        yield Broken(f"{_S3}.compressionFormat", "UNCOMPRESSED: the converted format compresses", "remove it")
    if item.known(f"{_S3}.cloudwatchLoggingOptions.enabled") is True:
        for name in ("logGroupName", "logStreamName"):
            if item.get(f"{_S3}.cloudwatchLoggingOptions.{name}") is None:
                yield Broken(f"{_S3}.cloudwatchLoggingOptions.{name}", "where errors are logged", f"set {name}")


@rule(STREAM)
def source(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A stream reads from MSK or Kinesis, or is put to; then only is it encrypted by itself. MSK lets Firehose in by
    IAM and a policy.

    Source: Firehose API, CreateDeliveryStream, MSKSourceConfiguration; Firehose developer guide, Grant access to a
    private MSK cluster.
    """
    given = [name for name in ("mskSourceConfiguration", "kinesisSourceConfiguration") if item.get(name) is not None]
    if len(given) > 1:
        yield Broken(given[1], "one source", "keep one")
    if given and item.known("serverSideEncryption.enabled") is True:
        yield Broken("serverSideEncryption.enabled", "false: the source encrypts", "remove it")
    yield from one_of(item, "mskSourceConfiguration.authenticationConfiguration.connectivity", "PRIVATE", "PUBLIC")
    cluster = cloud.find("aws:msk/cluster:Cluster", item.known("mskSourceConfiguration.mskClusterArn"))
    if cluster is not None and cluster.known("clientAuthentication.sasl.iam") is not True:
        yield Broken(
            "mskSourceConfiguration.mskClusterArn",
            "a cluster that lets clients sign in by IAM",
            "set client_authentication.sasl.iam on it",
        )
    if (
        cluster is not None
        and item.known("mskSourceConfiguration.authenticationConfiguration.connectivity") == "PRIVATE"
    ) and (
        cluster.known("brokerNodeGroupInfo.connectivityInfo.vpcConnectivity.clientAuthentication.sasl.iam") is not True
    ):
        yield Broken(
            "mskSourceConfiguration.authenticationConfiguration.connectivity",
            "a cluster with multi-VPC connectivity by IAM",
            "set connectivity_info.vpc_connectivity on the cluster",
        )


@rule(STREAM)
def role(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """The roles of a stream trust firehose.amazonaws.com.

    Source: Firehose developer guide, Controlling access.
    """
    for path in (f"{_S3}.roleArn", "mskSourceConfiguration.authenticationConfiguration.roleArn"):
        found = cloud.find("aws:iam/role:Role", item.known(path))
        document = as_document(found.known("assumeRolePolicy")) if found is not None else None
        if document is None:
            continue
        services = {
            service
            for statement in statements_of(document)
            if isinstance(statement.get("Principal"), dict)
            for service in listed(statement["Principal"].get("Service"))
        }
        if "firehose.amazonaws.com" not in services:
            yield Broken(path, "a role that firehose.amazonaws.com may take", "name it in the role's trust policy")
