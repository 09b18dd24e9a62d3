"""API Gateway (A1, R1, S2, S3)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_API = "aws:apigateway/restApi:RestApi"
_RESOURCE = "aws:apigateway/resource:Resource"
_METHOD = "aws:apigateway/method:Method"
_INTEGRATION = "aws:apigateway/integration:Integration"
_DEPLOYMENT = "aws:apigateway/deployment:Deployment"
_STAGE = "aws:apigateway/stage:Stage"
_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
_AUTHORIZER = "aws:apigateway/authorizer:Authorizer"
_DOMAIN = "aws:apigateway/domainName:DomainName"
_TLS = "SecurityPolicy_TLS13_1_3_2025_09"


def api(_: World) -> Inputs:
    return {
        "endpointConfiguration": {"types": "REGIONAL"},
        "securityPolicy": _TLS,
        "endpointAccessMode": "STRICT",
        "minimumCompressionSize": "1024",
    }


def made_api(world: World, name: str = "api") -> str:
    return (
        next((item.id for item in world.cloud.of(_API) if item.name == name), "")
        or world.make(_API, name, api(world)).id
    )


def root(world: World) -> str:
    made_api(world)
    return str(world.cloud.of(_API)[0].outputs["rootResourceId"])


def resource(world: World) -> Inputs:
    api_id, parent = made_api(world), root(world)
    world.make(_RESOURCE, "there", {"restApi": api_id, "parentId": parent, "pathPart": "{id}"})
    return {"restApi": api_id, "parentId": parent, "pathPart": "orders"}


def orders(world: World) -> str:
    return world.make(_RESOURCE, "orders", resource(world)).id


def pool(world: World) -> str:
    return world.make("aws:cognito/userPool:UserPool", "people", {}).arn


def authorizer(world: World) -> Inputs:
    return {"restApi": made_api(world), "type": "COGNITO_USER_POOLS", "providerArns": [pool(world)]}


def method(world: World) -> Inputs:
    place = orders(world)
    guard = world.make(_AUTHORIZER, "guard", authorizer(world))
    return {
        "restApi": made_api(world),
        "resourceId": place,
        "httpMethod": "GET",
        "authorization": "COGNITO_USER_POOLS",
        "authorizerId": guard.id,
        "requestParameters": {"method.request.querystring.page": False},
    }


def link(world: World) -> str:
    inputs = {"subnetIds": world.subnets(), "securityGroupIds": [world.group().id]}
    return world.make("aws:apigatewayv2/vpcLink:VpcLink", "link", inputs).id


def balancer(world: World) -> str:
    return world.make("aws:lb/loadBalancer:LoadBalancer", "door", {"subnets": world.subnets(), "internal": True}).arn


def integration(world: World) -> Inputs:
    place = orders(world)
    world.make(
        _METHOD, "get", {"restApi": made_api(world), "resourceId": place, "httpMethod": "GET", "authorization": "NONE"}
    )
    return {
        "restApi": made_api(world),
        "resourceId": place,
        "httpMethod": "GET",
        "type": "HTTP_PROXY",
        "integrationHttpMethod": "GET",
        "uri": "https://door.example.com/api/v1/orders/{id}",
        "connectionType": "VPC_LINK",
        "connectionId": link(world),
        "integrationTarget": balancer(world),
        "requestParameters": {"integration.request.path.id": "method.request.path.id"},
        "timeoutMilliseconds": 5000,
    }


def deployment(world: World) -> Inputs:
    world.make(_INTEGRATION, "get", integration(world))
    return {"restApi": made_api(world), "triggers": {"routes": "hash"}}


def stage(world: World) -> Inputs:
    deployed = world.make(_DEPLOYMENT, "first", deployment(world))
    writer = world.role("apigateway.amazonaws.com")
    world.make("aws:apigateway/account:Account", "logs", {"cloudwatchRoleArn": writer.arn})
    logs = world.make("aws:cloudwatch/logGroup:LogGroup", "access", {"retentionInDays": 7})
    world.make(_STAGE, "there", {"restApi": made_api(world), "deployment": deployed.id, "stageName": "old"})
    return {
        "restApi": made_api(world),
        "deployment": deployed.id,
        "stageName": "live",
        "cacheClusterEnabled": True,
        "cacheClusterSize": "0.5",
        "accessLogSettings": {"destinationArn": logs.arn, "format": '{"id": "$context.requestId"}'},
    }


def settings(world: World) -> Inputs:
    world.make(_STAGE, "live", stage(world))
    return {
        "restApi": made_api(world),
        "stageName": "live",
        "methodPath": "*/*",
        "settings": {
            "throttlingRateLimit": 1000,
            "throttlingBurstLimit": 500,
            "cachingEnabled": True,
            "cacheTtlInSeconds": 60,
            "loggingLevel": "ERROR",
        },
    }


def usage_plan(_: World) -> Inputs:
    return {"quotaSettings": {"limit": 1000, "period": "DAY"}}


def domain(world: World) -> Inputs:
    made = world.make(
        "aws:acm/certificate:Certificate", "cert", {"domainName": "*.shop.example.com", "validationMethod": "DNS"}
    )
    return {
        "domainName": "api.shop.example.com",
        "endpointConfiguration": {"types": "REGIONAL"},
        "regionalCertificateArn": made.arn,
        "securityPolicy": _TLS,
        "endpointAccessMode": "STRICT",
    }


def empty_api(world: World) -> Inputs:
    made_api(world, "bare")
    return deployment(world)


def integrated(world: World) -> Inputs:
    """A method whose integration is there already; the API is deployed, which waits for what was there then."""
    place = orders(world)
    world.make(
        _METHOD, "get", {"restApi": made_api(world), "resourceId": place, "httpMethod": "PUT", "authorization": "NONE"}
    )
    for verb in ("PUT", "GET"):
        world.make(
            _INTEGRATION, verb, {"restApi": made_api(world), "resourceId": place, "httpMethod": verb, "type": "MOCK"}
        )
    return {"restApi": made_api(world), "resourceId": place, "httpMethod": "GET", "authorization": "NONE"}


def response(world: World) -> Inputs:
    return {"restApiId": made_api(world), "responseType": "THROTTLED"}


CASES = (
    Case(
        "gateway.security_policy",
        _API,
        api,
        {"endpointAccessMode": ABSENT},
        "endpointAccessMode",
        "STRICT, as the security policy is",
    ),
    Case("gateway.security_policy", _API, api, {"securityPolicy": "TLS_1_3"}, "securityPolicy", "TLS_1_2"),
    Case(
        "gateway.security_policy",
        _API,
        api,
        {"endpointConfiguration.types": "EDGE"},
        "securityPolicy",
        "for an EDGE endpoint",
    ),
    Case(
        "gateway.api",
        _API,
        api,
        {"endpointConfiguration.types": "GLOBAL"},
        "endpointConfiguration.types",
        "EDGE, REGIONAL, PRIVATE",
    ),
    Case("gateway.api", _API, api, {"minimumCompressionSize": "1k"}, "minimumCompressionSize", "a number of bytes"),
    Case("gateway.path_part", _RESOURCE, resource, {"pathPart": "api/v1"}, "pathPart", "a variable in braces"),
    Case("gateway.path_part", _RESOURCE, resource, {"pathPart": "{order}"}, "pathPart", "no second variable"),
    Case("gateway.path_part", _RESOURCE, resource, {"pathPart": "{id}"}, "pathPart", "no sibling has"),
    Case("gateway.method", _METHOD, method, {"authorizerId": ABSENT}, "authorizerId", "an authorizer, as"),
    Case(
        "gateway.method",
        _METHOD,
        method,
        {"authorization": "CUSTOM"},
        "authorization",
        "COGNITO_USER_POOLS, as the authorizer",
    ),
    Case("gateway.method", _METHOD, method, {"httpMethod": "FETCH"}, "httpMethod", "GET, POST"),
    Case(
        "gateway.method",
        _METHOD,
        method,
        {"requestParameters": {"page": False}},
        "requestParameters.page",
        "method.request.path",
    ),
    Case("gateway.integration", _INTEGRATION, integration, {"uri": ABSENT}, "uri", "the type is HTTP_PROXY"),
    Case(
        "gateway.integration",
        _INTEGRATION,
        integration,
        {"connectionType": "INTERNET"},
        "connectionType",
        "VPC_LINK, as",
    ),
    Case(
        "gateway.integration",
        _INTEGRATION,
        integration,
        {"integrationTarget": ABSENT},
        "integrationTarget",
        "the load balancer",
    ),
    Case(
        "gateway.integration",
        _INTEGRATION,
        integration,
        {"requestParameters": ABSENT},
        "requestParameters",
        "integration.request.path.id",
    ),
    Case(
        "gateway.integration",
        _INTEGRATION,
        integration,
        {"timeoutMilliseconds": 10},
        "timeoutMilliseconds",
        "50 to 300000",
    ),
    Case("gateway.deployments_wait", _DEPLOYMENT, deployment, {"triggers": ABSENT}, "triggers", "never deployed"),
    Case("gateway.stage", _STAGE, stage, {"cacheClusterSize": "2"}, "cacheClusterSize", "0.5, 1.6"),
    Case("gateway.stage", _STAGE, stage, {"stageName": "old"}, "stageName", "has it"),
    Case(
        "gateway.stage",
        _STAGE,
        stage,
        {"accessLogSettings.format": "{}"},
        "accessLogSettings.format",
        "$context.requestId",
    ),
    Case("gateway.method_settings", _SETTINGS, settings, {"methodPath": "orders"}, "methodPath", "orders/GET"),
    Case(
        "gateway.method_settings",
        _SETTINGS,
        settings,
        {"settings.throttlingRateLimit": -1},
        "settings.throttlingBurstLimit",
        "beside the rate",
    ),
    Case(
        "gateway.method_settings",
        _SETTINGS,
        settings,
        {"stageName": "old"},
        "settings.cachingEnabled",
        "a stage with a cache",
    ),
    Case(
        "gateway.authorizer",
        _AUTHORIZER,
        authorizer,
        {"providerArns": ABSENT},
        "providerArns",
        "at least one user pool",
    ),
    Case("gateway.authorizer", _AUTHORIZER, authorizer, {"type": "TOKEN"}, "authorizerUri", "invoke ARN"),
    Case(
        "gateway.usage_plan",
        "aws:apigateway/usagePlan:UsagePlan",
        usage_plan,
        {"quotaSettings.period": "HOUR"},
        "quotaSettings.period",
        "DAY, WEEK, MONTH",
    ),
    Case(
        "gateway.usage_plan",
        "aws:apigateway/usagePlan:UsagePlan",
        usage_plan,
        {"quotaSettings.offset": 1},
        "quotaSettings.offset",
        "0 to 0",
    ),
    Case("gateway.domain", _DOMAIN, domain, {"domainName": "api.example.com"}, "domainName", "the certificate covers"),
    Case(
        "gateway.domain",
        _DOMAIN,
        domain,
        {"regionalCertificateArn": ABSENT},
        "regionalCertificateArn",
        "of this region",
    ),
    Case(
        "gateway.gateway_response",
        "aws:apigateway/response:Response",
        response,
        {"responseType": "TOO_MANY"},
        "responseType",
        "THROTTLED",
    ),
    Case(
        "gateway.deployments_wait",
        _DEPLOYMENT,
        empty_api,
        lambda world: {"restApi": made_api(world, "bare")},
        "restApi",
        "an API with methods",
    ),
)
