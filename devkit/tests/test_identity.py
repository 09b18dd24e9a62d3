"""The identity provider: tokens as Cognito's, keys that rotate, a sign-in that a front end can use."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from chassis.tests.http.sockets import ACCEPTED, SMUGGLED, exchange
from groundplan_devkit import token as token_command
from groundplan_devkit.identity import WEB_CLIENT, Issuer, KeyRing
from groundplan_devkit.identity.grants import CODE_SECONDS, Grants, SignIn, challenge_of
from groundplan_devkit.identity.provider import Provider
from groundplan_devkit.servers import Identity, Servers
from groundplan_devkit.servers.identity import declared_people
from groundplan_devkit.testing import Token

REDIRECT = "http://localhost:5173/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-standard-43"


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    issuer = Issuer("http://127.0.0.1:9999/pool", KeyRing(tmp_path))
    return Provider(issuer, "shop", ("customer", "admin"), token_seconds=600)


@pytest.fixture
async def browser(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=provider.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9999") as client:
        yield client


def sign_in_query(**different: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": WEB_CLIENT,
        "redirect_uri": REDIRECT,
        "state": "xyz",
        "nonce": "n-1",
        "scope": "openid shop/read",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | different


def claims_of(token: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Raises KeyError for a token that none of the keys has signed; it may have expired."""
    key = jwt.PyJWKSet.from_dict({"keys": keys})[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], options={"verify_exp": False, "verify_aud": False}
    )
    return claims


async def signed_in(browser: httpx.AsyncClient, **different: str) -> str:
    """The code that the front end is sent back with."""
    form = sign_in_query() | {"role": "customer", "subject": "c-1"} | different
    answer = await browser.post("/login", data=form)
    assert answer.status_code == 303, answer.text
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == ["xyz"]
    return back["code"][0]


def redeeming(code: str, /, **different: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": WEB_CLIENT,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    } | different


def test_an_access_token_has_cognitos_claims(provider: Provider) -> None:
    token = provider.issuer.access_token("c-1", ["customer"], scopes=["shop/read"], seconds=60)
    claims = claims_of(token, provider.issuer.keys.published())
    assert claims["sub"] == claims["username"] == "c-1"
    assert claims["iss"] == "http://127.0.0.1:9999/pool"
    assert claims["token_use"] == "access"
    assert claims["client_id"] == WEB_CLIENT
    assert claims["scope"] == "shop/read"
    assert claims["cognito:groups"] == ["customer"]
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 30
    assert claims["auth_time"] == claims["iat"]
    assert "aud" not in claims
    other = claims_of(provider.issuer.access_token("c-1"), provider.issuer.keys.published())
    assert other["jti"] != claims["jti"]
    assert "cognito:groups" not in other


def test_wrong_tokens_can_be_made_on_purpose(provider: Provider) -> None:
    token = provider.issuer.access_token("c-1", claims={"token_use": "id", "client_id": None}, seconds=-60)
    claims = claims_of(token, provider.issuer.keys.published())
    assert claims["token_use"] == "id"
    assert "client_id" not in claims
    assert claims["exp"] < time.time()


def test_keys_rotate_and_retire(provider: Provider) -> None:
    keys = provider.issuer.keys
    before = provider.issuer.access_token("c-1")
    [first] = keys.published()
    assert first["kid"]
    assert "d" not in first
    second = keys.rotate()
    after = provider.issuer.access_token("c-1")
    assert {key["kid"] for key in keys.published()} == {first["kid"], second}
    assert claims_of(before, keys.published())
    assert claims_of(after, keys.published())
    keys.retire(first["kid"])
    assert claims_of(after, keys.published())
    with pytest.raises(KeyError):
        claims_of(before, keys.published())


def test_another_process_signs_with_the_same_keys(tmp_path: Path) -> None:
    one, two = KeyRing(tmp_path), KeyRing(tmp_path)
    assert one.current().id == two.current().id
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.glob("*.key"))


async def test_discovery_names_everything(browser: httpx.AsyncClient) -> None:
    found = (await browser.get("/pool/.well-known/openid-configuration")).json()
    assert found["issuer"] == "http://127.0.0.1:9999/pool"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "shop/write" in found["scopes_supported"]
    keys = (await browser.get(urlsplit(found["jwks_uri"]).path)).json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("RSA", "RS256", "sig")]


async def test_the_page_offers_every_role(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/oauth2/authorize", params=sign_in_query(state='"><script>alert(1)</script>'))
    assert page.status_code == 200
    assert 'value="customer"' in page.text
    assert 'value="admin"' in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_front_end_signs_a_user_in(browser: httpx.AsyncClient, provider: Provider) -> None:
    answer = await browser.post("/oauth2/token", data=redeeming(await signed_in(browser)))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    keys = provider.issuer.keys.published()
    access, identity = claims_of(tokens["access_token"], keys), claims_of(tokens["id_token"], keys)
    assert access["sub"] == "c-1"
    assert access["cognito:groups"] == ["customer"]
    assert access["scope"] == "openid shop/read"
    assert tokens["expires_in"] == access["exp"] - access["iat"] == 600
    assert identity["aud"] == WEB_CLIENT
    assert identity["nonce"] == "n-1"
    assert identity["token_use"] == "id"


async def test_a_refresh_token_is_good_once(browser: httpx.AsyncClient) -> None:
    first = (await browser.post("/oauth2/token", data=redeeming(await signed_in(browser)))).json()
    form = {"grant_type": "refresh_token", "client_id": WEB_CLIENT, "refresh_token": first["refresh_token"]}
    second = await browser.post("/oauth2/token", data=form)
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert (await browser.post("/oauth2/token", data=form)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "different",
    [
        {"code_verifier": "another-verifier"},
        {"code_verifier": ""},
        {"redirect_uri": "http://localhost:5173/elsewhere"},
        {"code": "guessed"},
    ],
)
async def test_a_code_without_its_proof_is_refused_and_spent(
    browser: httpx.AsyncClient, different: dict[str, str]
) -> None:
    code = await signed_in(browser)
    answer = await browser.post("/oauth2/token", data=redeeming(code, **different))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    if "code" not in different:
        assert (await browser.post("/oauth2/token", data=redeeming(code))).status_code == 400


async def test_a_code_is_good_once(browser: httpx.AsyncClient) -> None:
    code = await signed_in(browser)
    assert (await browser.post("/oauth2/token", data=redeeming(code))).status_code == 200
    assert (await browser.post("/oauth2/token", data=redeeming(code))).status_code == 400


def test_a_code_is_not_good_for_ever() -> None:
    now = [0.0]
    grants = Grants(clock=lambda: now[0])
    sign_in = SignIn("c-1", (), WEB_CLIENT, ())
    code = grants.code(sign_in, REDIRECT, None)
    now[0] = CODE_SECONDS + 1.0
    assert grants.redeem(code, WEB_CLIENT, REDIRECT, None) is None


@pytest.mark.parametrize(
    "different",
    [
        {"redirect_uri": "https://evil.example.com/callback"},
        {"redirect_uri": "http://localhost.evil.example.com/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "another"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
    ],
)
async def test_what_cannot_be_signed_in_to_is_refused(browser: httpx.AsyncClient, different: dict[str, str]) -> None:
    assert (await browser.get("/oauth2/authorize", params=sign_in_query(**different))).status_code == 400
    if different.keys() & {"redirect_uri", "client_id"}:
        form = sign_in_query(**different) | {"role": "customer", "subject": "c-1"}
        assert (await browser.post("/login", data=form)).status_code == 400


async def test_a_role_that_is_not_declared_is_refused(browser: httpx.AsyncClient) -> None:
    form = sign_in_query() | {"role": "root", "subject": "c-1"}
    assert (await browser.post("/login", data=form)).status_code == 400
    form = {"grant_type": "client_credentials", "role": "root"}
    assert (await browser.post("/oauth2/token", data=form)).status_code == 400


async def test_a_machine_gets_a_token_by_itself(browser: httpx.AsyncClient, provider: Provider) -> None:
    form = {"grant_type": "client_credentials", "scope": "shop/read other/write"}
    answer = (await browser.post("/oauth2/token", data=form)).json()
    claims = claims_of(answer["access_token"], provider.issuer.keys.published())
    assert claims["scope"] == "shop/read"
    assert "cognito:groups" not in claims
    form |= {"role": "admin", "subject": "robot"}
    answer = (await browser.post("/oauth2/token", data=form)).json()
    claims = claims_of(answer["access_token"], provider.issuer.keys.published())
    assert (claims["sub"], claims["cognito:groups"]) == ("robot", ["admin"])


async def test_a_front_end_on_this_machine_may_read_the_answers(browser: httpx.AsyncClient) -> None:
    for origin, allowed in (("http://localhost:5173", True), ("https://example.com", False)):
        answer = await browser.get("/pool/.well-known/jwks.json", headers={"origin": origin})
        assert ("access-control-allow-origin" in answer.headers) == allowed


async def test_the_server_publishes_the_keys_that_tests_sign_with(identity_server: Identity, token: Token) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        keys = (await client.get(identity_server.issuer.jwks_url)).json()["keys"]
    claims = claims_of(token("customer", subject="c-2", email="x@example.com"), keys)
    assert claims["sub"] == "c-2"
    assert claims["iss"] == identity_server.issuer.url
    assert claims["email"] == "x@example.com"


def test_the_command_prints_a_token_and_nothing_else(
    identity_server: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from groundplan_devkit.servers import Servers

    servers = Servers(directory=str(tmp_path), authority="", identity=identity_server)
    servers.remember()
    monkeypatch.setenv("LOCAL_SERVERS", str(servers.state_file))
    role = declared_people().roles[0]
    assert token_command.main(["--role", role, "--subject", "c-3", "--minutes", "5"]) == 0
    printed = capsys.readouterr().out
    claims = claims_of(printed.strip(), identity_server.issuer.keys.published())
    assert (claims["sub"], claims["cognito:groups"]) == ("c-3", [role])
    assert claims["exp"] - claims["iat"] == 300
    assert len(printed.split()) == 1


def test_the_command_says_what_to_do_when_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_SERVERS", str(tmp_path / "none.json"))
    assert token_command.main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "to do:" in said.err
    assert token_command.main(["--role", "no_such_role"]) == 2
    assert '--role is "no_such_role"\n    expected: a role that system.yaml declares: ' in capsys.readouterr().err


def test_state_holds_no_more_than_it_must(identity_server: Identity) -> None:
    """Keys stay in files of their own; the state file names their directory only."""
    import msgspec

    assert "PRIVATE KEY" not in json.dumps(msgspec.to_builtins(identity_server))


@pytest.mark.parametrize("head", ACCEPTED)
def test_a_body_stays_a_body_with_any_requested_upgrade(servers: Servers, head: bytes) -> None:
    assert servers.identity is not None
    post = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(SMUGGLED) + head + b"\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert len(exchange(servers.identity.port, [post, SMUGGLED, last])) == 2
