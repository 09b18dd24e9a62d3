"""EKS (K3)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_CLUSTER = "aws:eks/cluster:Cluster"
_ENTRY = "aws:eks/accessEntry:AccessEntry"
_ACCESS = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
_PEOPLE = "arn:aws:iam::123456789012:role/people"
_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def manager(world: World) -> str:
    role = world.role("eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")
    for part in ("Cluster", "Compute", "BlockStorage", "LoadBalancing", "Networking"):
        attached = {"role": role.physical_name, "policyArn": f"arn:aws:iam::aws:policy/AmazonEKS{part}Policy"}
        world.make("aws:iam/rolePolicyAttachment:RolePolicyAttachment", part, attached)
    return role.arn


def cluster(world: World) -> Inputs:
    return {
        "roleArn": manager(world),
        "version": "1.35",
        "vpcConfig": {"subnetIds": world.subnets(), "endpointPrivateAccess": True, "endpointPublicAccess": False},
        "accessConfig": {"authenticationMode": "API"},
        "bootstrapSelfManagedAddons": False,
        "computeConfig": {"enabled": True},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}, "serviceIpv4Cidr": "172.20.0.0/16"},
        "storageConfig": {"blockStorage": {"enabled": True}},
        "enabledClusterLogTypes": ["api", "audit"],
        "encryptionConfig": {"provider": {"keyArn": world.key().arn}, "resources": ["secrets"]},
    }


def made(world: World) -> str:
    return world.make(_CLUSTER, "cluster", cluster(world)).physical_name


def entry(world: World) -> Inputs:
    return {"clusterName": made(world), "principalArn": _PEOPLE, "kubernetesGroups": ["operators"]}


def access(world: World) -> Inputs:
    name = made(world)
    world.make(_ENTRY, "people", {"clusterName": name, "principalArn": _PEOPLE})
    return {"clusterName": name, "principalArn": _PEOPLE, "policyArn": _ADMIN, "accessScope": {"type": "cluster"}}


def identity(world: World) -> Inputs:
    role = world.role("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")
    name = made(world)
    world.make(
        _IDENTITY, "there", {"clusterName": name, "namespace": "shop", "serviceAccount": "user", "roleArn": role.arn}
    )
    return {"clusterName": name, "namespace": "shop", "serviceAccount": "order", "roleArn": role.arn}


def addon(world: World) -> Inputs:
    return {"clusterName": made(world), "addonName": "amazon-cloudwatch-observability"}


def bare_role(world: World) -> str:
    return world.role("eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession", "sts:SetContext").arn


CASES = (
    Case(
        "clusters.auto_mode_flags",
        _CLUSTER,
        cluster,
        {"storageConfig": ABSENT},
        "storageConfig.blockStorage.enabled",
        "the three go together",
    ),
    Case(
        "clusters.auto_mode_flags",
        _CLUSTER,
        cluster,
        {"bootstrapSelfManagedAddons": ABSENT},
        "bootstrapSelfManagedAddons",
        "Auto Mode brings its own",
    ),
    Case(
        "clusters.auto_mode_flags",
        _CLUSTER,
        cluster,
        {"accessConfig": ABSENT},
        "accessConfig.authenticationMode",
        "API or",
    ),
    Case(
        "clusters.auto_mode_flags",
        _CLUSTER,
        cluster,
        {"computeConfig.nodePools": ["general-purpose"]},
        "computeConfig.nodeRoleArn",
        "built-in node pools",
    ),
    Case(
        "clusters.control_plane",
        _CLUSTER,
        cluster,
        lambda world: {"vpcConfig.subnetIds": [world.subnet(0).id, world.subnet(3, "a").id]},
        "vpcConfig.subnetIds",
        "at least two zones",
    ),
    Case("clusters.control_plane", _CLUSTER, cluster, {"version": "1.19"}, "version", "EKS supports"),
    Case(
        "clusters.control_plane",
        _CLUSTER,
        cluster,
        {"enabledClusterLogTypes[0]": "kubelet"},
        "enabledClusterLogTypes[0]",
        "api, audit",
    ),
    Case(
        "clusters.control_plane",
        _CLUSTER,
        cluster,
        {"vpcConfig.endpointPrivateAccess": False},
        "vpcConfig.endpointPrivateAccess",
        "a private or a public endpoint",
    ),
    Case(
        "clusters.control_plane",
        _CLUSTER,
        cluster,
        {"kubernetesNetworkConfig.serviceIpv4Cidr": "8.0.0.0/16"},
        "kubernetesNetworkConfig.serviceIpv4Cidr",
        "a private network",
    ),
    Case(
        "clusters.cluster_role",
        _CLUSTER,
        cluster,
        lambda world: {"roleArn": world.role("eks.amazonaws.com").arn},
        "roleArn",
        "sts:TagSession",
    ),
    Case(
        "clusters.cluster_role",
        _CLUSTER,
        cluster,
        lambda world: {"roleArn": world.role("ec2.amazonaws.com").arn},
        "roleArn",
        "eks.amazonaws.com may take",
    ),
    Case(
        "clusters.auto_mode_policies",
        _CLUSTER,
        cluster,
        lambda world: {"roleArn": bare_role(world)},
        "roleArn",
        "AmazonEKSComputePolicy",
    ),
    Case("clusters.access_entry", _ENTRY, entry, {"type": "EC2"}, "kubernetesGroups", "the type is EC2"),
    Case(
        "clusters.access_entry",
        _ENTRY,
        entry,
        {"kubernetesGroups[0]": "system:masters"},
        "kubernetesGroups[0]",
        "doesn't begin with system:",
    ),
    Case(
        "clusters.access_policy",
        _ACCESS,
        access,
        {"policyArn": "arn:aws:eks::aws:cluster-access-policy/Admin"},
        "policyArn",
        "a policy that EKS has",
    ),
    Case(
        "clusters.access_policy",
        _ACCESS,
        access,
        {"accessScope.type": "namespace"},
        "accessScope.namespaces",
        "at least one namespace",
    ),
    Case(
        "clusters.access_policy",
        _ACCESS,
        access,
        {"principalArn": "arn:aws:iam::123456789012:role/others"},
        "principalArn",
        "with an access entry",
    ),
    Case(
        "clusters.pod_identity",
        _IDENTITY,
        identity,
        lambda world: {"roleArn": world.role("ec2.amazonaws.com").arn},
        "roleArn",
        "pods.eks.amazonaws.com may sts:AssumeRole",
    ),
    Case("clusters.pod_identity", _IDENTITY, identity, {"serviceAccount": "user"}, "serviceAccount", "gave it one"),
    Case("clusters.addon", "aws:eks/addon:Addon", addon, {"addonName": "coredns"}, "addonName", "doesn't bring itself"),
    Case(
        "clusters.addon",
        "aws:eks/addon:Addon",
        addon,
        {"resolveConflictsOnUpdate": "MERGE"},
        "resolveConflictsOnUpdate",
        "PRESERVE",
    ),
)
