"""Pod specs (P3, S6, T1)."""

import pulumi
import pytest

from components.tests.kubernetes_samples import DIGEST, restricted_violations
from groundplan_components.shared import pod
from groundplan_components.shared.network_policy import check_destinations, egress, ingress
from groundplan_components.workload import Destination

COMPONENT = 'Workload "order-api"'


def camel(value: object) -> object:
    """Keys as the API server sees them."""
    if isinstance(value, dict):
        return {
            key.split("_")[0] + "".join(word.capitalize() for word in key.split("_")[1:]): camel(each)
            for key, each in value.items()
        }
    return [camel(each) for each in value] if isinstance(value, list) else value


def hardened() -> dict[str, object]:
    spec = camel(pod.pod([pod.container("main", "a/b:1", pod.resources(500, 512))], "order-api"))
    assert isinstance(spec, dict)
    return spec


def test_p3_a_pod_is_what_the_restricted_standard_admits() -> None:
    assert restricted_violations(hardened()) == []


@pytest.mark.parametrize(
    ("where", "value", "violation"),
    [
        ("allowPrivilegeEscalation", True, "allowPrivilegeEscalation"),
        ("runAsNonRoot", False, "runAsNonRoot"),
        ("capabilities", {"drop": []}, "capabilities"),
        ("capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, "capabilities"),
        ("seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
        ("privileged", True, "privileged"),
    ],
)
def test_the_standard_as_tests_know_it_notices_what_is_wrong(where: str, value: object, violation: str) -> None:
    spec = hardened()
    spec["containers"][0]["securityContext"][where] = value  # type: ignore[index]
    assert restricted_violations(spec) == [violation]


def test_p3_the_root_file_system_is_read_only_with_bounded_scratch_space_at_tmp() -> None:
    spec = pod.pod([pod.container("main", "a/b:1", pod.resources(500, 512))], "order-api")
    container = spec["containers"][0]
    assert container["security_context"]["read_only_root_filesystem"] is True
    assert container["volume_mounts"] == [{"name": "scratch", "mount_path": "/tmp"}]
    assert spec["volumes"] == [{"name": "scratch", "empty_dir": {"size_limit": "256Mi"}}]


def test_s3_no_kubernetes_token_is_mounted_and_the_projected_one_is_readable() -> None:
    spec = pod.pod([], "order-api")
    assert spec["automount_service_account_token"] is False
    assert spec["security_context"]["fs_group"] == spec["security_context"]["run_as_user"] == 10001


def test_t1_memory_is_bounded_at_its_request_and_cpu_is_not_throttled() -> None:
    assert pod.resources(500, 512) == {
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert pod.resources(500, 512, 1000)["limits"] == {"memory": "512Mi", "cpu": "1000m"}


def test_t4_a_database_that_is_away_takes_pods_out_of_service_and_never_restarts_them() -> None:
    probes = pod.probes(8080)
    assert probes["liveness_probe"]["http_get"]["path"] == "/health/live"
    assert probes["startup_probe"]["http_get"]["path"] == "/health/live"
    assert probes["readiness_probe"]["http_get"]["path"] == "/health/ready"
    assert pod.probes(8080, watched=True) == {
        **probes,
        "liveness_probe": {
            "tcp_socket": {"port": 8080},
            "period_seconds": 10,
            "timeout_seconds": 3,
            "failure_threshold": 3,
        },
    }
    startup = probes["startup_probe"]
    assert startup["period_seconds"] * startup["failure_threshold"] == 60


def test_t4_pods_spread_over_zones_by_rule_and_over_hosts_by_wish() -> None:
    zones, hosts = pod.spread("order-api", over_zones=True)
    assert (zones["topology_key"], zones["when_unsatisfiable"]) == ("topology.kubernetes.io/zone", "DoNotSchedule")
    assert (hosts["topology_key"], hosts["when_unsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert {each["max_skew"] for each in (zones, hosts)} == {1}
    assert zones["label_selector"] == {"match_labels": {"app.kubernetes.io/name": "order-api"}}
    assert zones["node_taints_policy"] == "Honor"
    assert pod.spread("order-api", over_zones=False)[0]["when_unsatisfiable"] == "ScheduleAnyway"


def test_a_digest_follows_the_content_and_not_its_order() -> None:
    assert pod.digest({"a": "1", "b": "2"}) == pod.digest({"b": "2", "a": "1"})
    assert pod.digest({"a": "1"}) != pod.digest({"a": "2"})
    assert len(pod.digest({})) == 10


@pytest.mark.parametrize("image", ["shop/order", "shop/order:latest", "localhost:5000/order", "shop/order@sha256:12"])
def test_an_image_that_may_mean_another_tomorrow_is_refused(image: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        pod.check_image(COMPONENT, image)
    assert "image is" in str(refused.value)
    assert image in str(refused.value)


@pytest.mark.parametrize(
    "image", ["shop/order:3f2a1b", "localhost:5000/order:1", f"shop/order@{DIGEST}", f"a/b:1@{DIGEST}"]
)
def test_an_image_with_a_tag_or_digest_of_its_own_is_accepted(image: str) -> None:
    pod.check_image(COMPONENT, image)


@pytest.mark.parametrize("name", ["", "Order", "1order", "order_api", "order-", "a" * 53])
def test_a_name_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is"):
        pod.check_name(COMPONENT, name)


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"])
def test_s3_credentials_that_would_shadow_the_pods_identity_are_refused(variable: str) -> None:
    with pytest.raises(pulumi.RunError, match="instead of the pod's own identity"):
        pod.check_environment(COMPONENT, {variable: "x"})


def test_a_variable_that_no_shell_could_read_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="no digit first"):
        pod.check_environment(COMPONENT, {"2FA": "x"})


@pytest.mark.parametrize(
    ("quantities", "argument"),
    [((5, 512, None), "cpu_millicores"), ((500, 16, None), "memory_mib"), ((500, 512, 250), "cpu_limit_millicores")],
)
def test_quantities_out_of_reason_are_refused(quantities: tuple[int, int, int | None], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"{argument} is"):
        pod.check_quantities(COMPONENT, *quantities)


def test_s1_a_pod_reaches_what_it_is_given_and_its_credentials() -> None:
    assert egress([{"cidr": "10.0.64.0/20", "ports": [5432]}, {"pods": "pooler", "ports": [6432]}], identity=True) == [
        {"to": [{"ip_block": {"cidr": "10.0.64.0/20"}}], "ports": [{"protocol": "TCP", "port": 5432}]},
        {
            "to": [{"pod_selector": {"match_labels": {"app.kubernetes.io/name": "pooler"}}}],
            "ports": [{"protocol": "TCP", "port": 6432}],
        },
        {"to": [{"ip_block": {"cidr": "169.254.170.23/32"}}], "ports": [{"protocol": "TCP", "port": 80}]},
    ]
    assert egress([], identity=False) == []


def test_s1_without_sources_there_is_no_ingress() -> None:
    """An ingress rule without `from` would admit all sources."""
    assert ingress(8080, [], []) == []
    assert ingress(8080, ["10.0.0.0/20"], ["order-api"]) == [
        {
            "from_": [
                {"ip_block": {"cidr": "10.0.0.0/20"}},
                {"pod_selector": {"match_labels": {"app.kubernetes.io/name": "order-api"}}},
            ],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }
    ]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ({"ports": [443]}, "either cidr or pods"),
        ({"ports": [443], "cidr": "10.0.0.0/16", "pods": "pooler"}, "either cidr or pods"),
        ({"ports": [], "cidr": "10.0.0.0/16"}, "one or more TCP ports"),
        ({"ports": [70000], "cidr": "10.0.0.0/16"}, "one or more TCP ports"),
        ({"ports": [443], "cidr": "10.0.0.1/16"}, "without host bits"),
        ({"ports": [443], "cidr": "everywhere"}, "an IPv4 network"),
    ],
)
def test_a_destination_that_makes_no_rule_is_refused(destination: Destination, expected: str) -> None:
    with pytest.raises(pulumi.RunError, match=expected):
        check_destinations(COMPONENT, [destination])
