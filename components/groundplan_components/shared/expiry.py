"""Expiry of a bucket's objects."""

import pulumi
from pulumi_aws import s3


def expire(name: str, bucket: s3.Bucket, days: int, parent: pulumi.Resource) -> None:
    """Delete every object ``days`` days after its creation."""
    s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.id,
        rules=[{"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": days}}],
        opts=pulumi.ResourceOptions(parent=parent),
    )
