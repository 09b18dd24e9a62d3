"""Read replicas of an instance."""

import pulumi
from pulumi_aws import ec2, iam, rds

from groundplan_components.database._instance_args import DatabaseArgs
from groundplan_components.database._instance_settings import shared_settings
from groundplan_components.database._monitoring import log_groups
from groundplan_components.shared.windows import replica_window


def declare_replica(
    parent: pulumi.Resource,
    name: str,
    number: int,
    primary: rds.Instance,
    primary_identifier: pulumi.Output[str],
    args: DatabaseArgs,
    settings: rds.ParameterGroup,
    group: ec2.SecurityGroup,
    monitoring: iam.Role,
) -> rds.Instance:
    """A read replica. All its data is on the primary too, so it needs no protection."""
    replica_name = f"{name}-replica-{number}"
    identifier = pulumi.Output.concat(primary_identifier, f"-replica-{number}")
    zones = args.get("zone_names", [])
    return rds.Instance(
        replica_name,
        identifier=identifier,
        # RDS takes version, subnets and key from the primary and accepts no others within a Region.
        replicate_source_db=primary.identifier,
        instance_class=args.get("replica_class", args["instance_class"]),
        allocated_storage=args["storage_gib"],
        availability_zone=zones[(number - 1) % len(zones)] if zones else None,
        multi_az=False,
        backup_retention_period=0,
        maintenance_window=replica_window(args.get("maintenance_window", "sun:04:00-sun:05:00"), number),
        deletion_protection=False,
        # RDS can't take a final snapshot of a replica.
        skip_final_snapshot=True,
        tags={"Name": replica_name},
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=log_groups(parent, replica_name, identifier, args),
            # The identifier is fixed, so the old replica must be deleted before its replacement.
            delete_before_replace=True,
        ),
        **shared_settings(args, settings, group, monitoring),
    )
