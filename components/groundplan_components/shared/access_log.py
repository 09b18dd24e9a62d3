"""S3 server access logs of a bucket (S5)."""

import pulumi
from pulumi_aws import s3

from groundplan_components.shared.expiry import expire
from groundplan_components.shared.private_bucket import private_bucket
from groundplan_components.shared.resource_policy import allow_service

PREFIX = "access/"


def log_access(
    name: str,
    bucket: s3.Bucket,
    *,
    parent: pulumi.Resource,
    account: pulumi.Input[str],
    days: int,
    protect: bool,
) -> None:
    """Log access to ``bucket`` into a second bucket, ``<name>-logs``, and keep the logs for ``days`` days.

    S3 can't write access logs to a bucket that has an object lock or a customer key, so the log bucket uses S3's own
    encryption.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    logs, admitted = private_bucket(
        f"{name}-logs",
        parent=parent,
        kms_key_arn=None,
        protect=protect,
        statements=lambda arn: [
            allow_service(
                "AccessLog",
                ["logging.s3.amazonaws.com"],
                ["s3:PutObject"],
                [pulumi.Output.concat(arn, f"/{PREFIX}*")],
                {"ArnLike": {"aws:SourceArn": bucket.arn}, "StringEquals": {"aws:SourceAccount": account}},
            )
        ],
    )
    expire(f"{name}-logs", logs, days, parent)
    s3.BucketLogging(
        name,
        bucket=bucket.id,
        target_bucket=logs.id,
        target_prefix=PREFIX,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[admitted]),
    )
