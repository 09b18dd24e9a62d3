"""The AWS identity of a service account (P3, S3, S4)."""

import json
from collections.abc import Callable

import pulumi
import pytest

from components.tests.kubernetes_samples import BOUNDARY, EXISTING, SECRET, access
from components.tests.test_workload import args as workload_args
from groundplan.cloud import Simulation, simulate
from groundplan_components.shared import policy
from groundplan_components.workload import ServiceRole, ServiceRoleArgs, Workload


def args() -> ServiceRoleArgs:
    return {
        "cluster_name": "shop-prod",
        "namespace": "shop",
        "service_account": "order-api",
        "policy": policy({"actions": ["secretsmanager:GetSecretValue"], "resources": [SECRET]}),
    }


def judged(program: Callable[[], object]) -> Simulation:
    simulation = simulate(program, config=EXISTING, strict=False)
    # The cluster exists outside of this program.
    assert {refusal.path for refusal in simulation.refusals} <= {"clusterName"}
    return simulation


def run() -> Simulation:
    return judged(lambda: ServiceRole("order-api", args()))


def test_s3_only_this_service_account_assumes_the_role() -> None:
    trusted = json.loads(run().named("order-api-role").inputs["assumeRolePolicy"])["Statement"]
    assert trusted == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/kubernetes-namespace": "shop",
                    "aws:RequestTag/kubernetes-service-account": "order-api",
                }
            },
        }
    ]


def test_s4_it_may_do_what_it_was_given_and_nothing_else() -> None:
    simulation = run()
    granted = json.loads(simulation.named("order-api-policy").inputs["policy"])["Statement"]
    assert granted == [{"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [SECRET]}]
    assert simulation.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment") == ()


def test_s4_the_association_ties_role_and_service_account_together() -> None:
    simulation = run()
    association = simulation.named("order-api-association")
    assert association.inputs == {
        **association.inputs,
        "clusterName": "shop-prod",
        "namespace": "shop",
        "serviceAccount": "order-api",
        "roleArn": simulation.named("order-api-role").outputs["arn"],
    }
    assert simulation.named("order-api-policy").urn in association.dependencies


def test_the_pods_start_after_their_identity_is_there() -> None:
    def program() -> None:
        role = ServiceRole("order-role", args())
        Workload("order-api", workload_args(identity=role.association_id), access().options())

    simulation = judged(program)
    needed = {simulation.named("order-role-association").urn}
    assert needed <= simulation.named("order-api-deployment").dependencies


def test_a_boundary_can_cap_it() -> None:
    def program() -> None:
        ServiceRole("order-api", {**args(), "permissions_boundary_arn": BOUNDARY})

    role = judged(program).named("order-api-role")
    assert role.inputs["permissionsBoundary"] == BOUNDARY
    assert "permissionsBoundary" not in run().named("order-api-role").inputs


def test_a_long_name_still_makes_a_role() -> None:
    """IAM allows 64 characters, of which Pulumi's suffix takes eight."""
    simulation = judged(lambda: ServiceRole("a" * 60, args()))
    assert len(simulation.of_type("aws:iam/role:Role")[0].name) <= 56


@pytest.mark.parametrize(
    ("argument", "value"), [("namespace", "Shop"), ("service_account", "order_api"), ("service_account", "a" * 64)]
)
def test_a_name_that_kubernetes_would_refuse_is_refused(argument: str, value: str) -> None:
    def program() -> None:
        ServiceRole("order-api", {**args(), argument: value})  # type: ignore[misc]

    with pytest.raises(pulumi.RunError, match=f"{argument} is"):
        simulate(program)
