"""PgBouncer before the read replicas (D3, S1, S2, S5)."""

from configparser import ConfigParser
from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import access, container_of, pod_specs, restricted_violations, simulated
from groundplan.cloud import Simulation
from groundplan_components.database import Pooler, PoolerArgs
from groundplan_components.database._pgbouncer import pgbouncer_ini, user_list
from groundplan_components.database._pooler_args import IMAGE

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def args(**changes: Any) -> PoolerArgs:
    given: PoolerArgs = {
        "namespace": "shop",
        "system": "shop",
        "hosts": ["order-1.abc.eu-central-1.rds.amazonaws.com", "order-2.abc.eu-central-1.rds.amazonaws.com"],
        "databases": ["order"],
        "users": {"order_reader": "s3cret-one"},
        "replica_cidrs": ["10.0.96.0/20"],
        "callers": ["order-query"],
        "pods": 2,
        "cpu_millicores": 1000,
        "memory_mib": 256,
        "max_client_connections": 5000,
        "server_connections": 40,
        "ca_bundle": PEM,
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: PoolerArgs) -> Simulation:
    return simulated(lambda: Pooler("order-pooler", given, access().options()))


def settings(text: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def test_d3_many_clients_share_few_connections_by_transaction() -> None:
    read = settings(run(args()).named("order-pooler-settings").inputs["data"]["pgbouncer.ini"])
    pool = read["pgbouncer"]
    assert pool["pool_mode"] == "transaction"
    assert pool["max_client_conn"] == "5000"
    assert pool["default_pool_size"] == pool["max_db_connections"] == "40"
    assert pool["max_prepared_statements"] == "200"
    assert read["databases"]["order"] == (
        "host=order-1.abc.eu-central-1.rds.amazonaws.com,order-2.abc.eu-central-1.rds.amazonaws.com"
        " port=5432 dbname=order"
    )


def test_d3_databases_share_the_connections_of_a_pod() -> None:
    read = settings(pgbouncer_ini(["a"], ["user", "order", "payment"], 100, 40, 0, "/ca.pem"))
    assert set(read["databases"]) == {"user", "order", "payment"}
    assert read["pgbouncer"]["max_db_connections"] == "13"


def test_s2_replicas_are_verified_and_nothing_older_than_tls_1_3_is_spoken() -> None:
    data = run(args()).named("order-pooler-settings").inputs["data"]
    pool = settings(data["pgbouncer.ini"])["pgbouncer"]
    assert pool["server_tls_sslmode"] == "verify-full"
    assert pool["server_tls_protocols"] == "tlsv1.3"
    assert pool["server_tls_ca_file"] == "/etc/pgbouncer/ca.pem"
    assert data["ca.pem"] == PEM


def test_s2_authorities_may_be_in_the_image() -> None:
    given = args(ca_file="/etc/ssl/rds.pem")
    del given["ca_bundle"]
    data = run(given).named("order-pooler-settings").inputs["data"]
    assert settings(data["pgbouncer.ini"])["pgbouncer"]["server_tls_ca_file"] == "/etc/ssl/rds.pem"
    assert set(data) == {"pgbouncer.ini"}


def test_s5_passwords_are_in_one_secret_that_pulumi_knows_to_be_one() -> None:
    simulation = run(args())
    secret = simulation.named("order-pooler-users")
    assert secret.inputs["stringData"] == {"userlist.txt": '"order_reader" "s3cret-one"\n'}
    assert secret.is_secret("stringData.userlist.txt")
    for resource in simulation.resources:
        if resource.urn != secret.urn:
            assert "s3cret-one" not in repr(resource.inputs), resource.name
            assert "s3cret-one" not in repr(resource.outputs), resource.name


def test_s5_the_secret_is_named_by_pulumi_so_that_another_password_rolls_out() -> None:
    simulation = run(args())
    secret = simulation.named("order-pooler-users")
    assert "name" not in secret.inputs["metadata"]
    assert secret.inputs["immutable"] is True
    deployment = simulation.named("order-pooler-deployment")
    assert secret.urn in deployment.dependencies
    sources = deployment.inputs["spec"]["template"]["spec"]["volumes"][1]["projected"]["sources"]
    assert sources[1] == {"secret": {"name": secret.outputs["metadata"]["name"]}}
    assert sources[0]["configMap"]["name"] == simulation.named("order-pooler-settings").inputs["metadata"]["name"]


def test_users_are_quoted_as_pgbouncer_reads_them() -> None:
    assert user_list({"b": 'a"b', "a": "x"}) == '"a" "x"\n"b" "a""b"\n'


def test_s3_passwords_never_travel_in_clear() -> None:
    read = settings(run(args()).named("order-pooler-settings").inputs["data"]["pgbouncer.ini"])
    assert read["pgbouncer"]["auth_type"] == "scram-sha-256"
    assert read["pgbouncer"]["auth_file"] == "/etc/pgbouncer/userlist.txt"


def test_s1_only_named_workloads_get_in_and_only_the_data_subnets_are_reached() -> None:
    spec = run(args()).named("order-pooler-network").inputs["spec"]
    assert spec["ingress"] == [
        {
            "from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "order-query"}}}],
            "ports": [{"protocol": "TCP", "port": 6432}],
        }
    ]
    assert spec["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.0.96.0/20"}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    ]


def test_p3_the_api_server_would_admit_its_pods() -> None:
    found = list(pod_specs(run(args())))
    assert len(found) == 1
    assert restricted_violations(found[0][1]) == []
    assert found[0][1]["securityContext"]["runAsUser"] == 70


def test_t4_two_pods_apart_one_address() -> None:
    simulation = run(args())
    deployment = simulation.named("order-pooler-deployment")
    assert deployment.inputs["spec"]["replicas"] == 2
    assert deployment.inputs["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    spread = deployment.inputs["spec"]["template"]["spec"]["topologySpreadConstraints"][0]
    assert spread["labelSelector"] == {"matchLabels": {"app.kubernetes.io/name": "order-pooler"}}
    assert simulation.named("order-pooler-disruption").inputs["spec"]["maxUnavailable"] == 1
    port = simulation.named("order-pooler-service").inputs["spec"]["ports"][0]
    assert (port["port"], port["targetPort"]) == (5432, "postgres")
    component = simulation.of_type("groundplan:index:Pooler")[0]
    assert component.outputs["host"] == "order-pooler.shop.svc"


def test_the_image_is_pinned_and_can_be_ones_own() -> None:
    assert IMAGE.rpartition(":")[2] not in ("", "latest")
    mirrored = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/pgbouncer:v1.25.2-p0"
    simulation = run(args(image=mirrored, image_user=10001))
    deployment = simulation.named("order-pooler-deployment")
    assert container_of(deployment)["image"] == mirrored
    assert container_of(deployment)["command"] == ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
    assert deployment.inputs["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 10001


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hosts": []}, "the replicas' host names"),
        ({"databases": []}, "the names of the databases"),
        ({"users": {}}, "users with their passwords"),
        ({"callers": []}, "the network policy admits no others"),
        ({"replica_cidrs": []}, "the data subnets"),
        ({"replica_cidrs": ["10.0.96.1/20"]}, "without host bits"),
        ({"databases": ["order; drop"]}, "a PostgreSQL name"),
        ({"users": {"Order": "s3cret-one"}}, "a PostgreSQL name"),
        ({"ca_file": "/ca.pem"}, "either ca_bundle or ca_file"),
        ({"pods": 0}, "pods is 0"),
        ({"server_connections": 0}, "at least one for each of the 1 databases"),
        ({"max_client_connections": 10}, "at least server_connections, which is 40"),
        ({"max_prepared_statements": 9999}, "0 to 5000"),
        ({"image": "pgbouncer"}, "image is 'pgbouncer'"),
    ],
)
def test_a_wrong_argument_is_refused_without_telling_a_password(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Pooler "order-pooler"' in str(refused.value)
    assert message in str(refused.value)
    assert "s3cret-one" not in str(refused.value)


def test_no_authority_at_all_is_refused() -> None:
    given = args()
    del given["ca_bundle"]
    with pytest.raises(pulumi.RunError, match="no replica can be verified"):
        run(given)
