"""KMS and Secrets Manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import ACCOUNT, Item
from groundplan.cloud.rules.policies import as_document, listed, principals_of, statements_of
from groundplan.cloud.rules.registry import Broken, between, rule

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

KEY = "aws:kms/key:Key"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"


@rule(KEY, "aws:kms/keyPolicy:KeyPolicy")
def administrator(item: Item, _: Cloud) -> Iterator[Broken]:
    """A key policy names principals, speaks of the key as `*`, and leaves a principal of the account able to change it.

    Source: KMS API, PutKeyPolicy (lockout safety check); KMS developer guide, Key policies.
    """
    document = as_document(item.known("policy"))
    if document is None:
        return
    kept = False
    for index, statement in enumerate(statements_of(document)):
        if statement.get("Principal") is None and statement.get("NotPrincipal") is None:
            yield Broken(
                "policy", f"a principal in statement {index + 1}", "say whom it is for", statement.get("Sid", "")
            )
        actions = listed(statement.get("Action"))
        broad = any(
            action in ("kms:*", "*") or action == "kms:PutKeyPolicy" or action == "kms:Put*" for action in actions
        )
        own = any(ACCOUNT in principal or principal == "*" for principal in principals_of(statement))
        if statement.get("Effect") == "Allow" and broad and own and not statement.get("Condition"):
            kept = True
    if not kept and item.get("bypassPolicyLockoutSafetyCheck", False) is not True:
        yield Broken(
            "policy",
            f"a statement that lets a principal of account {ACCOUNT} do kms:* or kms:PutKeyPolicy",
            "allow arn:aws:iam::<account>:root to do kms:*",
            "",
        )


@rule(KEY)
def key(item: Item, _: Cloud) -> Iterator[Broken]:
    """Deletion waits 7 to 30 days; keys rotate every 90 to 2560 days, and only symmetric ones.

    Source: KMS API, ScheduleKeyDeletion, EnableKeyRotation.
    """
    yield from between(item, "deletionWindowInDays", 7, 30)
    yield from between(item, "rotationPeriodInDays", 90, 2560)
    if item.get("rotationPeriodInDays") is not None and item.get("enableKeyRotation", False) is not True:
        yield Broken("rotationPeriodInDays", "rotation to be on", "set enable_key_rotation")
    if (
        item.known("enableKeyRotation") is True
        and item.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT"
    ):
        yield Broken("enableKeyRotation", "false, as the key is not symmetric", "rotate it by hand")


@rule(KEY)
def key_of_its_use(item: Item, _: Cloud) -> Iterator[Broken]:
    """A symmetric key encrypts, an HMAC key authenticates, an elliptic curve signs or agrees.

    Source: KMS API, CreateKey, KeyUsage.
    """
    spec, use = item.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT"), item.get("keyUsage", "ENCRYPT_DECRYPT")
    fitting = {
        "SYMMETRIC": ("ENCRYPT_DECRYPT",),
        "HMAC": ("GENERATE_VERIFY_MAC",),
        "RSA": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
        "ECC": ("SIGN_VERIFY", "KEY_AGREEMENT"),
        "ML": ("SIGN_VERIFY",),
    }.get(str(spec).partition("_")[0])
    if fitting is not None and isinstance(use, str) and use not in fitting:
        yield Broken("keyUsage", f"{' or '.join(fitting)} for a key {spec}", "make the two agree")


@rule("aws:secretsmanager/secret:Secret")
def secret(item: Item, _: Cloud) -> Iterator[Broken]:
    """A deleted secret can be had back for 7 to 30 days, or not at all.

    Source: Secrets Manager API, DeleteSecret, RecoveryWindowInDays.
    """
    days = item.known("recoveryWindowInDays")
    if isinstance(days, int) and days != 0 and not 7 <= days <= 30:
        yield Broken("recoveryWindowInDays", "0, or 7 to 30", "choose a value in this range")


@rule("aws:secretsmanager/secret:Secret")
def replicas(item: Item, _: Cloud) -> Iterator[Broken]:
    """A secret is replicated into other regions.

    Source: Secrets Manager API, CreateSecret, AddReplicaRegions.
    """
    for index, each in enumerate(item.objects("replicas")):
        region = each.get("region")
        if isinstance(region, str) and (
            region == item.place or re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", region) is None
        ):
            yield Broken(f"replicas[{index}].region", "another region, such as eu-west-1", "correct the region")


@rule("aws:secretsmanager/secretVersion:SecretVersion")
def secret_value(item: Item, _: Cloud) -> Iterator[Broken]:
    """A version has one value, of at most 65,536 bytes.

    Source: Secrets Manager API, PutSecretValue.
    """
    given = [name for name in ("secretString", "secretBinary", "secretStringWo") if item.get(name) is not None]
    if len(given) != 1:
        yield Broken("secretString", "one value: secretString, secretBinary or secretStringWo", "set one", "")
    text = item.known("secretString")
    if isinstance(text, str) and len(text.encode()) > 65_536:
        yield Broken("secretString", "at most 65,536 bytes", "keep large things in S3", "[secret]")


@rule(ROTATION)
def rotation(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Rotation has a function and either a number of days from 1 to 1000 or a schedule.

    Source: Secrets Manager API, RotateSecret, RotationRules.
    """
    if item.get("rotationLambdaArn") is None and item.get("externalSecretRotationRoleArn") is None:
        yield Broken("rotationLambdaArn", "the function that rotates the secret", "set rotation_lambda_arn")
    days, schedule = item.known("rotationRules.automaticallyAfterDays"), item.known("rotationRules.scheduleExpression")
    yield from between(item, "rotationRules.automaticallyAfterDays", 1, 1000)
    if (
        item.get("rotationRules") is not None
        and (days is None) == (schedule is None)
        and item.get("rotationRules.scheduleExpression") is None
    ):
        yield Broken("rotationRules", "automaticallyAfterDays or scheduleExpression", "set one of the two")
    if days is not None and schedule is not None:
        yield Broken(
            "rotationRules.scheduleExpression", "nothing, as automaticallyAfterDays is given", "choose one of the two"
        )
    if isinstance(schedule, str) and re.fullmatch(r"rate\(\d+ (hours?|days?)\)|cron\(.+\)", schedule) is None:
        yield Broken("rotationRules.scheduleExpression", "rate(… days) or cron(…)", "correct the schedule")
    versions = cloud.where("aws:secretsmanager/secretVersion:SecretVersion", "secretId", item.known("secretId"))
    if (
        item.get("rotateImmediately", True) is True
        and not versions
        and cloud.find("aws:secretsmanager/secret:Secret", item.known("secretId"))
    ):
        yield Broken(
            "secretId",
            "a secret that has a value, as it is rotated at once",
            "create its SecretVersion first, and depend on it",
        )
