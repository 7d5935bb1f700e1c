"""Talking to the OpenID Connect provider: discovery, code for token, and an ID token that has been checked whole."""

import asyncio
import contextlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from writeback.core.clock import Clock
from writeback.core.network.answer_limits import ACCEPT_ENCODING, AnswerTooLarge, read_limited
from writeback.core.network.tls import trusted
from writeback.core.settings import OidcSettings
from writeback.core.ttl import TtlCache

if TYPE_CHECKING:
    from joserfc.jwk import KeySet
    from joserfc.jwt import Token

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Only those with the provider's public key: neither `none`, nor a secret that others may have."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KEY_TYPES = ("RSA", "EC", "OKP")
"""Those with a public half: whatever else is published is left out, as RFC 7517 has it."""
_REMEMBERED_S = 300.0
"""Of documents; so long may a key still count that the provider has withdrawn."""
_LONGEST_SUBJECT = 255
"""As OpenID Connect Core 1.0, section 2, says."""
_MOST_BYTES = 1_000_000
"""Of one answer; documents and tokens have some thousands."""
_SKEW_S = 60
_LOCAL = ("localhost", "127.0.0.1", "::1")


class SignInBroken(Exception):
    """It did not succeed; `reason` says in one word why, and nothing of the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IdentityProvider:
    """The provider that the settings name."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._documents = TtlCache[str, dict[str, Any]](clock, _REMEMBERED_S)

    async def authorization_endpoint(self) -> str:
        return _secure((await self._discovered())["authorization_endpoint"])

    async def claims(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> Mapping[str, Any]:
        """Return the claims of the ID token that the code is good for; raise SignInBroken."""
        found = await self._discovered()
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        form["redirect_uri"] = redirect_uri
        granted = await self._ask("POST", _secure(found["token_endpoint"]), **self._proof(found, form))
        token = await self._verified(str(granted.get("id_token", "")), _secure(found["jwks_uri"]))
        self._check(token.claims, nonce)
        return token.claims

    def _proof(self, found: Mapping[str, Any], form: dict[str, str]) -> dict[str, Any]:
        """Return how we show who we are: by our secret in the header, else in the form; without one by PKCE alone."""
        own, secret = self._settings.client_id, self._settings.client_secret
        if not secret:
            return {"data": {**form, "client_id": own}}
        if "client_secret_basic" in found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            return {"data": form, "auth": httpx.BasicAuth(own, secret)}
        return {"data": {**form, "client_id": own, "client_secret": secret}}

    async def _discovered(self) -> dict[str, Any]:
        issuer = self._settings.issuer
        found = await self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise SignInBroken("issuer_wrong")
        if not all(isinstance(found.get(name), str) for name in _ENDPOINTS):
            raise SignInBroken("discovery_wrong")
        return found

    async def _verified(self, id_token: str, jwks_uri: str) -> "Token":
        """Return the token once one of the provider's keys has signed it; changed keys are fetched again."""
        # Loaded when somebody signs in this way: every process would wait for it at its start.
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        for is_last in (False, True):
            keys = _public_keys(await self._document(jwks_uri))
            try:
                return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
            except InvalidKeyIdError as error:
                if is_last:
                    raise SignInBroken("token_wrong") from error
                self._documents.forget(jwks_uri)
            except (JoseError, ValueError) as error:
                raise SignInBroken("token_wrong") from error
        raise AssertionError("unreachable")

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        from joserfc import jwt  # loaded by now
        from joserfc.errors import JoseError

        own = self._settings.client_id
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock.now().timestamp()),
            leeway=_SKEW_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": own},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except JoseError as error:
            raise SignInBroken("token_wrong") from error
        if not isinstance(claims["sub"], str) or len(claims["sub"]) > _LONGEST_SUBJECT:
            raise SignInBroken("token_wrong")
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != own:
            raise SignInBroken("token_wrong")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise SignInBroken("nonce_wrong")

    async def _document(self, url: str) -> dict[str, Any]:
        return await self._documents.get(url, lambda key: self._ask("GET", _secure(key)))

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Accept-Encoding": ACCEPT_ENCODING}
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                httpx.AsyncClient(timeout=self._settings.timeout_s, verify=trusted()) as client,
                client.stream(method, url, headers=headers, **options) as answer,
            ):
                content = json.loads(await read_limited(answer, _MOST_BYTES))
        except (httpx.HTTPError, AnswerTooLarge, TimeoutError, ValueError, RecursionError) as error:
            raise SignInBroken("not_reached") from error
        if not answer.is_success or not isinstance(content, dict):
            raise SignInBroken("refused_there")
        return content


def _public_keys(document: Mapping[str, Any]) -> "KeySet":
    """Return the keys that can be read and that nobody can sign with who only reads them."""
    from joserfc.errors import JoseError  # loaded by now
    from joserfc.jwk import JWKRegistry, KeySet

    keys, published = [], document.get("keys")
    for one in published if isinstance(published, list) else []:
        if isinstance(one, dict) and one.get("kty") in _KEY_TYPES:
            with contextlib.suppress(JoseError, ValueError, TypeError):
                keys.append(JWKRegistry.import_key(one))
    return KeySet(keys)


def _secure(url: str) -> str:
    """Return the address where it is https, or on this machine; else whoever listens could sign in as anybody."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise SignInBroken("not_https")
    return url
