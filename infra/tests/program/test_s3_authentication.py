"""S3: a token for whatever is not declared open, and one way to get it."""

from __future__ import annotations

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import openapi, operations, settings

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"


@on(*EITHER_BROKER)
def test_s3_the_gateway_asks_for_a_token_of_the_user_pool(graph: Graph) -> None:
    scheme = openapi(graph)["components"]["securitySchemes"]["tokens"]
    (pool,) = graph.some(POOL)
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "cognito_user_pools",
        "providerARNs": [pool.outputs["arn"]],
    }
    assert scheme["name"] == "Authorization"
    assert scheme["in"] == "header"


@on(*EITHER_BROKER)
def test_s3_every_operation_wants_a_scope(graph: Graph) -> None:
    """Without a scope API Gateway would take identity tokens, which are not meant for APIs."""
    assert not any(
        resource.access(operation).anyone  # type: ignore[union-attr]
        for service in graph.system.services.values()
        for resource in service.resources.values()
        for operation in resource.operations
    ), "shop has no open operation"
    found = list(operations(graph))
    assert len(found) >= 10
    for path, method, operation in found:
        scope = f"{graph.system.name}/{'read' if method == 'get' else 'write'}"
        assert operation["security"] == [{"tokens": [scope]}], f"{method} {path}"
    (server,) = graph.some("aws:cognito/resourceServer:ResourceServer")
    assert server.inputs["identifier"] == graph.system.name
    assert {scope["scopeName"] for scope in server.inputs["scopes"]} == {"read", "write"}


@on(*EITHER_BROKER)
def test_s3_tokens_come_by_the_code_flow_alone(graph: Graph) -> None:
    (client,) = graph.some(CLIENT)
    assert client.inputs["allowedOauthFlows"] == ["code"]
    assert client.inputs["generateSecret"] is False, "a browser keeps no secret: PKCE takes its place"
    assert client.inputs["explicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH"]
    assert client.inputs["enableTokenRevocation"] is True
    assert client.inputs["preventUserExistenceErrors"] == "ENABLED"
    assert client.inputs["refreshTokenRotation"]["feature"] == "ENABLED"
    assert client.inputs["accessTokenValidity"] == graph.system.identity.access_token_minutes
    domain = graph.environment.domain
    assert client.inputs["callbackUrls"] == [
        f"https://{domain}/signed-in" if domain else "http://localhost:3000/signed-in"
    ]


@on(*EITHER_BROKER)
def test_s3_a_second_factor_and_long_passwords(graph: Graph) -> None:
    (pool,) = graph.some(POOL)
    assert pool.inputs["mfaConfiguration"] == ("ON" if graph.system.identity.mfa == "required" else "OPTIONAL")
    assert pool.inputs["softwareTokenMfaConfiguration"] == {"enabled": True}
    assert pool.inputs["passwordPolicy"]["minimumLength"] >= 15
    assert pool.inputs["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is not graph.system.identity.self_sign_up
    assert pool.inputs["autoVerifiedAttributes"] == ["email"]


@on(*EITHER_BROKER)
def test_s3_services_verify_the_token_again(graph: Graph) -> None:
    (pool,) = graph.some(POOL)
    (client,) = graph.some(CLIENT)
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["TOKEN_ISSUER"] == f"https://{pool.outputs['endpoint']}"
        assert told["TOKEN_JWKS_URL"] == f"https://{pool.outputs['endpoint']}/.well-known/jwks.json"
        assert told["TOKEN_CLIENT_IDS"] == f'["{client.id}"]'
