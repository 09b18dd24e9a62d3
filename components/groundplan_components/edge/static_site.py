"""The bucket of a web front end, which only a distribution may read (C1, S5)."""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudfront, s3

from groundplan_components.shared.access_log import log_access
from groundplan_components.shared.arn import account_of
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.private_bucket import closed_bucket

INDEX = "index.html"
OLD_VERSION_DAYS = 90
CONTROL_NAME_LIMIT = 64
DEFAULT_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Nothing here yet</title>
<p>The site is up. Its pages come with the first deployment of the web front end.</p>
</html>
"""


class StaticSiteArgs(TypedDict):
    kms_key_arn: pulumi.Input[str]
    """Encrypts the pages; its policy lets CloudFront decrypt for this account's distributions."""
    index_page: NotRequired[str]
    """HTML of the first page, which the front end's deployment replaces. Default: a placeholder page."""
    log_days: NotRequired[int]
    """Retention of S3's access log, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket and its pages. Default: true."""


class StaticSite(pulumi.ComponentResource):
    """A private, versioned bucket, and the identity by which a distribution reads it.

    No principal can read the bucket before an `Edge` uses it: the `Edge` writes the bucket's policy, which names its
    distribution.
    """

    bucket: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    bucket_domain: pulumi.Output[str]
    """Host that CloudFront reads from."""
    access_control_id: pulumi.Output[str]
    """CloudFront signs its requests to the bucket by this origin access control."""

    def __init__(self, name: str, args: StaticSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:index:StaticSite", name, {}, opts)
        protect = args.get("protect", True)
        inside = pulumi.ResourceOptions(parent=self)
        bucket, closed = closed_bucket(
            name, parent=self, kms_key_arn=args["kms_key_arn"], protect=protect, versioned=True
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": OLD_VERSION_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=inside,
        )
        log_access(
            name,
            bucket,
            parent=self,
            account=account_of(args["kms_key_arn"]),
            days=args.get("log_days", 90),
            protect=protect,
        )
        s3.BucketObjectv2(
            f"{name}-index",
            bucket=bucket.id,
            key=INDEX,
            content=args.get("index_page", DEFAULT_PAGE),
            content_type="text/html; charset=utf-8",
            cache_control="no-cache",
            # After the first deployment the front end owns the page.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed], ignore_changes=["content", "etag"]),
        )
        control = cloudfront.OriginAccessControl(
            autonamed(name, CONTROL_NAME_LIMIT),
            description=f"Reads {name}",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=inside,
        )
        self.bucket = bucket.id
        self.bucket_arn = bucket.arn
        self.bucket_domain = bucket.bucket_regional_domain_name
        self.access_control_id = control.id
        self.register_outputs(
            {
                "bucket": self.bucket,
                "bucket_arn": self.bucket_arn,
                "bucket_domain": self.bucket_domain,
                "access_control_id": self.access_control_id,
            }
        )
