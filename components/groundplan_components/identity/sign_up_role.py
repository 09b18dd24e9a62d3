"""The function that gives new users a default role (S4)."""

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_

from groundplan_components.shared.iam import ROLE_NAME_LIMIT, policy, trust
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import autonamed

RUNTIME = "python3.13"
# Cognito waits five seconds for a trigger: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
TIMEOUT_SECONDS = 5
MEMORY_MB = 256
FUNCTION_NAME_LIMIT = 64
CODE = Path(__file__).with_name("default_role.py")


class SignUpRoleArgs(TypedDict):
    default_role: str
    """A group of the user pool."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the function's configuration and its log; its policy admits CloudWatch Logs."""
    log_days: NotRequired[int]
    """Retention of the function's log, in days. Default: 90."""


class SignUpRole(pulumi.ComponentResource):
    """A Lambda function for a user pool's post-confirmation trigger.

    The function has no permissions until `permit` names the pool, which depends on the function.
    """

    function_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SignUpRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_log_days(f'SignUpRole "{name}"', args.get("log_days", 90))
        super().__init__("groundplan:index:SignUpRole", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        logs = cloudwatch.LogGroup(
            name,
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": name},
            opts=inside,
        )
        self._role = iam.Role(
            autonamed(name, ROLE_NAME_LIMIT),
            description="Puts new users into their first group",
            assume_role_policy=trust("lambda.amazonaws.com"),
            tags={"Name": name},
            opts=inside,
        )
        written = iam.RolePolicy(
            f"{name}-log",
            role=self._role.name,
            policy=policy(
                {
                    "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "resources": [pulumi.Output.concat(logs.arn, ":*")],
                }
            ),
            opts=inside,
        )
        self._function = lambda_.Function(
            autonamed(name, FUNCTION_NAME_LIMIT),
            description="Gives whoever registers the default role",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"{CODE.stem}.handler",
            code=pulumi.AssetArchive({CODE.name: pulumi.StringAsset(CODE.read_text(encoding="utf-8"))}),
            role=self._role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MB,
            kms_key_arn=args["kms_key_arn"],
            environment={"variables": {"DEFAULT_ROLE": args["default_role"]}},
            logging_config={"log_format": "JSON", "log_group": logs.name},
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[written]),
        )
        self.function_arn = self._function.arn
        self.register_outputs({"function_arn": self.function_arn})

    def permit(self, name: str, user_pool_arn: pulumi.Input[str]) -> None:
        """Allow the pool to call the function, and the function to change the pool's groups."""
        inside = pulumi.ResourceOptions(parent=self)
        lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=self._function.name,
            principal="cognito-idp.amazonaws.com",
            source_arn=user_pool_arn,
            opts=inside,
        )
        iam.RolePolicy(
            f"{name}-groups",
            role=self._role.name,
            policy=policy({"actions": ["cognito-idp:AdminAddUserToGroup"], "resources": [user_pool_arn]}),
            opts=inside,
        )
