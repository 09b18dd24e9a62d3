"""Grants: authorization codes for one use, and refresh tokens that are replaced at every use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CODE_SECONDS = 300
"""Cognito's codes are good for five minutes."""


@dataclass(frozen=True)
class SignIn:
    """A sign-in: subject, role, client and scopes."""

    subject: str
    roles: tuple[str, ...]
    client_id: str
    scopes: tuple[str, ...]
    nonce: str | None = None


@dataclass(frozen=True)
class _Code:
    sign_in: SignIn
    redirect_uri: str
    challenge: str | None
    expires: float


@dataclass
class Grants:
    """The grants, in memory: after a restart of the provider front ends sign in again."""

    clock: Callable[[], float] = time.monotonic
    _codes: dict[str, _Code] = field(default_factory=dict)
    _refresh: dict[str, SignIn] = field(default_factory=dict)

    def code(self, sign_in: SignIn, redirect_uri: str, challenge: str | None) -> str:
        """``challenge`` is PKCE's, by S256 (RFC 7636)."""
        now = self.clock()
        self._codes = {code: held for code, held in self._codes.items() if held.expires > now}
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(sign_in, redirect_uri, challenge, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, client_id: str, redirect_uri: str, verifier: str | None) -> SignIn | None:
        """The sign-in of a code; None when it is spent, too old, another client's, or lacks its proof."""
        held = self._codes.pop(code, None)
        if held is None or held.expires < self.clock():
            return None
        if held.sign_in.client_id != client_id or held.redirect_uri != redirect_uri:
            return None
        if held.challenge is not None and not hmac.compare_digest(held.challenge, challenge_of(verifier or "")):
            return None
        return held.sign_in

    def refresh_token(self, sign_in: SignIn) -> str:
        token = secrets.token_urlsafe(48)
        self._refresh[token] = sign_in
        return token

    def refresh(self, token: str, client_id: str) -> SignIn | None:
        """The sign-in of a refresh token, which is spent by it."""
        held = self._refresh.get(token)
        if held is None or held.client_id != client_id:
            return None
        del self._refresh[token]
        return held


def challenge_of(verifier: str) -> str:
    """PKCE's S256: base64url of the digest, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
