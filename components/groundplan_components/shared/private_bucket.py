"""A private bucket: the settings that all buckets of this library share (S2, S5)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws import s3

from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import document, tls_only

NAME_LIMIT = 63
Statements = Callable[[pulumi.Output[str]], Sequence[Mapping[str, Any]]]


def private_bucket(
    name: str,
    *,
    parent: pulumi.Resource | None = None,
    provider: pulumi.ProviderResource | None = None,
    kms_key_arn: pulumi.Input[str] | None,
    protect: bool,
    versioned: bool = False,
    object_lock: bool = False,
    tags: Mapping[str, str] | None = None,
    statements: Statements | None = None,
) -> tuple[s3.Bucket, s3.BucketPolicy]:
    """Returns the bucket and its policy; resources that need the policy depend on the latter.

    The bucket uses the given key, or S3's own without one (targets of server access logs can have no other). It has no
    ACLs and no public access, and requires TLS. ``statements`` builds further policy statements from the bucket's ARN.
    Without ``protect``, deleting the bucket deletes its objects too. Without ``provider`` it is the parent's.
    """
    bucket, block = closed_bucket(
        name,
        parent=parent,
        provider=provider,
        kms_key_arn=kms_key_arn,
        protect=protect,
        versioned=versioned,
        object_lock=object_lock,
        tags=tags,
    )
    policy = s3.BucketPolicy(
        name,
        bucket=bucket.id,
        policy=document(
            tls_only(["s3:*"], [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")]),
            *(statements(bucket.arn) if statements is not None else []),
        ),
        # S3 refuses two concurrent changes of a bucket's policies.
        opts=pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=[block]),
    )
    return bucket, policy


def closed_bucket(
    name: str,
    *,
    parent: pulumi.Resource | None = None,
    provider: pulumi.ProviderResource | None = None,
    kms_key_arn: pulumi.Input[str] | None,
    protect: bool,
    versioned: bool = False,
    object_lock: bool = False,
    tags: Mapping[str, str] | None = None,
) -> tuple[s3.Bucket, s3.BucketPublicAccessBlock]:
    """The bucket without its policy, for components that can write the policy only later.

    The policy must depend on the second returned resource: S3 refuses two concurrent changes of a bucket's policies.
    """
    inside = pulumi.ResourceOptions(parent=parent, provider=provider)
    bucket = s3.Bucket(
        autonamed(name, NAME_LIMIT),
        object_lock_enabled=object_lock or None,
        force_destroy=not protect,
        tags={"Name": name, **(tags or {})},
        opts=pulumi.ResourceOptions(parent=parent, provider=provider, protect=protect),
    )
    s3.BucketOwnershipControls(
        name,
        bucket=bucket.id,
        rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=inside,
    )
    block = s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=inside,
    )
    s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.id,
        rules=[
            s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms" if kms_key_arn is not None else "AES256",
                    kms_master_key_id=kms_key_arn,
                ),
                # One data key for the bucket instead of one for each object: the same protection, fewer charged calls.
                bucket_key_enabled=kms_key_arn is not None,
            )
        ],
        opts=inside,
    )
    if versioned or object_lock:
        s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=inside,
        )
    return bucket, block
