"""An EKS cluster in Auto Mode: AWS runs the machines, the load balancer registration, storage, DNS and network policy.

Nobody gets in but the given administrators, so the role that runs Pulumi must be one of them: EKS would otherwise make
whoever happened to create the cluster its administrator, invisibly and for ever.

On the first preview the cluster's address isn't known, so Pulumi shows the Kubernetes objects without asking the
cluster whether it would take them; the first deployment asks. `NodeClass`, `NodePool` and `TargetGroupBinding` are
definitions that Auto Mode brings, so none of them is created in the stack that uses them (pulumi-kubernetes#3176).
"""

import json
import re
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.addresses import check_cidr
from components.arn import account_of, managed_policy, partition_of, region_of
from components.checks import require
from components.cluster_access import ClusterAccess, TargetGroupBindingApi
from components.iam import policy, trust
from components.log_days import require_log_days

# https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html
CONTROL_PLANE_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")

# Kubernetes' own addresses must not overlap the network's. The first two are EKS's defaults.
SERVICE_NETWORKS = ("172.20.0.0/16", "10.100.0.0/16", "192.168.0.0/16")
PRIVATE_NETWORKS = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

# EKS takes at most this many CIDR blocks for the public endpoint.
# https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html
MAX_ENDPOINT_CIDRS = 40


class ClusterArgs(TypedDict):
    """What an EKS Auto Mode cluster is made of."""

    cluster_name: str
    """Name in EKS. An interface: people type it, target groups are tagged with it, log groups contain it."""
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
    """A name of your own to the ARN of an IAM role that administers the cluster. The role that runs Pulumi is one."""
    endpoint_cidrs: NotRequired[list[str]]
    """Networks from which the API answers on its public address. Default: none, it answers inside the network only."""
    service_cidr: NotRequired[str]
    """Addresses of Kubernetes services. Default: the first usual range that doesn't overlap ``vpc_cidr``."""
    log_days: NotRequired[int]
    """Days that control-plane logs are kept. Default: 90."""
    protect: NotRequired[bool]
    """Refuse to delete the cluster, in AWS and in Pulumi. Default: true."""


class Cluster(pulumi.ComponentResource):
    """An EKS Auto Mode cluster with its roles, log group and access entries (S1, S4, S5)."""

    cluster_name: pulumi.Output[str]
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Secret. Asks the AWS CLI for a token, so it holds no credential of its own."""
    security_group_id: pulumi.Output[str]
    """The security group of control plane, nodes and pods."""
    node_role_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    dns_address: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Cluster", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        cluster_name = args["cluster_name"]
        protect = args.get("protect", True)
        endpoint_cidrs = args.get("endpoint_cidrs", [])
        service_cidr = args.get("service_cidr") or service_network(args["vpc_cidr"])

        # EKS writes to the log group of this name and would create it itself, without retention or key.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            opts=inside,
        )
        role = aws.iam.Role(
            f"{name}-role",
            description=f"What the control plane of {cluster_name} may do in the account",
            # Auto Mode tags its sessions with the cluster's name, and the managed policies' conditions read that tag.
            assume_role_policy=trust("eks.amazonaws.com", ("sts:AssumeRole", "sts:TagSession")),
            opts=inside,
        )
        grants = [
            *_attachments(name, "role", role, CONTROL_PLANE_POLICIES, inside),
            aws.iam.RolePolicy(
                f"{name}-targets", role=role.name, policy=_target_groups(role.arn, cluster_name), opts=inside
            ),
            aws.iam.RolePolicy(f"{name}-key", role=role.name, policy=_volume_key(args["kms_key_arn"]), opts=inside),
        ]
        node_role = aws.iam.Role(
            f"{name}-node-role",
            description=f"What the nodes of {cluster_name} may do in the account",
            assume_role_policy=trust("ec2.amazonaws.com"),
            opts=inside,
        )
        node_grants = _attachments(name, "node-role", node_role, NODE_POLICIES, inside)

        self.cluster = aws.eks.Cluster(
            f"{name}-cluster",
            name=cluster_name,
            version=args["kubernetes_version"],
            role_arn=role.arn,
            vpc_config={
                "subnet_ids": args["subnet_ids"],
                "endpoint_private_access": True,
                "endpoint_public_access": bool(endpoint_cidrs),
                **({"public_access_cidrs": endpoint_cidrs} if endpoint_cidrs else {}),
            },
            # The three switches of Auto Mode are on together or off together. Without node role and built-in node
            # pools, every node comes from a NodePool and NodeClass of one's own, with this key and network policy.
            compute_config={"enabled": True},
            kubernetes_network_config={
                "elastic_load_balancing": {"enabled": True},
                "ip_family": "ipv4",
                "service_ipv4_cidr": service_cidr,
            },
            storage_config={"block_storage": {"enabled": True}},
            bootstrap_self_managed_addons=False,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            encryption_config={"provider": {"key_arn": args["kms_key_arn"]}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=protect,
            tags={"Name": cluster_name},
            # Deleted in the reverse order: without its grants EKS can't remove the machines it started.
            opts=pulumi.ResourceOptions(parent=self, protect=protect, depends_on=[logs, *grants]),
        )
        self.cluster_name = self.cluster.name
        self.arn = self.cluster.arn
        self.endpoint = self.cluster.endpoint
        self.security_group_id = self.cluster.vpc_config.apply(lambda network: network.cluster_security_group_id)
        self.node_role_name = node_role.name
        self.node_role_arn = node_role.arn
        self.dns_address = pulumi.Output.from_input(dns_address(service_cidr))

        # The load balancing of Auto Mode changes only what carries this tag.
        aws.ec2.Tag(
            f"{name}-security-group-tag",
            resource_id=self.security_group_id,
            key="eks:eks-cluster-name",
            value=self.cluster_name,
            opts=inside,
        )
        entries = [
            _access_entry(self, name, "node", self.node_role_arn, "AmazonEKSAutoNodePolicy", "EC2", node_grants),
            *(
                _access_entry(self, name, f"admin-{who}", arn, "AmazonEKSClusterAdminPolicy", "STANDARD")
                for who, arn in args["administrators"].items()
            ),
        ]

        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(
                name=self.cluster_name,
                endpoint=self.endpoint,
                authority=self.cluster.certificate_authority.apply(lambda authority: authority.data),
                region=region_of(self.arn),
            ).apply(lambda known: kubeconfig(known["name"], known["endpoint"], known["authority"], known["region"]))
        )
        self.access = ClusterAccess(
            provider=kubernetes.Provider(
                f"{name}-kubernetes",
                kubeconfig=self.kubeconfig,
                # Another endpoint is another cluster; anything else about the kubeconfig may change in place.
                cluster_identifier=self.endpoint,
                enable_server_side_apply=True,
                # Objects die with their cluster by `deleted_with`. Forgetting those of a cluster that merely doesn't
                # answer would leave them behind unseen (pulumi-kubernetes#1013), and so would skipping updates.
                delete_unreachable=False,
                skip_update_unreachable=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=entries),
            ),
            security_group_id=self.security_group_id,
            cluster_name=self.cluster_name,
            binding=TargetGroupBindingApi.AUTO_MODE,
            dns_addresses=(dns_address(service_cidr),),
            dies_with=self.cluster,
        )
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "arn": self.arn,
                "endpoint": self.endpoint,
                "kubeconfig": self.kubeconfig,
                "security_group_id": self.security_group_id,
                "node_role_name": self.node_role_name,
                "node_role_arn": self.node_role_arn,
                "dns_address": self.dns_address,
            }
        )


def service_network(vpc_cidr: str) -> str:
    """Addresses for Kubernetes services that don't overlap ``vpc_cidr``. Raises ValueError when all usual ones do."""
    network = IPv4Network(vpc_cidr)
    for candidate in SERVICE_NETWORKS:
        if not network.overlaps(IPv4Network(candidate)):
            return candidate
    raise ValueError(f"{vpc_cidr} overlaps {', '.join(SERVICE_NETWORKS)}")


def dns_address(service_cidr: str) -> str:
    """The tenth address: EKS gives it to the cluster's DNS."""
    return str(IPv4Network(service_cidr)[10])


def kubeconfig(cluster_name: str, endpoint: str, authority: str, region: str) -> str:
    """A kubeconfig that asks the AWS CLI for a short-lived token, as JSON (which is YAML)."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": cluster_name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}
            ],
            "users": [
                {
                    "name": cluster_name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": [
                                "--region",
                                region,
                                "eks",
                                "get-token",
                                "--cluster-name",
                                cluster_name,
                                "--output",
                                "json",
                            ],
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
            "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": cluster_name}}],
            "current-context": cluster_name,
        }
    )


def _attachments(
    name: str, what: str, role: aws.iam.Role, policies: Sequence[str], opts: pulumi.ResourceOptions
) -> list[aws.iam.RolePolicyAttachment]:
    return [
        aws.iam.RolePolicyAttachment(
            f"{name}-{what}-{managed}", role=role.name, policy_arn=managed_policy(role.arn, managed), opts=opts
        )
        for managed in policies
    ]


def _target_groups(role_arn: pulumi.Output[str], cluster_name: str) -> pulumi.Output[str]:
    """`AmazonEKSLoadBalancingPolicy` (August 2026) names RegisterTargets for any group, DeregisterTargets for none."""
    groups = pulumi.Output.concat(
        "arn:", partition_of(role_arn), ":elasticloadbalancing:*:", account_of(role_arn), ":targetgroup/*/*"
    )
    return policy(
        {
            "sid": "DeregisterPods",
            "actions": ["elasticloadbalancing:DeregisterTargets"],
            "resources": [groups],
            "conditions": {"StringEquals": {"aws:ResourceTag/eks:eks-cluster-name": cluster_name}},
        }
    )


def _volume_key(key_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """Node volumes with a customer key: https://docs.aws.amazon.com/eks/latest/userguide/auto-kms.html"""
    return policy(
        {
            "sid": "UseKey",
            "actions": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "resources": [key_arn],
        },
        {
            "sid": "AttachVolumes",
            "actions": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
            "resources": [key_arn],
            "conditions": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )


def _access_entry(
    cluster: Cluster,
    name: str,
    who: str,
    principal_arn: pulumi.Input[str],
    access_policy: str,
    kind: str,
    depends_on: Sequence[pulumi.Resource] = (),
) -> aws.eks.AccessPolicyAssociation:
    entry = aws.eks.AccessEntry(
        f"{name}-{who}",
        cluster_name=cluster.cluster_name,
        principal_arn=principal_arn,
        type=kind,
        # EKS has one entry for a principal.
        opts=pulumi.ResourceOptions(parent=cluster, depends_on=list(depends_on), delete_before_replace=True),
    )
    return aws.eks.AccessPolicyAssociation(
        f"{name}-{who}",
        cluster_name=cluster.cluster_name,
        principal_arn=entry.principal_arn,
        policy_arn=pulumi.Output.concat(
            "arn:", partition_of(cluster.arn), ":eks::aws:cluster-access-policy/", access_policy
        ),
        access_scope={"type": "cluster"},
        # Deleting the association with the old scope would take the new one away: EKS knows both by their policy.
        opts=pulumi.ResourceOptions(parent=cluster, depends_on=[entry], delete_before_replace=True),
    )


def _check(name: str, args: ClusterArgs) -> None:
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
    _check_addresses(component, args)


def _check_administrators(component: str, administrators: dict[str, pulumi.Input[str]]) -> None:
    require(
        bool(administrators),
        component,
        "administrators",
        administrators,
        "at least the role that runs Pulumi, for nobody else may enter the cluster",
        'pass {"deployer": "arn:aws:iam::<account>:role/<role>"}',
    )
    for who, arn in administrators.items():
        require(
            re.fullmatch(r"[\w+=,.@-]{1,64}", who, re.ASCII) is not None,
            component,
            "administrators",
            who,
            "names of 1 to 64 letters, digits and _+=,.@- (what IAM allows a role)",
            "rename the entry; the name is yours to choose",
        )
        if isinstance(arn, str):
            require(
                re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+", arn) is not None,
                component,
                f"administrators.{who}",
                arn,
                "the ARN of an IAM role",
                "pass arn:aws:iam::<account>:role/<role>, not the ARN of a session",
            )
    plain = [arn for arn in administrators.values() if isinstance(arn, str)]
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
