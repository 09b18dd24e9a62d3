"""How long a bucket keeps what is put into it."""

import pulumi
from pulumi_aws import s3


def expire(name: str, bucket: s3.Bucket, days: int, parent: pulumi.Resource) -> None:
    """Every object goes ``days`` days after it came."""
    s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.id,
        rules=[{"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": days}}],
        opts=pulumi.ResourceOptions(parent=parent),
    )
