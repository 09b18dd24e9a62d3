"""The permission that API Gateway needs, once for an account and region, to write logs."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws
from pulumi_aws import apigateway, iam

from components.iam import ROLE_NAME_LIMIT, trust
from components.names import autonamed

MANAGED_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class GatewayAccountArgs(TypedDict):
    pass


class GatewayAccount(pulumi.ComponentResource):
    """The role that every stage of the account logs by, in this region.

    There is one such setting, whoever makes it last, so it belongs to no stack or to one of them. It stays when that
    stack goes: other stages would fall silent.
    """

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: GatewayAccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:  # noqa: ARG002
        super().__init__("groundplan:index:GatewayAccount", name, {}, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        partition = aws.get_partition_output(opts=pulumi.InvokeOptions(parent=self)).partition
        role = iam.Role(
            autonamed(name, ROLE_NAME_LIMIT),
            description="Lets API Gateway write logs to CloudWatch",
            assume_role_policy=trust("apigateway.amazonaws.com"),
            tags={"Name": name},
            opts=kept,
        )
        attachment = iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn=pulumi.Output.concat("arn:", partition, ":iam::aws:policy/", MANAGED_POLICY),
            opts=kept,
        )
        account = apigateway.Account(
            name,
            cloudwatch_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[attachment], retain_on_delete=True),
        )
        self.role_arn = pulumi.Output.all(role.arn, account.id).apply(lambda known: str(known[0]))
        self.register_outputs({"role_arn": self.role_arn})
