"""S3: a token for every operation that is not declared open, and one way to get it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from groundplan.controls.captured import CapturedProgram, listed
from groundplan.controls.model import Check, NotApplicable, control
from groundplan.controls.reading import at, items, parsed_or_empty
from groundplan.controls.workloads import require_images, running
from groundplan.declaration.model import Access, Operation, Resource

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
AUTHORIZER = "x-amazon-apigateway-authorizer"
HTTP: dict[Operation, tuple[str, bool]] = {
    "list": ("get", False),
    "get": ("get", True),
    "create": ("post", False),
    "update": ("put", True),
    "delete": ("delete", True),
}
"""What R1 demands of each operation: its method, and whether it addresses one item."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One declared operation of a public service."""

    service: str
    resource: Resource
    operation: Operation
    path: str
    method: str
    access: Access


def endpoints(program: CapturedProgram) -> Iterator[Endpoint]:
    """Every endpoint that the declaration asks of the gateway."""
    for service, declared in program.system.services.items():
        if declared.exposure != "public":
            continue
        versions = [(name, each) for name, resource in declared.resources.items() for each in resource.versions()]
        for name, resource in versions:
            for operation in resource.operations:
                method, one = HTTP[operation]
                access = resource.access(operation)
                if access is not None:
                    path = resource.collection(name).removeprefix("/api") + ("/{id}" if one else "")
                    yield Endpoint(service, resource, operation, path, method, access)


@control(
    "S3.token-authorizer",
    "The gateway checks tokens of this system's user pool",
    "gateway.gateway",
    remedy="give `Gateway` the `user_pool_arn` of `Identity`",
)
def token_authorizer(program: CapturedProgram, check: Check) -> None:
    pools = {str(each.outputs.get("arn")) for each in check.some(POOL)}
    if not program.rest_apis:
        check.missing("a REST API")
    for api, document in program.rest_apis:
        schemes = at(document, "components.securitySchemes") or {}
        checking = [each for each in schemes.values() if at(each, AUTHORIZER)]
        if not checking:
            check.missing("a security scheme with an authorizer", api, "body")
        for scheme in checking:
            authorizer = scheme[AUTHORIZER]
            check.that(at(authorizer, "type") == "cognito_user_pools", api, "body", "an authorizer of user pools")
            providers = listed(at(authorizer, "providerARNs"))
            check.that(providers and providers <= pools, api, "body", "an authorizer of this stack's user pool")
            header = (scheme.get("in"), scheme.get("name")) == ("header", "Authorization")
            check.that(header, api, "body", "a token in the header Authorization")


@control(
    "S3.operation-scopes",
    "Every operation that is not declared open asks for a token with its scope",
    "gateway.gateway",
    remedy="declare who may call it under `operations` in `system.yaml`; `Gateway` derives the scope",
)
def operation_scopes(program: CapturedProgram, check: Check) -> None:
    """Without a scope API Gateway would take identity tokens, which are not meant for APIs."""
    declared = {(each.path, each.method): each for each in endpoints(program)}
    judged = 0
    for api, path, method, operation in program.operations():
        if operation.get("operationId") == "health":
            continue
        judged += 1
        endpoint = declared.get((path, method))
        asked = operation.get("security")
        name = f"{method.upper()} {path}"
        if endpoint is not None and endpoint.access.anyone:
            check.that(asked == [], api, "body", f"no token for {name}, as it is declared open")
            continue
        scope = f"{program.system.name}/{'read' if method == 'get' else 'write'}"
        scopes = [each for one in items(asked) for each in dict(one).values()]
        check.that(bool(scopes) and all(each == [scope] for each in scopes), api, "body", f"{name} asks for {scope}")
    if not judged:
        check.missing("operations in the gateway's OpenAPI document")
    for server in check.some("aws:cognito/resourceServer:ResourceServer"):
        offered = {str(each.get("scopeName")) for each in items(server.inputs.get("scopes"))}
        check.that(offered == {"read", "write"}, server, "scopes", "read and write")


@control(
    "S3.code-flow",
    "Tokens come by the OAuth code flow alone",
    "identity.user_pool",
    remedy="declare browser clients with `Identity`, and programs with client credentials",
)
def code_flow(program: CapturedProgram, check: Check) -> None:
    browsers = 0
    for client in check.some(CLIENT):
        flows = items(client.inputs.get("allowedOauthFlows"))
        if flows == ["client_credentials"]:
            check.shown(client, "allowedOauthFlows")
            continue
        browsers += 1
        check.that(flows == ["code"], client, "allowedOauthFlows", "code")
        check.that(
            not client.inputs.get("generateSecret"), client, "generateSecret", "false: a browser keeps no secret"
        )
        flows = items(client.inputs.get("explicitAuthFlows"))
        check.that(flows == ["ALLOW_USER_SRP_AUTH"], client, "explicitAuthFlows", "ALLOW_USER_SRP_AUTH alone")
        check.same(client, "enableTokenRevocation", True)
        check.same(client, "preventUserExistenceErrors", "ENABLED")
        check.same(client, "refreshTokenRotation.feature", "ENABLED")
        check.same(client, "accessTokenValidity", program.system.identity.access_token_minutes)
        domain = program.environment.domain
        expected = f"https://{domain}/" if domain else "http://localhost:"
        urls = items(client.inputs.get("callbackUrls"))
        safe = bool(urls) and all(str(url).startswith(expected) for url in urls)
        check.that(safe, client, "callbackUrls", f"addresses that begin with {expected}")
    if not browsers:
        check.missing("a client for browsers")


@control(
    "S3.second-factor",
    "Every sign-in needs a second factor",
    "identity.user_pool",
    remedy="set `identity.mfa` in `system.yaml`, and leave the pool's setting to `Identity`",
)
def second_factor(program: CapturedProgram, check: Check) -> None:
    if program.system.identity.mfa != "required":
        raise NotApplicable("`identity.mfa` is optional in `system.yaml`: users decide for themselves")
    for pool in check.some(POOL):
        check.same(pool, "mfaConfiguration", "ON")


@control(
    "S3.second-factor-offered",
    "Users can enrol a second factor (one-time passwords)",
    "identity.user_pool",
    remedy="leave the pool's second factor to `Identity`",
)
def second_factor_offered(_: CapturedProgram, check: Check) -> None:
    for pool in check.some(POOL):
        offered = pool.inputs.get("mfaConfiguration") in ("ON", "OPTIONAL")
        check.that(offered, pool, "mfaConfiguration", "ON or OPTIONAL")
        check.same(pool, "softwareTokenMfaConfiguration.enabled", True)


@control(
    "S3.sign-up",
    "Long passwords, verified addresses, and sign-up only where it is declared",
    "identity.user_pool",
    remedy="set `identity.self_sign_up` in `system.yaml`, and leave the pool's settings to `Identity`",
)
def sign_up(program: CapturedProgram, check: Check) -> None:
    for pool in check.some(POOL):
        length = at(pool.inputs, "passwordPolicy.minimumLength")
        check.that(
            isinstance(length, int) and length >= 15, pool, "passwordPolicy.minimumLength", "15 characters or more"
        )
        closed = not program.system.identity.self_sign_up
        check.same(pool, "adminCreateUserConfig.allowAdminCreateUserOnly", closed)
        check.same(pool, "autoVerifiedAttributes", ["email"])


@control(
    "S3.service-tokens",
    "Services verify the token again",
    "workload.workload",
    remedy="give workloads `TOKEN_ISSUER`, `TOKEN_JWKS_URL` and `TOKEN_CLIENT_IDS`, as `declare_services` does",
)
def service_tokens(program: CapturedProgram, check: Check) -> None:
    require_images(program)
    issuers = {f"https://{each.outputs.get('endpoint')}" for each in check.some(POOL)}
    clients = {each.id for each in check.some(CLIENT)}
    for _, resource, told in running(program, check):
        issuer = told.get("TOKEN_ISSUER")
        check.that(issuer in issuers, resource, "data.TOKEN_ISSUER", "this stack's user pool")
        keys = told.get("TOKEN_JWKS_URL") == f"{issuer}/.well-known/jwks.json"
        check.that(keys, resource, "data.TOKEN_JWKS_URL", "the keys of that pool")
        known = listed(parsed_or_empty(f'{{"ids": {told.get("TOKEN_CLIENT_IDS") or "[]"}}}').get("ids"))
        check.that(known and known <= clients, resource, "data.TOKEN_CLIENT_IDS", "clients of that pool")
