"""Keys by purpose, and their policies (S5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.tests.ingress_samples import refusal, simulated, statements
from groundplan_components.keys import Keys
from groundplan_components.keys._policy import PURPOSES, Place, key_policy
from groundplan_components.shared.alarm_publishers import PUBLISHERS

PLACE = Place("aws", "eu-central-1", "123456789012")


def services(purpose: str) -> set[str]:
    found: set[str] = set()
    for statement in json.loads(key_policy(purpose, PLACE))["Statement"]:
        found.update(statement["Principal"].get("Service", []))
    return found


def test_s5_every_key_rotates_and_has_an_alias() -> None:
    simulation = simulated(lambda: Keys("shop-prod", {"purposes": ["data", "logs"]}))
    keys = simulation.of_type("aws:kms/key:Key")
    assert {key.name for key in keys} == {"shop-prod-data", "shop-prod-logs"}
    assert all(key.inputs["enableKeyRotation"] is True for key in keys)
    aliases = simulation.of_type("aws:kms/alias:Alias")
    assert {alias.inputs["name"] for alias in aliases} == {"alias/shop-prod-data", "alias/shop-prod-logs"}


@pytest.mark.parametrize(("protect", "days"), [(True, 30), (False, 7)])
def test_protection_follows_the_argument(protect: bool, days: int) -> None:
    simulation = simulated(lambda: Keys("shop", {"purposes": ["data"], "protect": protect}))
    key = simulation.of_type("aws:kms/key:Key")[0]
    assert key.protect is protect
    assert key.inputs["deletionWindowInDays"] == days


def test_keys_that_others_data_need_outlive_their_stack() -> None:
    simulation = simulated(lambda: Keys("shop", {"purposes": ["backups"], "retained": True}))
    assert simulation.of_type("aws:kms/key:Key")[0].retain_on_delete
    assert not simulated(lambda: Keys("shop", {"purposes": ["backups"]})).of_type("aws:kms/key:Key")[0].retain_on_delete


def test_s5_keys_of_another_region_admit_that_regions_logs() -> None:
    simulation = simulated(lambda: Keys("edge", {"purposes": ["logs"], "region": "us-east-1"}))
    key = simulation.of_type("aws:kms/key:Key")[0]
    assert key.region == "us-east-1"
    assert statements(key.inputs["policy"])["LogGroups"]["Principal"] == {"Service": ["logs.us-east-1.amazonaws.com"]}
    assert simulation.of_type("aws:kms/alias:Alias")[0].region == "us-east-1"


def test_s5_each_purpose_admits_only_the_services_it_needs() -> None:
    logs = "logs.eu-central-1.amazonaws.com"
    assert {purpose: services(purpose) - {logs} for purpose in PURPOSES} == {
        "alarms": set(PUBLISHERS),
        "backups": set(),
        "cluster": set(),
        "data": set(),
        "events": {"sns.amazonaws.com"},
        "logs": {"delivery.logs.amazonaws.com"},
        "secrets": set(),
        "site": {"cloudfront.amazonaws.com"},
    }


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_s5_no_service_may_act_for_another_account(purpose: str) -> None:
    found: list[dict[str, Any]] = json.loads(key_policy(purpose, PLACE))["Statement"]
    for statement in found:
        if "Service" in statement["Principal"]:
            assert "123456789012" in json.dumps(statement["Condition"]), statement["Sid"]
            assert "kms:*" not in statement["Action"]
        else:
            assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


@pytest.mark.parametrize(
    ("purposes", "expected"),
    [
        (["date"], "one of alarms, backups, cluster, data, events, logs, secrets, site"),
        ([], "at least one purpose"),
        (["data", "data"], "each purpose once"),
    ],
)
def test_wrong_purposes_are_refused(purposes: list[str], expected: str) -> None:
    message = refusal(lambda: Keys("shop", {"purposes": purposes}))
    assert message.startswith('Keys "shop": purposes is ')
    assert expected in message
