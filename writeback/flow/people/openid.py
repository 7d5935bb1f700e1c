"""Signing in at an OpenID Connect provider: authorization code with PKCE, state and nonce; claims become a role.

What is in the ID token counts, once its signature, issuer, audience, times and nonce have been checked.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Unauthenticated
from writeback.core.ids import new_id
from writeback.core.loggable_errors import class_of
from writeback.core.settings import OidcSettings
from writeback.domain.actor import SERVICE, Actor
from writeback.domain.staff import Role
from writeback.flow.people.openid_client import IdentityProvider, SignInBroken
from writeback.flow.people.sessions import StaffSessions
from writeback.flow.people.staff_accounts import normal_name
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

_RANKS = (Role.VIEWER, Role.SUPPORT, Role.ADMIN)
_NOBODY = Actor("nobody signed in")


@dataclass(frozen=True)
class Pending:
    """A sign-in under way; the browser keeps it, sealed."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the provider says, and what that makes them here."""

    subject: str
    name: str
    role: Role
    schools: list[str] | None


class OpenIdSignIns:
    """Sends people to the provider, and lets in whom it sends back."""

    def __init__(self, db: Database, clock: Clock, settings: OidcSettings, sessions: StaffSessions) -> None:
        self._db, self._clock, self._settings, self._sessions = db, clock, settings, sessions
        self._provider = IdentityProvider(settings, clock)

    async def begin(self, redirect_uri: str) -> tuple[str, Pending]:
        """Return where the browser goes, and what is to be kept until it comes back."""
        pending = Pending(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        try:
            endpoint = await self._provider.authorization_endpoint()
        except SignInBroken as broken:
            raise _refused(broken.reason) from broken
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", pending

    async def finish(self, pending: Pending, answer: Mapping[str, str], redirect_uri: str) -> str:
        """Return what the cookie is to say; raise Unauthenticated. `answer` is what the browser came back with."""
        try:
            claims = await self._claims(pending, answer, redirect_uri)
            identity = identity_of(claims, self._settings)
            return await self._db.transact(lambda session: self._let_in(session, identity))
        except SignInBroken as broken:
            reason, cause = broken.reason, broken.__cause__
            log.info("staff_sign_in_failed", reason=reason, cause=cause and class_of(cause))
            await self._db.transact(partial(self._note_failure, reason))
            raise _refused(reason) from broken

    async def _claims(self, pending: Pending, answer: Mapping[str, str], redirect_uri: str) -> Mapping[str, Any]:
        if not hmac.compare_digest(pending.state.encode(), answer.get("state", "").encode()):
            raise SignInBroken("state_wrong")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207: mixed-up providers
            raise SignInBroken("issuer_wrong")
        if "error" in answer or not answer.get("code"):
            raise SignInBroken("refused_there")
        return await self._provider.claims(answer["code"], pending.verifier, pending.nonce, redirect_uri)

    def _let_in(self, session: Session, identity: Identity) -> str:
        now, row = self._clock.now(), store.by_subject(session, identity.subject)
        if row is None:
            if store.by_name(session, identity.name) is not None:
                raise SignInBroken("name_taken")
            row = StaffRow(
                id=new_id("stf", now),
                name=identity.name,
                role=identity.role.value,
                schools=identity.schools,
                subject=identity.subject,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            session.flush()
            noted = {"role": row.role, "schools": row.schools, "from": "openid"}
            audit.note(session, SERVICE, now, "staff.add", row.id, changed=noted)
        elif row.disabled_at is not None:
            raise SignInBroken("disabled")
        elif (row.role, row.schools) != (identity.role.value, identity.schools):
            row.role, row.schools, row.updated_at = identity.role.value, identity.schools, now
            noted = {"role": row.role, "schools": row.schools, "from": "openid"}
            audit.note(session, SERVICE, now, "staff.role", row.id, changed=noted)
        token = self._sessions.begin(session, row)
        audit.note(session, Actor(f"staff:{row.name}"), now, "staff.sign_in", row.id, changed={"with": "openid"})
        log.info("staff_signed_in", staff_id=row.id)
        return token

    def _note_failure(self, reason: str, session: Session) -> None:
        noted = {"with": "openid", "reason": reason}
        audit.note(session, _NOBODY, self._clock.now(), "staff.sign_in_failed", "openid", changed=noted)


def identity_of(claims: Mapping[str, Any], settings: OidcSettings) -> Identity:
    """Return who the claims say it is; raise SignInBroken for whoever has no role here, or no name."""
    values = _texts(_at(claims, settings.role_claim))
    roles = [Role(settings.roles[value]) for value in values if value in settings.roles]
    if not roles:
        raise SignInBroken("no_role")
    named = [*_texts(_at(claims, settings.name_claim)), *_texts(claims.get("email"))]
    name = normal_name(named[0]) if named else ""
    if not name or not name.isprintable() or len(name) > 100:
        raise SignInBroken("no_name")
    schools = sorted(set(_texts(_at(claims, settings.schools_claim)))) if settings.schools_claim else None
    if schools == []:
        raise SignInBroken("no_school")
    return Identity(f"{settings.issuer} {claims['sub']}", name, max(roles, key=_RANKS.index), schools)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim of this name or, where there is none, what the dots in it lead to."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, str) and one]


_HINTS = {
    "refused_there": "Sign in there, and allow it.",
    "no_role": "Your account there has no role here: ask whoever runs the service.",
    "no_school": "Your account there names no school: ask whoever runs the service.",
    "name_taken": "Somebody else has your name here: ask whoever runs the service.",
    "disabled": "Your account here is disabled: ask whoever runs the service.",
    "not_reached": "It does not answer just now: try again in a moment.",
}


def _refused(reason: str) -> Unauthenticated:
    hint = _HINTS.get(reason, "Begin again from the sign-in page.")
    return Unauthenticated(f"sign_in_{reason}", "the sign-in there did not succeed", hint=hint)
