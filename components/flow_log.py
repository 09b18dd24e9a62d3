"""A record of who spoke to whom inside a network (S1)."""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from components.arn import account_of
from components.iam import ROLE_NAME_LIMIT, policy
from components.log_days import require_log_days
from components.names import autonamed
from components.resource_policy import document


class FlowLogArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The network."""
    log_days: NotRequired[int]
    """Days that flow logs are kept. Default: 90."""
    kms_key_arn: pulumi.Input[str]
    """Its policy admits CloudWatch Logs."""


class FlowLog(pulumi.ComponentResource):
    """Accepted and refused connections of a whole network, in an encrypted log group."""

    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: FlowLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_log_days(f'FlowLog "{name}"', args.get("log_days", 90))
        super().__init__("groundplan:index:FlowLog", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(
            name,
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": name},
            opts=inside,
        )
        role = iam.Role(
            autonamed(name, ROLE_NAME_LIMIT),
            description="Lets VPC flow logs write to their log group",
            assume_role_policy=document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_of(args["kms_key_arn"])}},
                }
            ),
            tags={"Name": name},
            opts=inside,
        )
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        permission = iam.RolePolicy(
            name,
            role=role.name,
            policy=policy(
                {
                    "actions": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "resources": [group.arn, pulumi.Output.concat(group.arn, ":*")],
                },
            ),
            opts=inside,
        )
        ec2.FlowLog(
            name,
            vpc_id=args["vpc_id"],
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": name},
            # EC2 refuses a second flow log of the same network and destination.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission], delete_before_replace=True),
        )
        self.log_group_name = group.name
        self.register_outputs({"log_group_name": self.log_group_name})
