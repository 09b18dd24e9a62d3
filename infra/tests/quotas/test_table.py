"""What exceeds a quota is told with what to ask for, and the remedy ends it (d10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.capacity import plan
from groundplan.capacity.quotas import Use, planned_use
from groundplan.capacity.shared_quotas import shared_use
from groundplan.declaration.model import System
from groundplan.quotas import QUOTAS
from groundplan.stack.environment import Environment
from infra.tests.samples import changed, shop, stack


def test_codes_are_service_quotas_and_each_is_there_once() -> None:
    codes = [quota.code for quota in QUOTAS.values() if quota.code]
    assert len(codes) == len(set(codes)) > 60
    assert all(re.fullmatch("L-[0-9A-F]{8}", code) for code in codes)
    for quota in QUOTAS.values():
        assert quota.source
        assert quota.adjustable or quota.instead, f"{quota.key}: no one raises it, and nothing says what to do"


def _over(system: System, environment: Environment) -> dict[str, Use]:
    uses = planned_use(plan(system, environment), system, environment)
    return {use.quota.key: use for use in uses if use.over or use.outgrown}


def _many(count: int, **service: object) -> System:
    declared = shop().model_dump(mode="json", exclude_unset=True)
    order = {**declared["services"]["order"], "consumes": [], "publishes": [], "exposure": "internal", **service}
    order["resources"] = {name: each for name, each in order["resources"].items() if name == "order"}
    for each in order["resources"].values():
        each["fields"] = {name: field for name, field in each["fields"].items() if "to" not in field}
    parts = {f"part-{number}": _renamed(order, number) for number in range(count)}
    declared["services"] = {"user": {**declared["services"]["user"], "consumes": []}, **parts}
    return System.model_validate(declared)


def _renamed(service: dict[str, Any], number: int) -> dict[str, Any]:
    return {**service, "resources": {f"order_{number}": each for each in service["resources"].values()}}


def _busy(requests: int) -> System:
    return changed(shop(), requirements={"requests_per_second": requests, "growth_factor": 1})


def _dear(system: System, milliseconds: float) -> System:
    """Requests that take so much of a core each: those of the reference system need 863 pods for a million a second."""
    declared = system.model_dump(mode="json", exclude_unset=True)["services"]
    load = {"cpu_ms_per_request": milliseconds}
    return changed(system, services={name: {**service, "load": load} for name, service in declared.items()})


def _exceeding() -> Iterator[tuple[str, System, dict[str, object]]]:
    """The issue's inputs, each with a quota that it passed in silence."""
    wide: dict[str, object] = {"vpc_cidr": "10.0.0.0/16"}
    yield "rds_event_subscriptions", _many(20), wide
    yield "rds_parameter_groups", _many(50), wide
    yield "rds_subnet_groups", _many(50), wide
    yield "rds_storage_gib", _many(6, data_gb=12_000, shard_map=[{"since": "2000-01-01", "shards": 13}]), wide
    yield "cache_users_per_group", _many(99), wide
    yield "alb_targets", _dear(_busy(500_000), 1.5), wide
    yield "waf_rps", _busy(110_000), wide
    yield "cognito_mail", shop(), wide
    yield "cognito_tokens", changed(_busy(40_000), identity={"access_token_minutes": 5}), wide


@pytest.mark.parametrize(
    ("key", "system", "settings"), list(_exceeding()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_was_exceeded_in_silence_is_told_and_the_remedy_ends_it(
    key: str, system: System, settings: dict[str, object]
) -> None:
    environment = Environment.model_validate({**stack("prod").model_dump(exclude_unset=True), **settings})
    use = _over(system, environment)[key]
    quota = use.quota
    assert any(note.startswith(quota.name) for note in plan(system, environment).notes)
    if quota.adjustable:
        raised = environment.model_copy(update={"quotas": {key: use.needed}})
    else:
        identity = "arn:aws:ses:eu-central-1:111122223333:identity/example.com"
        raised = environment.model_copy(update={"email_identity_arn": identity, "email_from": "no-reply@example.com"})
    assert key not in _over(system, raised)


def _use(key: str, now: float, grown: float) -> Use:
    return Use(QUOTAS[key], QUOTAS[key].default, now, grown)


def _summed(**stacks: dict[str, Any]) -> dict[tuple[tuple[str, ...], str, str], Use]:
    """By stacks, region and quota, of stacks that use 400 roles, 30 instances and 60 rules of a load balancer each."""
    environments = {name: stack("dev").model_copy(update=settings) for name, settings in stacks.items()}
    uses = {
        name: [_use("iam_roles", 400, 500), _use("rds_instances", 30, 30), _use("alb_rules", 60, 60)] for name in stacks
    }
    found = shared_use(environments, uses)
    return {(each.stacks, each.region, each.use.quota.key): each.use for each in found}


def test_stacks_that_share_an_account_are_summed_up() -> None:
    """e12: each fits alone, and not together. Rules are a load balancer's own."""
    found = _summed(dev={}, staging={}, prod={})
    three = ("dev", "staging", "prod")
    assert found.keys() == {(three, "eu-central-1", "iam_roles"), (three, "eu-central-1", "rds_instances")}
    roles = found[three, "eu-central-1", "iam_roles"]
    assert (roles.now, roles.grown, roles.limit, roles.over) == (1200, 1500, 1000, True)
    assert found[three, "eu-central-1", "rds_instances"].now == 90


def test_accounts_and_regions_are_apart_and_roles_have_no_region() -> None:
    found = _summed(
        dev={"account": "210987654321"},
        staging={"account": "210987654321", "region": "eu-west-1"},
        prod={"account": "123456789012"},
    )
    assert found.keys() == {(("dev", "staging"), "", "iam_roles")}


def test_what_one_of_them_says_of_the_account_holds_for_all() -> None:
    found = _summed(dev={"quotas": {"iam_roles": 5000}}, staging={})
    roles = found[("dev", "staging"), "eu-central-1", "iam_roles"]
    assert (roles.limit, roles.over, roles.outgrown) == (5000, False, False)
