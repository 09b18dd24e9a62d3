"""The stack file that takes a lost one's place, and what of `restored` is refused."""

from __future__ import annotations

import pytest
import yaml

from groundplan.capacity import plan
from groundplan.problems import ProblemsFound
from groundplan.program.restored import check_restored
from groundplan.recovery.stack_file import OF_THE_REGION, Point, changed_keys, interim_domain, recovered
from groundplan.stack.configuration import environment_from
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import Remembered
from groundplan.stack.restored import Restored
from infra.tests.samples import shop, stack

KEY = "arn:aws:kms:eu-west-1:444455556667:key/0a1b2c3d-0000-4000-8000-000000000000"
LOST = """\
# The stack prod
config:
  # Where it is
  aws:region: eu-central-1
  # Ours
  shop:domain: shop.example.com
  shop:quotas: {eips: 20}
  shop:remembered:
    region: eu-central-1
    databases:
      order:
        storage_gb: 200
        max_storage_gb: 400

  # Kept long
  shop:log_days: 365
  shop:kubeconfig:
    secure: v1:abc
encryptionsalt: v1:def
"""


def snapshot(name: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:rds:{region}:444455556667:snapshot:awsbackup:copyjob-{name}"


def point(name: str, storage: int = 200, version: str = "17") -> Point:
    return Point(name, snapshot(name), KEY, storage, version)


def restored(**storages: int) -> Restored:
    names = {f"db-{name}": storage for name, storage in storages.items()}
    return Restored.model_validate(
        {
            "databases": {
                name: {"snapshot": snapshot(name), "kms_key_arn": KEY, "storage_gb": storage}
                for name, storage in names.items()
            }
        }
    )


def new(given: Restored, **settings: object) -> Environment:
    return stack("prod").model_copy(update={"region": "eu-west-1", "restored": given, **settings})


def test_what_belongs_to_the_region_goes_and_the_rest_stays_as_written() -> None:
    lost = stack("prod")
    keys = changed_keys(lost, "rebuilt", "eu-west-1", [point("db-order")], ["db-order", "db-user"])
    text = recovered(LOST, "shop", keys, "In the place of prod")
    config = yaml.safe_load(text)["config"]
    assert config == {
        "aws:region": "eu-west-1",
        "shop:domain": "rebuilt.shop.example.com",
        "shop:log_days": 365,
        "shop:restored": {
            "databases": {"db-order": {"snapshot": snapshot("db-order"), "kms_key_arn": KEY, "storage_gb": 200}},
            "empty": ["db-user"],
        },
    }
    assert "  # Kept long\n  shop:log_days: 365\n" in text
    assert text.startswith("# In the place of prod\nconfig:\n")
    assert "secure" not in text
    assert "encryptionsalt" not in text


def test_keys_of_the_region_are_keys() -> None:
    assert set(OF_THE_REGION) <= {*Environment.model_fields, "kubeconfig"}


def test_an_identity_of_the_lost_region_goes_and_a_tag_of_the_stack_follows() -> None:
    identity = "arn:aws:ses:eu-central-1:111122223333:identity/example.com"
    lost = stack("prod").model_copy(
        update={"email_identity_arn": identity, "email_from": "a@example.com", "budget_tag": "environment=prod"}
    )
    keys = changed_keys(lost, "rebuilt", "eu-west-1", [point("db-order", version="16")], ["db-order"])
    assert (keys["email_identity_arn"], keys["email_from"]) == (None, None)
    assert keys["budget_tag"] == "environment=rebuilt"
    assert keys["postgres_version"] == "16", "RDS restores in the snapshot's version"
    assert interim_domain("shop.example.com", "rebuilt") == "rebuilt.shop.example.com"


def test_a_database_has_no_less_storage_than_its_snapshot() -> None:
    sized = plan(shop(), new(restored(order=700, payment=20, user=20)))
    order = next(each for each in sized.databases if each.name == "order")
    assert order.storage_gb == 700
    assert order.max_storage_gb > 700
    assert any(each.setting == "storage_gb" and "700" in str(each.value) for each in sized.kept)


def test_each_database_is_restored_or_said_to_be_empty() -> None:
    some = restored(order=20, payments=20)
    problems = check_restored(plan(shop(), new(some)), new(some), shop())
    said = {problem.path: problem for problem in problems}
    assert "did you mean `db-payment`" in said["shop:restored.databases.db-payments"].remedy
    assert sorted(problem.value for problem in problems if problem.path == "shop:restored") == [
        "nothing of db-payment",
        "nothing of db-user",
    ]
    named = restored(order=20).model_copy(update={"empty": ["db-payment", "db-user"]})
    assert check_restored(plan(shop(), new(named)), new(named), shop()) == []


def test_once_deployed_later_databases_are_new() -> None:
    memory = Remembered.model_validate({"databases": {"order": {"storage_gb": 20, "max_storage_gb": 30}}})
    environment = new(restored(order=20), remembered=memory)
    assert check_restored(plan(shop(), environment), environment, shop()) == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (
            {"databases": {"db-order": {"snapshot": snapshot("x", "us-east-1"), "kms_key_arn": KEY, "storage_gb": 20}}},
            ("restored", "databases", "db-order", "snapshot"),
        ),
        (
            {
                "databases": {"db-order": {"snapshot": snapshot("x"), "kms_key_arn": KEY, "storage_gb": 20}},
                "empty": ["db-order"],
            },
            ("restored", "empty", 0),
        ),
    ],
)
def test_what_can_not_be_restored_is_refused(given: dict[str, object], path: tuple[object, ...]) -> None:
    environment = new(Restored.model_validate(given))
    assert [finding.path for finding in contradictions(environment, shop()) if finding.path[0] == "restored"] == [path]


@pytest.mark.parametrize(("key", "value"), [("snapshot", "awsbackup:copyjob-1"), ("kms_key_arn", "alias/copies")])
def test_names_in_the_place_of_arns_are_refused_in_words(key: str, value: str) -> None:
    database = {"snapshot": snapshot("x"), "kms_key_arn": KEY, "storage_gb": 20, key: value}
    values: dict[str, object] = {"aws:region": "eu-west-1", "shop:require_domain": False}
    values["shop:restored"] = {"databases": {"db-order": database}}
    with pytest.raises(ProblemsFound, match=f"shop:restored.databases.db-order.{key}") as found:
        environment_from(values, "rebuilt", shop(), "Pulumi.rebuilt.yaml")
    assert "ARN" in str(found.value)
