"""Where staff are signed in: rows, found by the hash of what a cookie says, that run out and can be ended."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.settings import ConsoleSettings
from writeback.domain.staff import Person, Role
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow, StaffSessionRow

_SEEN_PRECISION = timedelta(minutes=1)
_LONGEST_TOKEN = 128


@dataclass(frozen=True)
class SignedIn:
    """A session that holds: `hash` names it, and says nothing to whoever reads it."""

    hash: str
    person: Person
    must_set_up: bool = False
    """They sign in with a password and have no second factor, which the settings ask for: they see nothing else."""
    must_choose_password: bool = False
    """Somebody else was shown their password: they see nothing else before they have chosen one."""


class StaffSessions:
    """The sessions."""

    def __init__(self, db: Database, clock: Clock, settings: ConsoleSettings) -> None:
        self._db, self._clock = db, clock
        self._idle = timedelta(seconds=settings.idle_timeout_s)
        self._longest = timedelta(seconds=settings.session_s)
        self._second_factor = settings.second_factor

    def begin(self, session: Session, row: StaffRow) -> str:
        """Sign somebody in; return what their cookie is to say. Whatever has run out is forgotten on the way."""
        now, token = self._clock.now(), secrets.token_urlsafe(32)
        store.forget_ended(session, now, now - self._idle)
        session.add(
            StaffSessionRow(
                hash=_hash(token), staff_id=row.id, created_at=now, seen_at=now, expires_at=now + self._longest
            )
        )
        row.last_sign_in_at = now
        session.add(row)
        return token

    async def find(self, token: str, *, by_hand: bool) -> SignedIn | None:
        """Return who is signed in; None: nobody any more. `by_hand`: a person did something, which keeps it alive."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        now, session_hash = self._clock.now(), _hash(token)
        async with self._db.read() as session:
            found = await store.of_session(session, session_hash)
        if found is None:
            return None
        row, account = found
        if row.expires_at <= now or row.seen_at <= now - self._idle or account.disabled_at is not None:
            return None
        if by_hand and now - row.seen_at >= _SEEN_PRECISION:
            await self._db.transact(lambda writing: store.note_seen(writing, session_hash, now))
        must_set_up = self._second_factor and account.password_hash is not None and account.totp_since is None
        return SignedIn(session_hash, person_of(account), must_set_up, account.password_is_temporary)

    async def count(self, person: Person) -> int:
        """Return in how many browsers somebody is signed in."""
        now = self._clock.now()
        async with self._db.read() as session:
            return await store.count_sessions(session, person.id, now, now - self._idle)

    async def end(self, signed_in: SignedIn) -> None:
        """Sign somebody out."""
        person = signed_in.person

        def end(session: Session) -> None:
            store.end_session(session, signed_in.hash)
            audit.note(session, person.actor(), self._clock.now(), "staff.sign_out", person.id)

        await self._db.transact(end)

    async def end_all(self, person: Person) -> int:
        """Sign somebody out everywhere; return in how many browsers they were signed in."""

        def end(session: Session) -> int:
            ended = store.end_sessions(session, person.id)
            noted = {"sessions": ended}
            audit.note(
                session, person.actor(), self._clock.now(), "staff.sign_out_everywhere", person.id, changed=noted
            )
            return ended

        return await self._db.transact(end)


def person_of(row: StaffRow) -> Person:
    return Person(row.id, row.name, Role(row.role), None if row.schools is None else frozenset(row.schools))


def _hash(token: str) -> str:
    # A plain SHA-256 is enough: the token has 256 random bits.
    return hashlib.sha256(token.encode()).hexdigest()
