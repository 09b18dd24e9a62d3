"""The event log's bucket: keeps every event unchanged, as long as audit and replay need it (A3, D2)."""

from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_aws import s3

from groundplan_components.shared.access_log import log_access
from groundplan_components.shared.arn import account_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.private_bucket import private_bucket

EVENTS_PREFIX = "events/"
ERRORS_PREFIX = "errors/"
"""Prefix of records that Firehose could not deliver."""

INFREQUENT_AFTER_DAYS = 30
"""The earliest age at which S3 moves an object to Standard-IA."""
GLACIER_AFTER_DAYS = 90
"""After a quarter only audits read events. Glacier Instant Retrieval still responds in milliseconds, so replay needs no
restore; AWS charges at least 90 days.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
"""


class EventLogLock(Enum):
    """Modes of the object lock."""

    GOVERNANCE = "GOVERNANCE"
    """Principals with a special permission may delete events; the bucket's policy denies it while the log is
    protected."""
    COMPLIANCE = "COMPLIANCE"
    """No principal may delete events, not even the account's root user; the bucket exists until its last lock ends."""


class EventLogBucketArgs(TypedDict):
    kms_key_arn: pulumi.Input[str]
    """The customer key of the events (S5)."""
    retention_days: int
    """Retention of every event, in days."""
    lock: NotRequired[EventLogLock]
    """Mode of the object lock. Default: `GOVERNANCE`."""
    lock_days: NotRequired[int]
    """Days in which no principal may delete or overwrite an event. Default: all of ``retention_days``."""
    log_days: NotRequired[int]
    """Retention of S3's access log, in days. Default: 90."""
    backup: NotRequired[bool]
    """Tag the bucket `backup=continuous`, so that `Backup` copies it. Default: false."""
    protect: NotRequired[bool]
    """Refuse to delete the bucket, and to bypass its lock. Default: true."""


def transitions(retention_days: int) -> list[tuple[int, str]]:
    """(days, storage class), without classes that an event would leave before their least charged duration."""
    steps = []
    if retention_days >= 2 * INFREQUENT_AFTER_DAYS:
        steps.append((INFREQUENT_AFTER_DAYS, "STANDARD_IA"))
    if retention_days >= 2 * GLACIER_AFTER_DAYS:
        steps.append((GLACIER_AFTER_DAYS, "GLACIER_IR"))
    return steps


class EventLogBucket(pulumi.ComponentResource):
    """A bucket with object lock, encryption, transitions to cheaper storage, and expiry."""

    arn: pulumi.Output[str]
    bucket: pulumi.Output[str]
    """The bucket's name."""

    def __init__(self, name: str, args: EventLogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:EventLogBucket", name, {}, opts)
        protect = args.get("protect", True)
        inside = pulumi.ResourceOptions(parent=self)

        bucket, policy = private_bucket(
            name,
            parent=self,
            kms_key_arn=args["kms_key_arn"],
            protect=protect,
            object_lock=True,
            # AWS Backup selects by this tag.
            tags={"backup": "continuous"} if args.get("backup", False) else None,
            statements=_no_bypass if protect else None,
        )
        s3.BucketObjectLockConfiguration(
            name,
            bucket=bucket.id,
            rule=s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode=_lock(name, args).value,
                    days=args.get("lock_days", args["retention_days"]),
                )
            ),
            opts=inside,
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                _lifecycle_rule("events", EVENTS_PREFIX, args["retention_days"], transitions(args["retention_days"])),
                _lifecycle_rule("errors", ERRORS_PREFIX, args["retention_days"], []),
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

        # Writers of the bucket depend on its policy.
        self.arn = pulumi.Output.all(bucket.arn, policy.id).apply(lambda known: str(known[0]))
        self.bucket = bucket.id
        self.register_outputs({"arn": self.arn, "bucket": self.bucket})


def _no_bypass(arn: pulumi.Output[str]) -> list[dict[str, Any]]:
    return [
        {
            "Sid": "NobodyShortensTheLock",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:BypassGovernanceRetention"],
            "Resource": [pulumi.Output.concat(arn, "/*")],
        }
    ]


def _lifecycle_rule(
    id_: str, prefix: str, retention_days: int, steps: list[tuple[int, str]]
) -> s3.BucketLifecycleConfigurationRuleArgs:
    return s3.BucketLifecycleConfigurationRuleArgs(
        id=id_,
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
        transitions=[
            s3.BucketLifecycleConfigurationRuleTransitionArgs(days=days, storage_class=storage_class)
            for days, storage_class in steps
        ],
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=retention_days),
        # In a versioned bucket expiry adds a delete marker; S3 removes the version a day later.
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=1
        ),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=7
        ),
    )


def _lock(name: str, args: EventLogBucketArgs) -> EventLogLock:
    return choice(EventLogLock, args.get("lock", EventLogLock.GOVERNANCE), f'EventLogBucket "{name}"', "lock")


def _check(name: str, args: EventLogBucketArgs) -> None:
    where = f'EventLogBucket "{name}"'
    retention = args["retention_days"]
    require(1 <= retention <= 36_500, where, "retention_days", retention, "1 to 36500 days", "give days, not years")
    lock = args.get("lock_days", retention)
    require(
        1 <= lock <= retention,
        where,
        "lock_days",
        lock,
        f"1 to {retention}, the days that events are kept",
        "lower it, or keep events longer",
    )
    compliance = _lock(name, args) is EventLogLock.COMPLIANCE
    require(
        not compliance or args.get("protect", True),
        where,
        "lock",
        "COMPLIANCE",
        "GOVERNANCE where the stack is meant to be destroyed: compliance mode allows no deletion",
        "set protect, or lock to GOVERNANCE",
    )
    log_days = args.get("log_days", 90)
    require(log_days >= 1, where, "log_days", log_days, "at least 1 day", "raise it")
