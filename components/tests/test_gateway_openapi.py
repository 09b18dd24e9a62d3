"""The API as one document (R1, R4, S3, S6, C1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.tests.ingress_samples import BALANCER, USER_POOL, gateway_args
from groundplan_components.gateway import GatewayRoute
from groundplan_components.gateway._openapi import Backend, Tokens, openapi
from groundplan_components.gateway._responses import RESPONSES, gateway_responses

BACKEND = Backend("abc123", BALANCER, "https://api.shop.example.com", 10_000)
TOKENS = Tokens(USER_POOL, "shop/read", "shop/write")
METHODS = ("get", "post", "put", "delete")


def document(**options: Any) -> dict[str, Any]:
    return openapi("shop", gateway_args()["routes"], BACKEND, TOKENS, **options)


def operations(of: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): item[method] for path, item in of["paths"].items() for method in METHODS if method in item}


def test_r1_five_operations_on_two_paths() -> None:
    assert set(operations(document())) == {
        ("get", "/health"),
        ("get", "/v1/orders"),
        ("post", "/v1/orders"),
        ("get", "/v1/orders/{id}"),
        ("put", "/v1/orders/{id}"),
        ("delete", "/v1/orders/{id}"),
        ("get", "/v1/articles"),
        ("get", "/v1/articles/{id}"),
    }


def test_s3_reading_and_writing_ask_for_their_scopes_and_open_operations_for_none() -> None:
    found = {key: operation["security"] for key, operation in operations(document()).items()}
    read, write = [{"tokens": ["shop/read"]}], [{"tokens": ["shop/write"]}]
    assert found == {
        ("get", "/health"): [],
        ("get", "/v1/orders"): read,
        ("post", "/v1/orders"): write,
        ("get", "/v1/orders/{id}"): read,
        ("put", "/v1/orders/{id}"): write,
        ("delete", "/v1/orders/{id}"): write,
        ("get", "/v1/articles"): [],
        ("get", "/v1/articles/{id}"): [],
    }
    scheme = document()["components"]["securitySchemes"]["tokens"]
    assert scheme["x-amazon-apigateway-authtype"] == "cognito_user_pools"
    assert scheme["x-amazon-apigateway-authorizer"]["providerARNs"] == [USER_POOL]


def test_requests_go_through_the_link_under_the_path_that_clients_send() -> None:
    for (method, path), operation in operations(document()).items():
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["uri"] == f"https://api.shop.example.com/api{path}"
        assert integration["httpMethod"] == method.upper()
        assert integration["type"] == "http_proxy"
        assert (integration["connectionType"], integration["connectionId"]) == ("VPC_LINK", "abc123")
        assert integration["integrationTarget"] == BALANCER
        assert integration["timeoutInMillis"] == 10_000
        mapped = integration["requestParameters"]
        assert mapped["integration.request.header.x-request-id"] == "context.requestId"
        assert ("integration.request.path.id" in mapped) is path.endswith("{id}")


def test_s1_services_never_see_the_edges_secret() -> None:
    for operation in operations(document()).values():
        mapped = operation["x-amazon-apigateway-integration"]["requestParameters"]
        assert mapped["integration.request.header.x-origin-verify"] == "'verified'"


def test_s6_bodies_are_checked_against_their_schema() -> None:
    whole = document()
    assert whole["x-amazon-apigateway-request-validator"] == "all"
    assert whole["x-amazon-apigateway-request-validators"]["all"] == {
        "validateRequestBody": True,
        "validateRequestParameters": True,
    }
    for key in (("post", "/v1/orders"), ("put", "/v1/orders/{id}")):
        body = operations(whole)[key]["requestBody"]
        assert body["required"] is True
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert name.isalnum()
        assert whole["components"]["schemas"][name]["required"] == ["total"]


def test_s6_models_of_similar_plurals_have_names_of_their_own() -> None:
    schema = json.dumps({"type": "object"})
    routes: list[GatewayRoute] = [
        {"plural": plural, "operations": ["create"], "create_schema": schema} for plural in ("a-1b", "a1b", "ab", "a-b")
    ]
    assert len(openapi("shop", routes, BACKEND, TOKENS)["components"]["schemas"]) == 4


def test_c1_cached_answers_are_kept_apart_by_token_id_and_query() -> None:
    found = operations(document(cached=True))
    keys = {
        key: set(operation["x-amazon-apigateway-integration"].get("cacheKeyParameters", []))
        for key, operation in found.items()
    }
    query = {f"method.request.querystring.{name}" for name in ("cursor", "limit", "page", "sort")}
    token = {"method.request.header.Authorization"}
    assert keys == {
        ("get", "/health"): set(),
        ("get", "/v1/orders"): query | token | {"method.request.querystring.status"},
        ("post", "/v1/orders"): set(),
        ("get", "/v1/orders/{id}"): token | {"method.request.path.id"},
        ("put", "/v1/orders/{id}"): set(),
        ("delete", "/v1/orders/{id}"): set(),
        ("get", "/v1/articles"): query | token,
        ("get", "/v1/articles/{id}"): token | {"method.request.path.id"},
    }


def test_c1_what_a_key_is_made_of_is_declared_as_a_parameter() -> None:
    places = {"header": "header", "path": "path", "query": "querystring"}
    for operation in operations(document(cached=True)).values():
        declared = {f"method.request.{places[p['in']]}.{p['name']}" for p in operation.get("parameters", [])}
        assert set(operation["x-amazon-apigateway-integration"].get("cacheKeyParameters", [])) <= declared


def test_without_a_cache_nothing_is_keyed() -> None:
    assert "cacheKeyParameters" not in json.dumps(document())


def test_keys_are_asked_for_beside_tokens() -> None:
    found = operations(document(api_keys=True))
    assert found["get", "/v1/orders"]["security"] == [{"tokens": ["shop/read"]}, {"apiKeys": []}]
    assert found["get", "/v1/articles"]["security"] == [{"apiKeys": []}]
    assert found["get", "/health"]["security"] == []


def test_browsers_of_one_origin_may_ask_first() -> None:
    preflight = document(origin="https://shop.example.com")["paths"]["/v1/orders"]["options"]
    assert preflight["security"] == []
    answer = preflight["x-amazon-apigateway-integration"]["responses"]["default"]
    assert answer["responseParameters"]["method.response.header.Access-Control-Allow-Origin"] == (
        "'https://shop.example.com'"
    )
    assert "options" not in document()["paths"]["/v1/orders"]


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_r4_every_refusal_is_in_the_envelope(kind: str) -> None:
    answer: Any = gateway_responses(None)[kind]
    body = json.loads(answer["responseTemplates"]["application/json"])
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"] == []


def test_r4_statuses_of_refusals() -> None:
    answers: Any = gateway_responses("https://shop.example.com")
    statuses = {kind: answer.get("statusCode") for kind, answer in answers.items()}
    assert {kind: statuses[kind] for kind in ("UNAUTHORIZED", "ACCESS_DENIED", "RESOURCE_NOT_FOUND")} == {
        "UNAUTHORIZED": "401",
        "ACCESS_DENIED": "403",
        "RESOURCE_NOT_FOUND": "404",
    }
    assert statuses["MISSING_AUTHENTICATION_TOKEN"] == "404"
    assert statuses["REQUEST_TOO_LARGE"] == "413"
    assert statuses["UNSUPPORTED_MEDIA_TYPE"] == "415"
    assert statuses["DEFAULT_5XX"] is None
    for answer in answers.values():
        assert answer["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == (
            "'https://shop.example.com'"
        )


def test_s7_too_many_requests_says_so_in_the_envelope() -> None:
    answer: Any = gateway_responses(None)["THROTTLED"]
    assert answer["statusCode"] == "429"
    assert json.loads(answer["responseTemplates"]["application/json"]) == {
        "error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": []}
    }
    assert answer["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


def test_the_document_is_the_same_from_run_to_run() -> None:
    assert json.dumps(document(cached=True), sort_keys=True) == json.dumps(document(cached=True), sort_keys=True)
