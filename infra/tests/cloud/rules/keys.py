"""Keys, secrets and policies (S4, S5)."""

from __future__ import annotations

import json

from infra.tests.cloud.world import ABSENT, ACCOUNT_ROOT, Case, Inputs, World, allow, document, key_policy, trust

_KEY = "aws:kms/key:Key"
_POLICY = "aws:iam/policy:Policy"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_ROLE = "aws:iam/role:Role"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_SECRET = "aws:secretsmanager/secret:Secret"
_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
_ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
_MANAGED = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"


def key(_: World) -> Inputs:
    return {
        "policy": key_policy("sns.amazonaws.com"),
        "deletionWindowInDays": 30,
        "enableKeyRotation": True,
        "rotationPeriodInDays": 365,
    }


def secret(_: World) -> Inputs:
    return {"recoveryWindowInDays": 7}


def version(world: World) -> Inputs:
    return {"secretId": world.make(_SECRET, "owner", {}).id, "secretString": "value"}


def rotation(world: World) -> Inputs:
    kept = world.make(_SECRET, "owner", {})
    world.make(_VERSION, "owner", {"secretId": kept.id, "secretString": "value"})
    code = {
        "role": world.role("lambda.amazonaws.com").arn,
        "s3Bucket": world.bucket().id,
        "s3Key": "k",
        "handler": "h",
        "runtime": "python3.13",
    }
    rotator = world.make("aws:lambda/function:Function", "rotate", code)
    return {"secretId": kept.id, "rotationLambdaArn": rotator.arn, "rotationRules": {"automaticallyAfterDays": 30}}


def policy(world: World) -> Inputs:
    queue = world.make("aws:sqs/queue:Queue", "orders", {})
    return {"policy": document(allow("sqs:SendMessage", resource=queue.arn, Sid="Send"))}


def role_policy(world: World) -> Inputs:
    return {"role": world.role().physical_name, **policy(world)}


def role(_: World) -> Inputs:
    return {"assumeRolePolicy": trust("ec2.amazonaws.com"), "path": "/shop/", "maxSessionDuration": 3600}


def attachment(world: World) -> Inputs:
    name = world.role().physical_name
    world.make(_ATTACHMENT, "there", {"role": name, "policyArn": _MANAGED})
    return {"role": name, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSComputePolicy"}


def topic_policy(world: World) -> Inputs:
    topic = world.make("aws:sns/topic:Topic", "alarms", {})
    statement = allow("sns:Publish", resource=topic.arn, Principal={"Service": "cloudwatch.amazonaws.com"})
    return {"arn": topic.arn, "policy": document(statement)}


def _broken(**changes: object) -> str:
    statement = {**allow("sqs:SendMessage"), **changes}
    return document({name: value for name, value in statement.items() if value is not ABSENT})


def _key_with(*statements: dict[str, object]) -> dict[str, object]:
    return {"policy": document(*statements)}


CASES = (
    Case(
        "keys.administrator",
        _KEY,
        key,
        _key_with(allow("kms:Encrypt", Principal={"AWS": ACCOUNT_ROOT})),
        "policy",
        "kms:PutKeyPolicy",
    ),
    Case(
        "keys.administrator",
        _KEY,
        key,
        _key_with(allow("kms:*", Principal={"AWS": ACCOUNT_ROOT}), allow("kms:Encrypt")),
        "policy",
        "a principal in statement 2",
    ),
    Case("keys.key", _KEY, key, {"deletionWindowInDays": 5}, "deletionWindowInDays", "7 to 30"),
    Case("keys.key", _KEY, key, {"enableKeyRotation": False}, "rotationPeriodInDays", "rotation to be on"),
    Case("keys.secret", _SECRET, secret, {"recoveryWindowInDays": 5}, "recoveryWindowInDays", "0, or 7 to 30"),
    Case("keys.secret_value", _VERSION, version, {"secretString": ABSENT}, "secretString", "one value"),
    Case("keys.secret_value", _VERSION, version, {"secretString": "x" * 70_000}, "secretString", "65,536 bytes"),
    Case(
        "keys.rotation",
        _ROTATION,
        rotation,
        {"rotationRules.automaticallyAfterDays": 0},
        "rotationRules.automaticallyAfterDays",
        "1 to 1000",
    ),
    Case(
        "keys.rotation", _ROTATION, rotation, {"rotationLambdaArn": ABSENT}, "rotationLambdaArn", "rotates the secret"
    ),
    Case(
        "keys.rotation",
        _ROTATION,
        rotation,
        {"rotationRules.scheduleExpression": "rate(4 hours)"},
        "rotationRules.scheduleExpression",
        "automaticallyAfterDays is given",
    ),
    Case(
        "keys.rotation",
        _ROTATION,
        rotation,
        lambda world: {"secretId": world.make(_SECRET, "empty", {}).id},
        "secretId",
        "that has a value",
    ),
    Case("policies.identity_policy", _POLICY, policy, {"policy": "allow everything"}, "policy", "in JSON"),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Action="SendMessage")},
        "policy",
        "such as s3:GetObject",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Effect="Permit")},
        "policy",
        "Effect Allow or Deny",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Resource=ABSENT)},
        "policy",
        "Resource in statement 1",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Resource="orders")},
        "policy",
        "ARNs in statement 1",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Resource="arn:aws:sqs:eu-central-1:123456789012:gone")},
        "policy",
        "ARNs of things that exist",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Principal={"AWS": "*"})},
        "policy",
        "no Principal",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": _broken(Condition={"StringEqual": {"a": "b"}})},
        "policy",
        "a condition operator",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": json.dumps({"Version": "2016-10-17", "Statement": [allow("sqs:SendMessage")]})},
        "policy",
        "Version",
    ),
    Case(
        "policies.identity_policy",
        _POLICY,
        policy,
        {"policy": document(*(allow("sqs:SendMessage", Sid=f"S{'x' * 200}{number}") for number in range(30)))},
        "policy",
        "at most 6144 characters",
    ),
    Case(
        "policies.identity_policy",
        _ROLE_POLICY,
        role_policy,
        {"policy": document(*(allow("sqs:SendMessage", Sid=f"S{'x' * 400}{number}") for number in range(30)))},
        "policy",
        "at most 10240 characters",
    ),
    Case(
        "policies.resource_policy",
        "aws:sns/topicPolicy:TopicPolicy",
        topic_policy,
        {"policy": _broken()},
        "policy",
        "Principal in statement 1",
    ),
    Case(
        "policies.resource_policy",
        "aws:sns/topicPolicy:TopicPolicy",
        topic_policy,
        {"policy": _broken(Principal={"Service": "cloudwatch"})},
        "policy",
        "a service such as",
    ),
    Case(
        "policies.trust_policy",
        _ROLE,
        role,
        {"assumeRolePolicy": _broken(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")},
        "assumeRolePolicy",
        "no Resource",
    ),
    Case("policies.trust_policy", _ROLE, role, {"maxSessionDuration": 60}, "maxSessionDuration", "3600 to 43200"),
    Case("policies.trust_policy", _ROLE, role, {"path": "shop"}, "path", "begins and ends with /"),
    Case("policies.attachments", _ATTACHMENT, attachment, {"policyArn": _MANAGED}, "policyArn", "doesn't have yet"),
)
