"""The issuer of access tokens."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan_chassis.environment import Environment


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The issuer and the OAuth clients whose access tokens are accepted (S3)."""

    issuer: str
    jwks_url: str
    client_ids: frozenset[str]


def read_tokens(environment: Environment, local: bool) -> TokenSettings:
    schemes = ("http", "https") if local else ("https",)
    clients = environment.json("TOKEN_CLIENT_IDS", frozenset[str], frozenset(), "a JSON list of OAuth client ids")
    if environment.has("TOKEN_CLIENT_IDS") and not all(clients):
        environment.refuse("TOKEN_CLIENT_IDS", "client ids that are not empty", "deploy again with `make up`")
    if environment.has("TOKEN_CLIENT_IDS") and not clients and not environment.problems:
        environment.refuse("TOKEN_CLIENT_IDS", "at least one client id: else every token is refused", "use `make up`")
    return TokenSettings(
        issuer=environment.url("TOKEN_ISSUER", schemes),
        jwks_url=environment.url("TOKEN_JWKS_URL", schemes),
        client_ids=clients,
    )
