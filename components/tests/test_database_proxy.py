"""The pool in front of a database's writer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.tests.data_samples import leaks, only, with_proxy
from groundplan_components.database import DatabaseProxyArgs, ProxyAuthentication

PROXY = "aws:rds/proxy:Proxy"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


def given(**values: Any) -> Callable[[DatabaseProxyArgs], None]:
    return lambda args: args.update(values)  # type: ignore[typeddict-item]


def test_s2_clients_need_tls_and_a_secret_each() -> None:
    simulation = with_proxy()
    proxy = only(simulation, PROXY).inputs
    assert proxy["requireTls"] is True
    assert proxy["engineFamily"] == "POSTGRESQL"
    assert proxy["debugLogging"] is False
    assert [auth["secretArn"] for auth in proxy["auths"]] == [
        simulation.named(f"shop-users-{service}-secret").outputs["arn"] for service in ("order-history", "user")
    ]
    for auth in proxy["auths"]:
        assert (auth["iamAuth"], auth["clientPasswordAuthType"]) == ("DISABLED", "POSTGRES_SCRAM_SHA_256")
    assert simulation.outputs["endpoint"]


def test_s3_tokens_of_iam_instead_of_passwords() -> None:
    for auth in only(with_proxy(given(authentication=ProxyAuthentication.IAM)), PROXY).inputs["auths"]:
        assert auth["iamAuth"] == "REQUIRED"
        assert "clientPasswordAuthType" not in auth


def test_p3_the_proxy_reads_its_users_secrets_and_nothing_else() -> None:
    simulation = with_proxy()
    secrets, key = json.loads(simulation.named("shop-pool-secrets").inputs["policy"])["Statement"]
    assert secrets["Action"] == ["secretsmanager:GetSecretValue"]
    assert sorted(secrets["Resource"]) == sorted(
        simulation.named(f"shop-users-{service}-secret").outputs["arn"] for service in ("order-history", "user")
    )
    assert key["Action"] == ["kms:Decrypt"]
    assert key["Resource"] == [simulation.named("data").outputs["arn"]]
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}}
    (role,) = (each for each in simulation.of_type("aws:iam/role:Role") if each.name == "shop-pool-proxy")
    (trusted,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "rds.amazonaws.com"}


def test_s1_clients_get_in_and_only_the_database_is_reached() -> None:
    simulation = with_proxy()
    group = simulation.named("shop-pool-access")
    database = simulation.named("shop-access")
    into_proxy = simulation.named("shop-pool-from-pods").inputs
    assert into_proxy["securityGroupId"] == group.id
    assert into_proxy["referencedSecurityGroupId"] == simulation.of_type(GROUP)[0].id
    out = [
        each.inputs
        for each in simulation.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
        if each.inputs["securityGroupId"] == group.id
    ]
    assert [rule["referencedSecurityGroupId"] for rule in out] == [database.id]
    into_database = simulation.named("shop-pool-into-database").inputs
    assert into_database["securityGroupId"] == database.id
    assert into_database["referencedSecurityGroupId"] == group.id
    assert (into_database["fromPort"], into_database["toPort"]) == (5432, 5432)


def test_d3_the_pool_leaves_room_and_sheds_load() -> None:
    simulation = with_proxy()
    pool = only(simulation, "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup").inputs["connectionPoolConfig"]
    assert pool == {"maxConnectionsPercent": 80, "maxIdleConnectionsPercent": 40, "connectionBorrowTimeout": 5}
    target = only(simulation, "aws:rds/proxyTarget:ProxyTarget").inputs
    assert target["dbInstanceIdentifier"] == simulation.named("shop-primary").inputs["identifier"]
    assert target["targetGroupName"] == "default"


def test_s5_the_proxys_log_is_there_first_and_encrypted() -> None:
    simulation = with_proxy()
    proxy = only(simulation, PROXY)
    log = simulation.named("shop-pool-log")
    assert log.inputs["name"] == f"/aws/rds/proxy/{proxy.inputs['name']}"
    assert log.inputs["kmsKeyId"] == simulation.named("data").outputs["arn"]
    assert log.urn in proxy.dependencies
    assert len(proxy.inputs["name"]) <= 63
    assert proxy.delete_before_replace is True


def test_t2_waiting_for_a_connection_alarms() -> None:
    simulation = with_proxy(given(slow_statement_ms=10))
    wait = simulation.named("shop-pool-borrow-latency").inputs
    assert (wait["metricName"], wait["threshold"]) == ("DatabaseConnectionsBorrowLatency", 10_000)
    pinned = simulation.named("shop-pool-pinned").inputs
    assert [query.get("expression") for query in pinned["metricQueries"]][-1] == "IF(open > 0, 100 * pinned / open, 0)"


def test_no_secret_is_in_plain_text() -> None:
    assert leaks(with_proxy()) == []


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"subnet_ids": ["subnet-0123456789abcdef0"]}, "subnet_ids"),
        ({"secret_arns": {}}, "secret_arns"),
        ({"postgres_version": "18"}, "postgres_version"),
        ({"max_connections_percent": 0}, "max_connections_percent"),
        ({"max_connections_percent": 101}, "max_connections_percent"),
        ({"max_connections_percent": 50, "max_idle_connections_percent": 60}, "max_idle_connections_percent"),
        ({"borrow_timeout_seconds": 301}, "borrow_timeout_seconds"),
        ({"idle_client_seconds": 0}, "idle_client_seconds"),
    ],
)
def test_wrong_args_are_refused_by_name(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f'^DatabaseProxy "shop-pool": {argument} is '):
        with_proxy(given(**change))
