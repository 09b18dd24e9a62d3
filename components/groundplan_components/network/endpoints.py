"""VPC endpoints: AWS services inside the network, without the internet and NAT's charge for each gigabyte (S1)."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2, vpc

from groundplan_components.shared.arn import account_of
from groundplan_components.shared.checks import require
from groundplan_components.shared.resource_policy import document

GATEWAY_SERVICES = ("s3", "dynamodb")
"""Free of charge, so always declared: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html"""

DEFAULT_INTERFACE_SERVICES = (
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "sqs",
    "sts",
    "xray",
)
"""Services that a private EKS cluster needs and that its workloads call.
https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
"""

HTTPS = 443


class EndpointsArgs(TypedDict):
    vpc_id: pulumi.Input[str]
    """The network."""
    vpc_cidr: pulumi.Input[str]
    """Address range that may use the interface endpoints."""
    route_table_ids: list[pulumi.Input[str]]
    """Route tables of the subnets that reach S3 and DynamoDB through the gateway endpoints."""
    subnet_ids: NotRequired[list[pulumi.Input[str]]]
    """Subnets of the interface endpoints, one in each zone. Default: no interface endpoints."""
    interface_services: NotRequired[list[str]]
    """Service names without `com.amazonaws.<region>.`. Default: what EKS and its workloads call."""
    kms_key_arn: pulumi.Input[str]
    """Any key of this account: its ARN names the account whose principals may use the gateway endpoints."""


class Endpoints(pulumi.ComponentResource):
    """Gateway endpoints for S3 and DynamoDB, and interface endpoints in the given subnets."""

    security_group_id: pulumi.Output[str]
    """Security group of the interface endpoints; empty if there are none."""

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        subnet_ids = args.get("subnet_ids", [])
        services = args.get("interface_services", list(DEFAULT_INTERFACE_SERVICES))
        require(
            len(set(services)) == len(services),
            f'Endpoints "{name}"',
            "interface_services",
            services,
            "each service once",
            "remove the second mention",
        )
        for service in services:
            require(
                not service.startswith("com.") and service not in GATEWAY_SERVICES,
                f'Endpoints "{name}"',
                "interface_services",
                service,
                "a service's short name, like ecr.api; S3 and DynamoDB have gateway endpoints already",
                "shorten or remove it",
            )
        super().__init__("groundplan:index:Endpoints", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region
        account = account_of(args["kms_key_arn"])

        for service in GATEWAY_SERVICES:
            ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=args["vpc_id"],
                vpc_endpoint_type="Gateway",
                service_name=pulumi.Output.concat("com.amazonaws.", region, ".", service),
                route_table_ids=args["route_table_ids"],
                policy=gateway_policy(service, account, region),
                tags={"Name": f"{name}-{service}"},
                opts=inside,
            )
        if not subnet_ids:
            self.security_group_id = pulumi.Output.from_input("")
            self.register_outputs({"security_group_id": self.security_group_id})
            return

        group = ec2.SecurityGroup(
            f"{name}-interfaces",
            description="AWS services inside the network",
            vpc_id=args["vpc_id"],
            tags={"Name": f"{name}-interfaces"},
            opts=inside,
        )
        vpc.SecurityGroupIngressRule(
            f"{name}-interfaces-https",
            security_group_id=group.id,
            description="HTTPS from the network",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            cidr_ipv4=args["vpc_cidr"],
            tags={"Name": f"{name}-interfaces-https"},
            opts=inside,
        )
        for service in services:
            ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=args["vpc_id"],
                vpc_endpoint_type="Interface",
                service_name=pulumi.Output.concat("com.amazonaws.", region, ".", service),
                subnet_ids=subnet_ids,
                security_group_ids=[group.id],
                private_dns_enabled=True,
                tags={"Name": f"{name}-{service}"},
                opts=inside,
            )
        self.security_group_id = group.id
        self.register_outputs({"security_group_id": self.security_group_id})


def gateway_policy(service: str, account: pulumi.Output[str], region: pulumi.Output[str]) -> pulumi.Output[str]:
    """Only principals of this account, so that credentials of another account can't carry data out through the
    endpoint.

    Actions and resources stay open: the principals' own policies restrict them. Image layers come from a bucket of
    ECR's, with ECR's credentials:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    own = {
        "Sid": "OwnAccount",
        "Effect": "Allow",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": account}},
    }
    layers = {
        "Sid": "ImageLayers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": pulumi.Output.concat("arn:aws:s3:::prod-", region, "-starport-layer-bucket/*"),
    }
    return document(own, layers) if service == "s3" else document(own)
