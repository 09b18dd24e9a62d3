"""The provider's endpoints, at the paths and in the shapes of Cognito's.

Only http://localhost and http://127.0.0.1 may be signed in from, as on a machine of one's own; the cloud's client names
its addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from groundplan_devkit.identity.grants import Grants, SignIn
from groundplan_devkit.identity.page import POLICY, sign_in_page
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT, WEB_CLIENT, Issuer

LOCAL_ORIGINS = r"http://(localhost|127\.0\.0\.1)(:\d+)?"
_ASKED = ("client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge")


@dataclass(frozen=True)
class Provider:
    """One user pool."""

    issuer: Issuer
    system: str
    roles: Sequence[str]
    token_seconds: int
    grants: Grants = field(default_factory=Grants)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What a client of the API may ask for (`groundplan_components.identity.user_pool`)."""
        return f"{self.system}/read", f"{self.system}/write"

    def app(self) -> Starlette:
        pool = urlsplit(self.issuer.url).path
        return Starlette(
            routes=[
                Route(f"{pool}/.well-known/jwks.json", self.jwks),
                Route(f"{pool}/.well-known/openid-configuration", self.discovery),
                Route("/oauth2/authorize", self.authorize),
                Route("/login", self.login, methods=["POST"]),
                Route("/oauth2/token", self.token, methods=["POST"]),
                Route("/logout", self.logout),
                Route("/health/live", _alive),
            ],
            middleware=[
                Middleware(CORSMiddleware, allow_origin_regex=LOCAL_ORIGINS, allow_methods=["*"], allow_headers=["*"])
            ],
        )

    async def jwks(self, request: Request) -> Response:
        del request
        return JSONResponse({"keys": self.issuer.keys.published()})

    async def discovery(self, request: Request) -> Response:
        del request
        split = urlsplit(self.issuer.url)
        base = f"{split.scheme}://{split.netloc}"
        return JSONResponse(
            {
                "issuer": self.issuer.url,
                "authorization_endpoint": f"{base}/oauth2/authorize",
                "token_endpoint": f"{base}/oauth2/token",
                "end_session_endpoint": f"{base}/logout",
                "jwks_uri": self.issuer.jwks_url,
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", *self.scopes],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        problem = self._wrong(dict(asked))
        if problem:
            return _refused("invalid_request", problem)
        handed_on = {name: asked[name] for name in _ASKED if name in asked}
        page = sign_in_page(self.system, self.roles, LOCAL_SUBJECT, handed_on)
        return HTMLResponse(page, headers={"content-security-policy": POLICY, "cache-control": "no-store"})

    async def login(self, request: Request) -> Response:
        form = await _form(request)
        problem = self._wrong({**form, "response_type": "code", "code_challenge_method": "S256"})
        role, subject = form.get("role", ""), form.get("subject", "").strip()
        if not subject or (role and role not in self.roles):
            problem = problem or "a subject, and one of the roles or none"
        if problem:
            return _refused("invalid_request", problem)
        sign_in = SignIn(
            subject,
            (role,) if role else (),
            form["client_id"],
            self._granted(form.get("scope")),
            form.get("nonce"),
        )
        code = self.grants.code(sign_in, form["redirect_uri"], form.get("code_challenge"))
        answer = {"code": code} | ({"state": form["state"]} if "state" in form else {})
        separator = "&" if urlsplit(form["redirect_uri"]).query else "?"
        return RedirectResponse(f"{form['redirect_uri']}{separator}{urlencode(answer)}", status_code=303)

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        client_id = form.get("client_id", WEB_CLIENT)
        if client_id != WEB_CLIENT:
            return _refused("invalid_client", f"client_id {WEB_CLIENT}")
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return self._for_client(form)
        if kind == "authorization_code":
            sign_in = self.grants.redeem(
                form.get("code", ""), client_id, form.get("redirect_uri", ""), form.get("code_verifier")
            )
        elif kind == "refresh_token":
            sign_in = self.grants.refresh(form.get("refresh_token", ""), client_id)
        else:
            return _refused("unsupported_grant_type", "authorization_code, refresh_token or client_credentials")
        if sign_in is None:
            return _refused("invalid_grant", "a code or token that is unspent, this client's, and proved")
        id_token = self.issuer.id_token(
            sign_in.subject,
            sign_in.roles,
            client_id=client_id,
            nonce=sign_in.nonce if kind == "authorization_code" else None,
            seconds=self.token_seconds,
        )
        return self._answer(sign_in, id_token=id_token, refresh_token=self.grants.refresh_token(sign_in))

    async def logout(self, request: Request) -> Response:
        target = request.query_params.get("logout_uri", "")
        return (
            RedirectResponse(target, status_code=303)
            if _is_local(target)
            else _refused("invalid_request", "a local logout_uri")
        )

    def _for_client(self, form: dict[str, str]) -> Response:
        """Cognito's tokens for machines have no groups; here a ``role`` and a ``subject`` may be asked for as well."""
        role = form.get("role", "")
        if role and role not in self.roles:
            return _refused("invalid_scope", f"a role of {', '.join(self.roles)}")
        subject = form.get("subject") or WEB_CLIENT
        return self._answer(SignIn(subject, (role,) if role else (), WEB_CLIENT, self._granted(form.get("scope"))))

    def _answer(self, sign_in: SignIn, **more: str) -> Response:
        access = self.issuer.access_token(
            sign_in.subject,
            sign_in.roles,
            scopes=sign_in.scopes,
            client_id=sign_in.client_id,
            seconds=self.token_seconds,
        )
        content = {"access_token": access, "token_type": "Bearer", "expires_in": self.token_seconds, **more}
        return JSONResponse(content, headers={"cache-control": "no-store"})

    def _granted(self, asked: str | None) -> tuple[str, ...]:
        """All that a client may have when it asks for nothing, as Cognito does."""
        known = ("openid", "email", "profile", *self.scopes)
        return tuple(scope for scope in asked.split() if scope in known) if asked else known

    def _wrong(self, asked: dict[str, str]) -> str | None:
        """What an authorization request should have been; None: it is right."""
        if asked.get("client_id") != WEB_CLIENT:
            return f"client_id {WEB_CLIENT}"
        if not _is_local(asked.get("redirect_uri", "")):
            return "a redirect_uri on http://localhost or http://127.0.0.1"
        if asked.get("response_type") != "code":
            return "response_type code"
        if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
            return "code_challenge_method S256"
        return None


def _is_local(uri: str) -> bool:
    split = urlsplit(uri)
    return split.scheme in ("http", "https") and split.hostname in ("localhost", "127.0.0.1") and not split.fragment


async def _form(request: Request) -> dict[str, str]:
    """OAuth's requests are `application/x-www-form-urlencoded` (RFC 6749); of a repeated name the last counts."""
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


def _refused(error: str, expected: str) -> Response:
    return JSONResponse({"error": error, "error_description": f"expected: {expected}"}, status_code=400)


async def _alive(request: Request) -> Response:
    del request
    return JSONResponse({"status": "ok"})
