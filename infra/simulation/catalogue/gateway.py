"""API Gateway.

Identifiers and ARNs: API Gateway developer guide, "ARN values". Hosted zones of regional domain names: AWS General
Reference. Replacements: CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infra.simulation.catalogue.kind import Kind, Name
from infra.simulation.item import Item

if TYPE_CHECKING:
    from infra.simulation.cloud import Cloud

_API = "aws:apigateway/restApi:RestApi"
_RESOURCE = "aws:apigateway/resource:Resource"
_ZONES = {
    "us-east-1": "Z1UJRXOUMOOFQ8",
    "us-west-2": "Z2OJLYMUO9EFXC",
    "eu-west-1": "ZLY8HYME6SFDD",
    "eu-central-1": "Z1U9ULNL0V5AJ3",
}


def _path(item: Item, cloud: Cloud) -> str:
    parent = cloud.referred(item, "parentId")
    above = str(parent.outputs.get("path", "")) if parent is not None and parent.type == _RESOURCE else ""
    return f"{above.rstrip('/')}/{item.known('pathPart')}"


def _invoke_url(item: Item, _: Cloud) -> str:
    return f"https://{item.known('restApi')}.execute-api.{item.place}.amazonaws.com/{item.known('stageName')}"


_TREE = {"resourceId": (_RESOURCE, _API), "parentId": (_RESOURCE, _API)}


def _of_api(
    token: str,
    references: Mapping[str, str | tuple[str, ...]] | None = None,
    **more: Any,  # noqa: ANN401  the fields of Kind
) -> Kind:
    """A part of an API: it names resources of its tree, and moves to another API only by replacement."""
    return Kind(token, references={**_TREE, **(references or {})}, **{"id": "{hex6}", "replaces": ("restApi",), **more})


KINDS = (
    Kind(
        _API,
        id="{hex10}",
        arn="arn:aws:apigateway:{region}::/restapis/{id}",
        name=Name(longest=1024, unique_in="", source="API Gateway API: CreateRestApi"),
        outputs={
            "executionArn": "arn:aws:execute-api:{region}:{account}:{id}",
            "rootResourceId": lambda item, _: item.hex(10, "root"),
            "createdDate": "2026-01-01T00:00:00Z",
            "apiKeySource": "HEADER",
        },
    ),
    _of_api(_RESOURCE, outputs={"path": _path}, replaces=("restApi", "parentId")),
    _of_api(
        "aws:apigateway/method:Method",
        id="agm-{restApi}-{resourceId}-{httpMethod}",
        references={
            "authorizerId": "aws:apigateway/authorizer:Authorizer",
            "requestValidatorId": "aws:apigateway/requestValidator:RequestValidator",
        },
        replaces=("restApi", "resourceId", "httpMethod"),
    ),
    _of_api(
        "aws:apigateway/integration:Integration",
        id="agi-{restApi}-{resourceId}-{httpMethod}",
        outputs={"timeoutMilliseconds": 29000, "passthroughBehavior": "WHEN_NO_MATCH"},
        references={
            "connectionId": ("aws:apigatewayv2/vpcLink:VpcLink", "aws:apigateway/vpcLink:VpcLink"),
            "integrationTarget": "aws:lb/loadBalancer:LoadBalancer",
        },
        replaces=(
            "restApi",
            "resourceId",
            "httpMethod",
            "type",
            "integrationHttpMethod",
            "requestTemplates",
            "credentials",
        ),
    ),
    _of_api(
        "aws:apigateway/methodResponse:MethodResponse",
        id="agmr-{restApi}-{resourceId}-{httpMethod}-{statusCode}",
        replaces=("restApi", "resourceId", "httpMethod", "statusCode"),
    ),
    _of_api(
        "aws:apigateway/integrationResponse:IntegrationResponse",
        id="agir-{restApi}-{resourceId}-{httpMethod}-{statusCode}",
        replaces=("restApi", "resourceId", "httpMethod", "statusCode"),
    ),
    _of_api(
        "aws:apigateway/deployment:Deployment",
        outputs={"createdDate": "2026-01-01T00:00:00Z"},
        replaces=("restApi", "triggers"),
        guarded=True,
    ),
    _of_api(
        "aws:apigateway/stage:Stage",
        id="ags-{restApi}-{stageName}",
        arn="arn:aws:apigateway:{region}::/restapis/{restApi}/stages/{stageName}",
        outputs={
            "invokeUrl": _invoke_url,
            "executionArn": "arn:aws:execute-api:{region}:{account}:{restApi}/{stageName}",
            "webAclArn": "",
        },
        references={"deployment": "aws:apigateway/deployment:Deployment"},
        replaces=("restApi", "stageName"),
    ),
    _of_api(
        "aws:apigateway/methodSettings:MethodSettings",
        id="{restApi}-{stageName}-{methodPath}",
        replaces=("restApi", "stageName", "methodPath"),
    ),
    _of_api(
        "aws:apigateway/authorizer:Authorizer",
        arn="arn:aws:apigateway:{region}::/restapis/{restApi}/authorizers/{id}",
        name=Name(longest=128, unique_in="parent", parent="restApi", source="API Gateway API: CreateAuthorizer"),
        references={"providerArns": "aws:cognito/userPool:UserPool"},
    ),
    _of_api(
        "aws:apigateway/requestValidator:RequestValidator",
        name=Name(longest=128, unique_in="parent", parent="restApi", source="API Gateway API: CreateRequestValidator"),
    ),
    _of_api(
        "aws:apigateway/model:Model",
        name=Name(
            longest=128,
            pattern=r"[a-zA-Z0-9]+",
            says="letters and digits",
            auto=False,
            unique_in="parent",
            parent="restApi",
            source="API Gateway API: CreateModel",
        ),
        replaces=("restApi", "name", "contentType"),
    ),
    _of_api(
        "aws:apigateway/response:Response",
        id="aggr-{restApiId}-{responseType}",
        replaces=("restApiId", "responseType"),
    ),
    Kind("aws:apigateway/restApiPolicy:RestApiPolicy", id="{restApiId}", replaces=("restApiId",), singleton=True),
    Kind(
        "aws:apigateway/usagePlan:UsagePlan",
        id="{hex6}",
        arn="arn:aws:apigateway:{region}::/usageplans/{id}",
        name=Name(longest=255, unique_in="", source="API Gateway API: CreateUsagePlan"),
        references={"apiId": _API},
    ),
    Kind(
        "aws:apigateway/apiKey:ApiKey",
        id="{hex10}",
        arn="arn:aws:apigateway:{region}::/apikeys/{id}",
        name=Name(longest=255, unique_in="", source="API Gateway API: CreateApiKey"),
        outputs={"value": "{hex40}", "createdDate": "2026-01-01T00:00:00Z", "lastUpdatedDate": "2026-01-01T00:00:00Z"},
    ),
    Kind(
        "aws:apigateway/usagePlanKey:UsagePlanKey",
        id="{keyId}",
        references={"keyId": "aws:apigateway/apiKey:ApiKey", "usagePlanId": "aws:apigateway/usagePlan:UsagePlan"},
        replaces=("*",),
    ),
    Kind(
        "aws:apigateway/domainName:DomainName",
        id="{domainName}",
        arn="arn:aws:apigateway:{region}::/domainnames/{domainName}",
        outputs={
            "regionalDomainName": "d-{hex10}.execute-api.{region}.amazonaws.com",
            "regionalZoneId": lambda item, _: _ZONES.get(item.place, "Z1U9ULNL0V5AJ3"),
            "domainNameId": "{hex10}",
            "cloudfrontDomainName": "",
            "cloudfrontZoneId": "Z2FDTNDATAQYW2",
        },
        replaces=("domainName",),
        guarded=True,
    ),
    Kind(
        "aws:apigateway/basePathMapping:BasePathMapping",
        id="{domainName}/{basePath}",
        references={"domainName": "aws:apigateway/domainName:DomainName"},
        replaces=("domainName",),
    ),
    Kind(
        "aws:apigateway/vpcLink:VpcLink",
        id="{hex6}",
        arn="arn:aws:apigateway:{region}::/vpclinks/{id}",
        references={"targetArn": "aws:lb/loadBalancer:LoadBalancer"},
        replaces=("targetArn",),
        guarded=True,
    ),
    Kind(
        "aws:apigatewayv2/vpcLink:VpcLink",
        id="{hex6}",
        arn="arn:aws:apigateway:{region}::/vpclinks/{id}",
        name=Name(longest=128, unique_in="", source="API Gateway V2 API: CreateVpcLink"),
        replaces=("securityGroupIds", "subnetIds"),
        guarded=True,
    ),
)
