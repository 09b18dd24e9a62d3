"""Data stores admit named security groups only (S1)."""

from __future__ import annotations

import pulumi_aws as aws

from groundplan.cloud import Simulation, simulate
from groundplan_components.shared.client_access import client_security_group

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def run() -> Simulation:
    def program() -> None:
        network = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        client_security_group(
            "store",
            parent=network,
            description="Store",
            vpc_id=network.id,
            clients={"pods": "sg-0123456789abcdef0", "people": "sg-0123456789abcdef1"},
            protocol="PostgreSQL",
            port=5432,
        )

    return simulate(program)


def test_s1_only_the_named_groups_come_in_and_only_at_the_port() -> None:
    simulation = run()
    (group,) = simulation.of_type("aws:ec2/securityGroup:SecurityGroup")
    assert {
        rule.name: (rule.inputs["referencedSecurityGroupId"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in simulation.of_type(INGRESS)
        if rule.inputs["securityGroupId"] == group.id
    } == {
        "store-from-pods": ("sg-0123456789abcdef0", 5432, 5432),
        "store-from-people": ("sg-0123456789abcdef1", 5432, 5432),
    }
    assert not any("cidrIpv4" in rule.inputs for rule in simulation.of_type(INGRESS))


def test_p3_nothing_goes_out() -> None:
    simulation = run()
    (group,) = simulation.of_type("aws:ec2/securityGroup:SecurityGroup")
    assert not group.inputs.get("egress")
    assert simulation.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule") == ()
