"""CloudWatch Logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
RETENTIONS = (
    0,
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


@rule(LOG_GROUP)
def retention(item: Item, _: Cloud) -> Iterator[Broken]:
    """Logs are kept for one of the listed numbers of days, 0 being for ever.

    Source: CloudWatch Logs API, PutRetentionPolicy.
    """
    yield from one_of(item, "retentionInDays", *RETENTIONS)
    yield from one_of(item, "logGroupClass", "STANDARD", "INFREQUENT_ACCESS", "DELIVERY")


@rule(LOG_GROUP)
def encryption_key(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A log group's key lets CloudWatch Logs of the region use it, and is named by its ARN.

    Source: CloudWatch Logs user guide, Encrypt log data using KMS; CloudWatch Logs API, CreateLogGroup, kmsKeyId.
    """
    given = item.known("kmsKeyId")
    if isinstance(given, str) and not given.startswith("arn:"):
        yield Broken("kmsKeyId", "the key's ARN", "pass the key's arn")
    key = cloud.find("aws:kms/key:Key", given)
    if key is None:
        return
    policies = [
        key.known("policy"),
        *(each.known("policy") for each in cloud.where("aws:kms/keyPolicy:KeyPolicy", "keyId", key.id)),
    ]
    if key.get("policy") is not None and None in policies[:1]:
        return
    if not any("logs." in str(policy) and "amazonaws.com" in str(policy) for policy in policies if policy is not None):
        yield Broken(
            "kmsKeyId",
            f"a key whose policy lets logs.{item.place}.amazonaws.com use it",
            "add a statement for CloudWatch Logs to the key's policy",
            absent=True,
        )


@rule("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def metric_of_a_filter(item: Item, _: Cloud) -> Iterator[Broken]:
    """A metric with dimensions, three at most, has no default value; a default is a number.

    Source: CloudWatch Logs API, MetricTransformation.
    """
    dimensions = item.known("metricTransformation.dimensions")
    default = item.known("metricTransformation.defaultValue")
    if isinstance(dimensions, dict) and len(dimensions) > 3:
        yield Broken("metricTransformation.dimensions", "at most 3", "leave some out", len(dimensions))
    if dimensions and default not in (None, ""):
        yield Broken("metricTransformation.defaultValue", "nothing, as there are dimensions", "remove it")
    if isinstance(default, str) and re.fullmatch(r"(-?\d*\.?\d+([eE][+-]?\d+)?)?", default) is None:
        yield Broken("metricTransformation.defaultValue", "a number", "correct it")


@rule("aws:cloudwatch/logDeliverySource:LogDeliverySource")
def delivered_logs(item: Item, _: Cloud) -> Iterator[Broken]:
    """CloudFront delivers access and connection logs.

    Source: CloudWatch Logs API, PutDeliverySource, logType; CloudFront developer guide, Standard logging (v2).
    """
    source, kind = item.known("resourceArn"), item.known("logType")
    if re.match(r"arn:[^:]+:cloudfront:", str(source)) and kind not in (None, "ACCESS_LOGS", "CONNECTION_LOGS"):
        yield Broken("logType", "ACCESS_LOGS or CONNECTION_LOGS", "choose one of these")
