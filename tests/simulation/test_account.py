"""One account, several stacks: what there is one of is refused to the second, and stays while it needs it."""

from __future__ import annotations

import pytest

from infra.simulation.catalogue import catalogued
from infra.simulation.cloud import Cloud
from infra.simulation.deletion import refusal_to_delete
from infra.simulation.item import Item

SHARED = sorted(token for token, kind in catalogued().items() if kind.one_in)
INPUTS = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {"url": "https://token.actions.githubusercontent.com"},
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": {"awsServiceName": "es.amazonaws.com"},
    "aws:ecr/accountSetting:AccountSetting": {"name": "BASIC_SCAN_TYPE_VERSION", "value": "AWS_NATIVE"},
    "aws:cloudwatch/logAccountPolicy:LogAccountPolicy": {
        "policyName": "mask",
        "policyType": "DATA_PROTECTION_POLICY",
    },
}


def item(token: str, stack: str, place: str = "eu-central-1") -> Item:
    return Item(f"urn:pulumi:{stack}::{token}::it", token, "it", place, dict(INPUTS.get(token, {})))


def refused(cloud: Cloud, made: Item) -> bool:
    """Whether it is refused for being there already."""
    found = cloud.create(made)
    return any("the only" in each.expected or "isn't there yet" in each.expected for each in found)


@pytest.mark.parametrize("token", SHARED)
def test_the_second_stack_is_refused(token: str) -> None:
    cloud = Cloud()
    assert not refused(cloud, item(token, "dev::shop"))
    assert refused(cloud, item(token, "staging::shop"))
    assert refused(cloud, item(token, "dev::stall"))
    everywhere = catalogued()[token].one_in == "account"
    assert refused(cloud, item(token, "us::shop", "us-east-1")) is everywhere


@pytest.mark.parametrize("token", SHARED)
def test_it_is_not_deleted_under_another_stack(token: str) -> None:
    cloud = Cloud()
    cloud.create(item(token, "dev::shop"), check=False)
    (made,) = cloud.of(token)
    assert refusal_to_delete(made, cloud) is None
    other = item("aws:sqs/queue:Queue", "staging::shop")
    cloud.create(other)
    refusal = refusal_to_delete(made, cloud)
    assert refusal is not None
    assert other.urn in refusal.expected


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("aws:apigateway/domainName:DomainName", {"domainName": "api.shop.example.com"}),
        ("aws:eks/addon:Addon", {"clusterName": "company", "addonName": "metrics-server"}),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "reader", "policyArn": "arn:aws:iam::aws:policy/x"},
        ),
        ("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", {"policyName": "delivery"}),
    ],
)
def test_two_stacks_mean_one_thing_by_the_same_inputs(token: str, inputs: dict[str, object]) -> None:
    cloud = Cloud()
    first, second = item(token, "dev::shop"), item(token, "staging::shop")
    for each in (first, second):
        each.inputs.update(inputs)
    assert not refused(cloud, first)
    assert refused(cloud, second)
