"""The shared Valkey cache and its users."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.tests.data_samples import leaks, only, secret_texts, urns, with_cache
from groundplan.cloud import Resource, Simulation
from groundplan_components.cache import CacheArgs
from groundplan_components.cache._rotation import user_arns
from groundplan_components.cache.cache import access_string

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
CLUSTER = "aws:elasticache/replicationGroup:ReplicationGroup"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
USER = "aws:elasticache/user:User"


def given(**values: Any) -> Callable[[CacheArgs], None]:
    return lambda args: args.update(values)  # type: ignore[typeddict-item]


def cluster(simulation: Simulation) -> Resource:
    return only(simulation, CLUSTER)


def content(simulation: Simulation, service: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads(simulation.named(f"shop-cache-{service}-access-version").inputs["secretString"])
    return loaded


def test_s2_only_tls_is_spoken() -> None:
    inputs = cluster(with_cache()).inputs
    assert inputs["engine"] == "valkey"
    assert inputs["transitEncryptionEnabled"] is True
    assert inputs["transitEncryptionMode"] == "required"


def test_s5_data_logs_and_secrets_are_encrypted_by_the_customers_key() -> None:
    simulation = with_cache()
    key = simulation.named("data").outputs["arn"]
    assert cluster(simulation).inputs["atRestEncryptionEnabled"] is True
    assert cluster(simulation).inputs["kmsKeyId"] == key
    for token, count in (("aws:cloudwatch/logGroup:LogGroup", 3), ("aws:secretsmanager/secret:Secret", 2)):
        found = simulation.of_type(token)
        assert len(found) == count
        assert {each.inputs["kmsKeyId"] for each in found} == {key}


def test_s1_only_named_groups_get_in_and_nothing_gets_out() -> None:
    simulation = with_cache()
    group = simulation.named("shop-cache-access")
    assert cluster(simulation).inputs["securityGroupIds"] == [group.id]
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs
    rule = only(simulation, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert rule["securityGroupId"] == group.id
    assert rule["referencedSecurityGroupId"] == simulation.of_type(GROUP)[0].id
    assert (rule["fromPort"], rule["toPort"]) == (6379, 6379)
    assert not simulation.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")


def test_a2_each_service_reaches_its_own_keys_and_channels_only() -> None:
    simulation = with_cache()
    for service in ("user", "order"):
        user = simulation.named(f"shop-cache-{service}").inputs
        rules = user["accessString"].split()
        assert [rule for rule in rules if rule.startswith("~")] == [f"~{service}:*"]
        assert [rule for rule in rules if rule.startswith("&")] == [f"&{service}:*"]
        assert (user["userName"], user["engine"]) == (service, "valkey")
        assert user["authenticationMode"]["type"] == "password"
    assert (
        simulation.named("shop-cache-user").inputs["authenticationMode"]["passwords"]
        != (simulation.named("shop-cache-order").inputs["authenticationMode"]["passwords"])
    )


def test_s4_what_is_dangerous_is_off_and_nothing_after_it_turns_it_on() -> None:
    rules = access_string("user").split()
    assert rules[0] == "on"
    assert rules.index("-@all") < rules.index("+@read") < rules.index("-@dangerous")
    later = rules[rules.index("-@dangerous") + 1 :]
    assert {rule for rule in later if rule.startswith("+")} == {
        "+info",
        "+cluster|slots",
        "+cluster|shards",
        "+cluster|nodes",
        "+cluster|myid",
        "+time",
    }
    assert {"-scan", "-randomkey", "-dbsize", "-pubsub", "-function", "-script|flush", "-script|kill"} <= set(later)
    # ElastiCache takes neither `reset` nor passwords in an access string.
    assert not [rule for rule in rules if rule.startswith((">", "<", "#", "reset", "nopass"))]


def test_s3_clients_without_a_user_name_have_no_rights() -> None:
    simulation = with_cache()
    default = simulation.named("shop-cache-default").inputs
    assert default["userName"] == "default"
    assert default["accessString"] == "off -@all"
    assert default["authenticationMode"]["type"] == "password"
    group = only(simulation, "aws:elasticache/userGroup:UserGroup").inputs
    assert sorted(group["userIds"]) == sorted(user.inputs["userId"] for user in simulation.of_type(USER))
    assert len(group["userIds"]) == 3
    assert cluster(simulation).inputs["userGroupIds"] == [group["userGroupId"]]


def test_no_secret_is_in_plain_text() -> None:
    simulation = with_cache(given(password_generation=2))
    assert leaks(simulation) == []
    # The default user's, two of each service's, and each service's current one in its secret.
    assert len(secret_texts(simulation)) == 7


def test_a_new_password_leaves_the_one_before_good() -> None:
    first, second, third = (with_cache(given(password_generation=number)) for number in (1, 2, 3))
    passwords = [
        each.named("shop-cache-user").inputs["authenticationMode"]["passwords"] for each in (first, second, third)
    ]
    assert [len(each) for each in passwords] == [1, 2, 2]
    assert passwords[1][1] == passwords[0][0]
    assert passwords[2][1] == passwords[1][0]
    assert content(third, "user")["password"] == passwords[2][0]


def test_the_secret_says_where_and_how_to_connect() -> None:
    simulation = with_cache()
    secret = content(simulation, "order")
    assert {key: value for key, value in secret.items() if key != "password"} == {
        "host": simulation.outputs["endpoint"],
        "reader": simulation.outputs["reader_endpoint"],
        "port": "6379",
        "username": "order",
        "prefix": "order:",
        "tls": "true",
        "cluster": "true",
    }
    # Rotation changes it.
    assert "secretString" in simulation.named("shop-cache-order-access-version").ignore_changes


def test_s5_every_services_password_rotates_and_pulumi_leaves_it_alone() -> None:
    """e12: a month; the function may change this cache's users alone, and calls nothing inside of the network."""
    simulation = with_cache()
    rotations = simulation.of_type("aws:secretsmanager/secretRotation:SecretRotation")
    assert {each.inputs["secretId"] for each in rotations} == {
        simulation.named(f"shop-cache-{service}-access-secret").outputs["arn"] for service in ("order", "user")
    }
    assert {each.inputs["rotationRules"]["automaticallyAfterDays"] for each in rotations} == {30}
    function = only(simulation, "aws:lambda/function:Function").inputs
    assert "vpcConfig" not in function
    for service in ("order", "user"):
        user = simulation.named(f"shop-cache-{service}")
        assert "authenticationMode" in user.ignore_changes
        assert (
            simulation.named(f"shop-cache-{service}-access-secret").inputs["tags"]["cache-user"]
            == user.inputs["userId"]
        )
    statements = json.loads(simulation.named("shop-cache-rotation-rotate").inputs["policy"])["Statement"]
    (users,) = [each for each in statements if each["Sid"] == "Users"]
    assert users["Resource"] == ["arn:aws:elasticache:eu-central-1:123456789012:user:shop-cache-*"]


def test_users_of_an_earlier_name_are_named_one_by_one() -> None:
    account = "arn:aws:elasticache:eu-central-1:123456789012:user:"
    assert user_arns(account, "shop-dev-cache", ["cache-order", "shop-dev-cache-user"]) == [
        f"{account}cache-order",
        f"{account}shop-dev-cache-user",
    ]


def test_p1_a_cache_is_in_cluster_mode_from_the_start() -> None:
    simulation = with_cache()
    inputs = cluster(simulation).inputs
    assert (inputs["clusterMode"], inputs["numNodeGroups"], inputs["replicasPerNodeGroup"]) == ("enabled", 1, 1)
    settings = only(simulation, "aws:elasticache/parameterGroup:ParameterGroup").inputs
    assert {each["name"]: each["value"] for each in settings["parameters"]} == {
        "cluster-enabled": "yes",
        "maxmemory-policy": "allkeys-lfu",
        "slowlog-log-slower-than": "10000",
    }
    assert settings["family"] == "valkey8"


def test_without_cluster_mode_writers_and_readers_have_endpoints_of_their_own() -> None:
    simulation = with_cache(given(cluster_mode=False, valkey_version="7.2"))
    assert cluster(simulation).inputs["clusterMode"] == "disabled"
    assert simulation.outputs["endpoint"] == cluster(simulation).outputs["primaryEndpointAddress"]
    assert simulation.outputs["reader_endpoint"] == cluster(simulation).outputs["readerEndpointAddress"]
    assert only(simulation, "aws:elasticache/parameterGroup:ParameterGroup").inputs["family"] == "valkey7"
    assert content(simulation, "user")["cluster"] == "false"


def test_p2_replicas_are_in_other_zones_and_take_over() -> None:
    inputs = cluster(with_cache(given(shards=2, replicas=2))).inputs
    assert (inputs["automaticFailoverEnabled"], inputs["multiAzEnabled"]) == (True, True)
    alone = cluster(with_cache(given(replicas=0))).inputs
    # Cluster mode requires failover.
    assert (alone["automaticFailoverEnabled"], alone["multiAzEnabled"]) == (True, False)
    simple = cluster(with_cache(given(replicas=0, cluster_mode=False))).inputs
    assert (simple["automaticFailoverEnabled"], simple["multiAzEnabled"]) == (False, False)


def test_protection() -> None:
    simulation = with_cache()
    assert cluster(simulation).protect is True
    assert cluster(simulation).inputs["applyImmediately"] is False
    assert cluster(simulation).inputs["autoMinorVersionUpgrade"] is True
    unprotected = with_cache(given(protect=False))
    assert cluster(unprotected).protect is False
    assert cluster(unprotected).inputs["applyImmediately"] is True


def test_slow_commands_and_the_engines_log_go_to_log_groups_as_json() -> None:
    simulation = with_cache(given(log_days=30))
    sent = cluster(simulation).inputs["logDeliveryConfigurations"]
    assert {each["logType"] for each in sent} == {"slow-log", "engine-log"}
    for each in sent:
        assert (each["destinationType"], each["logFormat"]) == ("cloudwatch-logs", "json")
        log = simulation.named(f"shop-cache-{each['logType']}")
        assert each["destination"] == log.outputs["name"]
        assert log.inputs["namePrefix"].startswith("/aws/vendedlogs/")
        assert log.inputs["retentionInDays"] == 30


def test_every_node_alarms() -> None:
    simulation = with_cache(given(shards=2, replicas=1))
    group_id = cluster(simulation).id
    found = {alarm.name: alarm.inputs for alarm in simulation.of_type(ALARM)}
    assert found.pop("shop-cache-rotation-failed")["metricName"] == "Errors"
    nodes = {alarm["dimensions"]["CacheClusterId"] for alarm in found.values() if "dimensions" in alarm}
    assert nodes == {f"{group_id}-{shard:04}-{node:03}" for shard in (1, 2) for node in (1, 2)}
    assert len(found) == 4 * 6
    assert found["shop-cache-shard-1-node-1-engine-cpu"]["treatMissingData"] == "breaching"
    assert found["shop-cache-shard-1-node-1-memory"]["threshold"] == 85
    denied = found["shop-cache-shard-2-node-2-access-denied"]
    assert denied["threshold"] == 0
    assert len(denied["metricQueries"]) == 5


def test_nodes_are_named_without_a_shard_when_not_in_cluster_mode() -> None:
    simulation = with_cache(given(cluster_mode=False, replicas=0))
    nodes = {
        alarm.inputs["dimensions"]["CacheClusterId"]
        for alarm in simulation.of_type(ALARM)
        if "CacheClusterId" in alarm.inputs.get("dimensions", {})
    }
    assert nodes == {f"{cluster(simulation).id}-001"}


def test_no_topic_no_alarms() -> None:
    assert not with_cache(lambda args: args.pop("alarm_topic_arn")).of_type(ALARM)


def test_p1_more_shards_replicas_and_services_change_no_other_name() -> None:
    before = urns(with_cache(given(services=["user"])))
    after = urns(with_cache(given(services=["payment", "user"], shards=3, replicas=2, node_type="cache.r7g.large")))
    assert before < after
    assert all(
        any(part in each.rsplit("::", 1)[1] for part in ("payment", "shard-2", "shard-3", "node-3"))
        for each in after - before
    )


def test_identifiers_of_users_fit() -> None:
    simulation = with_cache(given(services=["s" * 20]), name="c" * 32)
    assert all(len(user.inputs["userId"]) <= 40 for user in simulation.of_type(USER))


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"services": ["Default"]}, "services"),
        ({"services": ["default"]}, "services"),
        ({"services": ["user", "user"]}, "services"),
        ({"services": ["s" * 21]}, "services"),
        ({"services": ["us*r"]}, "services"),
        ({"node_type": "db.m7g.large"}, "node_type"),
        ({"valkey_version": "7.1"}, "valkey_version"),
        ({"valkey_version": "8"}, "valkey_version"),
        ({"shards": 0}, "shards"),
        ({"shards": 60, "replicas": 1}, "shards"),
        ({"replicas": 6}, "replicas"),
        ({"shards": 2, "cluster_mode": False}, "cluster_mode"),
        ({"replicas": 0, "multi_zone": True}, "multi_zone"),
        ({"snapshot_days": 36}, "snapshot_days"),
        ({"snapshot_window": "02:00-02:30"}, "snapshot_window"),
        ({"maintenance_window": "sun:02:30-sun:03:30"}, "maintenance_window"),
        ({"password_generation": 0}, "password_generation"),
    ],
)
def test_wrong_args_are_refused_by_name(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f'^Cache "shop-cache": {argument} is '):
        with_cache(given(**change))


@pytest.mark.parametrize("name", ["Cache", "c" * 33, "shop--cache"])
def test_names_that_elasticache_would_refuse(name: str) -> None:
    with pytest.raises(pulumi.RunError, match="name is "):
        with_cache(name=name)
