"""Whose tokens are believed (S3): every forgery that is known, refused for what it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from groundplan_chassis.http.errors import Unauthorized, Unavailable
from groundplan_chassis.settings import TokenSettings
from groundplan_chassis.signing_keys import KeysUnavailable, SigningKeys
from groundplan_chassis.tokens import MOST_CHARACTERS, SKEW_SECONDS, TokenVerifier
from groundplan_devkit.identity import Issuer, KeyRing

ISSUER = "https://issuer.example.com/pool"
OURS = rsa.generate_private_key(65537, 2048)
THEIRS = rsa.generate_private_key(65537, 2048)
NOW = 1_795_000_000


class OneKey(SigningKeys):
    """The provider's keys, without a provider."""

    def __init__(self) -> None:
        super().__init__("https://issuer.example.com/jwks", None)
        self.calls: list[str] = []
        self.away = False

    async def get(self, kid: str) -> Any:
        self.calls.append(kid)
        if self.away:
            raise KeysUnavailable
        return OURS.public_key() if kid == "ours" else None


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def verifier(clock: Time | None = None, **options: Any) -> TokenVerifier:
    known = TokenSettings(ISSUER, "https://issuer.example.com/jwks", frozenset({"web", "batch"}))
    return TokenVerifier(known, None, keys=options.pop("keys", None) or OneKey(), now=clock or Time(), **options)


def claims(**different: Any) -> dict[str, Any]:
    content = {
        "sub": "s-1",
        "iss": ISSUER,
        "client_id": "web",
        "token_use": "access",
        "scope": "shop/read shop/write",
        "cognito:groups": ["customer", "support"],
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "j-1",
        "username": "jane",
        **different,
    }
    return {name: value for name, value in content.items() if value is not ...}


def signed(content: dict[str, Any], key: Any = OURS, algorithm: str = "RS256", **headers: Any) -> str:
    # Not by `jwt.encode`, which refuses to make the worst ones.
    return jwt.PyJWS().encode(json.dumps(content).encode(), key, algorithm, {"kid": "ours", **headers})


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(header: object, content: object, sign: Callable[[bytes], bytes]) -> str:
    """A token made by hand: what no library makes."""
    text = f"{part(header)}.{part(content)}"
    return f"{text}.{part(sign(text.encode()))}"


def rs256(data: bytes, key: RSAPrivateKey = OURS) -> bytes:
    algorithm: Any = jwt.get_algorithm_by_name("RS256")
    return bytes(algorithm.sign(data, key))


def public_pem(key: RSAPrivateKey = OURS) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def with_public_key_as_secret(digest: str) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(public_pem(), data, digest).digest()


async def refused(token: str, tokens: TokenVerifier | None = None) -> str:
    with pytest.raises(Unauthorized) as refusal:
        await (tokens or verifier()).verify(token)
    assert refusal.value.status == 401
    assert refusal.value.headers["www-authenticate"] == "Bearer"
    return refusal.value.message


async def test_s3_a_good_token_says_who_calls() -> None:
    caller = await verifier().verify(signed(claims()))
    assert caller.subject == "s-1"
    assert caller.roles == {"customer", "support"}
    assert caller.scopes == {"shop/read", "shop/write"}
    assert (caller.client_id, caller.expires_at, caller.tenant) == ("web", NOW + 3600, "")


async def test_s3_a_token_of_cognito_s_shape_by_the_local_provider(tmp_path: Path) -> None:
    issuer = Issuer(ISSUER, KeyRing(tmp_path))

    class Local(OneKey):
        async def get(self, kid: str) -> Any:
            (entry,) = [key for key in issuer.keys.published() if key["kid"] == kid]
            return jwt.PyJWK(entry, algorithm="RS256").key

    known = TokenSettings(ISSUER, "https://issuer.example.com/jwks", frozenset({"local-web"}))
    tokens = TokenVerifier(known, None, keys=Local())
    caller = await tokens.verify(issuer.access_token("s-1", ["customer"], scopes=["shop/read"]))
    assert caller.subject == "s-1"
    assert caller.roles == {"customer"}
    assert caller.scopes == {"shop/read"}
    assert "access token" in await refused(issuer.id_token("s-1", [], client_id="local-web"), tokens)


async def test_s3_a_machine_s_token_has_no_groups_and_may_have_no_scopes() -> None:
    caller = await verifier().verify(signed(claims(**{"cognito:groups": ..., "scope": ...})))
    assert (caller.roles, caller.scopes) == (frozenset(), frozenset())


FORGED: dict[str, Callable[[], str]] = {
    "signed with another key": lambda: signed(claims(), THEIRS),
    "none": lambda: raw({"alg": "none", "kid": "ours"}, claims(), lambda _: b""),
    "none, with a signature": lambda: raw({"alg": "none", "kid": "ours"}, claims(), rs256),
    "nOnE": lambda: raw({"alg": "nOnE", "kid": "ours"}, claims(), rs256),
    "HS256 with the public key": lambda: raw(
        {"alg": "HS256", "kid": "ours"}, claims(), with_public_key_as_secret("sha256")
    ),
    "HS512 with the public key": lambda: raw(
        {"alg": "HS512", "kid": "ours"}, claims(), with_public_key_as_secret("sha512")
    ),
    "RS256 that is HS256": lambda: raw({"alg": "RS256", "kid": "ours"}, claims(), with_public_key_as_secret("sha256")),
    "RS512, by our key": lambda: signed(claims(), algorithm="RS512"),
    "PS256, by our key": lambda: signed(claims(), algorithm="PS256"),
    "ES256": lambda: signed(claims(), ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "without an algorithm": lambda: raw({"kid": "ours"}, claims(), rs256),
    "an algorithm in a list": lambda: raw({"alg": ["RS256"], "kid": "ours"}, claims(), rs256),
    "without a key id": lambda: raw({"alg": "RS256"}, claims(), rs256),
    "a key id that is a number": lambda: raw({"alg": "RS256", "kid": 1}, claims(), rs256),
    "a key id that is a path": lambda: signed(claims(), kid="../../dev/null"),
    "a key id with SQL": lambda: signed(claims(), kid="' UNION SELECT 'k"),
    "a key id for the log": lambda: signed(claims(), kid="x\nlevel=error"),
    "a key id of a megabyte": lambda: signed(claims(), kid="x" * 300),
    "an unknown key id": lambda: signed(claims(), kid="theirs"),
    "a key of its own (jwk)": lambda: signed(claims(), THEIRS, jwk=jwk_of(THEIRS)),
    "a key's address (jku)": lambda: signed(claims(), THEIRS, jku="https://attacker.example.com/jwks"),
    "a certificate's address (x5u)": lambda: signed(claims(), THEIRS, x5u="https://attacker.example.com/cert"),
    "a certificate (x5c)": lambda: signed(claims(), THEIRS, x5c=[base64.b64encode(public_pem(THEIRS)).decode()]),
    "critical extensions": lambda: raw({"alg": "RS256", "kid": "ours", "crit": ["exp"], "exp": 1}, claims(), rs256),
    "an unencoded payload": lambda: raw(
        {"alg": "RS256", "kid": "ours", "crit": ["b64"], "b64": False}, claims(), rs256
    ),
    "another payload": lambda: swapped(signed(claims()), 1, part(claims(sub="admin"))),
    "another header": lambda: swapped(signed(claims()), 0, part({"alg": "RS256", "kid": "ours", "typ": "x"})),
    "no signature": lambda: signed(claims()).rpartition(".")[0] + ".",
    "half a signature": lambda: signed(claims())[:-100],
    "a signature and more": lambda: signed(claims()) + "AAAA",
    "encrypted": lambda: ".".join([part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "ours"}), "a", "b", "c", "d"]),
    "nothing": lambda: "",
    "dots": lambda: "..",
    "words": lambda: "not a token",
    "not ASCII": lambda: "ä.ö.ü",
    "lone surrogates": lambda: "\ud800.\ud800.\ud800",
    "no JSON": lambda: raw(b"no json", claims(), rs256),
    "no JSON object": lambda: raw([1], claims(), rs256),
    "deep JSON": lambda: raw(b"[" * 5000, claims(), rs256),
    "a payload that is no JSON": lambda: raw({"alg": "RS256", "kid": "ours"}, b"no json", rs256),
    "a payload that is no object": lambda: raw({"alg": "RS256", "kid": "ours"}, ["sub"], rs256),
    "a payload in no encoding": lambda: raw({"alg": "RS256", "kid": "ours"}, b'{"sub":"\xff"}', rs256),
    "a deep payload": lambda: raw({"alg": "RS256", "kid": "ours"}, b'{"sub":' + b"[" * 4000, rs256),
    "too long": lambda: signed(claims(padding="x" * MOST_CHARACTERS)),
}


def jwk_of(key: RSAPrivateKey) -> dict[str, Any]:
    return dict(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


def swapped(token: str, index: int, other: str) -> str:
    parts = token.split(".")
    return ".".join([*parts[:index], other, *parts[index + 1 :]])


@pytest.mark.parametrize("forgery", FORGED)
async def test_s3_no_forgery_is_believed(forgery: str) -> None:
    tokens = verifier()
    token = FORGED[forgery]()
    await refused(token, tokens)
    assert tokens.remembered(token) is None


@pytest.mark.parametrize(
    ("different", "why"),
    [
        ({"iss": "https://issuer.example.com/other"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": [ISSUER]}, "claims"),
        ({"iss": ...}, "claims"),
        ({"token_use": "id"}, "access token"),
        ({"token_use": ...}, "access token"),
        ({"client_id": "stranger"}, "another client"),
        ({"client_id": ""}, "another client"),
        ({"client_id": ["web"]}, "claims"),
        ({"client_id": ..., "aud": "web"}, "another client"),
        ({"sub": ...}, "claims"),
        ({"sub": ""}, "claims"),
        ({"sub": 1}, "claims"),
        ({"sub": "x" * 257}, "claims"),
        ({"sub": "s-1\nlevel=error"}, "claims"),
        ({"exp": ...}, "claims"),
        ({"exp": "4102444800"}, "claims"),
        ({"exp": None}, "claims"),
        ({"iat": ...}, "claims"),
        ({"exp": NOW - SKEW_SECONDS}, "expired"),
        ({"exp": NOW - 3600, "iat": NOW - 7200}, "expired"),
        ({"exp": -1, "iat": -2}, "expired"),
        ({"nbf": NOW + SKEW_SECONDS + 1}, "not valid yet"),
        ({"iat": NOW + SKEW_SECONDS + 1}, "not valid yet"),
        ({"iat": NOW + 30, "exp": NOW + 20}, "claims"),
        ({"scope": ["shop/write"]}, "claims"),
        ({"cognito:groups": "admin"}, "claims"),
        ({"cognito:groups": [1]}, "claims"),
        ({"cognito:groups": {"admin": True}}, "claims"),
    ],
)
async def test_s3_every_claim_counts(different: dict[str, Any], why: str) -> None:
    assert why in await refused(signed(claims(**different)))


async def test_s3_numbers_that_are_none_are_refused() -> None:
    for wrong in (b"NaN", b"Infinity", b"1e999"):
        payload = json.dumps(claims()).encode().replace(str(NOW + 3600).encode(), wrong)
        await refused(raw({"alg": "RS256", "kid": "ours"}, payload, rs256))


@pytest.mark.parametrize(
    "different",
    [
        {"exp": NOW - SKEW_SECONDS + 1, "iat": NOW - 100},
        {"iat": NOW + SKEW_SECONDS},
        {"nbf": NOW + SKEW_SECONDS},
        {"exp": NOW + 10.5},
    ],
)
async def test_s3_clocks_may_differ_by_a_minute(different: dict[str, Any]) -> None:
    assert (await verifier().verify(signed(claims(**different)))).subject == "s-1"


async def test_s3_a_token_is_verified_once_and_good_until_it_ends() -> None:
    clock, keys = Time(), OneKey()
    tokens = verifier(clock, keys=keys)
    token = signed(claims())
    assert tokens.remembered(token) is None
    caller = await tokens.verify(token)
    assert await tokens.verify(token) is caller
    assert tokens.remembered(token) is caller
    assert len(keys.calls) == 1
    clock.now = NOW + 3600 + SKEW_SECONDS - 1
    assert tokens.remembered(token) is caller
    clock.now = NOW + 3600 + SKEW_SECONDS
    assert tokens.remembered(token) is None
    assert "expired" in await refused(token, tokens)


async def test_s3_a_token_that_is_remembered_does_not_vouch_for_one_that_looks_like_it() -> None:
    tokens = verifier()
    token = signed(claims())
    await tokens.verify(token)
    for other in (token + "A", token[:-1], token.swapcase(), swapped(token, 1, part(claims(sub="admin")))):
        assert tokens.remembered(other) is None
        await refused(other, tokens)


async def test_s3_tokens_themselves_are_not_kept() -> None:
    tokens = verifier()
    token = signed(claims())
    await tokens.verify(token)
    (kept,) = tokens._young
    assert kept == hashlib.sha256(token.encode()).digest()


async def test_s3_what_is_remembered_is_bounded_and_the_busy_stay() -> None:
    keys = OneKey()
    tokens = verifier(keys=keys, most_remembered=10)
    busy = signed(claims(sub="busy"))
    await tokens.verify(busy)
    for number in range(50):
        await tokens.verify(signed(claims(sub=f"s-{number}")))
        assert tokens.remembered(busy) is not None
        assert len(tokens._young) + len(tokens._old) <= 10


async def test_s3_what_a_withdrawn_key_signed_is_forgotten() -> None:
    tokens = verifier()
    token = signed(claims())
    await tokens.verify(token)
    tokens.forget()
    assert tokens.remembered(token) is None


async def test_s3_without_any_key_tokens_are_unavailable_not_invalid() -> None:
    keys = OneKey()
    tokens = verifier(keys=keys)
    known = signed(claims())
    await tokens.verify(known)
    keys.away = True
    with pytest.raises(Unavailable):
        await tokens.verify(signed(claims(jti="j-2")))
    # Who was known before goes on.
    assert (await tokens.verify(known)).subject == "s-1"


async def test_s4_a_tenant_is_read_where_tokens_have_one() -> None:
    tokens = verifier(tenant_claim="custom:tenant")
    assert (await tokens.verify(signed(claims(**{"custom:tenant": "t-1"})))).tenant == "t-1"
    assert (await tokens.verify(signed(claims()))).tenant == ""
    assert "claims" in await refused(signed(claims(**{"custom:tenant": ["t-1"]})), tokens)


@settings(deadline=None)
@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}"))
async def test_s3_any_other_text_is_refused_as_unauthorised(token: str) -> None:
    await refused(token)


values = st.none() | st.integers() | st.text()
headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]),
    values | st.sampled_from(["RS256", "ours"]),
    max_size=5,
)
contents = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(headers, contents)
async def test_s3_headers_and_claims_of_any_shape_are_refused(header: dict[str, Any], content: Any) -> None:
    await refused(raw(header, content, rs256))


async def test_the_clock_is_the_machine_s_by_default() -> None:
    known = TokenSettings(ISSUER, "https://issuer.example.com/jwks", frozenset({"web"}))
    tokens = TokenVerifier(known, None, keys=OneKey())
    now = int(time.time())
    assert (await tokens.verify(signed(claims(iat=now, exp=now + 60)))).subject == "s-1"
    assert "expired" in await refused(signed(claims(iat=now - 3600, exp=now - 600)), tokens)
