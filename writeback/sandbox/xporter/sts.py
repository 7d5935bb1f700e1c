"""The token service (13-107), and what a token says about itself (150-190)."""

import base64
import json
import secrets
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import SandboxState, StsToken
from writeback.sandbox.xporter.access import ENVELOPE, token_of

MANAGEMENT_SECRET: Final = "management-secret"  # noqa: S105 - the simulator's own
NOT_FOUND: Final = "Relying Party not found for estab or secret not correct"
PAUSED: Final = (
    "Authorisation is currently paused while the school finalises the selection of people they wish to include "
    "in this feed."
)


async def get_token(request: Request) -> Response:
    """Answer a token, or HTTP 200 with an ExceptionMessage (84-107)."""
    given = _fields(await request.body(), request.headers.get("content-type", ""))
    state, estab = sandbox_of(request), given.get("estab", "")
    entry = entry_of(request)
    entry.school, entry.effect = estab or None, "read"
    relying_party = given.get("relyingparty", "")
    if given.get("thirdpartyid", "").lower() != "xporterondemand" or not relying_party:
        return _refused(NOT_FOUND)
    if not estab:
        if given.get("password") != MANAGEMENT_SECRET:
            return _refused(NOT_FOUND)
        return _granted(state, StsToken(None, relying_party, state.now() + timedelta(hours=12)))
    school = state.schools.get(estab)
    if school is None or not _is_trusted(school, relying_party, given.get("password", "")):
        return _refused(NOT_FOUND)
    if school.is_paused:
        return _refused(PAUSED)
    return _granted(state, StsToken(school.id, relying_party, state.now() + timedelta(seconds=school.token_ttl_s)))


async def token_details(request: Request) -> Response:
    """Answer what a token holds (150)."""
    token = token_of(request)
    entry_of(request).effect = "read"
    body = {
        "Estab": token.school or "",
        "Expires": _utc(token),
        "Name": token.relying_party,
        "RelyingParty": token.relying_party,
        "Scopes": _scopes(request, token),
    }
    return answer(body)


async def scopes(request: Request) -> Response:
    """Answer the scopes of a token (168). Its items are not shown; plain names are a guess."""
    token = token_of(request)
    entry_of(request).effect = "read"
    return answer({"Scopes": _scopes(request, token), **ENVELOPE})


def _scopes(request: Request, token: StsToken) -> list[str]:
    school = sandbox_of(request).schools.get(token.school or "")
    return sorted(school.grants) if school else []


def _is_trusted(school: SandboxSchool, relying_party: str, secret: str) -> bool:
    return (
        school.provider == "xporter"
        and school.access == "approved"
        and school.relying_party in (None, relying_party)
        and school.secret == secret
    )


def _fields(body: bytes, content_type: str) -> dict[str, str]:
    """Return a JSON or form body by lower-case name: `thirdpartyid` is seen in several cases."""
    text = body.decode("utf-8", "replace")
    pairs: Any = parse_qsl(text)
    if "json" in content_type or text.lstrip().startswith("{"):
        try:
            pairs = json.loads(text).items()
        except (ValueError, AttributeError):
            return {}
    return {str(name).lower(): str(value) for name, value in pairs if value is not None}


def _granted(state: SandboxState, token: StsToken) -> Response:
    text = base64.b64encode(secrets.token_bytes(64)).decode()
    state.sts_tokens[text] = token
    return answer({"token": text, "expires": _utc(token), **ENVELOPE})


def _refused(message: str) -> Response:
    return answer({"token": None, "expires": "0001-01-01T00:00:00", **ENVELOPE, "ExceptionMessage": message})


def _utc(token: StsToken) -> str:
    return token.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
