"""Identity: who may sign in, as what, and how (S3, S4)."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.identity import Identity, IdentityArgs
from infra.simulation import Simulation, simulate

KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def args(**changes: Any) -> IdentityArgs:
    return {
        "roles": ["customer", "admin"],
        "domain_prefix": "shop-prod-1234",
        "callback_urls": ["https://shop.example.com/signed-in"],
        "logout_urls": ["https://shop.example.com/"],
        "resource_server": "shop",
        "key_arn": KEY,
        **changes,
    }


def declared(**changes: Any) -> tuple[Simulation, Identity]:
    made: list[Identity] = []

    def program() -> None:
        identity = Identity("identity", args(**changes))
        made.append(identity)
        pulumi.export("issuer", identity.issuer)
        pulumi.export("jwks", identity.jwks_uri)
        pulumi.export("token", identity.token_url)

    simulation = simulate(program, strict=False)
    return simulation, made[0]


def test_s3_the_web_client_uses_the_code_flow_without_a_secret() -> None:
    simulation, _ = declared()
    client = simulation.named("identity-web").inputs
    assert client["allowedOauthFlows"] == ["code"]
    assert client["generateSecret"] is False
    assert client["preventUserExistenceErrors"] == "ENABLED"
    assert client["enableTokenRevocation"] is True
    assert client["allowedOauthScopes"] == ["openid", "email", "profile", "shop/read", "shop/write"]


def test_s3_tokens_name_their_issuer_and_keys() -> None:
    outputs = declared()[0].outputs
    assert outputs["issuer"].startswith("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_")
    assert outputs["jwks"] == f"{outputs['issuer']}/.well-known/jwks.json"
    assert outputs["token"] == "https://shop-prod-1234.auth.eu-central-1.amazoncognito.com/oauth2/token"


def test_s4_every_role_is_a_group_in_order_of_precedence() -> None:
    simulation, _ = declared()
    groups = simulation.of_type("aws:cognito/userGroup:UserGroup")
    assert [(group.inputs["name"], group.inputs["precedence"]) for group in groups] == [("customer", 1), ("admin", 2)]


@pytest.mark.parametrize(("required", "expected"), [(True, "ON"), (False, "OPTIONAL")])
def test_s3_a_second_factor_is_offered_or_required(required: bool, expected: str) -> None:
    pool = declared(mfa_required=required)[0].named("identity-pool").inputs
    assert pool["mfaConfiguration"] == expected
    assert pool["softwareTokenMfaConfiguration"] == {"enabled": True}


def test_s4_who_registers_gets_the_default_role_by_a_function_that_can_do_no_more() -> None:
    simulation, _ = declared(default_role="customer")
    pool = simulation.named("identity-pool")
    function = simulation.named("identity-newcomers-function")
    assert pool.inputs["lambdaConfig"]["postConfirmation"] == function.outputs["arn"]
    assert function.inputs["environment"]["variables"] == {"DEFAULT_ROLE": "customer"}
    granted = json.loads(simulation.named("identity-newcomers-policy").inputs["policy"])["Statement"]
    assert granted[0]["Action"] == ["cognito-idp:AdminAddUserToGroup"]
    assert granted[0]["Resource"] == [pool.outputs["arn"]]
    assert simulation.named("identity-newcomers-permission").inputs["sourceArn"] == pool.outputs["arn"]


def test_no_default_role_no_function() -> None:
    assert declared()[0].of_type("aws:lambda/function:Function") == ()


@pytest.mark.parametrize("protect", [True, False])
def test_p2_users_survive_a_mistake(protect: bool) -> None:
    pool = declared(protect=protect)[0].named("identity-pool")
    assert pool.protect is protect
    assert pool.inputs["deletionProtection"] == ("ACTIVE" if protect else "INACTIVE")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"roles": []}, "at least one role"),
        ({"roles": ["admin", "admin"]}, "each role once"),
        ({"roles": [f"role{number}" for number in range(101)]}, "at most 100"),
        ({"default_role": "guest"}, "one of customer, admin"),
        ({"default_role": "customer", "self_sign_up": False}, "who register themselves"),
        ({"access_token_minutes": 4}, "5 to 1,440 minutes"),
        ({"domain_prefix": "my-aws-shop"}, "without aws, amazon, cognito"),
        ({"domain_prefix": "Shop"}, "lower-case letters"),
        ({"callback_urls": []}, "at least one address"),
        ({"callback_urls": ["http://shop.example.com/"]}, "an https address"),
        ({"logout_urls": ["javascript:alert(1)"]}, "an https address"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        declared(**changes)
