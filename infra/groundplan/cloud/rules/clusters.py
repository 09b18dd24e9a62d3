"""EKS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml

from groundplan.cloud.item import Item
from groundplan.cloud.rules.addresses import network, vpcs, zones
from groundplan.cloud.rules.policies import as_document, listed, statements_of
from groundplan.cloud.rules.registry import Broken, one_of, rule, transition, whole

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

CLUSTER = "aws:eks/cluster:Cluster"
_ENTRY = "aws:eks/accessEntry:AccessEntry"
_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# EKS user guide, "Review access policy permissions".
_ACCESS_POLICIES = frozenset(
    {
        "AmazonEKSAdminPolicy",
        "AmazonEKSClusterAdminPolicy",
        "AmazonEKSAdminViewPolicy",
        "AmazonEKSEditPolicy",
        "AmazonEKSViewPolicy",
        "AmazonEKSSecretReaderPolicy",
        "AmazonEKSAutoNodePolicy",
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStorageClusterPolicy",
        "AmazonEKSComputeClusterPolicy",
        "AmazonEKSLoadBalancingClusterPolicy",
        "AmazonEKSNetworkingClusterPolicy",
        "AmazonEKSHybridPolicy",
        "AmazonEKSClusterInsightsPolicy",
        "AmazonSagemakerHyperpodClusterPolicy",
        "AWSBackupFullAccessPolicyForBackup",
        "AWSBackupFullAccessPolicyForRestore",
    }
)
# EKS user guide, "Amazon EKS Auto Mode cluster IAM role".
_AUTO_MODE_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)


def auto_mode(cluster: Item) -> bool:
    return cluster.known("computeConfig.enabled") is True


@rule(CLUSTER)
def auto_mode_flags(cluster: Item, _: Cloud) -> Iterator[Broken]:
    """Auto Mode is compute, load balancing and block storage together, without self-managed add-ons, signed in to by
    the API.

    Source: EKS API, CreateCluster, ComputeConfigRequest; EKS user guide, Create a cluster with EKS Auto Mode.
    """
    flags = {
        "computeConfig.enabled": cluster.get("computeConfig.enabled", False),
        "kubernetesNetworkConfig.elasticLoadBalancing.enabled": cluster.get(
            "kubernetesNetworkConfig.elasticLoadBalancing.enabled", False
        ),
        "storageConfig.blockStorage.enabled": cluster.get("storageConfig.blockStorage.enabled", False),
    }
    on = [path for path, value in flags.items() if value is True]
    if not on:
        return
    for path, value in flags.items():
        if value is False:
            yield Broken(path, f"true, as {on[0]} is: the three go together", "set all three, or none", value)
    if cluster.get("bootstrapSelfManagedAddons", True) is not False:
        yield Broken(
            "bootstrapSelfManagedAddons",
            "false, as Auto Mode brings its own",
            "set bootstrap_self_managed_addons to False",
        )
    if cluster.get("accessConfig.authenticationMode", "CONFIG_MAP") == "CONFIG_MAP":
        yield Broken(
            "accessConfig.authenticationMode",
            "API or API_AND_CONFIG_MAP",
            "set access_config.authentication_mode to API",
        )
    pools = cluster.each("computeConfig.nodePools")
    for index, pool in enumerate(pools):
        if pool not in ("general-purpose", "system"):
            yield Broken(
                f"computeConfig.nodePools[{index}]",
                "general-purpose or system",
                "declare own pools as NodePool objects",
            )
    if pools and cluster.get("computeConfig.nodeRoleArn") is None:
        yield Broken(
            "computeConfig.nodeRoleArn", "the nodes' role, as there are built-in node pools", "set node_role_arn"
        )


@rule(CLUSTER)
def control_plane(cluster: Item, cloud: Cloud) -> Iterator[Broken]:
    """Subnets in at least two zones of one VPC; a version of Kubernetes; logs, networks and encryption as listed; an
    endpoint that can be reached.

    Source: EKS API, CreateCluster; EKS user guide, VPC and subnet requirements.
    """
    path = "vpcConfig.subnetIds"
    where = zones(cluster, cloud, path)
    if where is not None and len(where) < 2:
        yield Broken(path, "subnets in at least two zones", "add a subnet of another zone")
    if len(vpcs(cluster, cloud, path)) > 1:
        yield Broken(path, "subnets of one VPC", "use subnets of one VPC")
    version = cluster.known("version")
    if isinstance(version, str) and re.fullmatch(r"1\.(3\d|4\d)", version) is None:
        yield Broken("version", "a version that EKS supports, such as 1.35", "correct the version")
    yield from one_of(cluster, "accessConfig.authenticationMode", "API", "API_AND_CONFIG_MAP", "CONFIG_MAP")
    yield from one_of(cluster, "upgradePolicy.supportType", "STANDARD", "EXTENDED")
    for index, log in enumerate(cluster.each("enabledClusterLogTypes")):
        if log not in _LOGS:
            yield Broken(f"enabledClusterLogTypes[{index}]", f"one of {', '.join(_LOGS)}", "correct the log's name")
    if (
        cluster.get("encryptionConfig") is not None
        and cluster.each("encryptionConfig.resources") != ["secrets"]
        and isinstance(cluster.get("encryptionConfig.resources"), list)
    ):
        yield Broken("encryptionConfig.resources", "secrets", "set resources to [secrets]")
    public, private = (
        cluster.get("vpcConfig.endpointPublicAccess", True),
        cluster.get("vpcConfig.endpointPrivateAccess", False),
    )
    if public is False and private is False:
        yield Broken("vpcConfig.endpointPrivateAccess", "a private or a public endpoint", "set one of the two")
    for index, cidr in enumerate(cluster.each("vpcConfig.publicAccessCidrs")):
        if isinstance(cidr, str) and network(cidr) is None:
            yield Broken(
                f"vpcConfig.publicAccessCidrs[{index}]", "an IPv4 network with no host bits set", "correct the range"
            )
    if public is False and cluster.each("vpcConfig.publicAccessCidrs"):
        yield Broken("vpcConfig.publicAccessCidrs", "nothing, as the endpoint is private", "remove it")
    services = network(cluster.known("kubernetesNetworkConfig.serviceIpv4Cidr"))
    text = cluster.known("kubernetesNetworkConfig.serviceIpv4Cidr")
    if isinstance(text, str) and (services is None or not 12 <= services.prefixlen <= 24 or not services.is_private):
        yield Broken(
            "kubernetesNetworkConfig.serviceIpv4Cidr", "a private network of /12 to /24", "for example 172.20.0.0/16"
        )


@rule(CLUSTER)
def cluster_role(cluster: Item, cloud: Cloud) -> Iterator[Broken]:
    """The cluster's role trusts EKS; for Auto Mode also to tag sessions.

    Source: EKS user guide, Amazon EKS Auto Mode cluster IAM role.
    """
    role = cloud.find("aws:iam/role:Role", cluster.known("roleArn"))
    document = as_document(role.known("assumeRolePolicy")) if role is not None else None
    if role is None or document is None:
        return
    actions: set[str] = set()
    for statement in statements_of(document):
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "eks.amazonaws.com" in listed(principal.get("Service")):
            actions.update(listed(statement.get("Action")))
    if "sts:AssumeRole" not in actions:
        yield Broken(
            "roleArn",
            "a role that eks.amazonaws.com may take",
            "add sts:AssumeRole for eks.amazonaws.com to its trust policy",
        )
    if auto_mode(cluster) and "sts:TagSession" not in actions:
        yield Broken("roleArn", "a role whose trust policy allows sts:TagSession, for Auto Mode", "add sts:TagSession")


@rule(CLUSTER)
def service_addresses(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Services have addresses apart from the network's.

    Source: EKS API, KubernetesNetworkConfigRequest, serviceIpv4Cidr.
    """
    services = network(item.known("kubernetesNetworkConfig.serviceIpv4Cidr"))
    for each in item.each("vpcConfig.subnetIds"):
        subnet = cloud.find("aws:ec2/subnet:Subnet", each)
        vpc = cloud.find("aws:ec2/vpc:Vpc", subnet.known("vpcId")) if subnet is not None else None
        own = network(vpc.known("cidrBlock")) if vpc is not None else None
        if services is not None and own is not None and own.overlaps(services):
            path = "kubernetesNetworkConfig.serviceIpv4Cidr"
            yield Broken(path, f"a range apart from the network's, {own}", "choose another range")
            return


@whole
def auto_mode_policies(cloud: Cloud) -> Iterator[Broken]:
    """Auto Mode's cluster role has the five policies that manage nodes, disks, load balancers and network.

    Source: EKS user guide, Amazon EKS Auto Mode cluster IAM role.
    """
    for cluster in cloud.of(CLUSTER):
        role = cloud.find("aws:iam/role:Role", cluster.known("roleArn"))
        if not auto_mode(cluster) or role is None:
            continue
        attachments = [
            each
            for each in cloud.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            if each.known("role") in (role.physical_name, role.arn)
        ]
        attached = {str(each.known("policyArn")).rpartition("/")[2] for each in attachments}
        attached |= {str(arn).rpartition("/")[2] for arn in role.each("managedPolicyArns")}
        for name in _AUTO_MODE_POLICIES:
            if name not in attached:
                yield Broken(
                    "roleArn",
                    f"a role with the policy {name}, for Auto Mode",
                    f"attach arn:aws:iam::aws:policy/{name}",
                    item=cluster,
                )
        late = [
            each
            for each in attachments
            if not cloud.depends(cluster, each)
            and str(each.known("policyArn")).rpartition("/")[2] in _AUTO_MODE_POLICIES
        ]
        if late:
            yield Broken(
                "roleArn",
                f"to wait for {late[0].urn}",
                "add the role's attachments to depends_on, also so that they outlive the cluster",
                item=cluster,
            )


@rule(_ENTRY)
def access_entry(entry: Item, cloud: Cloud) -> Iterator[Broken]:
    """Access entries need a cluster that signs in by the API; a node's entry has no groups.

    Source: EKS API, CreateAccessEntry.
    """
    yield from one_of(
        entry, "type", "STANDARD", "FARGATE_LINUX", "EC2_LINUX", "EC2_WINDOWS", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"
    )
    cluster = cloud.find(CLUSTER, entry.known("clusterName"))
    if cluster is not None and cluster.get("accessConfig.authenticationMode", "CONFIG_MAP") == "CONFIG_MAP":
        yield Broken(
            "clusterName", "a cluster whose authentication mode is API or API_AND_CONFIG_MAP", "set it on the cluster"
        )
    if entry.get("type", "STANDARD") != "STANDARD" and entry.each("kubernetesGroups"):
        yield Broken("kubernetesGroups", f"nothing, as the type is {entry.get('type')}", "remove the groups")
    for index, group in enumerate(entry.each("kubernetesGroups")):
        if isinstance(group, str) and re.match(r"system:|eks:|aws:|amazon:|iam:", group):
            yield Broken(
                f"kubernetesGroups[{index}]",
                "a group that doesn't begin with system:, eks:, aws:, amazon: or iam:",
                "bind roles to a group of your own",
            )


@rule("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
def access_policy(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """An access policy is one of EKS's own, for the cluster or for namespaces, on an entry that exists.

    Source: EKS user guide, Associate access policies with access entries.
    """
    arn = item.known("policyArn")
    if isinstance(arn, str):
        match = re.fullmatch(r"arn:aws[a-z-]*:eks::aws:cluster-access-policy/(\w+)", arn)
        if match is None or match[1] not in _ACCESS_POLICIES:
            yield Broken(
                "policyArn",
                "arn:aws:eks::aws:cluster-access-policy/ and a policy that EKS has",
                "for example AmazonEKSClusterAdminPolicy",
            )
    yield from one_of(item, "accessScope.type", "cluster", "namespace")
    if item.known("accessScope.type") == "namespace" and not item.get("accessScope.namespaces"):
        yield Broken("accessScope.namespaces", "at least one namespace", "set namespaces")
    if item.known("accessScope.type") == "cluster" and item.each("accessScope.namespaces"):
        yield Broken("accessScope.namespaces", "nothing, as the scope is the cluster", "remove namespaces")
    entries = [
        entry
        for entry in cloud.where(_ENTRY, "principalArn", item.known("principalArn"))
        if entry.known("clusterName") == item.known("clusterName")
    ]
    if isinstance(item.known("principalArn"), str) and isinstance(item.known("clusterName"), str):
        if not entries:
            yield Broken(
                "principalArn",
                "a principal with an access entry",
                "create the AccessEntry first, and depend on it",
                absent=True,
            )
        elif not cloud.depends(item, entries[0]):
            yield Broken("principalArn", f"to wait for {entries[0].urn}", "add the access entry to depends_on")


@rule("aws:eks/podIdentityAssociation:PodIdentityAssociation")
def pod_identity(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A pod's role trusts pods.eks.amazonaws.com to take it and to tag sessions; a service account has one association.

    Source: EKS user guide, EKS Pod Identity role.
    """
    role = cloud.find("aws:iam/role:Role", item.known("roleArn"))
    document = as_document(role.known("assumeRolePolicy")) if role is not None else None
    if document is not None:
        actions: set[str] = set()
        for statement in statements_of(document):
            principal = statement.get("Principal")
            if isinstance(principal, dict) and "pods.eks.amazonaws.com" in listed(principal.get("Service")):
                actions.update(listed(statement.get("Action")))
        for action in ("sts:AssumeRole", "sts:TagSession"):
            if action not in actions:
                yield Broken(
                    "roleArn", f"a role that pods.eks.amazonaws.com may {action}", "add it to the role's trust policy"
                )
    key = ("clusterName", "namespace", "serviceAccount")
    for other in cloud.others(item, "serviceAccount"):
        if all(other.known(name) == item.known(name) for name in key):
            yield Broken(
                "serviceAccount", f"a service account without an association; {other.urn} gave it one", "keep one"
            )


@rule("aws:eks/addon:Addon")
def addon(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """Auto Mode brings network, DNS, storage and pod identity itself; conflicts are resolved in a listed way.

    Source: EKS user guide, EKS Auto Mode, Networking, Storage; EKS API, CreateAddon.
    """
    yield from one_of(item, "resolveConflictsOnCreate", "NONE", "OVERWRITE")
    yield from one_of(item, "resolveConflictsOnUpdate", "NONE", "OVERWRITE", "PRESERVE")
    cluster = cloud.find(CLUSTER, item.known("clusterName"))
    name = item.known("addonName")
    if (
        cluster is not None
        and auto_mode(cluster)
        and name in ("vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver", "eks-pod-identity-agent")
    ):
        yield Broken("addonName", "an add-on that Auto Mode doesn't bring itself", "remove it")


@rule("aws:eks/addon:Addon")
def addon_values(item: Item, _: Cloud) -> Iterator[Broken]:
    """An add-on's settings are an object, in JSON or YAML.

    Source: EKS API, CreateAddon, configurationValues.
    """
    text = item.known("configurationValues")
    try:
        given = yaml.safe_load(text) if isinstance(text, str) else {}
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict) and text != "":
        yield Broken("configurationValues", "an object in JSON or YAML", "build it with json.dumps")


@transition(CLUSTER)
def one_minor_version_up(old: Item, new: Item) -> Iterator[Broken]:
    """Kubernetes is upgraded by one minor version at a time, and never downgraded.

    Source: EKS user guide, Update existing cluster to new Kubernetes version.
    """
    before, after = (re.fullmatch(r"1\.(\d+)", str(each.known("version") or "")) for each in (old, new))
    if before is None or after is None or before[1] == after[1]:
        return
    following = int(before[1]) + 1
    if int(after[1]) != following:
        yield Broken(
            "version",
            f"1.{before[1]} or 1.{following}: one minor version up at a time, never down",
            f"deploy 1.{following} first" if int(after[1]) > following else f"keep 1.{before[1]}",
        )
