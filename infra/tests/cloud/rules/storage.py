"""Buckets, images and backups (S5)."""

from __future__ import annotations

import json

from infra.tests.cloud.world import ABSENT, Case, Inputs, World, allow, document

_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
_REPOSITORY = "aws:ecr/repository:Repository"
_IMAGES = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_PLAN = "aws:backup/plan:Plan"


def lifecycle(world: World) -> Inputs:
    transitions = [{"days": 30, "storageClass": "STANDARD_IA"}, {"days": 90, "storageClass": "GLACIER_IR"}]
    return {
        "bucket": world.bucket().id,
        "rules": [{"id": "age", "status": "Enabled", "transitions": transitions, "expiration": {"days": 2555}}],
    }


def encryption(world: World) -> Inputs:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": world.key().arn}
    return {
        "bucket": world.bucket().id,
        "rules": [{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}],
    }


def versioning(world: World) -> Inputs:
    return {"bucket": world.bucket().id, "versioningConfiguration": {"status": "Enabled"}}


def ownership(world: World) -> Inputs:
    return {"bucket": world.bucket().id, "rule": {"objectOwnership": "BucketOwnerEnforced"}}


def acl(world: World) -> Inputs:
    writable = world.bucket("logs").id
    world.make(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "logs",
        {"bucket": writable, "rule": {"objectOwnership": "BucketOwnerPreferred"}},
    )
    return {"bucket": writable, "acl": "log-delivery-write"}


def lock(world: World) -> Inputs:
    kept = world.bucket("kept").id
    world.make(_VERSIONING, "kept", {"bucket": kept, "versioningConfiguration": {"status": "Enabled"}})
    return {"bucket": kept, "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}


def policy(world: World) -> Inputs:
    bucket = world.bucket()
    world.make(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "it", {"bucket": bucket.id, "blockPublicPolicy": True}
    )
    statement = allow("s3:GetObject", resource=f"{bucket.arn}/*", Principal={"Service": "cloudfront.amazonaws.com"})
    return {"bucket": bucket.id, "policy": document(statement)}


def public(world: World) -> str:
    return document(allow("s3:GetObject", resource=f"{world.bucket().arn}/*", Principal="*"))


def other_bucket(world: World) -> str:
    return document(
        allow(
            "s3:GetObject", resource=f"{world.bucket('far').arn}/*", Principal={"Service": "cloudfront.amazonaws.com"}
        )
    )


def logging(world: World) -> Inputs:
    return {"bucket": world.bucket().id, "targetBucket": world.bucket("logs").id, "targetPrefix": "site/"}


def repository(world: World) -> Inputs:
    return {
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": world.key().arn}],
    }


def rules(*selections: dict[str, object]) -> str:
    every = [
        {"rulePriority": index, "selection": each, "action": {"type": "expire"}}
        for index, each in enumerate(selections, 1)
    ]
    return json.dumps({"rules": every})


_UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
_ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 50}


def images(world: World) -> Inputs:
    return {"repository": world.make(_REPOSITORY, "order", {}).physical_name, "policy": rules(_UNTAGGED, _ANY)}


def plan(world: World) -> Inputs:
    vault = world.make("aws:backup/vault:Vault", "vault", {}).physical_name
    daily = {
        "ruleName": "daily",
        "targetVaultName": vault,
        "schedule": "cron(0 3 * * ? *)",
        "startWindow": 60,
        "completionWindow": 180,
        "lifecycle": {"coldStorageAfter": 30, "deleteAfter": 365},
    }
    return {"rules": [daily]}


def selection(world: World) -> Inputs:
    made = world.make(_PLAN, "plan", plan(world))
    return {"planId": made.id, "iamRoleArn": world.role("backup.amazonaws.com").arn, "resources": [world.bucket().arn]}


CASES = (
    Case(
        "storage.lifecycle",
        _LIFECYCLE,
        lifecycle,
        {"rules[0].transitions[0].days": 7},
        "rules[0].transitions[0].days",
        "at least 30",
    ),
    Case(
        "storage.lifecycle",
        _LIFECYCLE,
        lifecycle,
        {"rules[0].expiration.days": 60},
        "rules[0].expiration.days",
        "more than 90",
    ),
    Case(
        "storage.lifecycle",
        _LIFECYCLE,
        lifecycle,
        {"rules[0].transitions": ABSENT, "rules[0].expiration": ABSENT},
        "rules[0]",
        "at least one action",
    ),
    Case(
        "storage.lifecycle", _LIFECYCLE, lifecycle, {"rules[0].status": "on"}, "rules[0].status", "Enabled or Disabled"
    ),
    Case(
        "storage.encryption",
        _ENCRYPTION,
        encryption,
        {"rules[0].applyServerSideEncryptionByDefault.sseAlgorithm": "AES256"},
        "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId",
        "the algorithm is AES256",
    ),
    Case(
        "storage.versioning",
        _VERSIONING,
        versioning,
        {"versioningConfiguration.status": "On"},
        "versioningConfiguration.status",
        "Enabled, Suspended",
    ),
    Case(
        "storage.ownership",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        ownership,
        {"rule.objectOwnership": "Owner"},
        "rule.objectOwnership",
        "BucketOwnerEnforced",
    ),
    Case(
        "storage.acl",
        "aws:s3/bucketAcl:BucketAcl",
        acl,
        lambda world: {"bucket": world.bucket().id},
        "bucket",
        "allow ACLs",
    ),
    Case(
        "storage.object_lock",
        _LOCK,
        lock,
        lambda world: {"bucket": world.bucket().id},
        "bucket",
        "a bucket with versioning",
    ),
    Case(
        "storage.object_lock",
        _LOCK,
        lock,
        {"rule.defaultRetention.mode": "STRICT"},
        "rule.defaultRetention.mode",
        "GOVERNANCE, COMPLIANCE",
    ),
    Case(
        "storage.bucket_policy",
        _POLICY,
        policy,
        lambda world: {"policy": public(world)},
        "policy",
        "no public statement",
    ),
    Case(
        "storage.bucket_policy",
        _POLICY,
        policy,
        lambda world: {"policy": other_bucket(world)},
        "policy",
        "or what is in it",
    ),
    Case(
        "storage.bucket_targets",
        "aws:s3/bucketLogging:BucketLogging",
        logging,
        lambda world: {"targetBucket": world.bucket().id},
        "targetBucket",
        "another bucket",
    ),
    Case(
        "storage.bucket_targets",
        "aws:s3/bucketLogging:BucketLogging",
        logging,
        {"targetBucket": "gone"},
        "targetBucket",
        "a bucket that exists",
    ),
    Case(
        "storage.repository",
        _REPOSITORY,
        repository,
        {"imageTagMutability": "FROZEN"},
        "imageTagMutability",
        "IMMUTABLE",
    ),
    Case(
        "storage.repository",
        _REPOSITORY,
        repository,
        {"encryptionConfigurations[0].encryptionType": "AES256"},
        "encryptionConfigurations[0].kmsKey",
        "the type is AES256",
    ),
    Case(
        "storage.image_lifecycle", _IMAGES, images, {"policy": rules(_ANY, _UNTAGGED)}, "policy", "the highest number"
    ),
    Case(
        "storage.image_lifecycle",
        _IMAGES,
        images,
        {"policy": rules({**_UNTAGGED, "countUnit": "weeks"})},
        "policy",
        "countUnit days",
    ),
    Case("storage.image_lifecycle", _IMAGES, images, {"policy": "{}"}, "policy", "at least one rule"),
    Case(
        "storage.backup_plan",
        _PLAN,
        plan,
        {"rules[0].lifecycle.deleteAfter": 60},
        "rules[0].lifecycle.deleteAfter",
        "at least 90 days after",
    ),
    Case(
        "storage.backup_plan",
        _PLAN,
        plan,
        {"rules[0].schedule": "daily"},
        "rules[0].schedule",
        "cron(…) with six fields",
    ),
    Case(
        "storage.backup_plan",
        _PLAN,
        plan,
        {"rules[0].enableContinuousBackup": True},
        "rules[0].lifecycle.deleteAfter",
        "1 to 35 days",
    ),
    Case(
        "storage.backup_selection",
        "aws:backup/selection:Selection",
        selection,
        {"resources": []},
        "resources",
        "at least one resource or tag",
    ),
    Case(
        "storage.backup_selection",
        "aws:backup/selection:Selection",
        selection,
        {"resources[0]": "bucket"},
        "resources[0]",
        "an ARN",
    ),
)
