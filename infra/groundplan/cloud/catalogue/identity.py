"""Cognito.

Names, endpoints and limits: Cognito user pools API reference. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundplan.cloud.catalogue.kind import Kind, Name
from groundplan.cloud.item import ACCOUNT, Item

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

_POOL = "aws:cognito/userPool:UserPool"
_NAME = r"[\w\s+=,.@-]+"
_NAME_SAYS = "letters, digits, spaces and _+=,.@-"


def _client_secret(item: Item, _: Cloud) -> str:
    return item.hex(52) if item.get("generateSecret", False) is True else ""


def _scopes(item: Item, _: Cloud) -> list[str]:
    return [f"{item.known('identifier')}/{scope.get('scopeName')}" for scope in item.objects("scopes")]


def _invocations(version: str, arn: str, what: str) -> str:
    return f"arn:aws:apigateway:{{region}}:lambda:path/{version}/functions/{arn}/{what}"


def _rotation_function(item: Item, _: Cloud) -> dict[str, str]:
    """What AWS's applications for rotating secrets give back."""
    parameters = item.known("parameters")
    name = parameters.get("functionName") if isinstance(parameters, dict) else item.physical_name
    return {"RotationLambdaARN": f"arn:aws:lambda:{item.place}:{ACCOUNT}:function:{name}"}


KINDS = (
    Kind(
        _POOL,
        id=lambda item, _: f"{item.place}_{item.hex(9)}",
        arn="arn:aws:cognito-idp:{region}:{account}:userpool/{id}",
        name=Name(longest=128, pattern=_NAME, says=_NAME_SAYS, unique_in="", source="Cognito API: CreateUserPool"),
        outputs={
            "endpoint": "cognito-idp.{region}.amazonaws.com/{id}",
            "creationDate": "2026-01-01T00:00:00Z",
            "lastModifiedDate": "2026-01-01T00:00:00Z",
            "estimatedNumberOfUsers": 0,
            "domain": "",
            "customDomain": "",
            "mfaConfiguration": "OFF",
        },
        replaces=("aliasAttributes", "usernameAttributes", "usernameConfiguration"),
        protection="deletionProtection",
        stateful=True,
    ),
    Kind(
        "aws:cognito/userPoolClient:UserPoolClient",
        id="{hex26}",
        name=Name(
            longest=128, pattern=_NAME, says=_NAME_SAYS, unique_in="", source="Cognito API: CreateUserPoolClient"
        ),
        outputs={"clientSecret": _client_secret},
        replaces=("generateSecret", "userPoolId"),
    ),
    Kind(
        "aws:cognito/userPoolDomain:UserPoolDomain",
        id="{domain}",
        name=Name(
            "domain",
            longest=63,
            pattern=r"(?!.*(aws|amazon|cognito))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|(?=.*\.)[a-z0-9.-]+",
            says="lower-case letters, digits and hyphens, without aws, amazon or cognito",
            auto=False,
            unique_in="world",
            source="Cognito developer guide: Configuring a user pool domain",
        ),
        outputs={
            "cloudfrontDistribution": "d{hex13}.cloudfront.net",
            "cloudfrontDistributionArn": "d{hex13}.cloudfront.net",
            "cloudfrontDistributionZoneId": "Z2FDTNDATAQYW2",
            "awsAccountId": "{account}",
            "s3Bucket": "aws-cognito-prod-{region}-assets",
            "version": "20260101000000",
        },
        replaces=("domain", "userPoolId"),
    ),
    Kind(
        "aws:cognito/userGroup:UserGroup",
        id="{userPoolId}/{name}",
        name=Name(
            longest=128,
            pattern=r"\S+",
            says="no spaces",
            unique_in="parent",
            parent="userPoolId",
            source="Cognito API: CreateGroup",
        ),
        replaces=("name", "userPoolId"),
    ),
    Kind(
        "aws:cognito/resourceServer:ResourceServer",
        id="{userPoolId}|{identifier}",
        outputs={"scopeIdentifiers": _scopes},
        replaces=("identifier", "userPoolId"),
    ),
    Kind(
        "aws:cognito/riskConfiguration:RiskConfiguration",
        id="{userPoolId}:{clientId}",
        replaces=("userPoolId", "clientId"),
    ),
    Kind(
        "aws:cognito/managedLoginBranding:ManagedLoginBranding",
        id="{userPoolId},{uuid}",
        replaces=("userPoolId", "clientId"),
    ),
    Kind(
        "aws:lambda/function:Function",
        arn="arn:aws:lambda:{region}:{account}:function:{name}",
        name=Name(
            longest=64, pattern=r"[a-zA-Z0-9-_]+", says="letters, digits, - and _", source="Lambda API: CreateFunction"
        ),
        outputs={
            "invokeArn": _invocations("2015-03-31", "{arn}", "invocations"),
            "qualifiedArn": "{arn}:1",
            "qualifiedInvokeArn": _invocations("2015-03-31", "{arn}:1", "invocations"),
            "responseStreamingInvokeArn": _invocations("2021-11-15", "{arn}", "response-streaming-invocations"),
            "version": "1",
            "lastModified": "2026-01-01T00:00:00Z",
            "sourceCodeSize": 1024,
            "codeSha256": "{hex44}",
            "architectures": ["x86_64"],
        },
        references={"role": "aws:iam/role:Role"},
        replaces=("name", "packageType"),
    ),
    Kind(
        "aws:codebuild/project:Project",
        id="{arn}",
        arn="arn:aws:codebuild:{region}:{account}:project/{name}",
        name=Name(
            longest=150,
            shortest=2,
            pattern=r"[A-Za-z0-9][A-Za-z0-9_-]+",
            says="letters, digits, hyphens and underscores",
            source="CodeBuild API: CreateProject",
        ),
        references={"serviceRole": "aws:iam/role:Role"},
        replaces=("name",),
    ),
    Kind(
        "aws:codebuild/webhook:Webhook",
        id="{projectName}",
        outputs={"payloadUrl": "https://codebuild.{region}.amazonaws.com/webhooks", "url": "", "secret": "{hex32}"},
        references={"projectName": "aws:codebuild/project:Project"},
        replaces=("projectName",),
    ),
    Kind(
        "aws:lambda/permission:Permission",
        id=lambda item, _: str(item.known("statementId") or f"terraform-{item.hex(26)}"),
        references={"function": "aws:lambda/function:Function"},
        replaces=("*",),
    ),
    Kind(
        "aws:serverlessrepository/cloudFormationStack:CloudFormationStack",
        id="arn:aws:cloudformation:{region}:{account}:stack/serverlessrepo-{name}/{uuid}",
        name=Name(
            longest=128 - len("serverlessrepo-"),
            pattern=r"[a-zA-Z][a-zA-Z0-9-]*",
            says="letters, digits and hyphens, a letter first",
        ),
        outputs={
            "outputs": _rotation_function,
        },
        replaces=("applicationId", "name"),
        # The rotation functions that AWS publishes take the name of their function.
        makes={"aws:lambda/function:Function": "parameters.functionName"},
    ),
)
