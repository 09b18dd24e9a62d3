"""The functions that rotate database passwords.

AWS's published ones come by the Serverless Application Repository, which half of the regions don't have.
"""

from enum import Enum
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, secretsmanager

from groundplan_components.database._authorities import authority_regions
from groundplan_components.keys import StoredSecret
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.iam import ROLE_NAME_LIMIT, Statement, policy, trust
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import autonamed

RUNTIME = "python3.13"
TIMEOUT_SECONDS = 30
MEMORY_MB = 256
CODE = Path(__file__).with_name("rotation_function.py")
AUTHORITIES = Path(__file__).with_name("_authorities.pem")
# Lambda attaches its functions to a network by interfaces of the account, whose ids it makes up:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
]
# EC2 knows no resource for what describes:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
DESCRIBING = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
FUNCTION_NAME_LENGTH = 64
SHORTEST_ROTATION_DAYS = 1
LONGEST_ROTATION_DAYS = 1000


class RotationStrategy(Enum):
    """How the password of one secret changes."""

    SINGLE_USER = "single-user"
    """Rotation changes the user's own password: until services read the new one, a login may fail once."""
    ALTERNATING_USERS = "alternating-users"
    """Two database users alternate, so that the previous credentials stay valid until the next rotation."""


class RotationFunctionArgs(TypedDict):
    """Args of `RotationFunction`."""

    strategy: RotationStrategy
    """Which user changes the password."""
    function_name: pulumi.Input[str]
    """Ends the log group's name, `/aws/lambda/<function_name>`: unique in the account and region."""
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
    """A function inside the network that changes the passwords of PostgreSQL users (`rotation_function.py`)."""

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
        inside = pulumi.ResourceOptions(parent=self)
        key_arn = pulumi.Output.from_input(args["kms_key_arn"])
        # Declared here, because Lambda would create it without key and retention.
        log = cloudwatch.LogGroup(
            f"{name}-log",
            name=pulumi.Output.concat("/aws/lambda/", args["function_name"]),
            kms_key_id=args["kms_key_arn"],
            retention_in_days=args.get("log_days", 90),
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        role = iam.Role(
            autonamed(f"{name}-role", ROLE_NAME_LIMIT),
            description="Rotates database passwords",
            assume_role_policy=trust("lambda.amazonaws.com"),
            tags={"Name": name},
            opts=inside,
        )
        runs = iam.RolePolicy(
            f"{name}-run",
            role=role.name,
            policy=policy(
                {
                    "sid": "Log",
                    "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "resources": [pulumi.Output.concat(log.arn, ":*")],
                },
                {
                    "sid": "Network",
                    "actions": INTERFACES,
                    "resources": [
                        pulumi.Output.concat(
                            "arn:", partition_of(key_arn), ":ec2:", region_of(key_arn), ":", account_of(key_arn), ":*"
                        )
                    ],
                },
                {"sid": "NetworkSeen", "actions": DESCRIBING, "resources": ["*"]},
            ),
            opts=inside,
        )
        variables: dict[str, pulumi.Input[str]] = {
            "STRATEGY": strategy.value,
            "AUTHORITIES": "/var/task/authorities.pem",
        }
        # Certificates of newer regions' databases are signed by roots that the library doesn't have yet.
        variables["AUTHORITIES_URL"] = region_of(key_arn).apply(authorities_url)
        if "admin_secret_arn" in args:
            variables["ADMIN_SECRET_ARN"] = args["admin_secret_arn"]
        function = lambda_.Function(
            # A name of its own: the functions that AWS publishes had `function_name`, and are there until this one is.
            autonamed(f"{name}-function", FUNCTION_NAME_LENGTH),
            description="Rotates database passwords",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"{CODE.stem}.handler",
            code=pulumi.AssetArchive(
                {
                    CODE.name: pulumi.StringAsset(CODE.read_text(encoding="utf-8")),
                    "authorities.pem": pulumi.StringAsset(AUTHORITIES.read_text(encoding="ascii")),
                }
            ),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MB,
            kms_key_arn=args["kms_key_arn"],
            environment={"variables": variables},
            vpc_config={"subnet_ids": args["subnet_ids"], "security_group_ids": [args["security_group_id"]]},
            logging_config={"log_format": "JSON", "log_group": log.name},
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[runs]),
        )
        iam.RolePolicy(f"{name}-rotate", role=role.name, policy=_rotating(args, key_arn, function), opts=inside)
        lambda_.Permission(
            f"{name}-secrets-manager",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="secretsmanager.amazonaws.com",
            source_account=account_of(key_arn),
            opts=inside,
        )
        if "alarm_topic_arn" in args:
            declare(
                f"{name}-failed",
                _failed_rotation(function.name),
                [args["alarm_topic_arn"]],
                pulumi.ResourceOptions(parent=self),
            )
        self.arn = function.arn
        self.register_outputs({"arn": self.arn})


def authorities_url(region: str) -> str:
    """Where AWS publishes a region's roots; empty where they come with the library.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    """
    if region in authority_regions():
        return ""
    return f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"


def _rotating(
    args: RotationFunctionArgs, key_arn: pulumi.Output[str], function: lambda_.Function
) -> pulumi.Output[str]:
    """Access to the secrets that name this function as theirs, and to no other; secrets name it when they exist."""
    secrets = pulumi.Output.concat(
        "arn:", partition_of(key_arn), ":secretsmanager:", region_of(key_arn), ":", account_of(key_arn), ":secret:*"
    )
    statements: list[Statement] = [
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
    if "admin_secret_arn" in args:
        statements += [
            {
                "sid": "AdminSecret",
                "actions": ["secretsmanager:GetSecretValue"],
                "resources": [args["admin_secret_arn"]],
            },
            {
                "sid": "AdminKey",
                "actions": ["kms:Decrypt"],
                "resources": [args.get("admin_kms_key_arn", args["kms_key_arn"])],
            },
        ]
    return policy(*statements)


def _failed_rotation(function_name: pulumi.Input[str]) -> Alarm:
    return Alarm(
        description="A database password could not be rotated: see the function's log",
        page="database-rotation",
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
