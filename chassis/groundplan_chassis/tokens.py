"""Verification of access tokens of the identity provider (S3).

A token is good when it is an RS256 JWT signed by a key of the provider's JWKS, from the expected issuer, an access
token (`token_use`), given to one of our clients (`client_id`, which Cognito's access tokens have in place of an
audience), and of this time. The algorithm is ours to choose, never the token's: `none`, HS256 with the public key as
its secret, and keys that a token brings or points to (`jwk`, `jku`, `x5u`, `x5c`) lead nowhere.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import hashlib
import re
import ssl
import time
from collections.abc import Callable
from typing import Annotated, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from groundplan_chassis.access import Caller
from groundplan_chassis.http.errors import Unauthorized, Unavailable
from groundplan_chassis.settings import TokenSettings
from groundplan_chassis.signing_keys import KeysUnavailable, SigningKeys

ALGORITHM: Final = "RS256"
_ACCESS: Final = "access"
SKEW_SECONDS: Final = 60
"""Allowed clock difference."""
MOST_CHARACTERS: Final = 8192
"""Longest token; Cognito's have one to two thousand characters, and all headers of a request at most 10,240 bytes (API
Gateway, quotas)."""
MOST_REMEMBERED: Final = 20_000
"""Most remembered tokens; 500 bytes each."""
_KEY_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"

_jws: Final = jwt.PyJWS(algorithms=[ALGORITHM])

Text = Annotated[str, msgspec.Meta(max_length=512, pattern=_PRINTABLE)]


class _Claims(msgspec.Struct, frozen=True):
    """The claims that are read. A missing claim, or one of another type, makes the token invalid."""

    iss: str
    sub: Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=_PRINTABLE)]
    exp: int | float
    iat: int | float
    # An id token lacks the one, a stranger's the other: they are told what they have sent.
    client_id: str = ""
    token_use: str = ""
    nbf: int | float = 0
    scope: str = ""
    groups: list[Text] = msgspec.field(default=[], name="cognito:groups")


_decoder: Final = msgspec.json.Decoder(_Claims)


class TokenVerifier:
    """Verifies tokens, and remembers valid ones until they expire."""

    def __init__(
        self,
        settings: TokenSettings,
        tls: ssl.SSLContext | None,
        *,
        keys: SigningKeys | None = None,
        now: Callable[[], float] = time.time,
        tenant_claim: str | None = None,
        most_remembered: int = MOST_REMEMBERED,
    ) -> None:
        """``tls``: whom to believe when keys are fetched; ``now``: seconds since the epoch; ``tenant_claim``: the claim
        with the caller's tenant (`custom:tenant`), where tokens have one."""
        self._issuer = settings.issuer
        self._client_ids = settings.client_ids
        self._keys = keys or SigningKeys(settings.jwks_url, tls, withdrawn=self.forget)
        self._now = now
        self._tenant_claim = tenant_claim
        # Two generations: what is asked for moves to the young one; when that is full, the old one goes. So the bound
        # holds, what is in use stays, and a look-up moves nothing.
        self._young: dict[bytes, Caller] = {}
        self._old: dict[bytes, Caller] = {}
        self._most_young = max(1, most_remembered // 2)

    async def open(self) -> None:
        """Fetch the keys before the first token. If the provider is unavailable, the first token waits for them."""
        await self._keys.warm()

    async def close(self) -> None:
        await self._keys.close()

    def forget(self) -> None:
        """Forgets all remembered tokens, after the withdrawal of a key."""
        self._young.clear()
        self._old.clear()

    def remembered(self, token: str) -> Caller | None:
        """The caller of a remembered token; None when it was not verified before, or has expired."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        caller = self._young.get(digest)
        if caller is None:
            caller = self._old.get(digest)
            if caller is None:
                return None
            self._remember(digest, caller)
        now = self._now
        return caller if caller.expires_at + SKEW_SECONDS > now() else None

    async def verify(self, token: str) -> Caller:
        """Raises Unauthorized, with a reason that helps the client; Unavailable while no key is available."""
        caller = self.remembered(token)
        if caller is not None:
            return caller
        if len(token) > MOST_CHARACTERS or not _SHAPE.fullmatch(token):
            raise Unauthorized("The token is not a JWT")
        key = await self._key(token)
        try:
            payload: bytes = _jws.decode_complete(token, key, algorithms=[ALGORITHM])["payload"]
        except (PyJWTError, ValueError, TypeError):
            raise Unauthorized("The token's signature is not valid") from None
        caller = self._caller(payload)
        self._remember(hashlib.sha256(token.encode()).digest(), caller)
        return caller

    async def _key(self, token: str) -> RSAPublicKey:
        try:
            header = _jws.get_unverified_header(token)
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise Unauthorized("The token is not a JWT") from None
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or "crit" in header or not isinstance(kid, str) or not _KEY_ID.fullmatch(kid):
            raise Unauthorized("The token is not signed as expected")
        try:
            key = await self._keys.get(kid)
        except KeysUnavailable:
            raise Unavailable("Tokens can't be verified at the moment") from None
        if key is None:
            raise Unauthorized("The token is not signed as expected")
        return key

    def _caller(self, payload: bytes) -> Caller:
        try:
            claims = _decoder.decode(payload)
            tenant = self._tenant(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unauthorized("The token's claims are not valid") from None
        now = self._now()
        if claims.iss != self._issuer:
            raise Unauthorized("The token is from another issuer")
        if claims.token_use != _ACCESS:
            raise Unauthorized("An access token is needed")
        if claims.client_id not in self._client_ids:
            raise Unauthorized("The token was given to another client")
        if claims.exp + SKEW_SECONDS <= now:
            raise Unauthorized("The token has expired")
        if max(claims.nbf, claims.iat) > now + SKEW_SECONDS:
            raise Unauthorized("The token is not valid yet")
        if claims.exp <= claims.iat:
            raise Unauthorized("The token's claims are not valid")
        return Caller(
            subject=claims.sub,
            roles=frozenset(claims.groups),
            scopes=frozenset(claims.scope.split(" ")) - {""},
            client_id=claims.client_id,
            expires_at=int(claims.exp),
            tenant=tenant,
        )

    def _tenant(self, payload: bytes) -> str:
        if self._tenant_claim is None:
            return ""
        return msgspec.convert(msgspec.json.decode(payload).get(self._tenant_claim, ""), Text)

    def _remember(self, digest: bytes, caller: Caller) -> None:
        if len(self._young) >= self._most_young:
            self._old, self._young = self._young, {}
        self._young[digest] = caller
