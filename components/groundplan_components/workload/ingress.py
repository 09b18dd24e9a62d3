"""Ingress from the load balancer to the pods."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from groundplan_components.shared.checks import require


class PodIngressArgs(TypedDict):
    """Source and destination security groups, and the port."""

    security_group_id: pulumi.Input[str]
    """The pods' security group: `ClusterAccess.security_group_id`."""
    source_security_group_id: pulumi.Input[str]
    """The load balancer's security group."""
    port: NotRequired[int]
    """The pods' port. Default: 8080."""


class PodIngress(pulumi.ComponentResource):
    """Opens the pods' port to the load balancer, once for each cluster (S1).

    The cluster's controller changes only security groups that it created, so it adds no rule for a target group that
    the program declares.
    """

    rule_id: pulumi.Output[str]

    def __init__(self, name: str, args: PodIngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        port = args.get("port", 8080)
        require(
            1024 <= port <= 65_535,
            f'PodIngress "{name}"',
            "port",
            port,
            "1024 to 65535: a pod that isn't root can't listen below",
            "pass the workloads' port",
        )
        super().__init__("groundplan:index:PodIngress", name, {}, opts)
        rule = aws.vpc.SecurityGroupIngressRule(
            f"{name}-rule",
            security_group_id=args["security_group_id"],
            referenced_security_group_id=args["source_security_group_id"],
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="Requests from the load balancer",
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.rule_id = rule.security_group_rule_id
        self.register_outputs({"rule_id": self.rule_id})
