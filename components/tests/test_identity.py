"""Identity: sign-up, sign-in and roles (S3, S4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.tests.ingress_samples import KEY, MAIL_IDENTITY, WEB_ACL, identity_args, one, refusal, simulated
from groundplan.cloud import Simulation
from groundplan_components.identity import Identity, IdentityArgs
from groundplan_components.identity.default_role import add_to_group

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"


def build(*without: str, **changed: Any) -> Simulation:
    args: Any = {**identity_args(), **changed}
    for key in without:
        del args[key]
    return simulated(lambda: Identity("identity", args))


def test_s3_the_web_client_uses_the_code_flow_without_a_secret() -> None:
    client = one(build(), CLIENT).inputs
    assert client["allowedOauthFlows"] == ["code"]
    assert client["generateSecret"] is False
    assert client["allowedOauthScopes"] == ["openid", "email", "profile", "shop/read", "shop/write"]
    assert client["callbackUrls"] == ["https://shop.example.com/signed-in"]
    assert client["preventUserExistenceErrors"] == "ENABLED"


def test_s3_tokens_are_short_lived_and_can_be_taken_back() -> None:
    client = one(build(access_token_minutes=15), CLIENT).inputs
    assert client["accessTokenValidity"] == 15
    assert client["tokenValidityUnits"] == {"accessToken": "minutes", "idToken": "minutes", "refreshToken": "days"}
    assert client["enableTokenRevocation"] is True
    assert client["refreshTokenRotation"]["feature"] == "ENABLED"
    # With rotation, Cognito refuses the flow that reuses one refresh token.
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in client["explicitAuthFlows"]


def test_s3_tokens_name_their_issuer_keys_and_endpoints() -> None:
    simulation = build()
    outputs = one(simulation, "groundplan:index:Identity").outputs
    pool = one(simulation, POOL)
    assert outputs["issuer"] == f"https://{pool.outputs['endpoint']}"
    assert outputs["jwks_uri"] == f"{outputs['issuer']}/.well-known/jwks.json"
    pages = "https://shop-prod-123456789012.auth.eu-central-1.amazoncognito.com/oauth2"
    assert outputs["authorize_url"] == f"{pages}/authorize"
    assert outputs["token_url"] == f"{pages}/token"
    assert outputs["scopes"] == {"read": "shop/read", "write": "shop/write"}


def test_s4_every_role_is_a_group_and_the_strongest_comes_first() -> None:
    groups = build().of_type("aws:cognito/userGroup:UserGroup")
    assert {group.inputs["name"]: group.inputs["precedence"] for group in groups} == {
        "admin": 0,
        "support": 1,
        "customer": 2,
    }


@pytest.mark.parametrize(("required", "expected"), [(True, "ON"), (False, "OPTIONAL")])
def test_s3_a_second_factor_is_offered_or_required(required: bool, expected: str) -> None:
    pool = one(build(mfa_required=required), POOL).inputs
    assert pool["mfaConfiguration"] == expected
    assert pool["softwareTokenMfaConfiguration"] == {"enabled": True}


def test_s3_passwords_are_long_and_addresses_verified() -> None:
    pool = one(build(), POOL).inputs
    assert pool["passwordPolicy"]["minimumLength"] == 15
    assert pool["autoVerifiedAttributes"] == ["email"]
    assert pool["accountRecoverySetting"]["recoveryMechanisms"] == [{"name": "verified_email", "priority": 1}]


def test_s4_users_register_only_if_allowed() -> None:
    assert one(build(), POOL).inputs["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": False}
    closed = one(build("default_role", self_sign_up=False), POOL).inputs
    assert closed["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}


def test_s4_who_registers_gets_the_default_role_by_a_function_that_can_do_no_more() -> None:
    simulation = build()
    pool = one(simulation, POOL)
    function = one(simulation, "aws:lambda/function:Function")
    assert pool.inputs["lambdaConfig"] == {"postConfirmation": function.outputs["arn"]}
    assert function.inputs["environment"] == {"variables": {"DEFAULT_ROLE": "customer"}}
    assert function.inputs["handler"] == "default_role.handler"
    assert function.inputs["kmsKeyArn"] == KEY
    group = one(simulation, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["kmsKeyId"] == KEY
    assert function.inputs["loggingConfig"]["logGroup"] == group.outputs["name"]
    granted = [
        statement
        for each in simulation.of_type("aws:iam/rolePolicy:RolePolicy")
        for statement in json.loads(each.inputs["policy"])["Statement"]
    ]
    assert [(each["Action"], each["Resource"]) for each in granted] == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group.outputs['arn']}:*"]),
        (["cognito-idp:AdminAddUserToGroup"], [pool.outputs["arn"]]),
    ]
    permission = one(simulation, "aws:lambda/permission:Permission")
    assert permission.inputs["principal"] == "cognito-idp.amazonaws.com"
    assert permission.inputs["sourceArn"] == pool.outputs["arn"]


def test_no_default_role_no_function() -> None:
    assert build("default_role").of_type("aws:lambda/function:Function") == ()


class Client:
    """Records calls to boto3's client."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def admin_add_user_to_group(self, **arguments: str) -> None:
        self.asked.append(arguments)


@pytest.mark.parametrize(
    ("trigger", "asked"),
    [
        (
            "PostConfirmation_ConfirmSignUp",
            [{"UserPoolId": "eu-central-1_a", "Username": "someone", "GroupName": "customer"}],
        ),
        ("PostConfirmation_ConfirmForgotPassword", []),
    ],
)
def test_s4_a_forgotten_password_gives_no_role(trigger: str, asked: list[dict[str, str]]) -> None:
    client = Client()
    event = {"triggerSource": trigger, "userPoolId": "eu-central-1_a", "userName": "someone"}
    add_to_group(event, client, "customer")
    assert client.asked == asked


def test_threat_protection_needs_the_plus_plan() -> None:
    pool = one(build(threat_protection=True), POOL).inputs
    assert (pool["userPoolTier"], pool["userPoolAddOns"]) == ("PLUS", {"advancedSecurityMode": "ENFORCED"})
    plain = one(build(), POOL).inputs
    assert plain["userPoolTier"] == "ESSENTIALS"
    assert "userPoolAddOns" not in plain


def test_mails_come_from_an_identity_of_ones_own() -> None:
    pool = one(build(email_identity_arn=MAIL_IDENTITY, email_from="Shop <no-reply@example.com>"), POOL).inputs
    assert pool["emailConfiguration"] == {
        "emailSendingAccount": "DEVELOPER",
        "sourceArn": MAIL_IDENTITY,
        "fromEmailAddress": "Shop <no-reply@example.com>",
    }


def test_s1_a_web_acl_can_stand_before_the_sign_in_pages() -> None:
    simulation = build(web_acl_arn=WEB_ACL)
    association = one(simulation, "aws:wafv2/webAclAssociation:WebAclAssociation")
    assert association.inputs["resourceArn"] == one(simulation, POOL).outputs["arn"]


@pytest.mark.parametrize("protect", [True, False])
def test_p2_users_survive_a_mistake(protect: bool) -> None:
    pool = one(build(protect=protect), POOL)
    assert pool.protect is protect
    assert pool.inputs["deletionProtection"] == ("ACTIVE" if protect else "INACTIVE")


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"roles": []}, "roles", "at least one role"),
        ({"roles": ["admin", "admin"]}, "roles", "none twice"),
        ({"roles": ["shop admin"]}, "roles", "without spaces"),
        ({"roles": [f"role{number}" for number in range(101)]}, "roles", "at most 100"),
        ({"default_role": "guest"}, "default_role", "one of the roles customer, support, admin"),
        ({"self_sign_up": False}, "default_role", "self_sign_up beside it"),
        ({"access_token_minutes": 4}, "access_token_minutes", "5 to 1,440 minutes"),
        ({"domain_prefix": "my-aws-shop"}, "domain_prefix", "without aws, amazon, cognito"),
        ({"domain_prefix": "Shop"}, "domain_prefix", "small letters"),
        ({"callback_urls": []}, "callback_urls", "at least one address"),
        ({"callback_urls": ["http://shop.example.com/"]}, "callback_urls", "an https address"),
        ({"callback_urls": ["http://localhost.example.com/"]}, "callback_urls", "an https address"),
        ({"logout_urls": ["javascript:alert(1)"]}, "logout_urls", "an https address"),
        ({"email_from": "Shop <no-reply@example.com>"}, "email_from", "email_identity_arn and email_from"),
    ],
)
def test_wrong_arguments_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    args: IdentityArgs = {**identity_args(), **changed}  # type: ignore[typeddict-item]
    message = refusal(lambda: Identity("identity", args))
    assert f'Identity "identity": {argument} is ' in message
    assert expected in message
