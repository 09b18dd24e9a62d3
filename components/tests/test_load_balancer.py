"""The internal load balancer (A1, A4, S1, S2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.tests.ingress_samples import CERTIFICATE, SUBNETS, balancer_args, one, refusal, simulated, statements
from groundplan.cloud import Resource, Simulation
from groundplan_components.gateway import LoadBalancer, LoadBalancerArgs

LISTENER = "aws:lb/listener:Listener"
GROUP = "aws:lb/targetGroup:TargetGroup"
RULE = "aws:lb/listenerRule:ListenerRule"


def build(**changed: Any) -> Simulation:
    args: LoadBalancerArgs = {**balancer_args(), **changed}  # type: ignore[typeddict-item]
    return simulated(lambda: LoadBalancer("lb", args))


def rule(simulation: Simulation, name: str) -> Resource:
    return next(each for each in simulation.of_type(RULE) if each.name == f"lb-{name}")


def test_s1_it_is_inside_the_network() -> None:
    balancer = one(build(), "aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["internal"] is True
    assert balancer.inputs["subnets"] == SUBNETS
    assert balancer.inputs["dropInvalidHeaderFields"] is True


def test_s1_only_named_networks_connect_and_only_pods_are_targets() -> None:
    simulation = build()
    assert simulation.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") == ()
    out = simulation.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert {each.inputs["cidrIpv4"] for each in out} == set(balancer_args()["target_cidrs"])
    assert {(each.inputs["fromPort"], each.inputs["toPort"]) for each in out} == {(8080, 8080)}


def test_networks_can_be_let_in() -> None:
    rules = build(allowed_cidrs=["10.9.0.0/24"]).of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert [(each.inputs["cidrIpv4"], each.inputs["fromPort"]) for each in rules] == [("10.9.0.0/24", 443)]


def test_s2_tls_1_3_alone_with_a_certificate() -> None:
    listener = one(build(), LISTENER)
    assert listener.inputs["protocol"] == "HTTPS"
    assert listener.inputs["port"] == 443
    assert listener.inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    assert listener.inputs["certificateArn"] == CERTIFICATE


def test_s2_older_clients_are_let_in_only_when_asked_for() -> None:
    assert one(build(accept_tls_1_2=True), LISTENER).inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"


def test_s2_without_a_certificate_it_says_that_it_speaks_plain_http() -> None:
    args = balancer_args()
    del args["certificate_arn"]
    simulation = simulated(lambda: LoadBalancer("lb", args))
    listener = one(simulation, LISTENER)
    assert (listener.inputs["protocol"], listener.inputs["port"]) == ("HTTP", 80)
    assert "sslPolicy" not in listener.inputs
    assert ["plain HTTP" in message.text for message in simulation.messages] == [True]


def test_r4_paths_without_a_workload_are_not_found() -> None:
    action = one(build(), LISTENER).inputs["defaultActions"][0]
    assert action["type"] == "fixed-response"
    assert action["fixedResponse"]["statusCode"] == "404"
    assert json.loads(action["fixedResponse"]["messageBody"]) == {
        "error": {"code": "NOT_FOUND", "message": "Not found", "details": []}
    }


def test_a4_reads_and_writes_of_one_path_go_to_different_workloads() -> None:
    simulation = build()
    groups = {each.outputs["arn"]: each.name for each in simulation.of_type(GROUP)}
    query, command = rule(simulation, "order-query-by-method-0"), rule(simulation, "order-command-0")
    assert groups[query.inputs["actions"][0]["targetGroupArn"]] == "lb-order-query"
    assert groups[command.inputs["actions"][0]["targetGroupArn"]] == "lb-order-command"
    assert query.inputs["conditions"] == [
        {"pathPattern": {"values": ["/api/v1/orders", "/api/v1/orders/*"]}},
        {"httpRequestMethod": {"values": ["GET", "HEAD"]}},
    ]
    assert query.inputs["priority"] < command.inputs["priority"]
    assert command.inputs["conditions"] == [
        {
            "pathPattern": {
                "values": ["/api/v1/orders", "/api/v1/orders/*", "/api/v1/order-lines", "/api/v1/order-lines/*"]
            }
        }
    ]


def test_t4_each_workload_has_a_group_that_asks_for_readiness() -> None:
    groups = build().of_type(GROUP)
    assert [each.name for each in groups] == ["lb-order-query", "lb-order-command", "lb-user"]
    for group in groups:
        assert group.inputs["targetType"] == "ip"
        assert (group.inputs["protocol"], group.inputs["port"]) == ("HTTP", 8080)
        assert group.inputs["healthCheck"]["path"] == "/health/ready"
        assert group.inputs["deregistrationDelay"] == 30
        assert group.inputs["slowStart"] == 30
        assert group.inputs["loadBalancingAlgorithmType"] == "round_robin"
        assert group.inputs["tags"]["eks:eks-cluster-name"] == "shop-prod"


def test_a_group_is_known_once_a_rule_leads_to_it() -> None:
    import pulumi_aws as aws

    def program() -> None:
        balancer = LoadBalancer("lb", balancer_args())
        aws.ssm.Parameter("pods", type="String", value=balancer.target_group_arns["user"])

    simulation = simulated(program)
    pods = simulation.named("pods")
    assert rule(simulation, "user-0").urn in pods.dependencies
    group = next(each for each in simulation.of_type(GROUP) if each.name == "lb-user")
    assert pods.inputs["value"] == group.outputs["arn"]


def test_long_workloads_keep_names_that_aws_takes() -> None:
    routes = [{"workload": f"a-rather-long-service-{number}", "paths": [f"/api/v1/p{number}"]} for number in range(3)]
    groups = build(routes=routes).of_type(GROUP)
    assert all(len(each.name) + 8 <= 32 for each in groups)
    assert len({each.name for each in groups}) == 3


def test_the_health_path_works_without_a_service() -> None:
    health = rule(build(), "health")
    assert health.inputs["priority"] == 1
    assert health.inputs["conditions"] == [{"pathPattern": {"values": ["/api/health"]}}]
    assert health.inputs["actions"][0]["fixedResponse"]["statusCode"] == "200"


def test_s5_access_logs_are_kept_encrypted_and_private() -> None:
    simulation = build(log_days=30)
    bucket = one(simulation, "aws:s3/bucket:Bucket")
    assert bucket.protect
    policy = one(simulation, "aws:s3/bucketPolicy:BucketPolicy")
    delivery = statements(policy.inputs["policy"])["LoadBalancerLogs"]
    assert delivery["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert delivery["Action"] == "s3:PutObject"
    assert delivery["Resource"] == f"{bucket.outputs['arn']}/AWSLogs/123456789012/*"
    assert "TlsOnly" in statements(policy.inputs["policy"])
    encryption = one(
        simulation, "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )
    # Load balancers can't write to a bucket with a customer key.
    assert encryption.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"
    balancer = one(simulation, "aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["accessLogs"]["enabled"] is True
    assert policy.urn in balancer.dependencies
    expiry = one(simulation, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert expiry.inputs["rules"][0]["expiration"] == {"days": 30}


@pytest.mark.parametrize("protect", [True, False])
def test_protection_follows_the_argument(protect: bool) -> None:
    simulation = build(protect=protect)
    assert one(simulation, "aws:lb/loadBalancer:LoadBalancer").inputs["enableDeletionProtection"] is protect
    assert one(simulation, "aws:s3/bucket:Bucket").protect is protect


def test_fifty_services_with_two_resources_each_fit() -> None:
    routes = [{"workload": f"s{number}", "paths": [f"/api/v1/a{number}", f"/api/v1/b{number}"]} for number in range(50)]
    assert len(build(routes=routes).of_type(RULE)) == 51


def crowd(count: int) -> list[dict[str, Any]]:
    return [{"workload": f"s{number}", "paths": [f"/api/v1/a{number}"]} for number in range(count)]


def test_a_raised_quota_lets_more_rules_in() -> None:
    assert len(build(routes=crowd(100), rule_quota=200).of_type(RULE)) == 101


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"routes": []}, "routes", "at least one route"),
        ({"routes": [{"workload": "a", "paths": []}]}, "routes[0].paths", "at least one path"),
        ({"routes": [{"workload": "a", "paths": ["orders"]}]}, "routes[0].paths", "a path of lower-case words"),
        ({"routes": [{"workload": "a", "paths": ["/orders/*"]}]}, "routes[0].paths", "a path of lower-case words"),
        ({"routes": [{"workload": "a", "paths": ["/" + "a" * 128]}]}, "routes[0].paths", "at most 126 characters"),
        (
            {"routes": [{"workload": "a", "paths": ["/x"], "methods": ["get"]}]},
            "routes[0].methods",
            "an HTTP method in capitals",
        ),
        (
            {"routes": [{"workload": "a", "paths": ["/x"], "methods": ["GET", "HEAD", "PUT", "POST"]}]},
            "routes[0].methods",
            "at most 3 methods",
        ),
        (
            {"routes": [{"workload": "a", "paths": ["/x"]}, {"workload": "b", "paths": ["/x"]}]},
            "routes[1].paths",
            "a has all other methods already",
        ),
        (
            {"routes": [{"workload": "a", "paths": ["/x"]}, {"workload": "a", "paths": ["/y"]}]},
            "routes[1].workload",
            "one route for all paths of a workload",
        ),
        ({"routes": crowd(100)}, "routes", "at most 100 rules"),
        ({"routes": crowd(101), "rule_quota": 500}, "routes", "at most 100, as many as a load balancer has"),
        ({"subnet_ids": ["subnet-1"]}, "subnet_ids", "at least two zones"),
        ({"target_cidrs": []}, "target_cidrs", "at least one network"),
        ({"slow_start_seconds": 10}, "slow_start_seconds", "0, or 30 to 900"),
        ({"drain_seconds": 4000}, "drain_seconds", "0 to 3600"),
        ({"health_path": "health"}, "health_path", "a path"),
    ],
)
def test_wrong_arguments_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    args: LoadBalancerArgs = {**balancer_args(), **changed}  # type: ignore[typeddict-item]
    message = refusal(lambda: LoadBalancer("lb", args))
    assert f'LoadBalancer "lb": {argument} is ' in message
    assert expected in message
