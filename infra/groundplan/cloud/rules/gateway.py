"""API Gateway REST APIs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, whole

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

API = "aws:apigateway/restApi:RestApi"
METHOD = "aws:apigateway/method:Method"
INTEGRATION = "aws:apigateway/integration:Integration"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
STAGE = "aws:apigateway/stage:Stage"
_VERBS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "ANY")
# API Gateway API reference, SecurityPolicy.
_POLICIES = (
    "TLS_1_0",
    "TLS_1_2",
    "SecurityPolicy_TLS13_1_3_2025_09",
    "SecurityPolicy_TLS13_1_3_FIPS_2025_09",
    "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_2021_06",
    "SecurityPolicy_TLS13_2025_EDGE",
    "SecurityPolicy_TLS12_PFS_2025_EDGE",
    "SecurityPolicy_TLS12_2018_EDGE",
)
_CACHE_SIZES = ("0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237")


@rule(API, "aws:apigateway/domainName:DomainName")
def security_policy(item: Item, _: Cloud) -> Iterator[Broken]:
    """A policy named `SecurityPolicy_…` needs an endpoint access mode; EDGE policies are for edge endpoints. That the
    mode is STRICT, without which TLS 1.3 isn't insisted on, is no rule of AWS's but a control (S2.gateway-tls).

    Source: API Gateway developer guide, Security policies for REST APIs; Endpoint access mode.
    """
    yield from one_of(item, "securityPolicy", *_POLICIES)
    yield from one_of(item, "endpointAccessMode", "BASIC", "STRICT")
    policy = item.known("securityPolicy")
    kind = item.get("endpointConfiguration.types", "EDGE")
    if not isinstance(policy, str):
        return
    if policy.startswith("SecurityPolicy_") and item.get("endpointAccessMode") is None:
        yield Broken(
            "endpointAccessMode", f"STRICT, as the security policy is {policy}", "set endpoint_access_mode to STRICT"
        )
    if policy.endswith("_EDGE") and kind != "EDGE":
        yield Broken("securityPolicy", f"a policy for a {kind} endpoint", "use one whose name doesn't end with _EDGE")
    if policy.startswith("SecurityPolicy_") and not policy.endswith("_EDGE") and kind == "EDGE":
        yield Broken(
            "securityPolicy",
            "a policy for an EDGE endpoint",
            "use one whose name ends with _EDGE, or a REGIONAL endpoint",
        )


@rule(API)
def api(item: Item, _: Cloud) -> Iterator[Broken]:
    """An endpoint is EDGE, REGIONAL or PRIVATE; a private one names VPC endpoints.

    Source: API Gateway API, CreateRestApi, EndpointConfiguration.
    """
    yield from one_of(item, "endpointConfiguration.types", "EDGE", "REGIONAL", "PRIVATE")
    size = item.known("minimumCompressionSize")
    if isinstance(size, str) and size and not (size.lstrip("-").isdigit() and -1 <= int(size) <= 10_485_760):
        yield Broken("minimumCompressionSize", "a number of bytes up to 10485760, as text", "correct the size")


@rule("aws:apigateway/resource:Resource")
def path_part(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A path part has letters, digits and -._~:$, or is a variable in braces; siblings differ, and only one of them
    is a variable.

    Source: API Gateway API, CreateResource; API Gateway developer guide, Important notes.
    """
    part = item.known("pathPart")
    if isinstance(part, str) and re.fullmatch(r"[a-zA-Z0-9._:$~-]+|\{[a-zA-Z0-9._-]+\+?\}", part) is None:
        yield Broken(
            "pathPart", "letters, digits and -._~:$, or a variable in braces", "one resource for each part of the path"
        )
    if not isinstance(part, str):
        return
    for other in cloud.others(item, "parentId"):
        theirs = other.known("pathPart")
        if not isinstance(theirs, str):
            continue
        if theirs == part:
            yield Broken("pathPart", f"a part that no sibling has; {other.urn} has it", "keep one resource")
        elif theirs.startswith("{") and part.startswith("{"):
            yield Broken(
                "pathPart",
                f"no second variable at this place; {other.urn} is {theirs}",
                "use one name for the variable",
            )


@rule(METHOD)
def method(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A method's authorization is listed; CUSTOM and COGNITO_USER_POOLS need an authorizer of that kind and of the
    same API.

    Source: API Gateway API, PutMethod.
    """
    yield from one_of(item, "httpMethod", *_VERBS)
    yield from one_of(item, "authorization", "NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS")
    way = item.known("authorization")
    if way in ("CUSTOM", "COGNITO_USER_POOLS") and item.get("authorizerId") is None:
        yield Broken("authorizerId", f"an authorizer, as authorization is {way}", "set authorizer_id")
    if way in ("NONE", "AWS_IAM") and item.get("authorizerId") is not None:
        yield Broken(
            "authorizerId", f"nothing, as authorization is {way}", "set authorization to the authorizer's kind"
        )
    if item.each("authorizationScopes") and way != "COGNITO_USER_POOLS":
        yield Broken(
            "authorizationScopes", "authorization COGNITO_USER_POOLS", "remove the scopes, or change authorization"
        )
    found = cloud.referred(item, "authorizerId")
    if found is not None:
        kind = found.get("type", "TOKEN")
        if (kind == "COGNITO_USER_POOLS") != (way == "COGNITO_USER_POOLS"):
            yield Broken(
                "authorization",
                f"{kind if kind == 'COGNITO_USER_POOLS' else 'CUSTOM'}, as the authorizer is of type {kind}",
                "make the two agree",
            )
        if found.known("restApi") != item.known("restApi"):
            yield Broken("authorizerId", "an authorizer of the same API", "create one for this API")
    yield from _same_place(item, cloud)
    parameters = item.known("requestParameters")
    for name in parameters if isinstance(parameters, dict) else {}:
        if (
            re.fullmatch(
                r"method\.request\.(path|querystring|header|multivaluequerystring|multivalueheader)\.[\w.\[\]$-]+", name
            )
            is None
        ):
            yield Broken(
                f"requestParameters.{name}",
                "method.request.path, querystring or header and a name",
                "correct the name",
                name,
            )


def _same_place(item: Item, cloud: Cloud) -> Iterator[Broken]:
    for other in cloud.others(item, "resourceId"):
        if other.known("httpMethod") == item.known("httpMethod"):
            yield Broken("httpMethod", f"a method that the resource doesn't have; {other.urn} is the same", "keep one")
    resource = cloud.referred(item, "resourceId")
    if resource is not None and resource.type != API and resource.known("restApi") != item.known("restApi"):
        yield Broken("resourceId", "a resource of the same API", "use a resource of this API")


@rule(INTEGRATION)
def integration(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What is not a mock has a method and an address; a private integration has a link, of version 2 where it names a
    load balancer.

    Source: API Gateway API, PutIntegration; API Gateway developer guide, Set up a private integration with VPC links
    V2.
    """
    yield from one_of(item, "type", "HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY", "MOCK")
    kind = item.known("type")
    if kind in ("HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY"):
        for name in ("integrationHttpMethod", "uri"):
            if item.get(name) is None:
                yield Broken(name, f"a value, as the type is {kind}", f"set {name}")
    uri = item.known("uri")
    if isinstance(uri, str) and kind in ("HTTP", "HTTP_PROXY") and re.match(r"https?://", uri) is None:
        yield Broken("uri", "an address that begins with http:// or https://", "correct the address")
    private = item.get("connectionType", "INTERNET") == "VPC_LINK"
    yield from one_of(item, "connectionType", "INTERNET", "VPC_LINK")
    if private and item.get("connectionId") is None:
        yield Broken("connectionId", "a VPC link, as connectionType is VPC_LINK", "set connection_id")
    for name in ("connectionId", "integrationTarget"):
        if not private and item.get(name) is not None:
            yield Broken("connectionType", f"VPC_LINK, as {name} is given", "set connection_type")
    link = cloud.referred(item, "connectionId")
    if link is not None:
        second = link.type.startswith("aws:apigatewayv2/")
        if item.get("integrationTarget") is not None and not second:
            yield Broken(
                "connectionId", "a VPC link V2 (apigatewayv2.VpcLink), as integrationTarget is given", "create one"
            )
        if item.get("integrationTarget") is None and second:
            yield Broken(
                "integrationTarget", "the ARN of the load balancer, as the link is a V2 one", "set integration_target"
            )
    yield from between(item, "timeoutMilliseconds", 50, 300_000)
    parameters = item.known("requestParameters")
    for name in parameters if isinstance(parameters, dict) else {}:
        if re.fullmatch(r"integration\.request\.(path|querystring|header)\.[\w.$-]+", name) is None:
            yield Broken(
                f"requestParameters.{name}",
                "integration.request.path, querystring or header and a name",
                "correct the name",
                name,
            )
    if isinstance(uri, str):
        given = parameters if isinstance(parameters, dict) else {}
        for variable in re.findall(r"\{(\w+)\}", uri):
            if f"integration.request.path.{variable}" not in given and kind in ("HTTP", "HTTP_PROXY"):
                yield Broken(
                    "requestParameters",
                    f"integration.request.path.{variable}, which the uri uses",
                    f"map it from method.request.path.{variable}",
                    given,
                )
    yield from _same_place(item, cloud)


@whole
def methods_have_integrations(cloud: Cloud) -> Iterator[Broken]:
    """Every method has an integration when its API is deployed.

    Source: API Gateway API, CreateDeployment ("No integration defined for method").
    """
    pairs = {
        (each.known("restApi"), each.known("resourceId"), each.known("httpMethod")) for each in cloud.of(INTEGRATION)
    }
    deployed = {each.known("restApi") for each in cloud.of(DEPLOYMENT)}
    for each in cloud.of(METHOD):
        place = (each.known("restApi"), each.known("resourceId"), each.known("httpMethod"))
        if None not in place and place not in pairs and place[0] in deployed:
            yield Broken(
                "httpMethod", "an integration for the method", "create an apigateway.Integration for it", item=each
            )


def _api_of(part: Item) -> object:
    return part.known("restApi") or part.known("restApiId")


@whole
def deployments_wait(cloud: Cloud) -> Iterator[Broken]:
    """A deployment takes a picture of the API: it waits for every method and integration.

    Source: pulumi-aws, apigateway.Deployment; API Gateway developer guide, Deploy REST APIs.
    """
    parts = [*cloud.of(METHOD), *cloud.of(INTEGRATION), *cloud.of("aws:apigateway/response:Response")]
    for deployment in cloud.of(DEPLOYMENT):
        own = [part for part in parts if _api_of(part) == deployment.known("restApi") is not None]
        if not any(part.type == METHOD for part in own) and cloud.find(API, deployment.known("restApi")):
            api_ = cloud.find(API, deployment.known("restApi"))
            if api_ is not None and api_.get("body") is None:
                yield Broken("restApi", "an API with methods", "create the methods and depend on them", item=deployment)
        missing = [part for part in own if not cloud.depends(deployment, part)]
        if missing:
            yield Broken(
                "restApi",
                f"to wait for {len(missing)} more parts of the API, such as {missing[0].urn}",
                "add the methods and integrations to depends_on",
                item=deployment,
            )
        if own and deployment.get("triggers") is None:
            yield Broken(
                "triggers",
                "a hash of the routes, without which later changes are never deployed",
                "set triggers",
                item=deployment,
            )


@rule(STAGE)
def stage(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A stage's name has letters, digits, - and _; cache sizes are those on sale; access logs go to a log group or
    Firehose.

    Source: API Gateway API, CreateStage; API Gateway developer guide, Set up CloudWatch logging.
    """
    name = item.known("stageName")
    if isinstance(name, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name) is None:
        yield Broken("stageName", "up to 128 letters, digits, - and _", "rename it")
    yield from one_of(item, "cacheClusterSize", *_CACHE_SIZES)
    if item.known("cacheClusterEnabled") is True and item.get("cacheClusterSize") is None:
        yield Broken("cacheClusterSize", "a size, as the cache is on", "set cache_cluster_size")
    target = item.known("accessLogSettings.destinationArn")
    if (
        isinstance(target, str)
        and re.match(r"arn:aws[a-z-]*:(logs:.*:log-group:[^*]+$|firehose:.*:deliverystream/amazon-apigateway-)", target)
        is None
    ):
        yield Broken(
            "accessLogSettings.destinationArn",
            "a log group's ARN without :*, or a stream named amazon-apigateway-…",
            "pass the log group's arn",
        )
    if item.get("accessLogSettings") is not None and not re.search(
        r"context\.(extendedR|r)equestId", str(item.get("accessLogSettings.format"))
    ):
        yield Broken(
            "accessLogSettings.format",
            "a format that contains $context.requestId or $context.extendedRequestId",
            "add it",
        )
    deployment = cloud.referred(item, "deployment")
    if deployment is not None and deployment.known("restApi") != item.known("restApi"):
        yield Broken("deployment", "a deployment of the same API", "create one for this API")
    for other in cloud.others(item, "restApi"):
        if other.known("stageName") == name:
            yield Broken("stageName", f"a name that no other stage of the API has; {other.urn} has it", "rename one")


@rule(STAGE, DEPLOYMENT)
def stage_variables(item: Item, _: Cloud) -> Iterator[Broken]:
    """A stage variable's name has letters, digits and underscores, its value what addresses have.

    Source: API Gateway API, CreateStage, variables.
    """
    found = item.known("variables")
    for name, value in (found if isinstance(found, dict) else {}).items():
        if re.fullmatch(r"\w+", name, re.ASCII) is None:
            yield Broken("variables", "names of letters, digits and underscores", "rename the variable", name)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]*", value) is None:
            yield Broken(f"variables.{name}", "letters, digits and -._~:/?#&=,", "correct the value")


@whole
def logs_need_an_account_role(cloud: Cloud) -> Iterator[Broken]:
    """Access and execution logs need the account's CloudWatch role, set before the stage.

    A region of an account has one role, so it may be another stack's: only one that is made here must come first.
    Source: API Gateway developer guide, Permissions for CloudWatch logging.
    """
    accounts = {
        each.place: each
        for each in cloud.of("aws:apigateway/account:Account")
        if each.get("cloudwatchRoleArn") is not None
    }
    for each in cloud.of(STAGE):
        target = str(each.known("accessLogSettings.destinationArn") or "")
        account = accounts.get(each.place)
        if ":logs:" in target and account is not None and not cloud.depends(each, account):
            yield Broken(
                "accessLogSettings",
                "to wait for the apigateway.Account that lets API Gateway write logs",
                "add it to depends_on",
                item=each,
            )


@rule("aws:apigateway/methodSettings:MethodSettings")
def method_settings(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A path is `*/*` or `path/METHOD`; throttles are not negative; caching lives up to 3600 s and needs a stage with
    a cache.

    Source: API Gateway API, MethodSetting.
    """
    path = item.known("methodPath")
    if isinstance(path, str) and path != "*/*" and re.fullmatch(rf"/?[^/].*/({'|'.join(_VERBS)}|\*)", path) is None:
        yield Broken("methodPath", "*/*, or a path and a method such as orders/GET", "correct the path")
    yield from one_of(item, "settings.loggingLevel", "OFF", "ERROR", "INFO")
    yield from between(item, "settings.cacheTtlInSeconds", 0, 3600)
    rate, burst = item.known("settings.throttlingRateLimit"), item.known("settings.throttlingBurstLimit")
    if isinstance(rate, (int, float)) and rate < -1:
        yield Broken("settings.throttlingRateLimit", "requests a second, or -1 for none", "correct it")
    if isinstance(rate, (int, float)) and isinstance(burst, int) and (rate == -1) != (burst == -1):
        yield Broken("settings.throttlingBurstLimit", "a burst beside the rate", "set both, or neither")
    if item.known("settings.cachingEnabled") is True:
        for each in cloud.where(STAGE, "restApi", item.known("restApi")):
            if each.known("stageName") == item.known("stageName") and each.get("cacheClusterEnabled", False) is False:
                yield Broken(
                    "settings.cachingEnabled", "a stage with a cache", "set cache_cluster_enabled on the stage"
                )


@rule("aws:apigateway/basePathMapping:BasePathMapping", "aws:apigateway/methodSettings:MethodSettings")
def stage_exists(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """What names a stage of an API names one that the API has.

    Source: API Gateway API, CreateBasePathMapping, UpdateStage ("Invalid stage identifier specified").
    """
    yield from _stage(item.known("restApi"), item.known("stageName"), "stageName", cloud)


@rule("aws:apigateway/authorizer:Authorizer")
def authorizer(item: Item, _: Cloud) -> Iterator[Broken]:
    """User pools are named by COGNITO_USER_POOLS, a function by TOKEN and REQUEST; results live up to 3600 s.

    Source: API Gateway API, CreateAuthorizer.
    """
    yield from one_of(item, "type", "TOKEN", "REQUEST", "COGNITO_USER_POOLS")
    kind = item.get("type", "TOKEN")
    if kind == "COGNITO_USER_POOLS" and not item.get("providerArns"):
        yield Broken("providerArns", "at least one user pool", "set provider_arns")
    if kind in ("TOKEN", "REQUEST") and item.get("authorizerUri") is None:
        yield Broken("authorizerUri", "the function's invoke ARN", "set authorizer_uri")
    yield from between(item, "authorizerResultTtlInSeconds", 0, 3600)


@rule("aws:apigateway/usagePlan:UsagePlan")
def usage_plan(item: Item, _: Cloud) -> Iterator[Broken]:
    """A quota counts by DAY, WEEK or MONTH; its offset lies within the period.

    Source: API Gateway API, QuotaSettings.
    """
    yield from one_of(item, "quotaSettings.period", "DAY", "WEEK", "MONTH")
    offset, period = item.known("quotaSettings.offset"), item.known("quotaSettings.period")
    most = {"DAY": 0, "WEEK": 6, "MONTH": 27}.get(str(period))
    if isinstance(offset, int) and most is not None and not 0 <= offset <= most:
        yield Broken("quotaSettings.offset", f"0 to {most} for a {period}", "correct the offset")


@rule("aws:apigateway/usagePlan:UsagePlan")
def planned_stages(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A usage plan is for stages that their APIs have.

    Source: API Gateway API, CreateUsagePlan ("API Stage not found").
    """
    for index, each in enumerate(item.objects("apiStages")):
        yield from _stage(each.get("apiId"), each.get("stage"), f"apiStages[{index}].stage", cloud)


def _stage(api: object, name: object, path: str, cloud: Cloud) -> Iterator[Broken]:
    stages = cloud.where(STAGE, "restApi", api)
    if isinstance(name, str) and stages and name not in [each.known("stageName") for each in stages]:
        yield Broken(path, "a stage of the API", "pass the stage's stage_name", absent=True)


@rule("aws:apigateway/domainName:DomainName")
def domain(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A regional domain name needs a certificate of its own region that covers it.

    Source: API Gateway API, CreateDomainName, regionalCertificateArn.
    """
    regional = item.known("endpointConfiguration.types") == "REGIONAL"
    if regional and item.get("regionalCertificateArn") is None:
        yield Broken("regionalCertificateArn", "a certificate of this region", "set regional_certificate_arn")
    if regional and item.get("certificateArn") is not None:
        yield Broken(
            "certificateArn",
            "regionalCertificateArn, as the endpoint is REGIONAL",
            "set regional_certificate_arn instead",
        )
    found = cloud.referred(item, "regionalCertificateArn")
    name = item.known("domainName")
    if found is not None and isinstance(name, str):
        names = [found.known("domainName"), *found.each("subjectAlternativeNames")]
        if not any(
            each == name or (isinstance(each, str) and each.startswith("*.") and name.partition(".")[2] == each[2:])
            for each in names
        ):
            yield Broken(
                "domainName",
                f"a name that the certificate covers: {', '.join(map(str, names))}",
                "request a certificate for it",
            )


@rule("aws:apigateway/response:Response")
def gateway_response(item: Item, _: Cloud) -> Iterator[Broken]:
    """A gateway response is of a listed type.

    Source: API Gateway developer guide, Gateway response types.
    """
    yield from one_of(
        item,
        "responseType",
        "ACCESS_DENIED",
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "EXPIRED_TOKEN",
        "INTEGRATION_FAILURE",
        "INTEGRATION_TIMEOUT",
        "INVALID_API_KEY",
        "INVALID_SIGNATURE",
        "MISSING_AUTHENTICATION_TOKEN",
        "QUOTA_EXCEEDED",
        "REQUEST_TOO_LARGE",
        "RESOURCE_NOT_FOUND",
        "THROTTLED",
        "UNAUTHORIZED",
        "UNSUPPORTED_MEDIA_TYPE",
        "WAF_FILTERED",
    )
