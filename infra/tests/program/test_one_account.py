"""Stacks of several systems share an account: no name twice, nothing taken twice that the account has one of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from groundplan.cloud import Cloud, Simulation, destroy, identifiers_in, simulate
from groundplan.cloud.catalogue import catalogued, kind_of
from groundplan.declaration.model import System
from groundplan.rehearsal import growth
from groundplan.rehearsal.account import Account
from groundplan.stack.environment import Environment
from infra.__main__ import declare
from infra.tests.program.graphs import EXISTING, KUBECONFIG, few
from infra.tests.samples import changed, stack, with_images

# Its stacks take a while to declare, so that one process does it for all.
pytestmark = pytest.mark.xdist_group("one account")

USER = "aws:elasticache/user:User"
USER_GROUP = "aws:elasticache/userGroup:UserGroup"


def _system(name: str, broker: str) -> System:
    return changed(few("order", "payment", broker=broker), name=name)


SHOP, SHOP_OF_QUEUES, STALL = _system("shop", "kafka"), _system("shop", "sqs"), _system("stall", "sqs")


def _on(system: System, name: str, of: str, **settings: Any) -> tuple[System, Environment]:
    """A stack with all that is optional; unprotected, so that it can be destroyed."""
    domain = f"{name}.{system.name}.example.com"
    common = {"name": name, "domain": domain, "hosted_zone": "example.com", "repository": "example/shop"}
    environment = stack(of).model_copy(update={**common, "protect": False, **settings})
    return system, with_images(environment, system)


def _brought(system: System, name: str) -> tuple[System, Environment]:
    domain = f"{name}.{system.name}.example.com"
    environment = Environment(
        name=name,
        region="eu-central-1",
        domain=domain,
        hosted_zone="example.com",
        protect=False,
        existing_cluster=EXISTING,
    )
    return system, with_images(environment, system)


def account() -> list[tuple[System, Environment]]:
    """The README's layout, and more of the same in one account."""
    return [
        _on(SHOP, "dev", "dev", network_firewall=True),
        _on(SHOP, "staging", "staging", network_firewall=True),
        _on(STALL, "dev", "dev"),
        _on(SHOP_OF_QUEUES, "queues", "prod"),
        _on(STALL, "us", "prod", region="us-east-1"),
        _on(STALL, "us-2", "dev", region="us-east-1"),
        _brought(SHOP, "brought"),
        _brought(STALL, "brought"),
    ]


def declared(system: System, environment: Environment, cloud: Cloud) -> Simulation:
    brought = environment.existing_cluster
    return simulate(
        lambda: declare(system, environment),
        project=system.name,
        stack=environment.name,
        region=environment.region,
        config={f"{system.name}:kubeconfig": KUBECONFIG} if brought else {},
        secret_keys=[f"{system.name}:kubeconfig"],
        given=identifiers_in(environment.model_dump_json()) | ({brought.cluster_name} if brought else set()),
        account=cloud,
        strict=False,
    )


@cache
def shared() -> tuple[Cloud, tuple[Simulation, ...]]:
    cloud = Cloud()
    return cloud, tuple(declared(*each, cloud) for each in account())


def _urns(cloud: Cloud) -> Iterator[str]:
    return (item.urn for item in cloud.items.values() if not item.adopted)


def test_no_name_is_taken_twice_and_no_stack_claims_what_the_account_has_one_of() -> None:
    _, stacks = shared()
    assert [str(refusal) for simulation in stacks for refusal in simulation.refusals] == []
    claimed = [each.urn for simulation in stacks for each in simulation.resources if kind_of(each.type).one_in]
    assert claimed == []


def test_every_declared_type_of_aws_is_catalogued() -> None:
    """Of any other type the simulated cloud doesn't know whether its names may be there twice."""
    _, stacks = shared()
    types = {each.type for simulation in stacks for each in simulation.resources if each.type.startswith("aws:")}
    assert types - catalogued().keys() == set()


def test_a_name_that_is_written_out_carries_system_and_stack() -> None:
    """Or a part of its own: Pulumi's suffix, a random one, an id of AWS."""
    _, stacks = shared()
    given: dict[tuple[str, str, object], set[str]] = {}
    for simulation in stacks:
        for each in simulation.resources:
            rule = kind_of(each.type).name
            value = each.inputs.get(rule.property) if rule is not None else None
            if rule is None or rule.unique_in in ("", "parent") or not isinstance(value, str):
                continue
            place = "" if rule.unique_in in ("account", "world") else each.region
            given.setdefault((each.type, place, value), set()).add(simulation.stack_urn)
    assert len(given) > 100
    assert {key: stacks for key, stacks in given.items() if len(stacks) > 1} == {}


def test_stacks_come_change_and_go_beside_each_other() -> None:
    """dev, staging and a second system in one account, prod in another: nothing is refused, and the others keep all."""
    shop, stall = (changed(few("order", broker="sqs"), name=name) for name in ("shop", "stall"))
    shared_account, own_account = Cloud(), Cloud()
    lives: list[tuple[Account, Simulation, Simulation | None]] = []
    # A change for each account: programs are most of what this takes.
    for cloud, system, name, after in (
        (shared_account, shop, "dev", growth.more_load(shop)),
        (shared_account, shop, "staging", None),
        (shared_account, stall, "dev", None),
        (own_account, shop, "prod", growth.more_load(shop)),
    ):
        account = Account("eu-central-1")
        account.cloud = cloud
        grown = declared(*_on(after, name, name), Cloud()) if after is not None else None
        lives.append((account, declared(*_on(system, name, name), Cloud()), grown))
    for account, program, _ in lives:
        assert account.deploy(program.resources).errors == []
    for account, _, grown in lives:
        if grown is not None:
            run = account.deploy(grown.resources)
            assert run.errors == []
            assert run.calls
        assert account.doubled == []
    for account, program, _ in lives:
        own = program.stack_urn.rpartition("::pulumi:")[0]
        others = {urn for urn in _urns(account.cloud) if not urn.startswith(own)}
        assert account.destroy().errors == []
        left = set(_urns(account.cloud)) - others
        assert others <= set(_urns(account.cloud))
        # Log groups that come back after their cluster (d7): `groundplan destroy` deletes them.
        assert all(each.startswith("returned::") for each in left), left


def test_the_account_is_said_to_have_one_when_two_stacks_claim_it() -> None:
    """The keys are for who does without `foundation/account.yaml`: true in one stack."""
    cloud = Cloud()
    claims = {"gateway_account_role": True, "oidc_provider": True, "delivery_role": True}
    first = declared(*_on(SHOP, "dev", "dev", **claims), cloud)
    assert first.refusals == ()
    second = declared(*_on(STALL, "dev", "dev", **claims), cloud)
    expected = [refusal.expected for refusal in second.refusals]
    assert sorted(expected) == [
        "the only Account of the account in eu-central-1",
        "the only OpenIdConnectProvider of the account",
    ]
    elsewhere = declared(*_on(STALL, "us", "dev", region="us-east-1", **claims), cloud)
    assert [refusal.expected for refusal in elsewhere.refusals] == ["the only OpenIdConnectProvider of the account"]


def test_what_a_stack_made_for_the_account_stays_when_the_stack_goes() -> None:
    cloud = Cloud()
    first = declared(*_on(SHOP, "dev", "dev", gateway_account_role=True, oidc_provider=True, delivery_role=True), cloud)
    declared(*_on(STALL, "dev", "dev"), cloud)
    assert destroy(first, cloud) == []
    left = {item.type for item in cloud.items.values() if "::shop::" in item.urn}
    assert left == {
        "aws:apigateway/account:Account",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/role:Role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }


@pytest.mark.parametrize("token", [USER, USER_GROUP])
def test_deployed_stacks_keep_the_ids_of_their_cache_users(token: str) -> None:
    """A changed id would replace users under a running cache; theirs begin with `cache-` alone."""
    _, stacks = shared()
    name = kind_of(token).name
    assert name is not None
    for simulation in stacks:
        for each in simulation.of_type(token):
            assert name.property in each.ignore_changes
            assert len(str(each.inputs[name.property])) <= 40
            assert str(each.inputs[name.property]).startswith(f"{simulation.project}-{simulation.stack}-cache-")
