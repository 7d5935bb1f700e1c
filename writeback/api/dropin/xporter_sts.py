"""The token service of the Xporter drop-in endpoint (Xporter 13-107): our key is the secret, for one school."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from starlette.responses import Response

from writeback.api.dropin.answers import answer
from writeback.api.dropin.call import Call
from writeback.api.dropin.xporter_envelope import ENVELOPE
from writeback.api.dropin.xporter_reads import READS
from writeback.core.errors import Forbidden, NotFound, Unauthenticated
from writeback.core.secrets import KEY_PREFIX
from writeback.domain.access import Caller, Scope
from writeback.domain.school import School
from writeback.flow.dropin.reads import is_for_any
from writeback.flow.dropin.requests import DropInToken
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.wiring import Services

_NOT_FOUND = "Relying Party not found for estab or secret not correct"  # Xporter 88
_SERVICE = "xporterondemand"
_LONGEST_NAME = 100
_WRITING = {
    "WritebackAttendance": ("attendance.",),
    "WritebackConduct": ("achievement.", "behaviour.", "detention."),
}
"""Xporter's scopes for writing (Xporter 13916-14611), and the kinds of ours that need them."""
_LONGEST = 16_384
"""Most bytes of what asks for a token: it comes from somebody who has shown no key yet."""


class TokenRefused(Unauthenticated):
    """The Authorization header holds no token that is good."""


async def get_token(call: Call, services: Services) -> Response:
    """Answer a token, or HTTP 200 with an ExceptionMessage (Xporter 84-94)."""
    given = _fields(await call.body(limit=_LONGEST))
    key, estab = given.get("password", "").strip(), given.get("estab", "").strip()
    if given.get("thirdpartyid", "").lower() != _SERVICE or not given.get("relyingparty") or not estab:
        return _refused()
    try:
        caller = await services.keys.authenticate(key)
    except Unauthenticated:
        call.count_failure()
        return _refused()
    call.admit(caller)
    try:
        school = await services.drop_in.school(caller, WebhookFormat.XPORTER, estab)
    except (Forbidden, NotFound):
        return _refused()
    if not (caller.may(Scope.SUBMIT) or services.reads_of_apps.may(caller)):
        return _refused()
    token, until = services.drop_in.grant(key, school, given["relyingparty"][:_LONGEST_NAME])
    return answer({"token": token, "expires": _text(until), **ENVELOPE})


async def token_details(call: Call, services: Services) -> Response:
    """Answer what a token holds (Xporter 150-164): clients begin with it. A key itself lasts until it is revoked."""
    caller, token = await caller_of(call, services)
    school = await _school_if_one(services, caller, token)
    name = token.relying_party if token is not None else caller.app_id
    until = token.until if token is not None else services.drop_in.token_end()
    details = {
        "Estab": "" if school is None else (await services.registry.account(school.id)).provider_school_id,
        "Expires": _text(until),
        "Name": name,
        "RelyingParty": name,
        "Scopes": [scope["Name"] for scope in _scopes(services, caller)],
    }
    return answer(details)


async def scopes(call: Call, services: Services) -> Response:
    """Answer the scopes of a token (Xporter 168-184), as objects: answers that were recorded have them so."""
    caller, _ = await caller_of(call, services)
    return answer({"Scopes": _scopes(services, caller), **ENVELOPE})


def _scopes(services: Services, caller: Caller) -> list[dict[str, str]]:
    """Return in Xporter's words what a key may do here."""
    found = set()
    if caller.may(Scope.SUBMIT):
        found |= {scope for scope, kinds in _WRITING.items() if is_for_any(caller, kinds)}
    if services.reads_of_apps.may(caller):
        found |= {read.scope for read in READS.values() if is_for_any(caller, read.kinds)}
    return [{"Name": name, "Category": _category(name), "Description": name} for name in sorted(found)]


def _category(name: str) -> str:
    return "Writeback" if name.startswith("Writeback") else "Read"


async def _school_if_one(services: Services, caller: Caller, token: DropInToken | None) -> School | None:
    if token is not None:
        return await services.registry.school(token.school)
    return await services.drop_in.only_school(caller, WebhookFormat.XPORTER)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def caller_of(call: Call, services: Services) -> tuple[Caller, DropInToken | None]:
    """Return who calls, and the token, which is for one school; None for a key itself. Raise TokenRefused."""
    scheme, _, token = (call.header("authorization") or "").strip().partition(" ")
    token = token.strip()
    granted = None
    if scheme.lower() not in ("idaas", "bearer"):
        raise _invalid()
    if not token.startswith(KEY_PREFIX):
        granted = services.drop_in.granted(token)
        if granted is None:
            raise _invalid()
        token = granted.key
    try:
        caller = await services.keys.authenticate(token)
    except Unauthenticated as error:
        raise _invalid() from error
    call.admit(caller)
    return caller, granted


async def school_of(services: Services, caller: Caller, token: DropInToken | None, estab: str | None) -> School:
    """Return the school that is meant: that of the path, else that of the token; they may not differ."""
    if estab is None:
        only = await _school_if_one(services, caller, token)
        if only is None:
            raise NotFound("school_unknown", "The path names no estab, and the token is not for one")
        return only
    school = await services.drop_in.school(caller, WebhookFormat.XPORTER, estab)
    if token is not None and token.school != school.id:
        raise Forbidden("school_not_allowed", f"The token does not grant access to estab {estab[:64]}")
    return school


def _fields(body: bytes) -> Mapping[str, str]:
    """Return a JSON or form body by lower-case name: `thirdpartyid` is seen in several cases."""
    text = body.decode("utf-8", "replace")
    pairs: Any = ()
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            pairs = from_json(text.lstrip("\ufeff")).items()
        except ValueError:
            return {}
    else:
        pairs = parse_qsl(text)
    return {str(name).lower(): str(value) for name, value in pairs if isinstance(value, str | int)}


def _refused() -> Response:
    return answer({"token": None, "expires": "0001-01-01T00:00:00", **ENVELOPE, "ExceptionMessage": _NOT_FOUND})


def _invalid() -> TokenRefused:
    return TokenRefused("token_invalid", "The STS token is invalid or has expired")
