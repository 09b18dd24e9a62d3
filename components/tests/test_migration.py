"""The Job that changes a database before its pods change (T4, S1, S4)."""

from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import IMAGE, access, container_of, pod_specs, restricted_violations, simulated
from components.tests.test_workload import args as workload_args
from groundplan.cloud import Simulation
from groundplan_components.workload import Migration, MigrationArgs, Workload


def args(**changes: Any) -> MigrationArgs:
    given: MigrationArgs = {
        "namespace": "shop",
        "system": "shop",
        "image": IMAGE,
        "command": ["migrate"],
        "environment": {"ADMIN_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:a"},
        "identity": "a-0123456789abcdef0",
        "egress": [{"cidr": "10.0.96.0/20", "ports": [5432]}],
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: MigrationArgs, name: str = "order-migration") -> Simulation:
    return simulated(lambda: Migration(name, given, access().options()))


def job_name(given: MigrationArgs) -> str:
    name: str = run(given).named("order-migration-job").inputs["metadata"]["name"]
    return name


def test_p3_the_api_server_would_admit_its_pod() -> None:
    found = list(pod_specs(run(args())))
    assert len(found) == 1
    assert restricted_violations(found[0][1]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "shop/order:2"},
        {"command": ["migrate", "--to=head"]},
        {"environment": {}},
        {"identity": "a-0fedcba9876543210"},
    ],
)
def test_another_content_is_another_job(changes: dict[str, Any]) -> None:
    assert job_name(args(**changes)) != job_name(args())


def test_the_same_content_is_the_same_job() -> None:
    assert job_name(args()) == job_name(args())
    assert job_name(args()).startswith("order-migration-")


def test_it_ends_one_way_or_the_other() -> None:
    job = run(args(retries=1, deadline_seconds=600)).named("order-migration-job")
    spec = job.inputs["spec"]
    assert spec["backoffLimit"] == 1
    assert spec["activeDeadlineSeconds"] == 600
    assert spec["ttlSecondsAfterFinished"] == 604800
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert job.custom_timeouts["create"] == "900s"


def test_a_node_isnt_consolidated_under_it() -> None:
    metadata = run(args()).named("order-migration-job").inputs["spec"]["template"]["metadata"]
    assert metadata["annotations"] == {"karpenter.sh/do-not-disrupt": "true"}


def test_s4_its_identity_is_not_the_services() -> None:
    job = run(args()).named("order-migration-job")
    assert job.inputs["spec"]["template"]["spec"]["serviceAccountName"] == "order-migration"
    assert container_of(job)["env"] == [
        {"name": "ADMIN_SECRET_ARN", "value": "arn:aws:secretsmanager:eu-central-1:1:secret:a"}
    ]


def test_s1_it_has_no_ingress_and_starts_isolated() -> None:
    simulation = run(args())
    wall = simulation.named("order-migration-network")
    assert wall.inputs["spec"]["ingress"] == []
    assert wall.inputs["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "order-migration"}}
    job = simulation.named("order-migration-job")
    assert wall.urn in job.dependencies
    assert job.inputs["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "order-migration"


def test_t4_the_deployment_changes_after_it() -> None:
    def program() -> None:
        cluster = access()
        migration = Migration("order-migration", args(), cluster.options())
        Workload("order-api", workload_args(migration=migration.completed), cluster.options())

    simulation = simulated(program)
    assert simulation.named("order-migration-job").urn in simulation.named("order-api-deployment").dependencies


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"command": []}, "without any, the image would start its server"),
        ({"retries": 11}, "retries is 11"),
        ({"deadline_seconds": 10}, "30 seconds to a day"),
        ({"image": "shop/order"}, "image is 'shop/order'"),
        ({"environment": {"AWS_PROFILE": "x"}}, "no AWS credentials"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Migration "order-migration"' in str(refused.value)
    assert message in str(refused.value)


def test_a_name_too_long_for_the_digest_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="at most 52"):
        run(args(), "a" * 53)
