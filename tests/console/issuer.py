"""An OpenID Connect provider of our own, on this machine: it signs in whom it is told to, and lies when told to."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from writeback.core.clock import Clock

CLIENT_ID, CLIENT_SECRET = "writeback-console", "the client's secret"


@dataclass
class Issuer:
    """Answers as told: `claims` win over what an honest provider would say."""

    clock: Clock
    origin: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    published: list[RSAKey] | None = None
    """The keys that it shows; None: the one that it signs with."""
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the browser brought, by the code that it was given."""
    tokens: int = 0
    keys_asked: int = 0
    forge: Callable[["Issuer", dict[str, Any]], Any] | None = None
    """Makes the ID token of the claims, in place of an honest one."""
    key_document: Any = None
    """What it shows in place of its keys."""
    spoil: Callable[[bytes], bytes] | None = None
    """What it makes of its discovery document, before it packs that by gzip."""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    async def _discover(self, _: Request) -> Response:
        honest = {
            "issuer": self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "jwks_uri": f"{self.origin}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        if self.spoil is not None:
            packed = gzip.compress(self.spoil(json.dumps(honest).encode()))
            return Response(packed, headers={"content-encoding": "gzip"}, media_type="application/json")
        return JSONResponse({**honest, **self.discovery})

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        code = f"code-{len(self.asked)}"
        self.asked[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}&iss={self.origin}")

    async def _token(self, request: Request) -> Response:
        self.tokens += 1
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        form = await request.form()
        asked = self.asked.pop(str(form["code"]), None)
        if asked is None or request.headers.get("authorization") != f"Basic {expected}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).decode()
        if challenge.rstrip("=") != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"token_type": "Bearer", "access_token": "x", "id_token": self._id_token(asked["nonce"])})

    def _id_token(self, nonce: str) -> Any:
        now = int(self.clock.now().timestamp())
        honest = {
            "iss": self.origin,
            "aud": CLIENT_ID,
            "sub": "1234",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "preferred_username": "Ann@Example.org",
            "groups": ["everybody", "writeback-support"],
        }
        claims = {name: value for name, value in {**honest, **self.claims}.items() if value is not None}
        if self.forge is not None:
            return self.forge(self, claims)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def _keys(self, _: Request) -> Response:
        self.keys_asked += 1
        if self.key_document is not None:
            return JSONResponse(self.key_document)
        keys = self.published if self.published is not None else [self.key]
        return JSONResponse({"keys": [key.as_dict(private=False) for key in keys]})
