"""Key policies: access for the account's administrators through IAM, and for the AWS services that a purpose needs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from groundplan_components.shared.alarm_publishers import PUBLISHER_KEY_ACTIONS, PUBLISHERS


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key lives: `aws`, `eu-central-1`, `123456789012`."""

    partition: str
    region: str
    account: str


PolicyStatement = dict[str, Any]


def key_policy(purpose: str, place: Place, copies_account: str | None = None) -> str:
    """The policy of the key for ``purpose`` (one of `PURPOSES`), as JSON.

    ``copies_account``: the number of another account that gets copies of backups.
    """
    statements = [_administrators(place), _log_groups(place), *(rule(place) for rule in PURPOSES[purpose])]
    if copies_account is not None and purpose in COPIED:
        statements += _copies(place, copies_account)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _administrators(place: Place) -> PolicyStatement:
    """Without this statement no principal could ever change the key again, and IAM policies on the key would have no
    effect.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return {
        "Sid": "Administrators",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{place.partition}:iam::{place.account}:root"},
        "Action": "kms:*",
        "Resource": "*",  # in a key's policy: this key
    }


def _log_groups(place: Place) -> PolicyStatement:
    """Resources that a key protects write logs too, and the same key encrypts these.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    groups = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:*"
    return _service(
        "LogGroups",
        [f"logs.{place.region}.amazonaws.com"],
        ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _log_delivery(place: Place) -> PolicyStatement:
    """Logs that AWS delivers to a bucket: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html"""
    return _service(
        "LogDelivery",
        ["delivery.logs.amazonaws.com"],
        ["kms:GenerateDataKey*", "kms:Decrypt"],
        {
            "StringEquals": {"aws:SourceAccount": place.account},
            # A source may be in another region than the bucket: CloudFront's is always in us-east-1.
            "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:logs:*:{place.account}:delivery-source:*"},
        },
    )


def _topics(place: Place) -> PolicyStatement:
    """SNS delivers to encrypted queues: https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html"""
    return _service(
        "TopicsToQueues",
        ["sns.amazonaws.com"],
        ["kms:GenerateDataKey*", "kms:Decrypt"],
        {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:sns:{place.region}:{place.account}:*"},
        },
    )


def _alarms(place: Place) -> PolicyStatement:
    """Services that publish to an encrypted topic: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"""
    return _service(
        "Alarms",
        list(PUBLISHERS),
        list(PUBLISHER_KEY_ACTIONS),
        {"StringEquals": {"aws:SourceAccount": place.account}},
    )


def _distributions(place: Place) -> PolicyStatement:
    """CloudFront reads an encrypted bucket with origin access control.

    AWS's example names one distribution. This policy admits any of the account: the distribution needs the bucket and
    the bucket needs the key, so the key can't name the distribution. The bucket's policy names it.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    return _service(
        "Distributions",
        ["cloudfront.amazonaws.com"],
        ["kms:Decrypt"],
        {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:cloudfront::{place.account}:distribution/*"},
        },
    )


def _copies(place: Place, account: str) -> list[PolicyStatement]:
    """The account that gets copies of backups reads what is encrypted with the key, to encrypt it with its own.

    AWS Backup's service-linked role there does it. A policy can't name that role before the account has it, so it names
    the account, whose own policies decide.
    https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    principal = {"AWS": f"arn:{place.partition}:iam::{account}:root"}
    return [
        {
            "Sid": "CopiesOfBackups",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "Resource": "*",  # in a key's policy: this key
        },
        {
            "Sid": "CopiesOfBackupsByServices",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
            "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def _service(sid: str, services: list[str], actions: list[str], condition: dict[str, Any]) -> PolicyStatement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": services},
        "Action": actions,
        "Resource": "*",  # in a key's policy: this key
        "Condition": condition,
    }


# RDS, ElastiCache, MSK, EKS, Secrets Manager, Backup, Network Firewall and Lambda use a key on behalf of the calling
# role, or by a grant of that role. IAM decides there, and the key's policy names no service.
PURPOSES: dict[str, tuple[Callable[[Place], PolicyStatement], ...]] = {
    "alarms": (_alarms,),
    "backups": (),
    "cluster": (),
    "data": (),
    "events": (_topics,),
    "logs": (_log_delivery,),
    "secrets": (),
    "site": (_distributions,),
}

COPIED = frozenset({"backups", "data"})
"""Snapshots of databases keep the databases' key; buckets' backups have their vault's."""
