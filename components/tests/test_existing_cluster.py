"""An existing cluster: the same access, without AWS resources."""

import pulumi
import pytest

from components.tests.kubernetes_samples import KUBECONFIG, SECURITY_GROUP, simulated
from groundplan_components.cluster import ExistingCluster, ExistingClusterArgs, TargetGroupBindingApi
from groundplan_components.workload import Namespace


def args() -> ExistingClusterArgs:
    return {"kubeconfig": KUBECONFIG, "context": "production", "security_group_id": SECURITY_GROUP}


def test_s5_the_kubeconfig_is_secret() -> None:
    provider = simulated(lambda: ExistingCluster("cluster", args())).named("cluster-kubernetes")
    assert provider.inputs["kubeconfig"] == KUBECONFIG
    assert provider.is_secret("kubeconfig")


def test_another_context_is_another_cluster_and_a_new_token_is_not() -> None:
    provider = simulated(lambda: ExistingCluster("cluster", args())).named("cluster-kubernetes").inputs
    assert provider["context"] == provider["clusterIdentifier"] == "production"


def test_nothing_is_created_but_the_provider() -> None:
    simulation = simulated(lambda: ExistingCluster("cluster", args()))
    assert [resource.name for resource in simulation.resources if resource.custom] == ["cluster-kubernetes"]


def test_missing_arguments_are_not_guessed() -> None:
    seen = []
    simulated(lambda: seen.append(ExistingCluster("cluster", args()).access))
    assert seen[0].binding is None
    assert seen[0].cluster_name is None
    assert seen[0].dns_addresses == ()
    assert seen[0].dies_with is None


def test_arguments_are_passed_on() -> None:
    seen = []
    given = args()
    given["binding"] = TargetGroupBindingApi.LOAD_BALANCER_CONTROLLER
    given["cluster_name"] = "legacy"
    given["dns_addresses"] = ["169.254.20.10"]

    def program() -> None:
        access = ExistingCluster("cluster", given).access
        seen.append(access)
        assert access.cluster_name is not None
        pulumi.export("name", access.cluster_name)
        pulumi.export("group", access.security_group_id)

    simulation = simulated(program)
    assert simulation.outputs == {"name": "legacy", "group": SECURITY_GROUP}
    assert seen[0].binding is TargetGroupBindingApi.LOAD_BALANCER_CONTROLLER
    assert seen[0].dns_addresses == ("169.254.20.10",)


def test_its_objects_are_deleted_one_by_one_as_it_outlives_them() -> None:
    def program() -> None:
        access = ExistingCluster("cluster", args()).access
        Namespace("shop", {"cpu_limit": 8, "memory_limit_gib": 16, "pod_limit": 50}, access.options())

    simulation = simulated(program)
    objects = [each for each in simulation.resources if each.type.startswith("kubernetes:")]
    assert len(objects) == 5
    assert {each.deleted_with for each in objects} == {""}


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [("context", " ", "kubectl config get-contexts"), ("dns_addresses", ["kube-dns"], "an IPv4 address")],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(argument: str, value: object, message: str) -> None:
    given = args()
    given[argument] = value  # type: ignore[literal-required]
    with pytest.raises(pulumi.RunError) as refused:
        simulated(lambda: ExistingCluster("cluster", given))
    assert 'ExistingCluster "cluster"' in str(refused.value)
    assert message in str(refused.value)
    assert "kind: Config" not in str(refused.value)
