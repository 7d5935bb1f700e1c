"""Signing in with a password: counted before it is tried, as slow for an unknown name as for a wrong password."""

import hashlib
import math
from datetime import timedelta

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Overloaded, Unauthenticated
from writeback.core.settings import ConsoleSettings
from writeback.domain.actor import Actor
from writeback.flow.staff import normal_name
from writeback.flow.staff_passwords import hash_password, is_outdated, is_password
from writeback.flow.staff_sessions import StaffSessions
from writeback.store import audit
from writeback.store import staff as store
from writeback.store.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

_NOBODY = Actor("nobody signed in")


class SignIns:
    """Takes names and passwords."""

    def __init__(self, db: Database, clock: Clock, settings: ConsoleSettings, sessions: StaffSessions) -> None:
        self._db, self._clock, self._settings, self._sessions = db, clock, settings, sessions

    async def by_password(self, name: str, password: str, address: str) -> str:
        """Return what the cookie is to say; raise Unauthenticated, or Overloaded after too many tries.

        `address` is where the call comes from.
        """
        keys = (_key("account", normal_name(name)), _key("address", address))
        wait_s = await self._db.transact(lambda session: self._count(session, keys))
        if wait_s:
            raise _TooOften(wait_s)
        async with self._db.read() as reading:
            row = await store.find(reading, normal_name(name))
        stored = row.password_hash if row is not None and row.disabled_at is None else None
        if not await is_password(password, stored):
            await self._note_failure(row, keys[0])
            raise Unauthenticated(
                "sign_in_refused", "the name or the password is wrong", hint="Try again, or ask for a new password."
            )
        assert row is not None
        better = await hash_password(password) if is_outdated(row.password_hash or "") else None
        return await self._db.transact(lambda session: self._let_in(session, row.name, keys, better))

    def _count(self, session: Session, keys: tuple[str, str]) -> int:
        """Count a try for account and address; return how many seconds are to be waited out, 0: none.

        It is counted before the password is looked at, so tries that come at once are counted too.
        """
        now, wait_s = self._clock.now(), 0
        until = now + timedelta(seconds=self._settings.tries_forgotten_after_s)
        limits = (self._settings.tries_per_account, self._settings.tries_per_address)
        for key, limit in zip(keys, limits, strict=True):
            row = store.count_try(session, key, now, until)
            if row.tries > limit:
                wait_s = max(wait_s, math.ceil((row.until - now).total_seconds()))
            if row.tries == limit + 1:  # once, or whoever tries could fill the log
                audit.note(session, _NOBODY, now, "staff.sign_in_blocked", key)
        return wait_s

    def _let_in(self, session: Session, name: str, keys: tuple[str, str], better_hash: str | None) -> str:
        row = store.by_name(session, name)
        if row is None or row.disabled_at is not None:  # since we looked
            raise Unauthenticated("sign_in_refused", "the name or the password is wrong")
        if better_hash is not None:
            row.password_hash = better_hash
        store.forget_tries(session, keys[0])
        store.take_back_try(session, keys[1])  # many people share an address
        token = self._sessions.begin(session, row)
        audit.note(session, Actor(f"staff:{row.name}"), self._clock.now(), "staff.sign_in", row.id)
        log.info("staff_signed_in", staff_id=row.id)
        return token

    async def _note_failure(self, row: StaffRow | None, account_key: str) -> None:
        """Write the failure down, against the account where there is one; a name that nobody has is kept as a hash."""
        subject = account_key if row is None else row.id
        noted = {"account": "unknown" if row is None else "disabled" if row.disabled_at else "known"}

        def note(session: Session) -> None:
            audit.note(session, _NOBODY, self._clock.now(), "staff.sign_in_failed", subject, changed=noted)

        await self._db.transact(note)
        log.info("staff_sign_in_failed", subject=subject, account=noted["account"])


class _TooOften(Overloaded):
    status, title = 429, "Too many tries"

    def __init__(self, wait_s: int) -> None:
        minutes = max(1, math.ceil(wait_s / 60))
        super().__init__(
            "sign_in_too_often",
            "too many sign-ins have failed",
            retry_after_s=wait_s,
            hint=f"Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again.",
        )


def _key(sort: str, value: str) -> str:
    return f"{sort}:{hashlib.sha256(value.encode()).hexdigest()[:40]}"
