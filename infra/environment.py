"""What one stack's configuration may say. Defaults are the safe ones: what is left out never weakens a stack."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class ExistingCluster(BaseModel):
    """A cluster that the user already runs; the program then creates no EKS cluster."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    context: str
    """The kubeconfig context to use."""
    security_group_id: Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
    """The pods' security group, to be opened to the load balancer and let into the data stores."""
    vpc_id: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]{8,17}$")]
    private_subnet_ids: Annotated[list[str], Field(min_length=2)]
    data_subnet_ids: Annotated[list[str], Field(min_length=2)]
    vpc_cidr: IPv4Network
    """The address space of that network: what may send requests to pods, and where pods find the data stores."""
    cluster_name: str
    """The EKS cluster's name: Pod Identity hands out the pods' roles there."""
    target_group_binding: Literal["eks.amazonaws.com/v1", "elbv2.k8s.aws/v1beta1"] = "eks.amazonaws.com/v1"
    """What registers pods in target groups: EKS Auto Mode, or the AWS Load Balancer Controller."""
    dns_addresses: list[str] = []
    """Addresses of DNS servers that are not pods labelled `k8s-app: kube-dns`."""


class Environment(BaseModel):
    """One stack: where it is, how large a part of the load it carries, how safe it is."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=12)]
    """The stack's name."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """AWS region (`aws:region`)."""

    domain: str | None = None
    """Public host name, for example `shop.example.com`; the API answers at `api.<domain>`."""
    hosted_zone: str | None = None
    """Name of the Route 53 zone that holds the domain."""
    require_domain: bool = True
    """Refuse to plan without a domain (the default certificate can't insist on TLS 1.3)."""

    load_share: Annotated[float, Field(gt=0, le=1, strict=False)] = 1.0
    """Part of the declared load that this stack is sized for."""
    multi_zone: bool = True
    """Databases and caches fail over to another zone, and pods spread over zones."""
    read_replicas: bool = True
    """Read-heavy services get read replicas (D3)."""
    shared_database: bool = False
    """One database instance holds every service's own database and user (cheap; A2 by permission only)."""
    database_proxy: bool = True
    """RDS Proxy in front of each writer that high concurrency asks pooling for (D3)."""
    protect: bool = True
    """Deletion protection, final snapshots, and Pulumi's own protection of whatever holds data."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 14
    """Days of point-in-time recovery."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365] = 90
    """Days that logs are kept."""

    vpc_cidr: IPv4Network = IPv4Network("10.0.0.0/16")
    """The stack's own address space."""
    nat: Literal["none", "single", "per_zone", "regional"] = "per_zone"
    """How private subnets reach the internet."""
    interface_endpoints: bool = True
    """Reach AWS services inside the network rather than through NAT."""
    network_firewall: bool = False
    """Inspect what leaves the network with AWS Network Firewall."""

    kafka: Literal["standard", "express"] = "express"
    """MSK broker type."""
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.[0-9]{2}$")] = "1.35"
    postgres_version: Literal["15", "16", "17"] = "17"
    cluster_endpoint_cidrs: list[IPv4Network] = []
    """Networks from which the cluster's API may be reached; empty: from inside the network only."""
    cluster_admin_role_arns: list[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")]] = []
    """IAM roles that administer the cluster."""
    existing_cluster: ExistingCluster | None = None

    images: dict[str, str] = {}
    """Service to image reference; a service without one is left out until its image is pushed."""
    alarm_emails: list[str] = []
    """Addresses that alarms are sent to."""
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")] | None = None
    """GitHub repository (`owner/name`) whose pipeline may push images and deploy this stack."""
    oidc_provider_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$")] | None = None
    """The account's GitHub identity provider when another stack has made it: an account can have one only."""
