"""Log groups of an instance, and the role by which RDS publishes its operating system's metrics."""

import pulumi
from pulumi_aws import cloudwatch, iam

from groundplan_components.database._instance_args import DatabaseArgs
from groundplan_components.database._instance_settings import LOG_TYPES
from groundplan_components.shared.arn import managed_policy
from groundplan_components.shared.iam import trust


def monitoring_role(parent: pulumi.Resource, name: str, kms_key_arn: pulumi.Input[str]) -> iam.Role:
    role = iam.Role(
        f"{name}-monitoring",
        assume_role_policy=trust("monitoring.rds.amazonaws.com"),
        description=f"Lets RDS publish operating system metrics of {name}",
        tags={"Name": f"{name}-monitoring"},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    iam.RolePolicyAttachment(
        f"{name}-monitoring",
        role=role.name,
        # AWS's managed policy for this purpose only: it allows writing to log groups whose names start with RDS.
        policy_arn=managed_policy(kms_key_arn, "service-role/AmazonRDSEnhancedMonitoringRole"),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return role


def log_groups(
    parent: pulumi.Resource, prefix: str, identifier: pulumi.Output[str], args: DatabaseArgs
) -> list[cloudwatch.LogGroup]:
    return [
        cloudwatch.LogGroup(
            f"{prefix}-{log_type}-log",
            name=pulumi.Output.concat("/aws/rds/instance/", identifier, "/", log_type),
            kms_key_id=args["kms_key_arn"],
            retention_in_days=args.get("log_days", 90),
            tags={"Name": f"{prefix}-{log_type}"},
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for log_type in LOG_TYPES
    ]
