"""Arguments of `Cluster`, and what EKS accepts of them."""

import re
from ipaddress import IPv4Network
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.addresses import check_cidr
from groundplan_components.shared.checks import require
from groundplan_components.shared.log_days import require_log_days

# Kubernetes' own addresses must not overlap the network's. The first two are EKS's defaults.
SERVICE_NETWORKS = ("172.20.0.0/16", "10.100.0.0/16", "192.168.0.0/16")
PRIVATE_NETWORKS = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
# EKS takes at most this many CIDR blocks for the public endpoint.
# https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html
MAX_ENDPOINT_CIDRS = 40


class ClusterArgs(TypedDict):
    """Arguments of an EKS Auto Mode cluster."""

    cluster_name: str
    """Name in EKS. Fixed, because users type it, target groups have it as a tag, and log groups contain it."""
    kubernetes_version: str
    """Minor version, for example `1.35`."""
    vpc_cidr: str
    """The network's address space, which Kubernetes' service addresses must not overlap."""
    subnet_ids: list[pulumi.Input[str]]
    """Private subnets in at least two zones."""
    kms_key_arn: pulumi.Input[str]
    """Customer key for Kubernetes secrets, control-plane logs and node volumes. Its policy must let IAM decide, and
    CloudWatch Logs use it."""
    administrators: dict[str, pulumi.Input[str]]
    """IAM roles that administer the cluster: a label of your choice to the role's ARN. Include the role that runs
    Pulumi."""
    viewers: NotRequired[dict[str, pulumi.Input[str]]]
    """IAM roles that may look at all of the cluster but its secrets, labelled like administrators. Default: none."""
    endpoint_cidrs: NotRequired[list[str]]
    """Networks that may reach the API's public address. Default: none, the API answers inside the network only."""
    service_cidr: NotRequired[str]
    """Addresses of Kubernetes services. Default: the first usual range that doesn't overlap ``vpc_cidr``."""
    log_days: NotRequired[int]
    """Retention of control-plane logs, in days. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the cluster, in AWS and in Pulumi. Default: true."""


def check_cluster(name: str, args: ClusterArgs) -> None:
    component = f'Cluster "{name}"'
    cluster_name = args["cluster_name"]
    require(
        re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", cluster_name) is not None,
        component,
        "cluster_name",
        cluster_name,
        "1 to 100 letters, digits, hyphens and underscores, a letter or digit first",
        "choose such a name, for example shop-prod",
    )
    require(
        re.fullmatch(r"1\.[0-9]{2}", args["kubernetes_version"]) is not None,
        component,
        "kubernetes_version",
        args["kubernetes_version"],
        "a minor version such as 1.35, without a patch level",
        "give a version that EKS has in standard support",
    )
    require(
        len(args["subnet_ids"]) >= 2,
        component,
        "subnet_ids",
        len(args["subnet_ids"]),
        "subnets in at least two zones",
        "pass the network's private subnets",
    )
    require_log_days(component, args.get("log_days", 90))
    _check_administrators(component, args["administrators"])
    _check_entries(component, "administrators", args["administrators"])
    _check_entries(component, "viewers", args.get("viewers", {}))
    _check_once(component, [*args["administrators"].values(), *args.get("viewers", {}).values()])
    _check_addresses(component, args)


def _check_administrators(component: str, administrators: dict[str, pulumi.Input[str]]) -> None:
    require(
        bool(administrators),
        component,
        "administrators",
        administrators,
        "at least the role that runs Pulumi, because no other principal has access",
        'pass {"deployer": "arn:aws:iam::<account>:role/<role>"}',
    )


def _check_entries(component: str, argument: str, roles: dict[str, pulumi.Input[str]]) -> None:
    for who, arn in roles.items():
        require(
            re.fullmatch(r"[\w+=,.@-]{1,64}", who, re.ASCII) is not None,
            component,
            argument,
            who,
            "names of 1 to 64 letters, digits and _+=,.@- (what IAM allows a role)",
            "rename the entry; the name is yours to choose",
        )
        if isinstance(arn, str):
            require(
                re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+", arn) is not None,
                component,
                f"{argument}.{who}",
                arn,
                "the ARN of an IAM role",
                "pass arn:aws:iam::<account>:role/<role>, not the ARN of a session",
            )


def _check_once(component: str, roles: list[pulumi.Input[str]]) -> None:
    plain = [arn for arn in roles if isinstance(arn, str)]
    require(
        len(plain) == len(set(plain)),
        component,
        "administrators",
        sorted(plain),
        "each role once: EKS takes one access entry for a principal",
        "remove the repeated role",
    )


def _check_addresses(component: str, args: ClusterArgs) -> None:
    check_cidr(component, "vpc_cidr", args["vpc_cidr"])
    vpc = IPv4Network(args["vpc_cidr"])
    if "service_cidr" in args:
        check_cidr(component, "service_cidr", args["service_cidr"])
        services = IPv4Network(args["service_cidr"])
        require(
            12 <= services.prefixlen <= 24 and any(services.subnet_of(private) for private in PRIVATE_NETWORKS),
            component,
            "service_cidr",
            args["service_cidr"],
            "a private block between /12 and /24",
            "leave it out, or choose one such as 172.20.0.0/16",
        )
        require(
            not services.overlaps(vpc),
            component,
            "service_cidr",
            args["service_cidr"],
            f"addresses outside the network's {vpc}",
            "leave it out, or choose a block that doesn't overlap",
        )
    else:
        require(
            not all(vpc.overlaps(IPv4Network(each)) for each in SERVICE_NETWORKS),
            component,
            "vpc_cidr",
            args["vpc_cidr"],
            f"a network that leaves one of {', '.join(SERVICE_NETWORKS)} free for Kubernetes' services",
            "give service_cidr",
        )
    endpoint_cidrs = args.get("endpoint_cidrs", [])
    require(
        len(endpoint_cidrs) <= MAX_ENDPOINT_CIDRS,
        component,
        "endpoint_cidrs",
        len(endpoint_cidrs),
        f"at most {MAX_ENDPOINT_CIDRS} networks",
        "join neighbouring networks",
    )
    for cidr in endpoint_cidrs:
        check_cidr(component, "endpoint_cidrs", cidr)
        require(
            IPv4Network(cidr).prefixlen > 0 or not args.get("protect", True),
            component,
            "endpoint_cidrs",
            cidr,
            "of a protected cluster, the networks of the people and pipelines that administer it",
            "name them, or leave the list empty and deploy from inside the network",
        )
