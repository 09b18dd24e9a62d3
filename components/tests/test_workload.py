"""A Deployment with its availability and isolation (P2, P3, S1, S4, T4)."""

from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import (
    IMAGE,
    TARGET_GROUP,
    access,
    container_of,
    pod_specs,
    restricted_violations,
    simulated,
)
from groundplan.cloud import Simulation
from groundplan_components.cluster import TargetGroupBindingApi
from groundplan_components.workload import Workload, WorkloadArgs
from groundplan_components.workload._deployment import grace_seconds


def args(**changes: Any) -> WorkloadArgs:
    given: WorkloadArgs = {
        "namespace": "shop",
        "system": "shop",
        "role": "api",
        "image": IMAGE,
        "min_pods": 3,
        "max_pods": 30,
        "cpu_millicores": 1000,
        "memory_mib": 512,
        "command": ["serve"],
        "environment": {
            "LOG_LEVEL": "info",
            "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:a",
        },
        "identity": "a-0123456789abcdef0",
        "egress": [{"cidr": "10.0.96.0/20", "ports": [5432, 6379]}, {"pods": "order-pooler", "ports": [6432]}],
        "ingress_cidrs": ["10.0.48.0/20"],
        "callers": ["payment-api"],
        "target_group_arn": TARGET_GROUP,
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def worker(**changes: Any) -> WorkloadArgs:
    given: Any = args(role="consumer", serves=False, **changes)
    for routed in ("ingress_cidrs", "callers", "target_group_arn"):
        del given[routed]
    return given  # type: ignore[no-any-return]


def run(given: WorkloadArgs, name: str = "order-api") -> Simulation:
    return simulated(lambda: Workload(name, given, access().options()))


def test_p3_the_api_server_would_admit_the_pods() -> None:
    for given in (args(), worker()):
        found = list(pod_specs(run(given)))
        assert len(found) == 1
        assert restricted_violations(found[0][1]) == []


def test_p1_the_autoscaler_owns_the_number_of_pods() -> None:
    simulation = run(args())
    assert "replicas" not in simulation.named("order-api-deployment").inputs["spec"]
    scaling = simulation.named("order-api-scaling").inputs["spec"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (3, 30)
    assert scaling["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "order-api"}
    assert [each["resource"]["name"] for each in scaling["metrics"]] == ["cpu"]
    assert scaling["metrics"][0]["resource"]["target"]["averageUtilization"] == 60


def test_p1_it_scales_up_at_once_and_down_after_five_quiet_minutes() -> None:
    behavior = run(args()).named("order-api-scaling").inputs["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_memory_counts_when_asked_to() -> None:
    scaling = run(args(memory_target_percent=80)).named("order-api-scaling").inputs["spec"]
    assert {each["resource"]["name"]: each["resource"]["target"] for each in scaling["metrics"]} == {
        "cpu": {"type": "Utilization", "averageUtilization": 60},
        "memory": {"type": "Utilization", "averageUtilization": 80},
    }


def test_a_single_pod_needs_no_autoscaler() -> None:
    simulation = run(args(min_pods=1, max_pods=1))
    assert simulation.named("order-api-deployment").inputs["spec"]["replicas"] == 1
    assert simulation.of_type("kubernetes:autoscaling/v2:HorizontalPodAutoscaler") == ()


def test_t4_pods_of_a_fixed_number_stay_when_it_becomes_a_range() -> None:
    """A field that leaves an applied object falls back to its default: of two pods, one would go."""
    for most in (2, 5):
        simulation = run(args(min_pods=2, max_pods=most))
        assert "replicas" not in simulation.named("order-api-deployment").inputs["spec"]
        scaling = simulation.named("order-api-scaling").inputs["spec"]
        assert (scaling["minReplicas"], scaling["maxReplicas"]) == (2, most)


def test_t4_a_rollout_never_goes_below_the_pods_that_serve() -> None:
    spec = run(args()).named("order-api-deployment").inputs["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "25%"}


def test_t4_draining_a_node_takes_few_pods_at_a_time_and_always_gets_done() -> None:
    budget = run(args()).named("order-api-disruption").inputs["spec"]
    assert budget["maxUnavailable"] == "10%"
    assert "minAvailable" not in budget
    assert budget["selector"] == {"matchLabels": {"app.kubernetes.io/name": "order-api"}}
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_t4_pods_spread_over_zones_unless_there_is_one() -> None:
    def rule(given: WorkloadArgs) -> str:
        spec = dict(pod_specs(run(given)))["order-api-deployment"]
        first: dict[str, str] = spec["topologySpreadConstraints"][0]
        assert first["topologyKey"] == "topology.kubernetes.io/zone"
        return first["whenUnsatisfiable"]

    assert rule(args()) == "DoNotSchedule"
    assert rule(args(spread_zones=False)) == "ScheduleAnyway"


def test_t4_a_pod_outlives_the_load_balancers_interest_in_it() -> None:
    """The pod sleeps until no new requests arrive, then has the deregistration delay for running ones."""
    deployment = run(args(drain_seconds=60)).named("order-api-deployment")
    spec = deployment.inputs["spec"]["template"]["spec"]
    sleep = container_of(deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep == 15
    assert spec["terminationGracePeriodSeconds"] == 15 + 60 + 5
    assert grace_seconds(serves=False, drain_seconds=60) == 65


def test_t4_all_three_probes_ask_over_http() -> None:
    container = container_of(run(args(port=9000)).named("order-api-deployment"))
    asked = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: get["path"] for kind, get in asked.items()} == {
        "startup": "/health/live",
        "liveness": "/health/live",
        "readiness": "/health/ready",
    }
    assert {get["port"] for get in asked.values()} == {9000}


def test_t4_load_delays_no_liveness_of_a_program_that_watches_itself() -> None:
    container = container_of(run(args(watched=True)).named("order-api-deployment"))
    assert container["livenessProbe"]["tcpSocket"] == {"port": 8080}
    assert "httpGet" not in container["livenessProbe"]


def test_a_changed_setting_rolls_out_under_another_name() -> None:
    def names(level: str) -> tuple[str, str]:
        simulation = run(args(environment={"LOG_LEVEL": level}))
        settings = simulation.named("order-api-settings").inputs
        assert settings["data"] == {"LOG_LEVEL": level}
        assert settings["immutable"] is True
        used = container_of(simulation.named("order-api-deployment"))["envFrom"]
        return settings["metadata"]["name"], used[0]["configMapRef"]["name"]

    before, after = names("info"), names("debug")
    assert before[0] == before[1] != after[0] == after[1]
    assert names("info") == before


def test_s5_no_secret_travels_in_kubernetes() -> None:
    simulation = run(args())
    assert simulation.of_type("kubernetes:core/v1:Secret") == ()
    assert "env" not in container_of(simulation.named("order-api-deployment"))


def test_s4_pods_wait_for_their_identity_and_restart_with_another() -> None:
    template = run(args()).named("order-api-deployment").inputs["spec"]["template"]
    assert template["metadata"]["annotations"] == {"groundplan/identity": "a-0123456789abcdef0"}
    assert template["spec"]["serviceAccountName"] == "order-api"
    assert template["spec"]["automountServiceAccountToken"] is False


def test_s4_without_an_identity_credentials_cannot_be_reached() -> None:
    given = worker()
    del given["identity"]
    simulation = run(given)
    assert "annotations" not in simulation.named("order-api-deployment").inputs["spec"]["template"]["metadata"]
    reached = simulation.named("order-api-network").inputs["spec"]["egress"]
    assert not [rule for rule in reached if rule["to"] == [{"ipBlock": {"cidr": "169.254.170.23/32"}}]]


def test_the_pods_wait_for_the_migration() -> None:
    metadata = run(args(migration="order-migration-0123456789")).named("order-api-deployment").inputs["metadata"]
    assert metadata["annotations"] == {"groundplan/migration": "order-migration-0123456789"}


def test_s1_only_the_load_balancer_and_named_callers_get_in() -> None:
    spec = run(args()).named("order-api-network").inputs["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "order-api"}}
    assert spec["ingress"] == [
        {
            "from": [
                {"ipBlock": {"cidr": "10.0.48.0/20"}},
                {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "payment-api"}}},
            ],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }
    ]


def test_s1_only_what_is_named_can_be_reached() -> None:
    spec = run(args()).named("order-api-network").inputs["spec"]
    assert spec["egress"] == [
        {
            "to": [{"ipBlock": {"cidr": "10.0.96.0/20"}}],
            "ports": [{"protocol": "TCP", "port": 5432}, {"protocol": "TCP", "port": 6379}],
        },
        {
            "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "order-pooler"}}}],
            "ports": [{"protocol": "TCP", "port": 6432}],
        },
        {"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"protocol": "TCP", "port": 80}]},
    ]


def test_s1_a_worker_has_no_ingress() -> None:
    simulation = run(worker())
    assert simulation.named("order-api-network").inputs["spec"]["ingress"] == []
    assert simulation.of_type("kubernetes:core/v1:Service") == ()
    assert "lifecycle" not in container_of(simulation.named("order-api-deployment"))


@pytest.mark.parametrize(
    ("api", "version"),
    [
        (TargetGroupBindingApi.AUTO_MODE, "eks.amazonaws.com/v1"),
        (TargetGroupBindingApi.LOAD_BALANCER_CONTROLLER, "elbv2.k8s.aws/v1beta1"),
    ],
)
def test_pods_are_bound_to_the_target_group_by_its_arn(api: TargetGroupBindingApi, version: str) -> None:
    simulation = run(args(binding=api))
    binding = simulation.named("order-api-binding")
    assert binding.type == f"kubernetes:{version}:TargetGroupBinding"
    assert binding.inputs["spec"] == {
        "serviceRef": {"name": "order-api", "port": "http"},
        "targetGroupARN": TARGET_GROUP,
        "targetType": "ip",
    }
    service = simulation.named("order-api-service").inputs
    assert service["spec"]["ports"][0]["name"] == "http"
    assert service["spec"]["type"] == "ClusterIP"


def test_t4_pods_start_walled_and_bound() -> None:
    """The readiness gate is injected only into pods that are created after the binding."""
    simulation = run(args())
    needed = {simulation.named(f"order-api-{what}").urn for what in ("network", "binding", "account", "settings")}
    assert needed <= simulation.named("order-api-deployment").dependencies


def test_the_service_isnt_waited_for_as_its_pods_wait_for_it() -> None:
    metadata = run(args()).named("order-api-service").inputs["metadata"]
    assert metadata["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_everything_is_in_the_component_and_on_the_given_cluster() -> None:
    simulation = run(args())
    workload = simulation.of_type("groundplan:index:Workload")[0]
    cluster = simulation.named("cluster-kubernetes").urn
    children = simulation.children(workload.urn)
    assert len(children) == 8
    assert {child.provider for child in children} == {cluster}
    assert {child.inputs["metadata"]["namespace"] for child in children} == {"shop"}
    assert workload.outputs["host"] == "order-api.shop.svc"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_pods": 0}, "min_pods is 0"),
        ({"max_pods": 2}, "at least min_pods, which is 3"),
        ({"image": "shop/order:latest"}, "a tag other than latest"),
        ({"port": 80}, "the pod isn't root"),
        ({"drain_seconds": 4000}, "0 to 3600 seconds"),
        ({"cpu_target_percent": 0}, "cpu_target_percent is 0"),
        ({"cpu_target_percent": 100}, "cpu_target_percent is 100"),
        ({"memory_target_percent": 5}, "memory_target_percent is 5"),
        ({"system": "my shop"}, "system is 'my shop'"),
        ({"role": "-api"}, "role is '-api'"),
        ({"environment": {"AWS_SESSION_TOKEN": "x"}}, "no AWS credentials"),
        ({"ingress_cidrs": ["10.0.0.1/8"]}, "without host bits"),
        ({"ingress_cidrs": []}, "or no pod ever becomes healthy"),
        ({"serves": False}, "set serves, or remove"),
        ({"target_group_arn": "order"}, "the ARN of a target group"),
        ({"egress": [{"ports": [443]}]}, "either cidr or pods"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Workload "order-api"' in str(refused.value)
    assert message in str(refused.value)
