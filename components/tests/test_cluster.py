"""The EKS Auto Mode cluster: access, encryption, logs (S1, S3, S4, S5, P2)."""

import json
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest
from hypothesis import given as property_of
from hypothesis import strategies

from components.tests.kubernetes_samples import ADMINISTRATOR, DEPLOYER, KEY, SINGLE_SIGN_ON, SUBNETS, simulated
from groundplan.cloud import Simulation
from groundplan_components.cluster import Cluster, ClusterArgs, TargetGroupBindingApi
from groundplan_components.cluster._kubeconfig import dns_address, kubeconfig, service_network
from groundplan_components.workload import Namespace


def args(**changes: Any) -> ClusterArgs:
    given: ClusterArgs = {
        "cluster_name": "shop-prod",
        "kubernetes_version": "1.35",
        "vpc_cidr": "10.0.0.0/16",
        "subnet_ids": list(SUBNETS),
        "kms_key_arn": KEY,
        "administrators": {"deployer": DEPLOYER, "people": ADMINISTRATOR},
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: ClusterArgs) -> Simulation:
    return simulated(lambda: Cluster("cluster", given))


def cluster_inputs(given: ClusterArgs) -> Any:
    return run(given).named("cluster-cluster").inputs


def test_the_three_switches_of_auto_mode_are_on_together() -> None:
    inputs = cluster_inputs(args())
    assert inputs["computeConfig"] == {"enabled": True}
    assert inputs["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": True}
    assert inputs["storageConfig"] == {"blockStorage": {"enabled": True}}
    assert inputs["bootstrapSelfManagedAddons"] is False


def test_s3_only_the_named_administrators_have_access() -> None:
    simulation = run(args())
    assert simulation.named("cluster-cluster").inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }
    entries = {each.name: each.inputs for each in simulation.of_type("aws:eks/accessEntry:AccessEntry")}
    assert set(entries) == {"cluster-node", "cluster-admin-deployer", "cluster-admin-people"}
    assert entries["cluster-admin-deployer"]["principalArn"] == DEPLOYER
    assert entries["cluster-admin-people"]["principalArn"] == ADMINISTRATOR
    policies = {
        each.name: each.inputs["policyArn"].rpartition("/")[2]
        for each in simulation.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    assert policies == {
        "cluster-node": "AmazonEKSAutoNodePolicy",
        "cluster-admin-deployer": "AmazonEKSClusterAdminPolicy",
        "cluster-admin-people": "AmazonEKSClusterAdminPolicy",
    }


def test_s3_a_role_of_single_sign_on_can_administer_under_its_own_name() -> None:
    role = SINGLE_SIGN_ON.rpartition("/")[2]
    entries = run(args(administrators={role: SINGLE_SIGN_ON})).of_type("aws:eks/accessEntry:AccessEntry")
    assert {each.inputs["principalArn"] for each in entries if each.name == f"cluster-admin-{role}"} == {SINGLE_SIGN_ON}


def test_nodes_of_an_own_class_get_in_as_machines() -> None:
    simulation = run(args())
    entry = next(each for each in simulation.of_type("aws:eks/accessEntry:AccessEntry") if each.name == "cluster-node")
    assert entry.inputs["type"] == "EC2"
    assert entry.inputs["principalArn"] == simulation.named("cluster-node-role").outputs["arn"]


def test_s1_without_networks_the_api_answers_from_inside_only() -> None:
    network = cluster_inputs(args())["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in network


def test_s1_the_public_address_answers_the_named_networks_alone() -> None:
    network = cluster_inputs(args(endpoint_cidrs=["198.51.100.0/24"]))["vpcConfig"]
    assert network["endpointPrivateAccess"] is True
    assert network["endpointPublicAccess"] is True
    assert network["publicAccessCidrs"] == ["198.51.100.0/24"]


def test_s5_secrets_are_encrypted_by_the_customers_key() -> None:
    assert cluster_inputs(args())["encryptionConfig"] == {"provider": {"keyArn": KEY}, "resources": ["secrets"]}


def test_s5_all_five_logs_are_kept_encrypted_in_a_group_that_is_there_first() -> None:
    simulation = run(args(log_days=365))
    cluster = simulation.named("cluster-cluster")
    assert sorted(cluster.inputs["enabledClusterLogTypes"]) == [
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    ]
    group = simulation.named("cluster-logs")
    assert group.inputs["name"] == "/aws/eks/shop-prod/cluster"
    assert group.inputs["retentionInDays"] == 365
    assert group.inputs["kmsKeyId"] == KEY
    assert group.urn in cluster.dependencies


def test_the_control_plane_keeps_its_grants_until_the_cluster_is_gone() -> None:
    simulation = run(args())
    attached = simulation.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    own = [each for each in attached if each.name.startswith("cluster-role-")]
    assert {each.inputs["policyArn"].rpartition("/")[2] for each in own} == {
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
    }
    inline = {simulation.named("cluster-targets").urn, simulation.named("cluster-key").urn}
    assert {each.urn for each in own} | inline <= simulation.named("cluster-cluster").dependencies


def test_p3_nodes_may_pull_images_and_hand_out_identities_and_nothing_else() -> None:
    attached = run(args()).of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {
        each.inputs["policyArn"].rpartition("/")[2] for each in attached if each.name.startswith("cluster-node-role-")
    } == {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}


def test_s4_the_control_plane_deregisters_only_from_its_own_target_groups() -> None:
    simulation = run(args())
    statement = json.loads(simulation.named("cluster-targets").inputs["policy"])["Statement"]
    assert [each["Action"] for each in statement] == [["elasticloadbalancing:DeregisterTargets"]]
    assert statement[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/eks:eks-cluster-name": "shop-prod"}}
    assert statement[0]["Resource"][0].endswith(":targetgroup/*/*")


def test_s4_the_control_plane_uses_the_one_key() -> None:
    statements = json.loads(run(args()).named("cluster-key").inputs["policy"])["Statement"]
    assert {tuple(each["Resource"]) for each in statements} == {(KEY,)}
    granting = next(each for each in statements if "kms:CreateGrant" in each["Action"])
    assert granting["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_auto_mode_reads_the_clusters_name_from_its_session() -> None:
    trusted = json.loads(run(args()).named("cluster-role").inputs["assumeRolePolicy"])["Statement"][0]
    assert trusted["Principal"] == {"Service": "eks.amazonaws.com"}
    assert trusted["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_t4_it_is_protected_upgraded_and_leaves_a_failing_zone() -> None:
    simulation = run(args())
    cluster = simulation.named("cluster-cluster")
    assert cluster.protect
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.inputs["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster.inputs["zonalShiftConfig"] == {"enabled": True}
    assert cluster.inputs["version"] == "1.35"
    unprotected = run(args(protect=False)).named("cluster-cluster")
    assert not unprotected.protect
    assert unprotected.inputs["deletionProtection"] is False


def test_the_pods_security_group_is_the_clusters_and_tagged_for_its_controller() -> None:
    simulation = run(args())
    tag = simulation.named("cluster-security-group-tag").inputs
    assert (tag["key"], tag["value"]) == ("eks:eks-cluster-name", "shop-prod")
    assert tag["resourceId"] == simulation.named("cluster-cluster").outputs["vpcConfig"]["clusterSecurityGroupId"]


def test_the_kubeconfig_is_secret_and_holds_no_credential() -> None:
    simulation = run(args())
    provider = simulation.named("cluster-kubernetes")
    assert provider.is_secret("kubeconfig")
    config = json.loads(provider.inputs["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == simulation.named("cluster-cluster").outputs["endpoint"]
    asked = config["users"][0]["user"]["exec"]
    assert (asked["command"], asked["interactiveMode"]) == ("aws", "Never")
    assert asked["args"][-5:] == ["get-token", "--cluster-name", "shop-prod", "--output", "json"]
    assert set(config["users"][0]["user"]) == {"exec"}


def test_kubeconfig_names_the_region_so_that_no_ambient_one_is_taken() -> None:
    config = json.loads(kubeconfig("shop", "https://a", "QUJD", "eu-west-1"))
    assert config["users"][0]["user"]["exec"]["args"][:2] == ["--region", "eu-west-1"]
    assert config["clusters"][0]["cluster"] == {"server": "https://a", "certificate-authority-data": "QUJD"}
    assert config["current-context"] == "shop"


def test_objects_follow_the_access_entries_and_die_with_the_cluster() -> None:
    def program() -> None:
        access = Cluster("cluster", args()).access
        assert access.binding is TargetGroupBindingApi.AUTO_MODE
        Namespace("shop", {"cpu_limit": 8, "memory_limit_gib": 16, "pod_limit": 50}, access.options())

    simulation = simulated(program)
    cluster = simulation.named("cluster-cluster")
    provider = simulation.named("cluster-kubernetes")
    associations = simulation.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert {each.urn for each in associations} <= provider.dependencies
    objects = [each for each in simulation.resources if each.type.startswith("kubernetes:")]
    assert len(objects) == 5
    assert {each.deleted_with for each in objects} == {cluster.urn}
    assert {each.provider for each in objects} == {provider.urn}


def test_the_provider_is_replaced_only_with_the_cluster_and_forgets_nothing() -> None:
    simulation = run(args())
    provider = simulation.named("cluster-kubernetes").inputs
    assert provider["clusterIdentifier"] == simulation.named("cluster-cluster").outputs["endpoint"]
    assert provider["enableServerSideApply"] in (True, "true")
    assert provider["deleteUnreachable"] in (False, "false")
    assert provider["skipUpdateUnreachable"] in (False, "false")


def test_the_first_preview_goes_through_with_no_cluster_to_ask() -> None:
    def program() -> None:
        access = Cluster("cluster", args()).access
        Namespace("shop", {"cpu_limit": 8, "memory_limit_gib": 16, "pod_limit": 50}, access.options())

    simulation = simulated(program, preview=True)
    assert len(simulation.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")) == 2


@property_of(strategies.integers(0, 2**16 - 1), strategies.integers(16, 24))
def test_services_get_addresses_that_the_network_does_not_use(block: int, prefix: int) -> None:
    network = IPv4Network((block << 16, prefix), strict=False)
    chosen = IPv4Network(service_network(str(network)))
    assert not chosen.overlaps(network)
    assert dns_address(str(chosen)) == str(chosen.network_address + 10)


def test_a_network_beside_the_usual_one_moves_the_services() -> None:
    assert service_network("10.0.0.0/16") == "172.20.0.0/16"
    assert service_network("172.16.0.0/12") == "10.100.0.0/16"
    assert cluster_inputs(args(vpc_cidr="172.20.0.0/16"))["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == (
        "10.100.0.0/16"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cluster_name": "shop prod"}, "cluster_name is 'shop prod'"),
        ({"cluster_name": "-shop"}, "a letter or digit first"),
        ({"kubernetes_version": "1.35.2"}, "without a patch level"),
        ({"subnet_ids": ["subnet-0123456789abcdef0"]}, "at least two zones"),
        ({"log_days": 100}, "log_days is 100"),
        ({"administrators": {}}, "no other principal has access"),
        ({"administrators": {"A B": ADMINISTRATOR}}, "administrators is 'A B'"),
        ({"administrators": {"people": "admin"}}, "administrators.people is 'admin'"),
        ({"administrators": {"a": "arn:aws:sts::123456789012:assumed-role/admin/me"}}, "not the ARN of a session"),
        ({"administrators": {"a": ADMINISTRATOR, "b": ADMINISTRATOR}}, "each role once"),
        ({"vpc_cidr": "10.0.0.1/16"}, "without host bits"),
        ({"vpc_cidr": "0.0.0.0/0"}, "give service_cidr"),
        ({"service_cidr": "10.0.0.0/20"}, "addresses outside the network's 10.0.0.0/16"),
        ({"service_cidr": "8.8.0.0/16"}, "a private block between /12 and /24"),
        ({"service_cidr": "172.20.0.0/25"}, "a private block between /12 and /24"),
        ({"endpoint_cidrs": ["0.0.0.0/0"]}, "leave the list empty"),
        ({"endpoint_cidrs": ["office"]}, "endpoint_cidrs is 'office'"),
        ({"endpoint_cidrs": [f"198.51.100.{host}/32" for host in range(41)]}, "at most 40 networks"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Cluster "cluster"' in str(refused.value)
    assert message in str(refused.value)
