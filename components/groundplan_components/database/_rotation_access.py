"""The security group of the functions that rotate a database's passwords."""

import pulumi
from pulumi_aws import ec2, vpc

from groundplan_components.database._instance_args import POSTGRES_PORT, DatabaseArgs

HTTPS_PORT = 443


def rotation_security_group(
    parent: pulumi.Resource, name: str, args: DatabaseArgs, group: ec2.SecurityGroup
) -> ec2.SecurityGroup:
    """Allows egress to the database and to Secrets Manager, and no ingress."""
    inside = pulumi.ResourceOptions(parent=parent)
    rotation = ec2.SecurityGroup(
        f"{name}-rotation",
        vpc_id=args["vpc_id"],
        description=f"Rotation of passwords in database {name}",
        tags={"Name": f"{name}-rotation"},
        opts=inside,
    )
    vpc.SecurityGroupIngressRule(
        f"{name}-from-rotation",
        security_group_id=group.id,
        referenced_security_group_id=rotation.id,
        ip_protocol="tcp",
        from_port=POSTGRES_PORT,
        to_port=POSTGRES_PORT,
        description="PostgreSQL from password rotation",
        opts=inside,
    )
    vpc.SecurityGroupEgressRule(
        f"{name}-rotation-to-database",
        security_group_id=rotation.id,
        referenced_security_group_id=group.id,
        ip_protocol="tcp",
        from_port=POSTGRES_PORT,
        to_port=POSTGRES_PORT,
        description="PostgreSQL",
        opts=inside,
    )
    endpoint = args.get("secrets_endpoint_security_group_id")
    vpc.SecurityGroupEgressRule(
        f"{name}-rotation-to-secrets",
        security_group_id=rotation.id,
        referenced_security_group_id=endpoint,
        # Without an endpoint, Secrets Manager is on the internet; AWS publishes no prefix list for it.
        cidr_ipv4=None if endpoint is not None else "0.0.0.0/0",
        ip_protocol="tcp",
        from_port=HTTPS_PORT,
        to_port=HTTPS_PORT,
        description="Secrets Manager",
        opts=inside,
    )
    return rotation
