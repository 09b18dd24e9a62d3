"""S3, ECR and AWS Backup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from groundplan.cloud.item import Item, look_up
from groundplan.cloud.rules.policies import as_document, principals_of, statements_of
from groundplan.cloud.rules.registry import Broken, one_of, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

BUCKET = "aws:s3/bucket:Bucket"
_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
_CLASSES = ("GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")


@rule(_LIFECYCLE)
def lifecycle(item: Item, _: Cloud) -> Iterator[Broken]:
    """Rules have unique ids, do something, go from warm to cold, wait 30 days for infrequent access, and expire last.

    Source: S3 user guide, Lifecycle configuration elements; Transitioning objects using Lifecycle.
    """
    ids: set[object] = set()
    for index, each in enumerate(item.objects("rules")):
        path = f"rules[{index}]"
        if each.get("id") in ids:
            yield Broken(f"{path}.id", "an id that no other rule has", "rename one")
        ids.add(each.get("id"))
        if each.get("status") not in ("Enabled", "Disabled") and isinstance(each.get("status"), str):
            yield Broken(f"{path}.status", "Enabled or Disabled", "correct it")
        acts = (
            "expiration",
            "transitions",
            "noncurrentVersionExpiration",
            "noncurrentVersionTransitions",
            "abortIncompleteMultipartUpload",
        )
        if not any(each.get(act) for act in acts):
            yield Broken(path, "at least one action", f"set one of {', '.join(acts)}", each.get("id"))
        transitions = [one for one in each.get("transitions") or [] if isinstance(one, dict)]
        last = -1
        for number, one in enumerate(transitions):
            kind, days = one.get("storageClass"), one.get("days")
            if isinstance(kind, str) and kind not in _CLASSES:
                yield Broken(
                    f"{path}.transitions[{number}].storageClass", f"one of {', '.join(_CLASSES)}", "choose one of these"
                )
            if kind in ("STANDARD_IA", "ONEZONE_IA") and isinstance(days, int) and days < 30:
                yield Broken(f"{path}.transitions[{number}].days", f"at least 30 for {kind}", "wait longer")
            if isinstance(days, int):
                if days < last:
                    yield Broken(
                        f"{path}.transitions[{number}].days",
                        "later than the transition before it",
                        "order them by days",
                    )
                last = max(last, days)
        days = (each.get("expiration") or {}).get("days")
        if isinstance(days, int) and (days < 1 or days <= last):
            yield Broken(
                f"{path}.expiration.days", f"more than {max(last, 0)}, when the last transition is", "expire later"
            )


@rule(_LIFECYCLE)
def lifecycle_filters(item: Item, _: Cloud) -> Iterator[Broken]:
    """A filter has one condition, or `and`; uploads are aborted by prefix alone; classes only grow colder; up to 100
    newer versions are kept.

    Source: S3 API, LifecycleRule; S3 user guide, Transitioning objects using Lifecycle.
    """
    colder = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    for index, each in enumerate(item.objects("rules")):
        path, chosen = f"rules[{index}]", each.get("filter")
        given = (
            {name for name, value in chosen.items() if value not in (None, "")} if isinstance(chosen, dict) else set()
        )
        if len(given) > 1:
            yield Broken(f"{path}.filter", "one condition; several go into `and`", "use and_", sorted(given))
        if each.get("abortIncompleteMultipartUpload") and (given & {"tag"} or look_up(chosen, "and.tags")):
            yield Broken(f"{path}.filter", "no tags, as uploads are aborted", "abort them in a rule of its own", "")
        order = [
            colder.index(one["storageClass"])
            for one in each.get("transitions") or []
            if look_up(one, "storageClass") in colder
        ]
        if order != sorted(order):
            yield Broken(f"{path}.transitions", f"classes in this order: {', '.join(colder)}", "reorder them", "")


@rule("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(item: Item, _: Cloud) -> Iterator[Broken]:
    """Encryption is AES256, aws:kms or aws:kms:dsse; a key only with KMS.

    Source: S3 API, PutBucketEncryption.
    """
    for index, each in enumerate(item.objects("rules")):
        path = f"rules[{index}].applyServerSideEncryptionByDefault"
        default = each.get("applyServerSideEncryptionByDefault") or {}
        kind = default.get("sseAlgorithm")
        if isinstance(kind, str) and kind not in ("AES256", "aws:kms", "aws:kms:dsse"):
            yield Broken(f"{path}.sseAlgorithm", "AES256, aws:kms or aws:kms:dsse", "choose one of these")
        if kind == "AES256" and default.get("kmsMasterKeyId") is not None:
            yield Broken(
                f"{path}.kmsMasterKeyId", "nothing, as the algorithm is AES256", "set sse_algorithm to aws:kms"
            )


@rule("aws:s3/bucketVersioning:BucketVersioning")
def versioning(item: Item, _: Cloud) -> Iterator[Broken]:
    """Versioning is Enabled, Suspended or Disabled.

    Source: S3 API, PutBucketVersioning; pulumi-aws, s3.BucketVersioning.
    """
    yield from one_of(item, "versioningConfiguration.status", "Enabled", "Suspended", "Disabled")


@rule("aws:s3/bucketVersioning:BucketVersioning")
def locked_versions(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A bucket with object lock keeps its versions.

    Source: S3 user guide, Object Lock considerations.
    """
    bucket = cloud.referred(item, "bucket")
    suspended = item.known("versioningConfiguration.status") in ("Suspended", "Disabled")
    if suspended and bucket is not None and bucket.known("objectLockEnabled") is True:
        yield Broken("versioningConfiguration.status", "Enabled, as the bucket has object lock", "enable versioning")


@rule("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
def ownership(item: Item, _: Cloud) -> Iterator[Broken]:
    """Ownership is enforced, or one of the two older ways.

    Source: S3 API, PutBucketOwnershipControls.
    """
    yield from one_of(item, "rule.objectOwnership", "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


@rule("aws:s3/bucketAcl:BucketAcl")
def acl(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A bucket has ACLs only when its ownership controls let it.

    Source: S3 user guide, Controlling ownership of objects ("AccessControlListNotSupported").
    """
    controls = cloud.where("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "bucket", item.known("bucket"))
    if not any(each.known("rule.objectOwnership") in ("BucketOwnerPreferred", "ObjectWriter") for each in controls):
        yield Broken("bucket", "a bucket with ownership controls that allow ACLs", "use a bucket policy instead")


@rule("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
def object_lock(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Object lock needs versioning, and keeps objects for days or years.

    Source: S3 user guide, Object Lock considerations.
    """
    bucket = cloud.referred(item, "bucket")
    versioned = cloud.where("aws:s3/bucketVersioning:BucketVersioning", "bucket", item.known("bucket"))
    if (
        bucket is not None
        and bucket.get("objectLockEnabled", False) is not True
        and not any(each.known("versioningConfiguration.status") == "Enabled" for each in versioned)
    ):
        yield Broken("bucket", "a bucket with versioning", "enable versioning first, and depend on it")
    yield from one_of(item, "rule.defaultRetention.mode", "GOVERNANCE", "COMPLIANCE")


@rule("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
def retention(item: Item, _: Cloud) -> Iterator[Broken]:
    """A default retention is in days or in years.

    Source: S3 API, DefaultRetention.
    """
    kept = item.known("rule.defaultRetention")
    if isinstance(kept, dict) and (kept.get("days") is None) == (kept.get("years") is None):
        yield Broken("rule.defaultRetention", "days or years, one of the two", "set one", "")


@rule("aws:s3/bucketPolicy:BucketPolicy")
def bucket_policy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A policy speaks of its own bucket, and is not public where public policies are blocked.

    Source: S3 API, PutBucketPolicy ("Policy has invalid resource"); S3 user guide, Blocking public access.
    """
    document = as_document(item.known("policy"))
    bucket = cloud.referred(item, "bucket")
    if document is None or bucket is None:
        return
    blocks = cloud.where("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "bucket", item.known("bucket"))
    for statement in statements_of(document):
        named = statement.get("Resource")
        for arn in named if isinstance(named, list) else [named]:
            if isinstance(arn, str) and arn != bucket.arn and not arn.startswith(f"{bucket.arn}/"):
                yield Broken("policy", f"{bucket.arn}, or what is in it", "name the bucket's own ARN", arn)
        public = (
            statement.get("Effect") == "Allow" and "*" in principals_of(statement) and not statement.get("Condition")
        )
        if public and any(each.known("blockPublicPolicy") is True for each in blocks):
            yield Broken("policy", "no public statement, as blockPublicPolicy is true", "name the principals", "*")


@rule("aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketNotification:BucketNotification")
def bucket_targets(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Server access logs go to another bucket of the region.

    Source: S3 user guide, Enabling Amazon S3 server access logging.
    """
    target = item.known("targetBucket")
    if isinstance(target, str) and target == item.known("bucket"):
        yield Broken("targetBucket", "another bucket, or the logs log themselves", "create a bucket for logs")
    elif isinstance(target, str) and cloud.find(BUCKET, target) is None:
        yield Broken("targetBucket", "a bucket that exists", "pass the log bucket's name", absent=True)


@rule("aws:ecr/repository:Repository")
def repository(item: Item, _: Cloud) -> Iterator[Broken]:
    """Tags are mutable or not; encryption is AES256 or KMS, a key only with KMS.

    Source: ECR API, CreateRepository.
    """
    yield from one_of(
        item, "imageTagMutability", "MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"
    )
    for index, each in enumerate(item.objects("encryptionConfigurations")):
        kind = each.get("encryptionType") or "AES256"
        if kind not in ("AES256", "KMS", "KMS_DSSE"):
            yield Broken(
                f"encryptionConfigurations[{index}].encryptionType", "AES256, KMS or KMS_DSSE", "choose one of these"
            )
        if kind == "AES256" and each.get("kmsKey") is not None:
            yield Broken(
                f"encryptionConfigurations[{index}].kmsKey",
                "nothing, as the type is AES256",
                "set encryption_type to KMS",
            )


@rule("aws:ecr/lifecyclePolicy:LifecyclePolicy")
def image_lifecycle(item: Item, _: Cloud) -> Iterator[Broken]:
    """A lifecycle policy is JSON with rules of unique priorities; a rule for `any` image comes last.

    Source: ECR user guide, Lifecycle policy properties.
    """
    document = as_document(item.known("policy"))
    if item.known("policy") is None:
        return
    rules = document.get("rules") if document is not None else None
    if not isinstance(rules, list) or not rules:
        yield Broken("policy", "JSON with at least one rule", "build it with json.dumps")
        return
    priorities = [each.get("rulePriority") for each in rules if isinstance(each, dict)]
    if len(set(priorities)) != len(rules) or not all(isinstance(each, int) and each > 0 for each in priorities):
        yield Broken("policy", "rules with different priorities from 1", "renumber them", json.dumps(priorities))
        return
    last = max(each for each in priorities if isinstance(each, int))
    for each in rules:
        selection = each.get("selection") or {}
        if selection.get("tagStatus") not in ("tagged", "untagged", "any"):
            yield Broken(
                "policy", "tagStatus tagged, untagged or any", "correct the selection", selection.get("tagStatus")
            )
        if selection.get("tagStatus") == "tagged" and not (
            selection.get("tagPrefixList") or selection.get("tagPatternList")
        ):
            yield Broken("policy", "tagPrefixList or tagPatternList, as tagStatus is tagged", "say which tags", "")
        if selection.get("tagStatus") == "any" and each.get("rulePriority") != last:
            yield Broken(
                "policy",
                "the rule for any image to have the highest number",
                "renumber the rules",
                each.get("rulePriority"),
            )
        action = each.get("action") or {}
        if action.get("type") not in ("expire", "transition"):
            yield Broken("policy", "an action of type expire", "correct the action", action.get("type"))
        count = selection.get("countNumber")
        if not isinstance(count, int) or count < 1:
            yield Broken("policy", "countNumber from 1 on", "correct the selection", count)
        if selection.get("countType") not in (
            "imageCountMoreThan",
            "sinceImagePushed",
            "sinceImagePulled",
            "sinceImageTransitioned",
        ):
            yield Broken(
                "policy",
                "countType imageCountMoreThan or sinceImagePushed",
                "correct the selection",
                selection.get("countType"),
            )
        if selection.get("countType") == "sinceImagePushed" and selection.get("countUnit") != "days":
            yield Broken(
                "policy",
                "countUnit days, as countType is sinceImagePushed",
                "set countUnit",
                selection.get("countUnit"),
            )


@rule("aws:backup/plan:Plan")
def backup_plan(item: Item, _: Cloud) -> Iterator[Broken]:
    """A recovery point stays at least 90 days in cold storage; continuous backups live up to 35 days; schedules are
    cron or rate.

    Source: AWS Backup API, Lifecycle, BackupRuleInput.
    """
    names: set[object] = set()
    for index, each in enumerate(item.objects("rules")):
        path = f"rules[{index}]"
        if each.get("ruleName") in names:
            yield Broken(f"{path}.ruleName", "a name that no other rule has", "rename one")
        names.add(each.get("ruleName"))
        cold, delete = look_up(each, "lifecycle.coldStorageAfter"), look_up(each, "lifecycle.deleteAfter")
        if isinstance(cold, int) and cold > 0 and isinstance(delete, int) and delete < cold + 90:
            yield Broken(
                f"{path}.lifecycle.deleteAfter",
                f"at least 90 days after coldStorageAfter, {cold + 90}",
                "keep it longer, or never move it",
            )
        if each.get("enableContinuousBackup") is True and not (isinstance(delete, int) and 1 <= delete <= 35):
            yield Broken(
                f"{path}.lifecycle.deleteAfter", "1 to 35 days, as the backup is continuous", "shorten it", delete
            )
        schedule = each.get("schedule")
        if (
            isinstance(schedule, str)
            and re.fullmatch(r"cron\(\S+ \S+ \S+ \S+ \S+ \S+\)|rate\(\d+ \w+\)", schedule) is None
        ):
            yield Broken(f"{path}.schedule", "cron(…) with six fields, or rate(…)", "for example cron(0 3 * * ? *)")
        start, end = each.get("startWindow"), each.get("completionWindow")
        if isinstance(start, int) and start < 60:
            yield Broken(f"{path}.startWindow", "at least 60 minutes", "raise it")
        if isinstance(start, int) and isinstance(end, int) and end < start + 60:
            yield Broken(
                f"{path}.completionWindow", f"at least an hour more than startWindow, {start + 60} minutes", "raise it"
            )


@cache
def _zones() -> frozenset[str]:
    """The names of the tz database, as far as this machine has it."""
    return frozenset(available_timezones())


@rule("aws:backup/plan:Plan")
def time_zones(item: Item, _: Cloud) -> Iterator[Broken]:
    """A schedule's time zone is one of the tz database.

    Source: Backup API, BackupRuleInput.
    """
    zones = _zones()
    for index, each in enumerate(item.objects("rules")):
        name = each.get("scheduleExpressionTimezone")
        if isinstance(name, str) and zones and name not in zones:
            yield Broken(f"rules[{index}].scheduleExpressionTimezone", "a time zone such as Etc/UTC", "correct it")


@rule("aws:backup/selection:Selection")
def backup_selection(item: Item, _: Cloud) -> Iterator[Broken]:
    """A selection names resources by ARN, or tags.

    Source: AWS Backup API, BackupSelection.
    """
    if not item.get("resources") and not item.get("selectionTags"):
        yield Broken("resources", "at least one resource or tag", "set resources or selection_tags", "")
    for index, each in enumerate(item.objects("selectionTags")):
        if each.get("type") not in (None, "STRINGEQUALS"):
            yield Broken(f"selectionTags[{index}].type", "STRINGEQUALS", "correct it")
    for index, arn in enumerate(item.each("resources")):
        if isinstance(arn, str) and arn != "*" and not arn.startswith("arn:"):
            yield Broken(f"resources[{index}]", "an ARN", "pass the resource's arn")
