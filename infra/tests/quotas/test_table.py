"""What exceeds a quota is told with what to ask for, and the remedy ends it (d10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.capacity import plan
from groundplan.capacity.quotas import Use, planned_use
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
