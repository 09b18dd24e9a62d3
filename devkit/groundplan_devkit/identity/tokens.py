"""Tokens with Cognito's claims.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from groundplan_devkit.identity.keys import KeyRing

WEB_CLIENT = "local-web"
"""The client that people's tokens are for: locally the whole of TOKEN_CLIENT_IDS, as `web` is in the cloud."""
LOCAL_SUBJECT = "local-user"
"""The subject of a token for which no other is given."""
ACCESS_TOKEN_MINUTES = 60


@dataclass(frozen=True)
class Issuer:
    """Signs tokens. Every claim can be overridden, so that tests can make wrong tokens."""

    url: str
    keys: KeyRing

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/.well-known/jwks.json"

    def access_token(
        self,
        subject: str,
        roles: Sequence[str] = (),
        *,
        scopes: Sequence[str] = (),
        client_id: str = WEB_CLIENT,
        seconds: int = ACCESS_TOKEN_MINUTES * 60,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """``seconds`` is how long it is good, from now; ``claims`` are put over the others, None takes one out."""
        now = int(time.time())
        content: dict[str, Any] = {
            "sub": subject,
            "iss": self.url,
            "version": 2,
            "client_id": client_id,
            "origin_jti": str(uuid.uuid4()),
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": now,
            "exp": now + seconds,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "username": subject,
        }
        if roles:
            # A user without groups has no such claim.
            content["cognito:groups"] = list(roles)
        return self.signed(content, claims)

    def id_token(
        self,
        subject: str,
        roles: Sequence[str],
        *,
        client_id: str,
        nonce: str | None = None,
        seconds: int = ACCESS_TOKEN_MINUTES * 60,
    ) -> str:
        """An ID token for front ends; services refuse it."""
        now = int(time.time())
        content: dict[str, Any] = {
            "sub": subject,
            "iss": self.url,
            "aud": client_id,
            "token_use": "id",
            "auth_time": now,
            "exp": now + seconds,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "cognito:username": subject,
            "email": f"{subject}@example.com",
            "email_verified": True,
            "name": subject,
        }
        if roles:
            content["cognito:groups"] = list(roles)
        return self.signed(content, {"nonce": nonce} if nonce else None)

    def signed(self, content: dict[str, Any], claims: Mapping[str, Any] | None = None) -> str:
        """A token of exactly these claims, by the current key."""
        key = self.keys.current()
        kept = {name: value for name, value in {**content, **(claims or {})}.items() if value is not None}
        return jwt.encode(kept, key.private, algorithm="RS256", headers={"kid": key.id})
