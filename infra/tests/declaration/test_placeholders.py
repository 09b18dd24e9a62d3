"""Examples' values plan, and are refused where they would be deployed (e4)."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment, ExistingCluster
from groundplan.stack.placeholders import ACCOUNTS, RANGES, placeholders, refuse_placeholders
from infra.tests.program.graphs import EXISTING

OWN_ROLE = "arn:aws:iam::314159265358:role/Admin"
OWN: dict[str, Any] = {"name": "prod", "region": "eu-central-1", "require_domain": False}


def found(**settings: Any) -> list[str]:
    environment = Environment(**{**OWN, **settings})
    return [".".join(map(str, each.path)) for each in placeholders(environment, "shop")]


@pytest.mark.parametrize("network", RANGES, ids=str)
def test_every_range_of_the_documentation(network: IPv4Network) -> None:
    part = str(next(network.subnets(new_prefix=28)))
    assert found(cluster_endpoint_cidrs=[str(network)]) == ["cluster_endpoint_cidrs.0"]
    assert found(cluster_endpoint_cidrs=["8.8.8.0/24", part]) == ["cluster_endpoint_cidrs.1"]


@pytest.mark.parametrize("account", sorted(ACCOUNTS))
def test_every_account_of_the_examples(account: str) -> None:
    arn = f"arn:aws:iam::{account}:role/Admin"
    assert found(cluster_admin_role_arns=[OWN_ROLE, arn]) == ["cluster_admin_role_arns.1"]
    assert found(cluster_viewer_role_arns=[arn]) == ["cluster_viewer_role_arns.0"]
    provider = f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"
    assert found(repository="pets/shop", oidc_provider_arn=provider) == ["oidc_provider_arn"]
    image = f"{account}.dkr.ecr.eu-central-1.amazonaws.com/shop/order:1.0.0"
    assert found(images={"order": image}) == ["images.order"]


@pytest.mark.parametrize("name", ["example.com", "shop.example.com", "a.b.example.org", "shop.example.net"])
def test_every_name_of_the_examples(name: str) -> None:
    assert found(domain=name, hosted_zone=name) == ["domain", "hosted_zone"]
    assert found(alarm_emails=[f"oncall@{name}"]) == ["alarm_emails.0"]
    assert found(images={"order": f"registry.{name}/shop/order:1.0.0"}) == ["images.order"]


def test_of_a_cluster_that_is_there() -> None:
    paths = found(existing_cluster=EXISTING)
    assert "existing_cluster.vpc_id" in paths
    assert "existing_cluster.data_subnet_ids.0" in paths
    assert "existing_cluster.ingress_subnets.subnet-0123456789abcdef6" in paths


def test_what_is_somebodys_is_not_refused() -> None:
    assert (
        found(
            domain="shop.pets.io",
            hosted_zone="pets.io",
            alarm_emails=["oncall@myexample.com"],
            cluster_endpoint_cidrs=["8.8.8.0/24", "203.0.112.0/24"],
            cluster_admin_role_arns=[OWN_ROLE],
            repository="pets/example",
            images={"order": "314159265358.dkr.ecr.eu-central-1.amazonaws.com/shop/order:1.0.0"},
        )
        == []
    )
    own = EXISTING.model_dump() | {
        "vpc_id": "vpc-7a1f3c9e5b2d4f608",
        "security_group_id": "sg-7a1f3c9e5b2d4f608",
        "private_subnet_ids": ["subnet-7a1f3c9e5b2d4f608", "subnet-7a1f3c9e5b2d4f609"],
        "data_subnet_ids": ["subnet-7a1f3c9e5b2d4f60a", "subnet-7a1f3c9e5b2d4f60b"],
        "ingress_subnets": {"subnet-7a1f3c9e5b2d4f60c": "10.60.250.0/27"},
    }
    assert found(existing_cluster=ExistingCluster(**own)) == []


def test_the_remedy_sets_the_very_value() -> None:
    environment = Environment(**OWN, cluster_endpoint_cidrs=[IPv4Network("8.8.8.0/24"), IPv4Network("203.0.113.0/24")])
    with pytest.raises(ProblemsFound) as refused:
        refuse_placeholders(environment, "shop")
    (problem,) = refused.value.problems
    assert problem.where == "Pulumi.prod.yaml"
    assert "pulumi config set --path 'shop:cluster_endpoint_cidrs[1]' <value> --stack prod" in problem.remedy
