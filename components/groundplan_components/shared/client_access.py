"""Who may connect to a data store: named security groups, and nobody else (S1)."""

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
    """A security group that lets the clients in at ``port``, and nothing out.

    ``clients`` is a word for each security group, which its rule's logical name carries; ``protocol`` is what they
    speak (`PostgreSQL`), for whoever reads the rules.
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
