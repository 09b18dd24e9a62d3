"""Cognito."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, transition

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
_FLOWS = (
    "ADMIN_NO_SRP_AUTH",
    "CUSTOM_AUTH_FLOW_ONLY",
    "USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_AUTH",
)
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_STANDARD_SCOPES = ("phone", "email", "openid", "profile", "aws.cognito.signin.user.admin")


@rule(POOL)
def pool(item: Item, _: Cloud) -> Iterator[Broken]:
    """A second factor needs a way to send or compute it; passwords have 6 to 99 characters; threat protection needs
    the PLUS tier.

    Source: Cognito API, CreateUserPool; Cognito developer guide, User pool feature plans.
    """
    yield from one_of(item, "mfaConfiguration", "OFF", "ON", "OPTIONAL")
    yield from one_of(item, "deletionProtection", "ACTIVE", "INACTIVE")
    yield from one_of(item, "userPoolTier", "LITE", "ESSENTIALS", "PLUS")
    yield from one_of(item, "userPoolAddOns.advancedSecurityMode", "OFF", "AUDIT", "ENFORCED")
    ways = ("softwareTokenMfaConfiguration", "smsConfiguration", "emailMfaConfiguration", "webAuthnConfiguration")
    if item.known("mfaConfiguration") in ("ON", "OPTIONAL") and not any(item.get(way) is not None for way in ways):
        yield Broken("mfaConfiguration", "a second factor", "set software_token_mfa_configuration")
    yield from between(item, "passwordPolicy.minimumLength", 6, 99)
    if (
        item.known("userPoolAddOns.advancedSecurityMode") in ("AUDIT", "ENFORCED")
        and item.get("userPoolTier", "ESSENTIALS") != "PLUS"
    ):
        yield Broken("userPoolAddOns.advancedSecurityMode", "user pool tier PLUS", "set user_pool_tier to PLUS")
    if item.each("aliasAttributes") and item.each("usernameAttributes"):
        yield Broken("aliasAttributes", "nothing, as usernameAttributes is given", "choose one of the two")
    for index, schema in enumerate(item.objects("schemas")):
        kind = schema.get("attributeDataType")
        if isinstance(kind, str) and kind not in ("String", "Number", "DateTime", "Boolean"):
            yield Broken(
                f"schemas[{index}].attributeDataType", "String, Number, DateTime or Boolean", "choose one of these"
            )


@rule(POOL)
def pool_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """Recovery by an administrator stands alone; invitations tell name and code; passwords are among the first
    factors; what is verified before a change is verified automatically.

    Source: Cognito API, CreateUserPool, SetUserPoolMfaConfig.
    """
    ways = [each.get("name") for each in item.objects("accountRecoverySetting.recoveryMechanisms")]
    if "admin_only" in ways and len(ways) > 1:
        yield Broken("accountRecoverySetting.recoveryMechanisms", "admin_only alone", "keep it, or the others", ways)
    invitation = "adminCreateUserConfig.inviteMessageTemplate"
    for name in ("emailMessage", "smsMessage"):
        text = item.known(f"{invitation}.{name}")
        if isinstance(text, str) and not ("{username}" in text and "{####}" in text):
            yield Broken(f"{invitation}.{name}", "a text with {username} and {####}", "add them")
    factors = item.each("signInPolicy.allowedFirstAuthFactors")
    if factors and "PASSWORD" not in factors:
        yield Broken("signInPolicy.allowedFirstAuthFactors", "PASSWORD among them", "add it", factors)
    verified = item.each("autoVerifiedAttributes")
    path = "userAttributeUpdateSettings.attributesRequireVerificationBeforeUpdates"
    for index, each in enumerate(item.each(path)):
        if isinstance(each, str) and each not in verified and isinstance(item.get("autoVerifiedAttributes", []), list):
            yield Broken(f"{path}[{index}]", "one of autoVerifiedAttributes", "verify it automatically")
    others = ("smsConfiguration", "emailMfaConfiguration", "webAuthnConfiguration")
    if (
        item.known("mfaConfiguration") in ("ON", "OPTIONAL")
        and item.known("softwareTokenMfaConfiguration.enabled") is False
        and not any(item.get(each) for each in others)
    ):
        yield Broken("softwareTokenMfaConfiguration.enabled", "true: no other second factor is there", "enable it")


@rule(CLIENT)
def client(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """OAuth needs flows, scopes and an identity provider, and for codes a callback; callbacks are https, or http on
    localhost.

    Source: Cognito API, CreateUserPoolClient; OpenID Connect scopes of Cognito.
    """
    on = item.get("allowedOauthFlowsUserPoolClient", False) is True
    flows = item.each("allowedOauthFlows")
    for index, flow in enumerate(flows):
        if isinstance(flow, str) and flow not in ("code", "implicit", "client_credentials"):
            yield Broken(f"allowedOauthFlows[{index}]", "code, implicit or client_credentials", "choose one of these")
    if on:
        for name in ("allowedOauthFlows", "allowedOauthScopes"):
            if not item.get(name):
                yield Broken(name, "at least one, as OAuth is on", f"set {name}")
    elif flows or item.get("allowedOauthScopes"):
        yield Broken(
            "allowedOauthFlowsUserPoolClient",
            "true, as flows or scopes are given",
            "set allowed_oauth_flows_user_pool_client",
        )
    if {"code", "implicit"} & {flow for flow in flows if isinstance(flow, str)} and not item.get("callbackUrls"):
        yield Broken("callbackUrls", "at least one address to return to", "set callback_urls")
    if "client_credentials" in flows:
        if {"code", "implicit"} & {flow for flow in flows if isinstance(flow, str)}:
            yield Broken("allowedOauthFlows", "client_credentials alone", "create another client for people")
        if item.get("generateSecret", False) is False:
            yield Broken("generateSecret", "true, as the client signs in by itself", "set generate_secret")
    for name in ("callbackUrls", "logoutUrls"):
        for index, address in enumerate(item.each(name)):
            if isinstance(address, str) and not _allowed(address):
                yield Broken(
                    f"{name}[{index}]", "https, or http on localhost, without a fragment", "correct the address"
                )
    for index, flow in enumerate(item.each("explicitAuthFlows")):
        if isinstance(flow, str) and flow not in _FLOWS:
            yield Broken(f"explicitAuthFlows[{index}]", f"one of {', '.join(_FLOWS)}", "choose one of these")
    known = {
        scope
        for server in cloud.where("aws:cognito/resourceServer:ResourceServer", "userPoolId", item.known("userPoolId"))
        for scope in server.outputs.get("scopeIdentifiers", [])
    }
    for index, scope in enumerate(item.each("allowedOauthScopes")):
        if isinstance(scope, str) and scope not in _STANDARD_SCOPES and scope not in known:
            yield Broken(
                f"allowedOauthScopes[{index}]",
                f"one of {', '.join(_STANDARD_SCOPES)}, or a resource server's",
                "declare the resource server first",
                absent=True,
            )
    providers = item.each("supportedIdentityProviders")
    if on and item.get("supportedIdentityProviders") is None:
        yield Broken("supportedIdentityProviders", "at least one, as OAuth is on", "set it to COGNITO")
    for index, provider in enumerate(providers):
        if provider != "COGNITO" and not any(
            each.known("providerName") == provider for each in cloud.of("aws:cognito/identityProvider:IdentityProvider")
        ):
            yield Broken(
                f"supportedIdentityProviders[{index}]",
                "COGNITO, or a provider of the pool",
                "create the provider first",
                absent=True,
            )


def _allowed(address: str) -> bool:
    if "#" in address:
        return False
    secure = re.match(r"https://[^/\s]+", address) is not None
    local = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)", address) is not None
    app = re.match(r"(?!https?:)[a-z][a-z0-9.+-]*://", address) is not None
    return secure or local or app


@rule(CLIENT)
def token_lives(item: Item, _: Cloud) -> Iterator[Broken]:
    """Access and identity tokens live 5 minutes to 1 day, refresh tokens 60 minutes to 10 years.

    Source: Cognito API, CreateUserPoolClient, AccessTokenValidity, IdTokenValidity, RefreshTokenValidity.
    """
    limits = (
        ("accessToken", "hours", 300, 86_400),
        ("idToken", "hours", 300, 86_400),
        ("refreshToken", "days", 3600, 315_360_000),
    )
    for name, usual, low, high in limits:
        value, unit = item.known(f"{name}Validity"), item.get(f"tokenValidityUnits.{name}", usual)
        if unit not in _SECONDS:
            if isinstance(unit, str):
                yield Broken(f"tokenValidityUnits.{name}", f"one of {', '.join(_SECONDS)}", "choose one of these")
        elif isinstance(value, int) and not low <= value * _SECONDS[unit] <= high:
            yield Broken(
                f"{name}Validity",
                f"{low} to {high} seconds; this is {value} {unit}",
                "set token_validity_units, or change the number",
            )


_STANDARD_ATTRIBUTES = frozenset(
    [
        "address",
        "birthdate",
        "email",
        "email_verified",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "phone_number_verified",
        "picture",
        "preferred_username",
        "profile",
        "updated_at",
        "website",
        "zoneinfo",
    ]
)


@rule(CLIENT)
def client_settings(item: Item, _: Cloud) -> Iterator[Broken]:
    """A client reads and writes attributes that pools have, and writes no verification; it has flows of one naming;
    rotated refresh tokens exclude the old flow; its default address is among its callbacks.

    Source: Cognito API, CreateUserPoolClient; Cognito developer guide, Working with user attributes.
    """
    for path in ("readAttributes", "writeAttributes"):
        for index, each in enumerate(item.each(path)):
            own = isinstance(each, str) and each.startswith(("custom:", "dev:", "identities"))
            if isinstance(each, str) and not own and each not in _STANDARD_ATTRIBUTES:
                yield Broken(f"{path}[{index}]", "an attribute of the pool, or custom:…", "correct its name")
            if path == "writeAttributes" and each in ("email_verified", "phone_number_verified", "updated_at"):
                yield Broken(f"{path}[{index}]", "an attribute that a client may write", "remove it")
    flows = [each for each in item.each("explicitAuthFlows") if isinstance(each, str)]
    if len({each.startswith("ALLOW_") for each in flows}) > 1:
        yield Broken("explicitAuthFlows", "names with ALLOW_ only, or without only", "use the ALLOW_ names", flows)
    if item.known("refreshTokenRotation.feature") == "ENABLED" and "ALLOW_REFRESH_TOKEN_AUTH" in flows:
        yield Broken("explicitAuthFlows", "no ALLOW_REFRESH_TOKEN_AUTH, as refresh tokens rotate", "remove it", flows)
    default, callbacks = item.known("defaultRedirectUri"), item.get("callbackUrls", [])
    if (
        isinstance(default, str)
        and isinstance(callbacks, list)
        and default
        and default not in item.each("callbackUrls")
    ):
        yield Broken("defaultRedirectUri", "one of callbackUrls", "add it to them")


@transition(POOL)
def attributes_stay(old: Item, new: Item) -> Iterator[Broken]:
    """A pool's own attributes are added, and never changed or removed.

    Source: Cognito developer guide, Working with user attributes: custom attributes can't be removed or changed.
    """
    after = {each.get("name"): each for each in new.objects("schemas")}
    if new.get("schemas") is not None and not isinstance(new.get("schemas"), list):
        return
    for each in old.objects("schemas"):
        kept = after.get(each.get("name"))
        if kept is None or kept.get("attributeDataType") != each.get("attributeDataType"):
            yield Broken("schemas", f"the attribute {each.get('name')} as it is", "keep it, and add others")


@rule("aws:cognito/userPoolDomain:UserPoolDomain")
def domain(item: Item, _: Cloud) -> Iterator[Broken]:
    """A domain of one's own needs a certificate.

    Source: Cognito developer guide, Using your own domain for managed login.
    """
    name = item.known("domain")
    if isinstance(name, str) and "." in name and item.get("certificateArn") is None:
        yield Broken("certificateArn", "a certificate of us-east-1 for this domain", "set certificate_arn")
    yield from one_of(item, "managedLoginVersion", 1, 2)
