"""The pipeline's role (P3, S3, S4)."""

import json
from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import BOUNDARY, GITHUB, IMAGE_REPOSITORY, KEY, simulated
from groundplan.cloud import Simulation
from groundplan_components.delivery import Delivery, DeliveryArgs

BUCKET = "arn:aws:s3:::shop-state"


def args(**changes: Any) -> DeliveryArgs:
    given: DeliveryArgs = {
        "repository": "acme/shop",
        "environment": "prod",
        "image_repository_arns": [IMAGE_REPOSITORY],
        "deployment": {"role_prefix": "shop", "state_bucket_arn": BUCKET, "state_kms_key_arn": KEY},
    }
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: DeliveryArgs) -> Simulation:
    return simulated(lambda: Delivery("delivery", given))


def trust_of(simulation: Simulation) -> Any:
    return json.loads(simulation.named("delivery-role").inputs["assumeRolePolicy"])["Statement"]


def statements(simulation: Simulation, what: str) -> dict[str, Any]:
    found = json.loads(simulation.named(f"delivery-{what}").inputs["policy"])["Statement"]
    return {each["Sid"]: each for each in found}


def test_s3_one_repository_and_one_environment_are_trusted() -> None:
    simulation = run(args())
    assert trust_of(simulation) == [
        {
            "Effect": "Allow",
            "Principal": {"Federated": simulation.named("delivery-github").outputs["arn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                    "token.actions.githubusercontent.com:sub": "repo:acme/shop:environment:prod",
                }
            },
        }
    ]
    provider = simulation.named("delivery-github").inputs
    assert provider["url"] == "https://token.actions.githubusercontent.com"
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]


def test_s3_or_one_branch() -> None:
    given = args(branch="main")
    del given["environment"]
    condition = trust_of(run(given))[0]["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:sub"] == "repo:acme/shop:ref:refs/heads/main"


def test_an_account_that_knows_github_keeps_its_provider() -> None:
    simulation = run(args(provider_arn=GITHUB))
    assert simulation.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider") == ()
    assert trust_of(simulation)[0]["Principal"] == {"Federated": GITHUB}


def test_s4_images_are_pushed_to_the_systems_repositories_only() -> None:
    found = statements(run(args()), "push")
    assert found["Push"]["Resource"] == [IMAGE_REPOSITORY]
    assert "ecr:PutImage" in found["Push"]["Action"]
    assert not [action for action in found["Push"]["Action"] if "Delete" in action or "*" in action]
    assert (found["SignIn"]["Action"], found["SignIn"]["Resource"]) == (["ecr:GetAuthorizationToken"], ["*"])


def test_s4_a_pipeline_that_only_pushes_gets_nothing_more() -> None:
    given = args()
    del given["deployment"]
    simulation = run(given)
    assert [each.name for each in simulation.of_type("aws:iam/rolePolicy:RolePolicy")] == ["delivery-push"]
    assert simulation.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment") == ()


def test_s4_a_deploying_pipeline_writes_only_roles_of_the_system_and_never_its_own() -> None:
    simulation = run(args())
    found = statements(simulation, "deploy")
    (roles,) = found["Roles"]["Resource"]
    assert roles.endswith(":role/shop*")
    assert simulation.named("delivery-role").inputs["path"] == "/delivery/"
    for statement in found.values():
        assert "iam:*" not in statement["Action"]
        assert "*" not in statement["Resource"]
        if any(
            action.startswith("iam:") and ":Get" not in action and ":List" not in action
            for action in statement["Action"]
        ):
            assert not [resource for resource in statement["Resource"] if "/delivery/" in resource]


def test_a_deploying_pipeline_reaches_pulumis_state_and_its_key() -> None:
    found = statements(run(args()), "deploy")
    assert found["KeepState"]["Resource"] == [f"{BUCKET}/*"]
    assert found["ListState"]["Resource"] == [BUCKET]
    assert found["StateSecrets"]["Resource"] == [KEY]
    bare = statements(run(args(deployment={"role_prefix": "shop"})), "deploy")
    assert set(bare) == {"Roles", "Policies", "ReadIdentities"}


def test_what_it_deploys_with_can_be_narrowed() -> None:
    def attached(given: DeliveryArgs) -> list[str]:
        found = run(given).of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        return [each.inputs["policyArn"] for each in found]

    (power,) = attached(args())
    assert power.endswith(":iam::aws:policy/PowerUserAccess")
    assert attached(args(deployment={"role_prefix": "shop", "policy_arns": [BOUNDARY]})) == [BOUNDARY]


def test_a_boundary_caps_the_pipeline() -> None:
    role = run(args(permissions_boundary_arn=BOUNDARY)).named("delivery-role")
    assert role.inputs["permissionsBoundary"] == BOUNDARY
    assert role.inputs["maxSessionDuration"] == 3600


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"repository": "acme"}, "repository is 'acme'"),
        ({"repository": "acme/*"}, "without wildcards"),
        ({"repository": "*/shop"}, "without wildcards"),
        ({"branch": "main"}, "either branch or environment"),
        ({"environment": "*"}, "environment is '*'"),
        ({"image_repository_arns": []}, "the repositories that the pipeline pushes to"),
        ({"deployment": {"role_prefix": "*"}}, "no wildcard"),
        ({"deployment": {"role_prefix": ""}}, "deployment.role_prefix is ''"),
    ],
)
def test_s3_a_trust_or_a_reach_that_is_too_wide_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Delivery "delivery"' in str(refused.value)
    assert message in str(refused.value)


def test_neither_branch_nor_environment_is_refused() -> None:
    given = args()
    del given["environment"]
    with pytest.raises(pulumi.RunError, match="branch is 'absent'"):
        run(given)
