"""The provider's keys (S3): fetched rarely, kept through its absences, and gone when it withdraws them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from groundplan_chassis.http.errors import Unauthorized
from groundplan_chassis.settings import TokenSettings
from groundplan_chassis.signing_keys import (
    FAILED_RETRY_SECONDS,
    FRESH_SECONDS,
    MOST_BYTES,
    MOST_KEYS,
    RETRY_SECONDS,
    KeysUnavailable,
    SigningKeys,
    usable_keys,
)
from groundplan_chassis.tokens import TokenVerifier
from groundplan_chassis.trust import tls_context
from groundplan_devkit.authority import Authority
from groundplan_devkit.servers import Identity

FIRST, SECOND = (rsa.generate_private_key(65537, 2048) for _ in range(2))


class Provider:
    """A JWKS endpoint on this machine that does as it is told."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [described("first", FIRST)]
        self.answer: web.Response | None = None
        self.fetches = 0
        self.hold: asyncio.Event | None = None
        self._runner: web.AppRunner | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks"

    async def start(self, tls: Any = None) -> None:
        app = web.Application()
        app.router.add_get("/jwks", self._jwks)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=tls).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _jwks(self, request: web.Request) -> web.Response:
        del request
        self.fetches += 1
        if self.hold is not None:
            await self.hold.wait()
        return self.answer or web.json_response({"keys": self.keys})


class Stopwatch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def described(kid: str, key: RSAPrivateKey | RSAPublicKey, **more: Any) -> dict[str, Any]:
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    jwk = dict(jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True))
    del jwk["key_ops"]
    return {**jwk, "kid": kid, "use": "sig", "alg": "RS256", **more}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def keys(provider: Provider, stopwatch: Stopwatch) -> AsyncIterator[SigningKeys]:
    made = SigningKeys(provider.url, None, seconds=stopwatch)
    yield made
    await made.close()


async def test_s3_keys_are_fetched_once(provider: Provider, keys: SigningKeys) -> None:
    found = await asyncio.gather(*(keys.get("first") for _ in range(50)))
    assert all(key == FIRST.public_key() for key in found)
    assert provider.fetches == 1


async def test_s3_invented_key_ids_do_not_reach_the_provider(
    provider: Provider, keys: SigningKeys, stopwatch: Stopwatch
) -> None:
    await keys.warm()
    for number in range(100):
        assert await keys.get(f"invented-{number}") is None
    assert provider.fetches == 1
    stopwatch.now += RETRY_SECONDS
    await asyncio.gather(*(keys.get(f"invented-{number}") for number in range(100)))
    assert provider.fetches == 2


async def test_s3_a_rotated_key_is_fetched_when_it_is_first_seen(
    provider: Provider, keys: SigningKeys, stopwatch: Stopwatch
) -> None:
    await keys.warm()
    provider.keys.append(described("second", SECOND))
    stopwatch.now += RETRY_SECONDS
    assert await keys.get("second") == SECOND.public_key()
    assert await keys.get("first") == FIRST.public_key()
    assert provider.fetches == 2


async def test_s3_a_withdrawn_key_goes_and_what_it_signed_is_reported(provider: Provider, stopwatch: Stopwatch) -> None:
    withdrawn: list[int] = []
    keys = SigningKeys(provider.url, None, seconds=stopwatch, withdrawn=lambda: withdrawn.append(1))
    await keys.warm()
    provider.keys.append(described("second", SECOND))
    stopwatch.now += FRESH_SECONDS + 1
    # No request waits for the refresh of keys that have become old.
    assert await keys.get("first") == FIRST.public_key()
    await keys.warm()
    assert withdrawn == []
    provider.keys = [described("second", SECOND)]
    stopwatch.now += FRESH_SECONDS + 1
    await keys.get("second")
    await keys.warm()
    assert await keys.get("first") is None
    assert withdrawn == [1]
    # As well when another key comes under its name.
    provider.keys = [described("second", FIRST)]
    stopwatch.now += FRESH_SECONDS + 1
    await keys.get("second")
    await keys.warm()
    assert await keys.get("second") == FIRST.public_key()
    assert withdrawn == [1, 1]
    await keys.close()


async def test_s3_known_keys_stay_good_while_the_provider_is_away(
    provider: Provider, keys: SigningKeys, stopwatch: Stopwatch, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.warm()
    await provider.stop()
    for _ in range(5):
        stopwatch.now += FRESH_SECONDS + 1
        assert await keys.get("first") == FIRST.public_key()
        await keys.warm()
        assert await keys.get("first") == FIRST.public_key()
        assert await keys.get("second") is None
    assert caplog.text.count("can't be fetched") == 1
    await provider.start()
    provider.keys.append(described("second", SECOND))
    stopwatch.now += RETRY_SECONDS
    assert await keys.get("second") == SECOND.public_key()


async def test_s3_a_provider_that_is_away_at_the_start_is_asked_again_soon(
    provider: Provider, keys: SigningKeys, stopwatch: Stopwatch
) -> None:
    await provider.stop()
    await keys.warm()
    with pytest.raises(KeysUnavailable):
        await keys.get("first")
    await provider.start()
    with pytest.raises(KeysUnavailable):
        await keys.get("first")
    assert provider.fetches == 0
    stopwatch.now += FAILED_RETRY_SECONDS
    assert await keys.get("first") == FIRST.public_key()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "text": "no"},
        {"status": 302, "headers": {"location": "/elsewhere"}},
        {"text": "no json"},
        {"text": "[]"},
        {"text": '{"keys": 1}'},
        {"text": '{"keys": []}'},
        {"text": '{"keys": ["first"]}'},
        {"text": '{"keys": [], "padding": "' + "x" * MOST_BYTES + '"}'},
    ],
    ids=["status", "redirect", "text", "list", "number", "empty", "strings", "huge"],
)
async def test_s3_an_answer_that_is_no_set_of_keys_changes_nothing(
    provider: Provider, keys: SigningKeys, stopwatch: Stopwatch, answer: dict[str, Any]
) -> None:
    await keys.warm()
    provider.answer = web.Response(**answer)
    stopwatch.now += FRESH_SECONDS + 1
    assert await keys.get("first") == FIRST.public_key()
    await keys.warm()
    assert provider.fetches == 2
    assert await keys.get("first") == FIRST.public_key()


async def test_s3_a_caller_that_gives_up_takes_nothing_from_the_others(provider: Provider, keys: SigningKeys) -> None:
    provider.hold = asyncio.Event()
    impatient = asyncio.create_task(keys.get("first"))
    patient = asyncio.create_task(keys.get("first"))
    while not provider.fetches:
        await asyncio.sleep(0.01)
    impatient.cancel()
    provider.hold.set()
    assert await patient == FIRST.public_key()
    assert impatient.cancelled() or (await asyncio.wait([impatient]) and impatient.cancelled())


def test_s3_only_keys_that_may_verify_are_used() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505
    elliptic = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    private = dict(jwt.algorithms.RSAAlgorithm.to_jwk(SECOND, as_dict=True))
    found = usable_keys(
        [
            described("first", FIRST),
            described("first", SECOND),
            described("encryption", SECOND, use="enc"),
            described("another algorithm", SECOND, alg="RS512"),
            described("signs only", SECOND, key_ops=["sign"]),
            described("weak", weak),
            {**elliptic, "kid": "elliptic"},
            {"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0"},
            {"kty": "RSA", "kid": "no numbers"},
            {"kty": "RSA", "kid": "bad numbers", "n": "!", "e": 1},
            {name: value for name, value in described("", SECOND).items() if name != "kid"},
            # What is private in it is not read.
            {**private, "kid": "private", "key_ops": ["verify"]},
            {name: value for name, value in described("plain", SECOND).items() if name not in ("use", "alg")},
        ]
    )
    assert found == {
        "first": FIRST.public_key(),
        "private": SECOND.public_key(),
        "plain": SECOND.public_key(),
    }
    assert len(usable_keys([described(f"k-{number}", FIRST) for number in range(100)])) == MOST_KEYS


async def test_s2_the_provider_s_certificate_is_checked(tmp_path: Path) -> None:
    authority = Authority.at(tmp_path / "authority")
    certificate, key = authority.issue("provider")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    provider = Provider()
    await provider.start(server)
    url = provider.url.replace("http:", "https:")
    trusting = SigningKeys(url, tls_context(Path(str(authority.certificate))))
    assert await trusting.get("first") == FIRST.public_key()
    await trusting.close()
    strange = SigningKeys(url, tls_context())
    with pytest.raises(KeysUnavailable):
        await strange.get("first")
    await strange.close()
    await provider.stop()


async def test_s3_tokens_of_the_local_provider_through_a_rotation(identity_server: Identity) -> None:
    issuer = identity_server.issuer
    stopwatch = Stopwatch()
    known = TokenSettings(issuer.url, issuer.jwks_url, frozenset(identity_server.client_ids))
    keys = SigningKeys(known.jwks_url, None, seconds=stopwatch)
    tokens = TokenVerifier(known, None, keys=keys)
    before = issuer.access_token("s-1", ["customer"])
    assert (await tokens.verify(before)).roles == {"customer"}
    issuer.keys.rotate()
    after = issuer.access_token("s-2", ["customer"])
    with pytest.raises(Unauthorized):
        await tokens.verify(after)
    stopwatch.now += RETRY_SECONDS
    assert (await tokens.verify(after)).subject == "s-2"
    assert (await tokens.verify(before)).subject == "s-1"
    await tokens.close()
