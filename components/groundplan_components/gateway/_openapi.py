"""The whole API as one OpenAPI document with API Gateway's extensions; pure.

One property of one resource replaces about ten resources for each path: a new route is a few lines of diff, and AWS
imports the whole document or nothing. An API of fifty services needs one call instead of thousands, at five calls a
second (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundplan_components.gateway._responses import gateway_responses
from groundplan_components.gateway._routes import LIST_PARAMETERS, OPERATIONS, GatewayRoute
from groundplan_components.shared.api_contract import HEALTH_PATH, ORIGIN_HEADER, STAGE

TOKENS = "tokens"
API_KEYS = "apiKeys"
CORS_METHODS = "GET,POST,PUT,DELETE,OPTIONS"
CORS_HEADERS = "Authorization,Content-Type,Idempotency-Key,If-Match,If-None-Match,X-Request-Id"
CORS_SECONDS = 600

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Backend:
    """The load balancer behind the VPC link."""

    vpc_link_id: str
    load_balancer_arn: str
    base_url: str
    """`https://api.shop.example.com`: scheme and the host name in the certificate."""
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Cognito access tokens. A method without a scope would accept identity tokens, so every method has one.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
    """

    user_pool_arn: str
    read_scope: str
    write_scope: str


def openapi(
    title: str,
    routes: Sequence[GatewayRoute],
    backend: Backend,
    tokens: Tokens | None,
    *,
    cached: bool = False,
    api_keys: bool = False,
    origin: str | None = None,
) -> Document:
    """The document that API Gateway imports.

    With ``cached`` every GET names its cache keys: the token, the id and the query parameters. ``origin`` may call from
    a browser. Without ``tokens`` every operation must be open.
    """
    paths: Document = {_below_stage(HEALTH_PATH): {"get": _health(backend)}}
    schemas: Document = {}
    for route in routes:
        collection = f"/v{route.get('version', 1)}/{route['plural']}"
        for name in OPERATIONS:
            if name not in route["operations"]:
                continue
            path = f"{collection}/{{id}}" if OPERATIONS[name].one else collection
            item = paths.setdefault(path, {})
            item[OPERATIONS[name].method] = _operation(route, name, path, backend, tokens, cached, api_keys)
            if origin is not None:
                item["options"] = _preflight(origin)
        schemas |= _schemas(route)
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "v1"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _security_schemes(tokens, api_keys)},
        "x-amazon-apigateway-request-validators": {
            "all": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-gateway-responses": gateway_responses(origin),
    }


_LONGEST_NAME = 64
_LONGEST_ARN = 130
_LONGEST_URL = 110


def definition_size(routes: Sequence[GatewayRoute], *, cached: bool = False) -> int:
    """Bytes of the document for these routes at most: with the longest names, browsers and a token for each call."""
    backend = Backend("l" * _LONGEST_NAME, "a" * _LONGEST_ARN, "u" * _LONGEST_URL, 29_000)
    tokens = Tokens("a" * _LONGEST_ARN, "r" * _LONGEST_NAME, "w" * _LONGEST_NAME)
    document = openapi(
        "t" * _LONGEST_NAME, routes, backend, tokens, cached=cached, api_keys=False, origin="o" * _LONGEST_URL
    )
    return len(json.dumps(document))


def _operation(
    route: GatewayRoute,
    name: str,
    path: str,
    backend: Backend,
    tokens: Tokens | None,
    cached: bool,
    api_keys: bool,
) -> Document:
    operation = OPERATIONS[name]
    parameters = [_parameter("id", "path", required=True)] if operation.one else []
    if name == "list":
        queries = sorted({*LIST_PARAMETERS, *route.get("query_parameters", [])})
        parameters += [_parameter(query, "query") for query in queries]
    # API Gateway requires all listed schemes; by OpenAPI's rule one would be enough.
    security: list[Document] = []
    if tokens is not None and name not in route.get("open_operations", []):
        security.append({TOKENS: [tokens.read_scope if operation.reads else tokens.write_scope]})
    if security or cached:
        parameters.append(_parameter("Authorization", "header"))
    if api_keys:
        security.append({API_KEYS: []})
    document: Document = {
        "operationId": f"{name}-{route['plural']}{_later(route, '-v')}",
        "parameters": parameters,
        "responses": {"default": {"description": "The service's answer"}},
        "security": security,
        "x-amazon-apigateway-integration": _integration(
            backend, operation.method, path, _cache_keys(parameters) if cached and operation.reads else []
        ),
    }
    if f"{name}_schema" in route:
        reference = {"$ref": f"#/components/schemas/{_model(route, name)}"}
        document["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return document


def _integration(backend: Backend, method: str, path: str, cache_keys: list[str]) -> Document:
    mappings = {
        "integration.request.header.x-request-id": "context.requestId",
        # Services must not receive the origin secret.
        f"integration.request.header.{ORIGIN_HEADER}": "'verified'",
    }
    if path.endswith("{id}"):
        mappings["integration.request.path.id"] = "method.request.path.id"
    return {
        "type": "http_proxy",
        "httpMethod": method.upper(),
        "uri": f"{backend.base_url}/{STAGE}{path}",
        "connectionType": "VPC_LINK",
        "connectionId": backend.vpc_link_id,
        # The load balancer's ARN, for a VPC link of version 2; the uri then says host, protocol and path.
        # https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
        "integrationTarget": backend.load_balancer_arn,
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": backend.timeout_ms,
        "requestParameters": mappings,
        **({"cacheKeyParameters": cache_keys} if cache_keys else {}),
    }


def _health(backend: Backend) -> Document:
    return {
        "operationId": "health",
        "responses": {"default": {"description": "The load balancer's answer"}},
        "security": [],
        "x-amazon-apigateway-integration": _integration(backend, "get", _below_stage(HEALTH_PATH), []),
    }


def _below_stage(path: str) -> str:
    return path.removeprefix(f"/{STAGE}")


def _preflight(origin: str) -> Document:
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": CORS_METHODS,
        "Access-Control-Allow-Headers": CORS_HEADERS,
        "Access-Control-Max-Age": str(CORS_SECONDS),
    }
    return {
        "responses": {
            "204": {
                "description": "What the origin may do",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            }
        },
        "security": [],
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode":204}'},
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()
                    },
                }
            },
        },
    }


def _parameter(name: str, place: str, *, required: bool = False) -> Document:
    return {"name": name, "in": place, "required": required, "schema": {"type": "string"}}


def _cache_keys(parameters: Sequence[Document]) -> list[str]:
    places = {"header": "header", "path": "path", "query": "querystring"}
    return [f"method.request.{places[each['in']]}.{each['name']}" for each in parameters]


def _schemas(route: GatewayRoute) -> Document:
    found: Document = {}
    if "create_schema" in route:
        found[_model(route, "create")] = json.loads(route["create_schema"])
    if "update_schema" in route:
        found[_model(route, "update")] = json.loads(route["update_schema"])
    return found


def _model(route: GatewayRoute, operation: str) -> str:
    """API Gateway allows letters and digits only. Plurals have no capitals, so names stay unique."""
    return "X".join([operation, *route["plural"].split("-")]) + _later(route, "XV")


def _later(route: GatewayRoute, before: str) -> str:
    """Names of the first version are as they were when there was no other."""
    version = route.get("version", 1)
    return "" if version == 1 else f"{before}{version}"


def _security_schemes(tokens: Tokens | None, api_keys: bool) -> Document:
    schemes: Document = {}
    if tokens is not None:
        schemes[TOKENS] = {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {
                "type": "cognito_user_pools",
                "providerARNs": [tokens.user_pool_arn],
            },
        }
    if api_keys:
        schemes[API_KEYS] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
    return schemes
