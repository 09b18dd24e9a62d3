"""The functions that change database passwords, as AWS publishes and maintains them."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, secretsmanager, serverlessrepository

from components.alarms import Alarm, Metric, declare
from components.checks import require
from components.choices import choice
from components.log_days import require_log_days
from components.stored_secret import StoredSecret

# AWS publishes the rotation functions once per partition. Publisher accounts, home regions and versions are those that
# AWS's own CDK deploys (aws-cdk, aws-secretsmanager/lib/secret-rotation.ts, 2026). The version is pinned, so that a
# deployment changes only when this file does.
PUBLISHERS = {
    "aws": ("arn:aws:serverlessrepo:us-east-1:297356227824:applications/", "1.1.671"),
    "aws-cn": ("arn:aws-cn:serverlessrepo:cn-north-1:193023089310:applications/", "1.1.440"),
    "aws-us-gov": ("arn:aws-us-gov:serverlessrepo:us-gov-west-1:023102451235:applications/", "1.1.397"),
}
DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}

# What rotation may not put in a password: all that a connection URL would have to escape. Four marks stay, since
# Secrets Manager insists on one character of each kind.
EXCLUDED_CHARACTERS = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}"

FUNCTION_NAME_LENGTH = 64
SHORTEST_ROTATION_DAYS = 1
LONGEST_ROTATION_DAYS = 1000


class RotationStrategy(Enum):
    """How the password of one secret changes."""

    SINGLE_USER = "single-user"
    """The user's own password changes: between that and the reading of the new one, a login may fail once."""
    ALTERNATING_USERS = "alternating-users"
    """Two database users take turns, so that the last credentials stay good until the next rotation."""


APPLICATIONS = {
    RotationStrategy.SINGLE_USER: "SecretsManagerRDSPostgreSQLRotationSingleUser",
    RotationStrategy.ALTERNATING_USERS: "SecretsManagerRDSPostgreSQLRotationMultiUser",
}


class RotationFunctionArgs(TypedDict):
    """Args of `RotationFunction`."""

    strategy: RotationStrategy
    """Whose password changes, and who changes it."""
    function_name: pulumi.Input[str]
    """Unique in the account and region; at most 64 characters."""
    subnet_ids: list[pulumi.Input[str]]
    """Subnets from which both the database and Secrets Manager can be reached."""
    security_group_id: pulumi.Input[str]
    """Lets out to the database and to HTTPS."""
    kms_key_arn: pulumi.Input[str]
    """The key that encrypts the rotated secrets; its ARN also tells partition and region."""
    admin_secret_arn: NotRequired[pulumi.Input[str]]
    """The administrator's secret, which `ALTERNATING_USERS` needs: it clones the user. Default: none."""
    admin_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The key that encrypts the administrator's secret. Default: ``kms_key_arn``."""
    log_days: NotRequired[int]
    """Days that the function's log is kept. Default: 90."""
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
        # Made here, because Lambda's own would be unencrypted and kept for ever.
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
            # The application makes its function's role, and lets Secrets Manager call the function.
            capabilities=["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"],
            parameters=parameters,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[log],
                # Another strategy is another application, and its stack makes a function of the same name.
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
        # Secrets Manager tries again, and tests a new secret before its user exists: a single error is no news.
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
    """Have ``function`` change the secret every ``days`` days, and the first time at once when ``immediately``."""
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
    """Where Secrets Manager answers in the region of ``arn``; private DNS makes it an interface endpoint."""
    return f"https://secretsmanager.{arn.split(':')[3]}.{DNS_SUFFIXES.get(partition(arn), 'amazonaws.com')}"
