"""The cluster's nodes (P1, S1, S2, S5)."""

from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import KEY, SECURITY_GROUP, SUBNETS, access, simulated
from groundplan.cloud import Simulation
from groundplan_components.cluster import Architecture, NodePool, NodePoolArgs, UnmatchedTraffic
from groundplan_components.cluster.node_pool import requirements


def args(**changes: Any) -> NodePoolArgs:
    given: NodePoolArgs = {
        "node_role_name": "cluster-node-role-0123456",
        "subnet_ids": list(SUBNETS),
        "security_group_id": SECURITY_GROUP,
        "kms_key_arn": KEY,
        "cpu_limit": 200,
        "memory_limit_gib": 400,
        "instance_cpus": ["4", "8", "16"],
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: NodePoolArgs, name: str = "services") -> Simulation:
    return simulated(lambda: NodePool(name, given, access().options()))


def spec_of(simulation: Simulation, what: str) -> Any:
    return simulation.named(f"services-{what}").inputs["spec"]


def wanted(given: NodePoolArgs) -> dict[str, Any]:
    found = spec_of(run(given), "pool")["template"]["spec"]["requirements"]
    return {each["key"]: (each["operator"], each["values"]) for each in found}


def test_s1_network_policies_are_switched_on_before_there_are_nodes() -> None:
    simulation = run(args())
    switch = simulation.named("services-network-policies")
    assert switch.inputs["metadata"] == {"name": "amazon-vpc-cni", "namespace": "kube-system"}
    assert switch.inputs["data"] == {"enable-network-policy-controller": "true"}
    assert switch.urn in simulation.named("services-pool").dependencies
    assert spec_of(simulation, "class")["networkPolicy"] == "DefaultAllow"
    assert spec_of(simulation, "class")["networkPolicyEventLogs"] == "Enabled"
    strict = run(args(unmatched_traffic=UnmatchedTraffic.DENY))
    assert spec_of(strict, "class")["networkPolicy"] == "DefaultDeny"


def test_s5_node_volumes_are_encrypted_by_the_customers_key() -> None:
    assert spec_of(run(args()), "class")["ephemeralStorage"] == {"size": "80Gi", "kmsKeyID": KEY}


def test_machines_are_in_the_private_subnets_with_the_clusters_group_and_role() -> None:
    found = spec_of(run(args()), "class")
    assert found["subnetSelectorTerms"] == [{"id": subnet} for subnet in SUBNETS]
    assert found["securityGroupSelectorTerms"] == [{"id": SECURITY_GROUP}]
    assert found["role"] == "cluster-node-role-0123456"
    # The managed policies of Auto Mode don't allow custom tags.
    assert "tags" not in found


def test_both_are_definitions_that_auto_mode_brings() -> None:
    simulation = run(args())
    assert simulation.named("services-class").type == "kubernetes:eks.amazonaws.com/v1:NodeClass"
    assert simulation.named("services-pool").type == "kubernetes:karpenter.sh/v1:NodePool"
    reference = spec_of(simulation, "pool")["template"]["spec"]["nodeClassRef"]
    assert reference == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "services"}


def test_p1_the_pool_grows_to_the_plans_limit_and_no_further() -> None:
    assert spec_of(run(args()), "pool")["limits"] == {"cpu": "200", "memory": "400Gi"}


def test_t4_nodes_are_replaced_a_few_at_a_time_and_by_two_weeks() -> None:
    found = spec_of(run(args()), "pool")
    assert found["disruption"] == {
        "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "consolidateAfter": "5m",
        "budgets": [{"nodes": "10%"}],
    }
    assert found["template"]["spec"]["expireAfter"] == "336h"
    assert found["template"]["spec"]["terminationGracePeriod"] == "24h"


def test_s2_the_hardware_encrypts_what_nodes_send_each_other() -> None:
    assert wanted(args())["eks.amazonaws.com/instance-encryption-in-transit-supported"] == ("In", ["true"])


def test_spot_and_processors_are_a_choice() -> None:
    found = wanted(args())
    assert found["karpenter.sh/capacity-type"] == ("In", ["on-demand"])
    assert found["kubernetes.io/arch"] == ("In", ["amd64"])
    assert found["eks.amazonaws.com/instance-cpu"] == ("In", ["4", "8", "16"])
    found = wanted(args(spot=True, architecture=Architecture.ANY))
    assert found["karpenter.sh/capacity-type"] == ("In", ["on-demand", "spot"])
    assert found["kubernetes.io/arch"] == ("In", ["amd64", "arm64"])
    assert requirements(["4"], Architecture.ARM64, False)[0]["values"] == ["arm64"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subnet_ids": []}, "the private subnets"),
        ({"instance_cpus": []}, "whole numbers of vCPUs"),
        ({"instance_cpus": ["large"]}, "whole numbers of vCPUs"),
        ({"cpu_limit": 2}, "at least one node of 4 vCPUs"),
        ({"memory_limit_gib": 0}, "memory_limit_gib is 0"),
        ({"ephemeral_storage_gib": 10}, "20 to 59000"),
        ({"node_hours": 600}, "1 to 504"),
        ({"disruption_percent": 0}, "1 to 100"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'NodePool "services"' in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["default", "general-purpose", "system", "Services"])
def test_a_name_that_auto_mode_or_kubernetes_has_taken_is_refused(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is"):
        run(args(), name)
