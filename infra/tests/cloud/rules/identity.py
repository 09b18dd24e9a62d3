"""Cognito and Lambda (S3)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_POOL = "aws:cognito/userPool:UserPool"
_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
_FUNCTION = "aws:lambda/function:Function"


def pool(_: World) -> Inputs:
    return {
        "mfaConfiguration": "OPTIONAL",
        "softwareTokenMfaConfiguration": {"enabled": True},
        "passwordPolicy": {"minimumLength": 12},
        "userPoolTier": "PLUS",
        "userPoolAddOns": {"advancedSecurityMode": "ENFORCED"},
        "usernameAttributes": ["email"],
    }


def client(world: World) -> Inputs:
    return {
        "userPoolId": world.make(_POOL, "people", pool(world)).id,
        "allowedOauthFlowsUserPoolClient": True,
        "allowedOauthFlows": ["code"],
        "allowedOauthScopes": ["openid", "email"],
        "callbackUrls": ["https://shop.example.com/signed-in", "http://localhost:3000/signed-in"],
        "supportedIdentityProviders": ["COGNITO"],
        "explicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "accessTokenValidity": 60,
        "tokenValidityUnits": {"accessToken": "minutes"},
    }


def domain(world: World) -> Inputs:
    return {
        "userPoolId": world.make(_POOL, "people", pool(world)).id,
        "domain": "shop-prod-login",
        "managedLoginVersion": 2,
    }


def function(world: World) -> Inputs:
    return {
        "role": world.role("lambda.amazonaws.com").arn,
        "s3Bucket": world.bucket().physical_name,
        "s3Key": "code.zip",
        "handler": "main.handle",
        "runtime": "python3.13",
        "memorySize": 256,
        "timeout": 30,
        "architectures": ["arm64"],
        "environment": {"variables": {"POOL_ID": "x"}},
    }


def permission(world: World) -> Inputs:
    return {
        "function": world.make(_FUNCTION, "rotate", function(world)).physical_name,
        "action": "lambda:InvokeFunction",
        "principal": "secretsmanager.amazonaws.com",
        "sourceAccount": "123456789012",
    }


CASES = (
    Case(
        "identity.pool", _POOL, pool, {"softwareTokenMfaConfiguration": ABSENT}, "mfaConfiguration", "a second factor"
    ),
    Case("identity.pool", _POOL, pool, {"userPoolTier": "LITE"}, "userPoolAddOns.advancedSecurityMode", "tier PLUS"),
    Case("identity.pool", _POOL, pool, {"passwordPolicy.minimumLength": 4}, "passwordPolicy.minimumLength", "6 to 99"),
    Case(
        "identity.client",
        _CLIENT,
        client,
        {"callbackUrls[0]": "http://shop.example.com"},
        "callbackUrls[0]",
        "http on localhost",
    ),
    Case("identity.client", _CLIENT, client, {"callbackUrls": ABSENT}, "callbackUrls", "to return to"),
    Case(
        "identity.client",
        _CLIENT,
        client,
        {"allowedOauthFlowsUserPoolClient": False},
        "allowedOauthFlowsUserPoolClient",
        "true, as",
    ),
    Case(
        "identity.client",
        _CLIENT,
        client,
        {"allowedOauthScopes[1]": "orders/read"},
        "allowedOauthScopes[1]",
        "a resource server's",
    ),
    Case(
        "identity.client",
        _CLIENT,
        client,
        {"explicitAuthFlows[0]": "ALLOW_SRP"},
        "explicitAuthFlows[0]",
        "ALLOW_USER_SRP_AUTH",
    ),
    Case(
        "identity.client",
        _CLIENT,
        client,
        {"allowedOauthFlows[1]": "client_credentials"},
        "allowedOauthFlows",
        "client_credentials alone",
    ),
    Case(
        "identity.token_lives",
        _CLIENT,
        client,
        {"accessTokenValidity": 4},
        "accessTokenValidity",
        "300 to 86400 seconds",
    ),
    Case(
        "identity.token_lives",
        _CLIENT,
        client,
        {"tokenValidityUnits.accessToken": "weeks"},
        "tokenValidityUnits.accessToken",
        "minutes",
    ),
    Case(
        "identity.domain",
        "aws:cognito/userPoolDomain:UserPoolDomain",
        domain,
        {"domain": "login.example.com"},
        "certificateArn",
        "of us-east-1",
    ),
    Case("lambdas.function", _FUNCTION, function, {"runtime": "python2.7"}, "runtime", "Lambda supports"),
    Case("lambdas.function", _FUNCTION, function, {"timeout": 901}, "timeout", "1 to 900"),
    Case("lambdas.function", _FUNCTION, function, {"handler": ABSENT}, "handler", "the package is a zip"),
    Case(
        "lambdas.function",
        _FUNCTION,
        function,
        {"environment.variables": {"AWS_REGION": "x"}},
        "environment.variables.AWS_REGION",
        "doesn't reserve",
    ),
    Case(
        "lambdas.function",
        _FUNCTION,
        function,
        lambda world: {"role": world.role("ec2.amazonaws.com").arn},
        "role",
        "lambda.amazonaws.com may take",
    ),
    Case(
        "lambdas.permission",
        "aws:lambda/permission:Permission",
        permission,
        {"action": "InvokeFunction"},
        "action",
        "lambda:InvokeFunction",
    ),
)
