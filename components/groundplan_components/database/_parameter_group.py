"""The parameter group of an instance: one for each major version, as AWS gives its family no other version later."""

import pulumi
from pulumi_aws import rds

from groundplan_components.database._instance_args import DatabaseArgs
from groundplan_components.database._parameters import parameters


def parameter_group(
    parent: pulumi.Resource, name: str, version: str, args: DatabaseArgs, *, running: bool
) -> rds.ParameterGroup:
    """``running``: instances run this version already, so that a group without a version in its name is this one."""
    return rds.ParameterGroup(
        f"{name}-parameters-{version}",
        family=f"postgres{version}",
        description=f"Settings of {name} and its replicas",
        parameters=[
            rds.ParameterGroupParameterArgs(
                name=parameter.name, value=parameter.value, apply_method=parameter.apply_method
            )
            for parameter in parameters(
                version,
                slow_statement_ms=args.get("slow_statement_ms", 20),
                statement_timeout_ms=args.get("statement_timeout_ms", 30_000),
                idle_transaction_timeout_ms=args.get("idle_transaction_timeout_ms", 60_000),
                max_connections=args.get("max_connections"),
            )
        ],
        tags={"Name": name},
        opts=pulumi.ResourceOptions(
            parent=parent, aliases=[pulumi.Alias(name=f"{name}-parameters")] if running else []
        ),
    )
