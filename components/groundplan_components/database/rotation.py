"""The functions that rotate database passwords.

AWS's published ones come by the Serverless Application Repository, which half of the regions don't have.
"""

from enum import Enum
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.database._authorities import authority_regions
from groundplan_components.keys import Rotation, rotation_function
from groundplan_components.shared.arn import account_of, partition_of, region_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.iam import Statement
from groundplan_components.shared.log_days import require_log_days

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
        key_arn = pulumi.Output.from_input(args["kms_key_arn"])
        variables: dict[str, pulumi.Input[str]] = {
            "STRATEGY": strategy.value,
            "AUTHORITIES": "/var/task/authorities.pem",
        }
        # Certificates of newer regions' databases are signed by roots that the library doesn't have yet.
        variables["AUTHORITIES_URL"] = region_of(key_arn).apply(authorities_url)
        if "admin_secret_arn" in args:
            variables["ADMIN_SECRET_ARN"] = args["admin_secret_arn"]
        self.rotator = rotation_function(
            name,
            self,
            Rotation(
                description="Rotates database passwords",
                failed="A database password could not be rotated: see the function's log",
                page="database-rotation",
                function_name=args["function_name"],
                code=CODE,
                kms_key_arn=args["kms_key_arn"],
                log_days=args.get("log_days", 90),
                variables=variables,
                running=_attaching(key_arn),
                changing=_reading_admin(args),
                files={"authorities.pem": AUTHORITIES},
                network={"subnet_ids": args["subnet_ids"], "security_group_ids": [args["security_group_id"]]},
                alarm_topic_arn=args.get("alarm_topic_arn"),
            ),
        )
        self.arn = self.rotator.arn
        self.register_outputs({"arn": self.arn})


def authorities_url(region: str) -> str:
    """Where AWS publishes a region's roots; empty where they come with the library.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    """
    if region in authority_regions():
        return ""
    return f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"


def _attaching(key_arn: pulumi.Output[str]) -> list[Statement]:
    account = pulumi.Output.concat(
        "arn:", partition_of(key_arn), ":ec2:", region_of(key_arn), ":", account_of(key_arn), ":*"
    )
    return [
        {"sid": "Network", "actions": INTERFACES, "resources": [account]},
        {"sid": "NetworkSeen", "actions": DESCRIBING, "resources": ["*"]},
    ]


def _reading_admin(args: RotationFunctionArgs) -> list[Statement]:
    if "admin_secret_arn" not in args:
        return []
    return [
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
