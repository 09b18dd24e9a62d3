"""What attackers send is refused in the error envelope, and changes nothing (R4, S3, S4, S6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import httpx
import jwt

from groundplan.declaration.model import Operation, Resource, System
from groundplan_devkit.apis import Api, Sign, endpoints
from groundplan_devkit.deployed import http_client

LARGE = 2 * 1024 * 1024


def refused(answer: httpx.Response, *statuses: int, sent: str = "") -> None:
    """The answer is one of ``statuses``, and an error envelope that tells nothing of the inside.

    It may name what is wrong, and so repeat what was ``sent``.
    """
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "details"}
    assert error["code"].isupper()
    assert isinstance(error["details"], list)
    for word in ("Traceback", "asyncpg", "SELECT ", "/groundplan_chassis/", "postgres"):
        assert word not in answer.text or word in sent


BODIES: dict[str, tuple[Callable[[], bytes], dict[str, str], tuple[int, ...]]] = {
    "larger than any item": (lambda: b'{"a":"' + b"x" * LARGE + b'"}', {}, (413,)),
    "deeply nested": (lambda: b"[" * 100_000 + b"]" * 100_000, {}, (400, 413, 422)),
    "deeply nested objects": (lambda: b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {}, (400, 413, 422)),
    "not JSON": (lambda: b"<xml/>", {}, (400,)),
    "empty": (lambda: b"", {}, (400, 415, 422)),
    "a list": (lambda: b"[]", {}, (400, 422)),
    "null": (lambda: b"null", {}, (400, 422)),
    "UTF-16": (lambda: "{}".encode("utf-16"), {}, (400,)),
    "broken UTF-8": (lambda: b'{"a":"\xff\xfe"}', {}, (400, 422)),
    "a number without end": (lambda: b'{"a":' + b"9" * 100_000 + b"}", {}, (400, 422)),
    "an unknown key": (lambda: b'{"__proto__":{"admin":true}}', {}, (400, 422)),
    "form data": (lambda: b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, (415,)),
    "another character set": (lambda: b"{}", {"Content-Type": "application/json; charset=utf-16"}, (400, 415, 422)),
    "compressed": (lambda: b"\x1f\x8b\x08\x00", {"Content-Encoding": "gzip"}, (400, 415)),
}


INJECTIONS = (
    "' OR '1'='1",
    "1; DROP TABLE users; --",
    "' UNION SELECT * FROM pg_catalog.pg_user --",
    "%00",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "\r\nSet-Cookie: a=b",
    "../../../etc/passwd",
    "\u202e\u0000",
)


def _confused(claims: dict[str, Any], public_key: str) -> str:
    """HS256 with the public key as the secret; PyJWT itself refuses to make such a token."""

    def part(content: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    mac = hmac.new(public_key.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _tokens(sign: Sign, roles: list[str]) -> Iterator[tuple[str, str]]:
    sound = sign(*roles, subject="attacker")
    header, payload, signature = sound.split(".")
    claims = jwt.decode(sound, options={"verify_signature": False})
    yield "expired", sign(*roles, subject="attacker", seconds=-3600)
    yield "not yet valid", sign(*roles, subject="attacker", nbf=claims["exp"] + 3600)
    yield "of another issuer", sign(*roles, subject="attacker", iss="https://evil.example.com")
    yield "of another client", sign(*roles, subject="attacker", client_id="stranger")
    yield "an identity token", sign(*roles, subject="attacker", token_use="id")  # noqa: S106  what kind of token it is
    yield "without a subject", sign(*roles, subject="attacker", sub=None)
    yield "unsigned", jwt.encode(claims, "", algorithm="none")
    yield "algorithm confusion", _confused(claims, "-----BEGIN PUBLIC KEY-----")
    changed = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "victim"}).encode()).rstrip(b"=").decode()
    yield "changed after signing", f"{header}.{changed}.{signature}"
    yield "without signature", f"{header}.{payload}."
    own = {"alg": "RS256", "kid": "../../dev/null", "jku": "https://evil.example.com/keys"}
    forged = base64.urlsafe_b64encode(json.dumps(own).encode()).rstrip(b"=").decode()
    yield "with a key of its own", f"{forged}.{payload}.{signature}"
    yield "no token at all", "a.b.c"
    yield "endless", "a" * 20_000 + "." + "b" * 20_000 + ".c"


@dataclass(frozen=True)
class Attacker:
    """Sends requests to every process of the system, with a token that has every role."""

    system: System
    apis: list[Api]
    sign: Sign

    @cached_property
    def roles(self) -> list[str]:
        return list(self.system.identity.roles)

    @cached_property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sign(*self.roles, subject='attacker')}"}

    def places(self, *wanted: Operation) -> list[tuple[Api, str, Resource]]:
        """Every collection that one of these operations is declared for, with the process that answers it."""
        found = [
            (api, path, resource)
            for api in self.apis
            for _, resource, operation, path in endpoints(self.system, api.service)
            if operation in wanted and api.answers(operation)
        ]
        assert found, "no service offers what could be attacked"
        return found

    def closed(self) -> list[str]:
        """Addresses of lists that need a token."""
        found = []
        for api, path, resource in self.places("list"):
            access = resource.access("list")
            if access is not None and not access.anyone:
                found.append(f"{api.process.url}{path}")
        assert found, "every list is open to anyone"
        return found

    def bodies_are_refused(self, kind: str) -> None:
        """A body of `BODIES`."""
        make, more, statuses = BODIES[kind]
        for api, path, _ in self.places("create"):
            headers = {**self.headers, "Content-Type": "application/json"} | more
            refused(
                http_client().post(f"{api.process.url}{path}", content=make(), headers=headers, timeout=30), *statuses
            )

    def injections_find_nothing(self) -> None:
        """What is no value of the field is refused, what is one finds nothing."""
        for api, path, resource in self.places("list"):
            url = f"{api.process.url}{path}"
            for text in INJECTIONS:
                refused(http_client().get(url, params={"sort": text}, headers=self.headers), 400, 422)
                refused(http_client().get(url, params={text or "x": "1"}, headers=self.headers), 400, 422, sent=text)
                for name in resource.fields:
                    answer = http_client().get(url, params={name: text}, headers=self.headers)
                    if answer.status_code == httpx.codes.OK:
                        assert answer.json()["data"] == []
                    else:
                        refused(answer, 400, 422)

    def log_lines_are_not_forged(self) -> None:
        api, path, _ = self.places("list", "create")[0]
        mark = f"forged-{uuid4().hex}"
        forged = f'\n{{"level":"error","event":"{mark}"}}\n'
        headers = {**self.headers, "User-Agent": mark}
        http_client().get(f"{api.process.url}{path}", params={"sort": forged}, headers=headers)
        http_client().get(f"{api.process.url}/{mark}%0a%7b%22event%22%3a%22{mark}%22%7d", headers=headers)
        for line in api.process.logged():
            if mark in line:
                assert json.loads(line).get("event") != mark

    def tokens_are_refused(self) -> None:
        for url in self.closed():
            refused(http_client().get(url), 401)
            refused(http_client().get(url, headers={"Authorization": "Basic YTpi"}), 401)
            for kind, token in _tokens(self.sign, self.roles):
                answer = http_client().get(url, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code in (401, 431), f"{kind}: {answer.status_code} {answer.text[:200]}"
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    refused(answer, 401)
                    assert answer.headers["www-authenticate"].startswith("Bearer"), kind

    def scopes_and_roles_are_needed(self) -> None:
        for url in self.closed():
            without_scope = self.sign(*self.roles, subject="a", scope="")
            refused(http_client().get(url, headers={"Authorization": f"Bearer {without_scope}"}), 403)
            for roles in ([], ["stranger"], [role.upper() for role in self.roles]):
                token = self.sign(*roles, subject="a")
                refused(http_client().get(url, headers={"Authorization": f"Bearer {token}"}), 403)

    def unknown_paths_and_methods_are_refused(self) -> None:
        for api, path, _ in self.places("list", "create"):
            url = api.process.url
            inside = (f"{path}/not-an-id", f"{path}/{uuid4()}/more", f"{path}/%2e%2e")
            for wrong in (*inside, "/", "/api/v2", "/.env", "/admin"):
                refused(http_client().get(f"{url}{wrong}", headers=self.headers), 404)
            answer = http_client().request("TRACE", f"{url}{path}", headers=self.headers)
            refused(answer, 405)
            assert answer.headers["allow"]
            refused(
                http_client().get(f"{url}{path}", params="limit=1&limit=2", headers=self.headers), 400, 405, 421, 422
            )
            for limit in ("0", "-1", "1e9", "101", "NaN", "\uff19"):
                refused(
                    http_client().get(f"{url}{path}", params={"limit": limit}, headers=self.headers), 400, 405, 421, 422
                )
