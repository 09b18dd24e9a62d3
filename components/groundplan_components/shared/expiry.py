"""Expiry of a bucket's objects."""

import pulumi
from pulumi_aws import s3

ABORTED_DAYS = 1


def expire(name: str, bucket: s3.Bucket, days: int, parent: pulumi.Resource) -> None:
    """Delete every object ``days`` days after its creation."""
    s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.id,
        rules=[
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": days},
                # Parts of an upload that was given up are no objects, so that nothing else would end them.
                "abort_incomplete_multipart_upload": {"days_after_initiation": ABORTED_DAYS},
            }
        ],
        opts=pulumi.ResourceOptions(parent=parent),
    )
