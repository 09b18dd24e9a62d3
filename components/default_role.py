"""The role that people get who register themselves."""

from pathlib import Path
from typing import TypedDict

import pulumi
from pulumi_aws import cloudwatch, cognito, iam, lambda_

from components.iam import policy, trust
from components.names import autonamed

# The newest Python that Lambda runs, supported until October 2029.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIME = "python3.13"
# Cognito waits five seconds for a trigger, and no longer.
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
TIMEOUT_SECONDS = 5
MEMORY_MIB = 128

_CODE = Path(__file__).parent / "functions" / "default_role.py"


class DefaultRoleArgs(TypedDict):
    role: str
    """A group of the pool."""
    key_arn: pulumi.Input[str]
    """Encrypts the function's log; its policy lets CloudWatch Logs use it."""
    log_days: int


class DefaultRole(pulumi.ComponentResource):
    """A function that adds every newly registered user to one group.

    The pool names the function and the function's permissions name the pool: so they are granted by `admit`, once the
    pool is there.
    """

    function_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DefaultRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:index:DefaultRole", name, None, opts)
        self._name = name
        self._inside = pulumi.ResourceOptions(parent=self)

        self._logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name_prefix=f"/aws/lambda/{name}-",
            retention_in_days=args["log_days"],
            kms_key_id=args["key_arn"],
            opts=self._inside,
        )
        self._role = iam.Role(
            autonamed(f"{name}-role", 64), assume_role_policy=trust("lambda.amazonaws.com"), opts=self._inside
        )
        self._function = lambda_.Function(
            autonamed(f"{name}-function", 64),
            description="Gives the default role to whoever registered",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler="default_role.handler",
            code=pulumi.AssetArchive({_CODE.name: pulumi.StringAsset(_CODE.read_text(encoding="utf-8"))}),
            role=self._role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MIB,
            environment={"variables": {"DEFAULT_ROLE": args["role"]}},
            logging_config={"log_format": "JSON", "log_group": self._logs.name},
            opts=self._inside,
        )
        self.function_arn = self._function.arn
        self.register_outputs({"function_arn": self.function_arn})

    def admit(self, pool: cognito.UserPool) -> None:
        """Let the pool call the function, and the function add users to groups of this pool alone."""
        lambda_.Permission(
            f"{self._name}-permission",
            action="lambda:InvokeFunction",
            function=self._function.name,
            principal="cognito-idp.amazonaws.com",
            source_arn=pool.arn,
            opts=self._inside,
        )
        iam.RolePolicy(
            f"{self._name}-policy",
            role=self._role.name,
            policy=policy(
                {"sid": "Group", "actions": ["cognito-idp:AdminAddUserToGroup"], "resources": [pool.arn]},
                {
                    "sid": "Log",
                    "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "resources": [pulumi.Output.concat(self._logs.arn, ":*")],
                },
            ),
            opts=self._inside,
        )
