"""Rules of order: what must be created before what, and is only seen once the whole program has run (R1)."""

from __future__ import annotations

import pytest

from infra.tests.cloud.rules import gateway
from infra.tests.cloud.world import World

_DEPLOYMENT = "aws:apigateway/deployment:Deployment"
_METHOD = "aws:apigateway/method:Method"
_STAGE = "aws:apigateway/stage:Stage"


def _violations(world: World) -> list[str]:
    world.cloud.conclude()
    return [f"{each.urn.split('::')[-1]} {each.path}: {each.expected}" for each in world.cloud.refusals]


def test_a_deployment_waits_for_every_method_and_integration() -> None:
    world = World()
    inputs = gateway.deployment(world)
    world.make(_DEPLOYMENT, "hasty", inputs, first=[])
    assert any(each.startswith("hasty restApi: to wait for 2 more parts of the API") for each in _violations(world))


def test_a_deployment_that_waits_is_accepted() -> None:
    world = World()
    world.make(_DEPLOYMENT, "patient", gateway.deployment(world))
    assert _violations(world) == []


@pytest.mark.parametrize("integrated", [True, False])
def test_a_deployed_method_has_an_integration(integrated: bool) -> None:
    world = World()
    inputs = gateway.integrated(world)
    if not integrated:
        inputs = {**inputs, "httpMethod": "POST"}
    world.make(_METHOD, "method", inputs)
    world.make(_DEPLOYMENT, "deployed", {"restApi": inputs["restApi"], "triggers": {"routes": "hash"}})
    told = [each for each in _violations(world) if each.startswith("method httpMethod")]
    assert told == ([] if integrated else ["method httpMethod: an integration for the method"])


def test_a_stage_that_logs_waits_for_the_accounts_role() -> None:
    world = World()
    inputs = gateway.stage(world)
    deployed = [item.urn for item in world.cloud.of(_DEPLOYMENT)]
    world.make(_STAGE, "hasty", inputs, first=deployed)
    assert any(
        each.startswith("hasty accessLogSettings: to wait for the apigateway.Account") for each in _violations(world)
    )
