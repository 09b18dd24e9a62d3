"""Access log of a distribution: standard logging, version 2, to a bucket.

Version 1 requires a bucket with ACLs, which S3 disables by default. Version 2 uses CloudWatch's log delivery.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
"""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch

from groundplan_components.shared.api_contract import EDGE_REGION
from groundplan_components.shared.arn import account_of, partition_of
from groundplan_components.shared.expiry import expire
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.private_bucket import private_bucket

NAME_LIMIT = 60
FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
)
"""Fields that help to find a fault; no cookies, queries and referrers, which hold tokens and personal data."""


class EdgeLogArgs(TypedDict):
    distribution_arn: pulumi.Input[str]
    """The CloudFront distribution whose requests are logged."""
    kms_key_arn: pulumi.Input[str]
    """A key in the bucket's region, whose policy lets log delivery use it."""
    log_days: NotRequired[int]
    """Retention of the access log, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the access log. Default: true."""


class EdgeLog(pulumi.ComponentResource):
    """A bucket in the provider's region, and the delivery to it, which is in CloudFront's region."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:index:EdgeLog", name, {}, opts)
        account = account_of(args["kms_key_arn"])
        sources = pulumi.Output.concat(
            "arn:", partition_of(args["kms_key_arn"]), ":logs:", EDGE_REGION, ":", account, ":delivery-source:*"
        )
        bucket, admitted = private_bucket(
            name,
            parent=self,
            kms_key_arn=args["kms_key_arn"],
            protect=args.get("protect", True),
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
            statements=lambda arn: [
                {
                    "Sid": "LogDelivery",
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": pulumi.Output.concat(arn, "/AWSLogs/", account, "/*"),
                    "Condition": {
                        "StringEquals": {
                            "s3:x-amz-acl": "bucket-owner-full-control",
                            "aws:SourceAccount": account,
                        },
                        "ArnLike": {"aws:SourceArn": sources},
                    },
                }
            ],
        )
        # Accepted (S3.14): logs are written once and expire; versions would keep what was to be gone.
        expire(name, bucket, args.get("log_days", 90), self)
        ready = pulumi.ResourceOptions(parent=self, depends_on=[admitted])
        source = cloudwatch.LogDeliverySource(
            autonamed(name, NAME_LIMIT),
            resource_arn=args["distribution_arn"],
            log_type="ACCESS_LOGS",
            region=EDGE_REGION,
            tags={"Name": name},
            opts=ready,
        )
        destination = cloudwatch.LogDeliveryDestination(
            autonamed(name, NAME_LIMIT),
            output_format="json",
            delivery_destination_configuration={"destination_resource_arn": bucket.arn},
            region=EDGE_REGION,
            tags={"Name": name},
            opts=ready,
        )
        cloudwatch.LogDelivery(
            name,
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            record_fields=list(FIELDS),
            s3_delivery_configurations=[
                {"suffix_path": "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}", "enable_hive_compatible_path": False}
            ],
            region=EDGE_REGION,
            tags={"Name": name},
            opts=ready,
        )
        self.bucket = bucket.id
        self.register_outputs({"bucket": self.bucket})
