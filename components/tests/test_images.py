"""Image repositories (S4, S5, S6)."""

import json
from typing import Any

import pulumi
import pytest

from components.tests.kubernetes_samples import FOREIGN_NODES, KEY, simulated
from groundplan.cloud import Simulation
from groundplan_components.delivery import Images, ImagesArgs
from groundplan_components.delivery.images import lifecycle


def args(**changes: Any) -> ImagesArgs:
    given: ImagesArgs = {"prefix": "shop-prod", "services": ["user", "order"], "kms_key_arn": KEY}
    return {**given, **changes}  # type: ignore[typeddict-item]


def run(given: ImagesArgs) -> Simulation:
    return simulated(lambda: Images("images", given))


def test_each_service_has_a_repository_whose_tags_never_move() -> None:
    simulation = run(args())
    found = {each.inputs["name"]: each for each in simulation.of_type("aws:ecr/repository:Repository")}
    assert set(found) == {"shop-prod/user", "shop-prod/order"}
    assert {each.inputs["imageTagMutability"] for each in found.values()} == {"IMMUTABLE"}


def test_s6_images_are_scanned_when_they_are_pushed() -> None:
    repository = run(args()).named("images-order").inputs
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


def test_s5_images_are_encrypted_by_the_customers_key() -> None:
    repository = run(args()).named("images-order").inputs
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]


def test_images_are_deleted_with_their_repository_only_where_nothing_is_protected() -> None:
    repository = run(args()).named("images-order")
    assert repository.protect
    assert repository.inputs["forceDelete"] is False
    free = run(args(protect=False)).named("images-order")
    assert not free.protect
    assert free.inputs["forceDelete"] is True


def test_old_images_go_and_the_newest_stay() -> None:
    rules = json.loads(run(args(keep_images=50)).named("images-order-lifecycle").inputs["policy"])["rules"]
    assert [(rule["selection"]["tagStatus"], rule["selection"]["countNumber"]) for rule in rules] == [
        ("untagged", 7),
        ("tagged", 50),
    ]
    assert rules[1]["selection"]["tagPatternList"] == ["*"]
    assert rules[1]["selection"]["countType"] == "imageCountMoreThan"
    assert [rule["rulePriority"] for rule in json.loads(lifecycle(100))["rules"]] == [1, 2]


def test_s4_another_accounts_nodes_may_pull_and_do_nothing_else() -> None:
    policy = json.loads(run(args(puller_role_arns=[FOREIGN_NODES])).named("images-order-pull").inputs["policy"])
    statement = policy["Statement"][0]
    assert statement["Principal"] == {"AWS": [FOREIGN_NODES]}
    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]
    assert run(args()).of_type("aws:ecr/repositoryPolicy:RepositoryPolicy") == ()


def test_the_registrys_scanning_is_left_alone_unless_asked_for() -> None:
    token = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
    assert run(args()).of_type(token) == ()
    assert run(args(continuous_scanning=True)).of_type(token)[0].inputs["scanType"] == "ENHANCED"


def test_addresses_are_outputs_by_service() -> None:
    def program() -> None:
        images = Images("images", args())
        pulumi.export("urls", images.urls)
        pulumi.export("arns", images.arns)

    simulation = simulated(program)
    assert set(simulation.outputs["urls"]) == {"user", "order"}
    assert simulation.outputs["urls"]["order"] == simulation.named("images-order").outputs["repositoryUrl"]
    assert simulation.outputs["arns"]["order"] == simulation.named("images-order").outputs["arn"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prefix": "Shop"}, "prefix is 'Shop'"),
        ({"prefix": "shop/"}, "prefix is 'shop/'"),
        ({"services": []}, "at least one service"),
        ({"services": ["user", "user"]}, "each service once"),
        ({"services": ["User"]}, "services is 'User'"),
        ({"services": ["a" * 250]}, "256 characters with the prefix"),
        ({"keep_images": 1}, "expire the image that is running"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_resource_exists(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(args(**changes))
    assert 'Images "images"' in str(refused.value)
    assert message in str(refused.value)
