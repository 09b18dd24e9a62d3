"""What every rotation function of the library has: log, role, code, and Secrets Manager as its only caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, secretsmanager

from groundplan_components.keys.stored_secret import StoredSecret
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.iam import ROLE_NAME_LIMIT, Statement, policy, trust
from groundplan_components.shared.names import autonamed

RUNTIME = "python3.13"
TIMEOUT_SECONDS = 30
MEMORY_MB = 256
STEPS = Path(__file__).with_name("rotation_steps.py")
FUNCTION_NAME_LENGTH = 64
SHORTEST_ROTATION_DAYS = 1
LONGEST_ROTATION_DAYS = 1000


@dataclass(frozen=True, slots=True)
class Rotation:
    """A function that changes what secrets hold, and what it may do besides reading and writing them."""

    description: str
    failed: str
    """Of the alarm on failed rotations."""
    page: str
    """Of that alarm: what to do."""
    function_name: pulumi.Input[str]
    """Ends the log group's name, `/aws/lambda/<function_name>`: unique in the account and region."""
    code: Path
    """Module with the function `handler`."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the rotated secrets; its ARN also names partition and region."""
    log_days: int
    variables: Mapping[str, pulumi.Input[str]]
    running: Sequence[Statement] = ()
    """Grants that it starts with."""
    changing: Sequence[Statement] = ()
    """Grants for what it changes."""
    files: Mapping[str, Path] | None = None
    """Further files beside the code, by name."""
    network: Mapping[str, list[pulumi.Input[str]]] | None = None
    """Subnets and security groups; None: outside of the stack's network."""
    alarm_topic_arn: pulumi.Input[str] | None = None


@dataclass(frozen=True, slots=True)
class Rotator:
    """A function that Secrets Manager may call, with all that it needs to rotate."""

    arn: pulumi.Output[str]
    parts: tuple[pulumi.Resource, ...]
    """What has to be there before a secret names the function: Secrets Manager tests it then."""


def rotation_function(name: str, parent: pulumi.Resource, rotation: Rotation) -> Rotator:
    """Declares the function with its log, role and alarm, as children of ``parent``."""
    inside = pulumi.ResourceOptions(parent=parent)
    key_arn = pulumi.Output.from_input(rotation.kms_key_arn)
    # Declared here, because Lambda would create it without key and retention.
    log = cloudwatch.LogGroup(
        f"{name}-log",
        name=pulumi.Output.concat("/aws/lambda/", rotation.function_name),
        kms_key_id=rotation.kms_key_arn,
        retention_in_days=rotation.log_days,
        tags={"Name": name},
        opts=inside,
    )
    role = iam.Role(
        autonamed(f"{name}-role", ROLE_NAME_LIMIT),
        description=rotation.description,
        assume_role_policy=trust("lambda.amazonaws.com"),
        tags={"Name": name},
        opts=inside,
    )
    writes: Statement = {
        "sid": "Log",
        "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "resources": [pulumi.Output.concat(log.arn, ":*")],
    }
    runs = iam.RolePolicy(f"{name}-run", role=role.name, policy=policy(writes, *rotation.running), opts=inside)
    files = {rotation.code.name: rotation.code, f"groundplan_components/keys/{STEPS.name}": STEPS}
    function = lambda_.Function(
        # A name of its own: the functions that AWS publishes had `function_name`, and are there until this one is.
        autonamed(f"{name}-function", FUNCTION_NAME_LENGTH),
        description=rotation.description,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=f"{rotation.code.stem}.handler",
        code=pulumi.AssetArchive(
            {
                place: pulumi.StringAsset(path.read_text(encoding="utf-8"))
                for place, path in {**files, **(rotation.files or {})}.items()
            }
        ),
        role=role.arn,
        timeout=TIMEOUT_SECONDS,
        memory_size=MEMORY_MB,
        kms_key_arn=rotation.kms_key_arn,
        environment={"variables": dict(rotation.variables)} if rotation.variables else None,
        vpc_config=dict(rotation.network) if rotation.network else None,
        logging_config={"log_format": "JSON", "log_group": log.name},
        tags={"Name": name},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[runs]),
    )
    rotates = iam.RolePolicy(
        f"{name}-rotate",
        role=role.name,
        policy=policy(*_own_secrets(key_arn, function), *rotation.changing),
        opts=inside,
    )
    called = lambda_.Permission(
        f"{name}-secrets-manager",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="secretsmanager.amazonaws.com",
        source_account=account_of(key_arn),
        opts=inside,
    )
    if rotation.alarm_topic_arn is not None:
        declare(
            f"{name}-failed",
            _failed_rotation(rotation, function.name),
            [rotation.alarm_topic_arn],
            pulumi.ResourceOptions(parent=parent),
        )
    return Rotator(function.arn, (function, rotates, called))


def rotate(
    name: str, secret: StoredSecret, rotator: Rotator, days: int, *, immediately: bool, parent: pulumi.Resource
) -> secretsmanager.SecretRotation:
    """Let the function rotate the secret every ``days`` days, the first time at once with ``immediately``."""
    return secretsmanager.SecretRotation(
        name,
        secret_id=secret.arn,
        rotation_lambda_arn=rotator.arn,
        rotate_immediately=immediately,
        rotation_rules={"automatically_after_days": days},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[secret.version, *rotator.parts]),
    )


def require_rotation_days(component: str, days: int) -> None:
    """Raises pulumi.RunError unless Secrets Manager accepts the interval."""
    require(
        SHORTEST_ROTATION_DAYS <= days <= LONGEST_ROTATION_DAYS,
        component,
        "rotation_days",
        days,
        f"{SHORTEST_ROTATION_DAYS} to {LONGEST_ROTATION_DAYS} days, as Secrets Manager allows",
        "30 is a good interval",
    )


def _own_secrets(key_arn: pulumi.Output[str], function: lambda_.Function) -> list[Statement]:
    """Access to the secrets that name this function as theirs, and to no other; secrets name it when they exist."""
    secrets = pulumi.Output.concat(
        "arn:", partition_of(key_arn), ":secretsmanager:", region_of(key_arn), ":", account_of(key_arn), ":secret:*"
    )
    return [
        {
            "sid": "OwnSecrets",
            "actions": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            "resources": [secrets],
            "conditions": {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": function.arn}},
        },
        {
            "sid": "SecretsKey",
            "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
            "resources": [key_arn],
        },
    ]


def _failed_rotation(rotation: Rotation, function_name: pulumi.Input[str]) -> Alarm:
    return Alarm(
        description=rotation.failed,
        page=rotation.page,
        metrics={
            "errors": Metric(
                namespace="AWS/Lambda", name="Errors", statistic="Sum", dimensions={"FunctionName": function_name}
            )
        },
        # Secrets Manager retries, and tests a new secret before its user exists: a single error is no failure.
        threshold=5,
        period=86_400,
        periods=1,
    )
