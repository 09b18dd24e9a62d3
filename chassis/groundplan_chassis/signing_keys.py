"""The identity provider's public keys from its JWKS, through key rotations and outages (S3).

https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

FRESH_SECONDS: Final = 3600.0
"""Age after which keys are fetched again, in the background, so that withdrawn keys disappear."""
RETRY_SECONDS: Final = 30.0
"""Pause between fetches for unknown keys. Any client can send a token with an invented key id. A rotated key is in the
JWKS before tokens are signed with it; if not, its tokens are refused for this time at most."""
FAILED_RETRY_SECONDS: Final = 2.0
"""Pause between fetches while the provider is unavailable and no key is known."""
FETCH_SECONDS: Final = 2.0
"""For all keys; requests whose token names an unknown one wait for them."""
MOST_BYTES: Final = 64 * 1024
"""Largest JWKS in bytes; Cognito's has two keys and one kilobyte."""
MOST_KEYS: Final = 32
LEAST_BITS: Final = 2048
"""Smallest RSA key in bits (RFC 7518, 3.3)."""

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """No key is known, and the provider is unavailable."""


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class SigningKeys:
    """RSA keys for RS256 by their ids; other keys of the provider are ignored."""

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext | None,
        *,
        seconds: Callable[[], float] = time.monotonic,
        withdrawn: Callable[[], None] = lambda: None,
    ) -> None:
        """``seconds``: a stopwatch; ``withdrawn`` is called when a known key has been withdrawn."""
        self._url = url
        self._tls = tls
        self._seconds = seconds
        self._withdrawn = withdrawn
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = -FRESH_SECONDS
        """Time of the last successful fetch."""
        self._tried: float | None = None
        """Start of the last fetch."""
        self._fetching: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._told = ""

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def get(self, kid: str) -> RSAPublicKey | None:
        """The key with this id; None: the provider has none. Raises KeysUnavailable."""
        key = self._keys.get(kid)
        if key is not None:
            if self._seconds() - self._fetched > FRESH_SECONDS:
                # No request waits for it, and while the provider is unavailable the known keys stay valid.
                self._fetch()
            return key
        fetching = self._fetch()
        if fetching is not None:
            await asyncio.shield(fetching)
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(kid)

    async def warm(self) -> None:
        """Fetch the keys before the first token. Does not raise: without keys the first token tries again."""
        fetching = self._fetch()
        if fetching is not None:
            await asyncio.shield(fetching)

    def _fetch(self) -> asyncio.Task[None] | None:
        """The running fetch; a new one where it is due; None where the last one is too recent."""
        if self._fetching is None:
            pause = RETRY_SECONDS if self._keys else FAILED_RETRY_SECONDS
            if self._tried is not None and self._seconds() - self._tried < pause:
                return None
            self._tried = self._seconds()
            self._fetching = asyncio.create_task(self._refresh(), name="signing keys")
            self._fetching.add_done_callback(self._done)
        return self._fetching

    def _done(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the signing keys could not be read", exc_info=error)

    async def _refresh(self) -> None:
        try:
            keys = await self._download()
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError, ValueError) as error:
            self._report(f"{type(error).__name__}" if not isinstance(error, ValueError) else str(error))
            return
        if self._told:
            log.info("the identity provider's keys are back")
            self._told = ""
        before, self._keys, self._fetched = self._keys, keys, self._seconds()
        if any(keys.get(kid) != key for kid, key in before.items()):
            self._withdrawn()

    async def _download(self) -> dict[str, RSAPublicKey]:
        """Raises ValueError, with the reason, for a response without a usable key."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            )
        tls: ssl.SSLContext | bool = self._tls if self._tls is not None else True
        async with self._session.get(self._url, ssl=tls, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}, expected 200")
            content = await _read(answer.content)
        keys = usable_keys(msgspec.json.decode(content, type=_Jwks).keys)
        if not keys:
            raise ValueError("no RSA key for RS256 is among the keys")
        return keys

    def _report(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            log.warning(
                "the identity provider's keys can't be fetched from %s: %s; %s",
                self._url,
                reason,
                f"the {len(self._keys)} known stay good" if self._keys else "no token can be checked",
                extra={"event": "signing_keys_away"},
            )


async def _read(stream: aiohttp.StreamReader) -> bytes:
    content = bytearray()
    async for chunk in stream.iter_chunked(16 * 1024):
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
    return bytes(content)


def usable_keys(described: list[dict[str, Any]]) -> dict[str, RSAPublicKey]:
    """Keys that may verify RS256, by id; the first of several with the same id."""
    keys: dict[str, RSAPublicKey] = {}
    for entry in described[:MOST_KEYS]:
        kid = entry.get("kid")
        if not isinstance(kid, str) or kid in keys or not _may_verify(entry):
            continue
        try:
            key = PyJWK({name: entry[name] for name in ("kty", "n", "e")}, algorithm="RS256").key
        except (PyJWTError, KeyError, ValueError, TypeError):
            continue
        # A private key would be of another type: it has no business in a JWKS.
        if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_BITS:
            keys[kid] = key
    return keys


def _may_verify(entry: dict[str, Any]) -> bool:
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and "verify" in entry.get("key_ops", ["verify"])
    )
