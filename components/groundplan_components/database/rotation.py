"""AWS's published functions that rotate database passwords."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, secretsmanager, serverlessrepository

from groundplan_components.keys import StoredSecret
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days

# AWS publishes the rotation functions once per partition. Publisher accounts, home regions and versions are those that
# AWS's own CDK deploys (aws-cdk, aws-secretsmanager/lib/secret-rotation.ts, 2026). The version is pinned, so that a
# deployment changes only when this file does.
PUBLISHERS = {
    "aws": ("arn:aws:serverlessrepo:us-east-1:297356227824:applications/", "1.1.671"),
    "aws-cn": ("arn:aws-cn:serverlessrepo:cn-north-1:193023089310:applications/", "1.1.440"),
    "aws-us-gov": ("arn:aws-us-gov:serverlessrepo:us-gov-west-1:023102451235:applications/", "1.1.397"),
}
DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}

# Characters that rotation must not use in a password: all that a connection URL would have to escape. Four punctuation
# marks remain, because Secrets Manager requires one character of each kind.
EXCLUDED_CHARACTERS = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}"

FUNCTION_NAME_LENGTH = 64
SHORTEST_ROTATION_DAYS = 1
LONGEST_ROTATION_DAYS = 1000


class RotationStrategy(Enum):
    """How the password of one secret changes."""

    SINGLE_USER = "single-user"
    """Rotation changes the user's own password: until services read the new one, a login may fail once."""
    ALTERNATING_USERS = "alternating-users"
    """Two database users alternate, so that the previous credentials stay valid until the next rotation."""


APPLICATIONS = {
    RotationStrategy.SINGLE_USER: "SecretsManagerRDSPostgreSQLRotationSingleUser",
    RotationStrategy.ALTERNATING_USERS: "SecretsManagerRDSPostgreSQLRotationMultiUser",
}


class RotationFunctionArgs(TypedDict):
    """Args of `RotationFunction`."""

    strategy: RotationStrategy
    """Which user changes the password."""
    function_name: pulumi.Input[str]
    """Unique in the account and region; at most 64 characters."""
    subnet_ids: list[pulumi.Input[str]]
    """Subnets from which both the database and Secrets Manager can be reached."""
    security_group_id: pulumi.Input[str]
    """Security group that allows egress to the database and to HTTPS."""
    kms_key_arn: pulumi.Input[str]
    """The key that encrypts the rotated secrets; its ARN also names partition and region."""
    admin_secret_arn: NotRequired[pulumi.Input[str]]
    """The administrator's secret, which `ALTERNATING_USERS` needs: it clones the user. Default: none."""
    admin_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The key that encrypts the administrator's secret. Default: ``kms_key_arn``."""
    log_days: NotRequired[int]
    """Retention of the function's log, in days. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of the alarm on failed rotations. Default: no alarm."""


class RotationFunction(pulumi.ComponentResource):
    """One of AWS's published rotation functions inside the network."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RotationFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        component = f'RotationFunction "{name}"'
        strategy = choice(RotationStrategy, args["strategy"], component, "strategy")
        require(
            (strategy is RotationStrategy.ALTERNATING_USERS) == ("admin_secret_arn" in args),
            component,
            "admin_secret_arn",
            "given" if "admin_secret_arn" in args else "absent",
            "the administrator's secret with alternating users, and only then",
            "pass it with ALTERNATING_USERS, leave it out with SINGLE_USER",
        )
        require_log_days(component, args.get("log_days", 90))
        super().__init__("groundplan:index:RotationFunction", name, {}, opts)
        key_arn = pulumi.Output.from_input(args["kms_key_arn"])
        parameters: dict[str, pulumi.Input[str]] = {
            "endpoint": key_arn.apply(secrets_endpoint),
            "functionName": args["function_name"],
            "vpcSubnetIds": pulumi.Output.all(*args["subnet_ids"]).apply(",".join),
            "vpcSecurityGroupIds": args["security_group_id"],
            "excludeCharacters": EXCLUDED_CHARACTERS,
            "kmsKeyArn": key_arn,
        }
        if "admin_secret_arn" in args:
            parameters["masterSecretArn"] = args["admin_secret_arn"]
            parameters["masterSecretKmsKeyArn"] = args.get("admin_kms_key_arn", key_arn)
        # Declared here, because Lambda would create it without key and retention.
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=pulumi.Output.concat("/aws/lambda/", args["function_name"]),
            kms_key_id=args["kms_key_arn"],
            retention_in_days=args.get("log_days", 90),
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        application = APPLICATIONS[strategy]
        stack = serverlessrepository.CloudFormationStack(
            f"{name}-application",
            application_id=key_arn.apply(lambda arn: f"{PUBLISHERS[partition(arn)][0]}{application}"),
            semantic_version=key_arn.apply(lambda arn: PUBLISHERS[partition(arn)][1]),
            # The application creates its function's role, and allows Secrets Manager to call the function.
            capabilities=["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"],
            parameters=parameters,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[log],
                # Another strategy is another application, whose stack creates a function of the same name.
                delete_before_replace=True,
            ),
        )
        if "alarm_topic_arn" in args:
            declare(
                f"{name}-failed",
                _failed_rotation(args["function_name"]),
                [args["alarm_topic_arn"]],
                pulumi.ResourceOptions(parent=self),
            )
        self.arn = stack.outputs["RotationLambdaARN"]
        self.register_outputs({"arn": self.arn})


def _failed_rotation(function_name: pulumi.Input[str]) -> Alarm:
    return Alarm(
        description="A database password could not be rotated: see the function's log",
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


def rotate(
    name: str,
    secret: StoredSecret,
    function: RotationFunction,
    days: int,
    *,
    immediately: bool,
    parent: pulumi.Resource,
) -> secretsmanager.SecretRotation:
    """Let ``function`` rotate the secret every ``days`` days, the first time at once with ``immediately``."""
    return secretsmanager.SecretRotation(
        name,
        secret_id=secret.arn,
        rotation_lambda_arn=function.arn,
        rotate_immediately=immediately,
        rotation_rules={"automatically_after_days": days},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[secret.version, function]),
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


def partition(arn: str) -> str:
    """`aws` of `arn:aws:kms:eu-central-1:…`; raises pulumi.RunError where AWS publishes no rotation functions."""
    found = arn.split(":")[1]
    require(
        found in PUBLISHERS,
        "RotationFunction",
        "kms_key_arn",
        arn,
        f"an ARN of one of the partitions {', '.join(PUBLISHERS)}",
        "AWS publishes no rotation functions elsewhere: deploy to another partition",
    )
    return found


def secrets_endpoint(arn: str) -> str:
    """Secrets Manager's URL in the region of ``arn``; private DNS resolves it to an interface endpoint."""
    return f"https://secretsmanager.{arn.split(':')[3]}.{DNS_SUFFIXES.get(partition(arn), 'amazonaws.com')}"
