"""The namespace's policies and quota (P3, S1)."""

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import ServiceAccount

from components.tests.kubernetes_samples import access, simulated
from groundplan.cloud import Simulation
from groundplan_components.cluster import TargetGroupBindingApi
from groundplan_components.workload import Namespace, NamespaceArgs


def args() -> NamespaceArgs:
    return {
        "cpu_limit": 64,
        "memory_limit_gib": 128,
        "pod_limit": 400,
        "dns_addresses": ["172.20.0.10"],
        "binding": TargetGroupBindingApi.AUTO_MODE,
        "pod_security_version": "v1.35",
    }


def run(given: NamespaceArgs, name: str = "shop") -> Simulation:
    return simulated(lambda: Namespace(name, given, access().options()))


def test_p3_only_pods_of_the_restricted_standard_are_admitted() -> None:
    labels = run(args()).named("shop-namespace").inputs["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.35"


def test_t4_a_rollout_waits_for_the_load_balancer() -> None:
    labels = run(args()).named("shop-namespace").inputs["metadata"]["labels"]
    assert labels["eks.amazonaws.com/pod-readiness-gate-inject"] == "enabled"
    given = args()
    given["binding"] = TargetGroupBindingApi.LOAD_BALANCER_CONTROLLER
    labels = run(given).named("shop-namespace").inputs["metadata"]["labels"]
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"
    assert "eks.amazonaws.com/pod-readiness-gate-inject" not in labels


def test_s1_everything_is_denied_in_both_directions() -> None:
    policy = run(args()).named("shop-deny").inputs
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policy["metadata"]["namespace"] == "shop"


def test_s1_names_can_be_resolved_by_pods_and_by_the_nodes_resolver_and_nowhere_else() -> None:
    rules = run(args()).named("shop-dns").inputs["spec"]["egress"]
    assert rules == [
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                },
                {"ipBlock": {"cidr": "172.20.0.10/32"}},
            ],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
        }
    ]


def test_pods_share_a_quota_without_load_balancers() -> None:
    hard = run(args()).named("shop-quota").inputs["spec"]["hard"]
    assert hard == {
        "requests.cpu": "64",
        "requests.memory": "128Gi",
        "limits.memory": "128Gi",
        "pods": "400",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_t1_defaults_bring_no_cpu_limit() -> None:
    limits = run(args()).named("shop-defaults").inputs["spec"]["limits"]
    assert limits == [
        {"type": "Container", "default": {"memory": "128Mi"}, "defaultRequest": {"cpu": "50m", "memory": "128Mi"}}
    ]


def test_the_namespace_is_known_only_when_its_walls_stand() -> None:
    def program() -> None:
        cluster = access()
        namespace = Namespace("shop", args(), cluster.options())
        ServiceAccount("first", metadata={"namespace": namespace.namespace}, opts=cluster.options())

    simulation = simulated(program)
    first = simulation.named("first")
    assert first.inputs["metadata"]["namespace"] == "shop"
    assert {simulation.named(f"shop-{what}").urn for what in ("deny", "dns", "defaults", "quota")} <= first.dependencies


@pytest.mark.parametrize("name", ["kube-shop", "default", "Shop", "shop_dev", "a" * 64])
def test_a_namespace_that_isnt_ones_own_is_refused(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is"):
        run(args(), name)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("cpu_limit", 0),
        ("memory_limit_gib", 0),
        ("pod_limit", 0),
        ("pod_security_version", "1.35"),
        ("dns_addresses", ["kube-dns"]),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(argument: str, value: object) -> None:
    given = args()
    given[argument] = value  # type: ignore[literal-required]
    with pytest.raises(pulumi.RunError, match=f"{argument} is"):
        run(given)
