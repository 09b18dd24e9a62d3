"""Network access to a data store, for named security groups only (S1)."""

from collections.abc import Mapping

import pulumi
from pulumi_aws import ec2, vpc


def client_security_group(
    name: str,
    *,
    parent: pulumi.Resource,
    description: str,
    vpc_id: pulumi.Input[str],
    clients: Mapping[str, pulumi.Input[str]],
    protocol: str,
    port: int,
) -> ec2.SecurityGroup:
    """A security group that admits the clients at ``port`` and allows no egress.

    ``clients`` maps a label, which the rule's logical name carries, to each security group. ``protocol`` (`PostgreSQL`)
    goes into the rules' descriptions.
    """
    inside = pulumi.ResourceOptions(parent=parent)
    group = ec2.SecurityGroup(
        f"{name}-access",
        vpc_id=vpc_id,
        description=description,
        tags={"Name": name},
        opts=inside,
    )
    for client, client_group_id in clients.items():
        vpc.SecurityGroupIngressRule(
            f"{name}-from-{client}",
            security_group_id=group.id,
            referenced_security_group_id=client_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"{protocol} from {client}",
            opts=inside,
        )
    return group
