"""Signing in with a password, and a code where the account has a second factor: as slow for an unknown name as for a
wrong password.

Failed tries at somebody else's account count for the caller's own address, then for all strangers together; never for a
browser in which the owner has signed in before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Unauthenticated
from writeback.domain.actor import staff
from writeback.domain.staff import Person
from writeback.flow.people.devices import Devices
from writeback.flow.people.passwords import hash_password, is_outdated, is_password
from writeback.flow.people.second_factor import SecondFactors
from writeback.flow.people.sessions import StaffSessions
from writeback.flow.people.staff_accounts import normal_name
from writeback.flow.people.tries import NOBODY, Count, Tries, key_of
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

HALF_WAY_S = 300
"""How long after the password the code may come."""


class Entry(NamedTuple):
    """What the cookies are to say: who is signed in, and that somebody has been in this browser."""

    session: str
    device: str


class HalfWay(NamedTuple):
    """The password was right, and a code is wanted. The browser keeps it, sealed."""

    name: str
    at: datetime


class SignIns:
    """Takes names, passwords and codes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        tries: Tries,
        sessions: StaffSessions,
        devices: Devices,
        second_factors: SecondFactors,
    ) -> None:
        self._db, self._clock, self._tries = db, clock, tries
        self._sessions, self._devices, self._second_factors = sessions, devices, second_factors

    async def by_password(self, name: str, password: str, address: str, device: str = "") -> Entry | HalfWay:
        """Return what the cookies are to say; raise Unauthenticated, or TooOften after too many tries.

        `address` is where the call comes from, `device` what an earlier sign-in had this browser keep.
        """
        name = normal_name(name)
        row, counts = await self._begin("", name, address, device)
        stored = row.password_hash if row is not None and row.disabled_at is None else None
        if not await is_password(password, stored):
            await self._note_failure(row, name)
            raise Unauthenticated(
                "sign_in_refused", "the name or the password is wrong", hint="Try again, or ask for a new password."
            )
        assert row is not None
        better = await hash_password(password) if is_outdated(row.password_hash or "") else None
        return await self._db.transact(lambda session: self._let_in(session, row.name, counts, better))

    async def by_code(self, half_way: HalfWay, code: str, address: str, device: str = "") -> Entry:
        """Return what the cookies are to say; raise Unauthenticated, or TooOften, as `by_password` does."""
        _, counts = await self._begin("code ", half_way.name, address, device)
        try:
            return await self._db.transact(lambda session: self._let_in_by_code(session, half_way, code, counts))
        except Unauthenticated as refused:
            await self._note_code_failure(half_way.name, refused.code)
            raise

    async def again(self, person: Person, password: str) -> None:
        """Ask somebody who is signed in for their password; raise Unauthenticated, or TooOften."""
        counts = self._tries.of_person("", person.id)
        await self._tries.begin(counts)
        async with self._db.read() as reading:
            row = await store.find(reading, person.name)
        if row is None or not await is_password(password, row.password_hash):
            raise Unauthenticated("password_refused", "the password is wrong", hint="Try again.")
        await self._db.transact(lambda session: self._tries.succeeded(session, counts))

    async def _begin(self, what: str, name: str, address: str, device: str) -> tuple[StaffRow | None, Sequence[Count]]:
        """Count a try; return the account and where it was counted."""
        async with self._db.read() as reading:
            row = await store.find(reading, name)
        known = self._devices.known(device, row, self._clock.now())
        counts = self._tries.of_device(what, known) if known else self._tries.of_stranger(what, name, address)
        await self._tries.begin(counts, is_known=known is not None)
        return row, counts

    def _let_in(self, session: Session, name: str, counts: Sequence[Count], better_hash: str | None) -> Entry | HalfWay:
        row = store.by_name(session, name)
        if row is None or row.disabled_at is not None:  # since we looked
            raise Unauthenticated("sign_in_refused", "the name or the password is wrong")
        if better_hash is not None:
            row.password_hash = better_hash
        self._tries.succeeded(session, counts)
        if row.totp_since is not None:
            session.add(row)
            return HalfWay(row.name, self._clock.now())
        return self._entry(session, row, "password")

    def _let_in_by_code(self, session: Session, half_way: HalfWay, code: str, counts: Sequence[Count]) -> Entry:
        row, now = store.by_name(session, half_way.name), self._clock.now()
        is_late = now - half_way.at > timedelta(seconds=HALF_WAY_S)
        # Another password, no account any more, signed out everywhere: what was half done before does not count.
        if row is None or row.disabled_at is not None or is_late or row.updated_at > half_way.at:
            raise Unauthenticated("sign_in_outdated", "this sign-in was begun too long ago", hint="Begin again.")
        self._second_factors.take(session, row, code)
        self._tries.succeeded(session, counts)
        return self._entry(session, row, "second factor")

    def _entry(self, session: Session, row: StaffRow, by: str) -> Entry:
        now, token = self._clock.now(), self._sessions.begin(session, row)
        audit.note(session, staff(row.name), now, "staff.sign_in", row.id, changed={"with": by})
        log.info("staff_signed_in", staff_id=row.id)
        return Entry(token, self._devices.token_for(row, now))

    async def _note_failure(self, row: StaffRow | None, name: str) -> None:
        """Write the failure down, against the account where there is one; a name that nobody has is kept as a hash."""
        subject = key_of("account", name) if row is None else row.id
        noted = {"account": "unknown" if row is None else "disabled" if row.disabled_at else "known"}

        def note(session: Session) -> None:
            audit.note(session, NOBODY, self._clock.now(), "staff.sign_in_failed", subject, changed=noted)

        await self._db.transact(note)
        log.info("staff_sign_in_failed", staff_id=subject, account=noted["account"])

    async def _note_code_failure(self, name: str, reason: str) -> None:
        """Write down that somebody had the password and not the code: the owner's password may be known."""

        def note(session: Session) -> None:
            row = store.by_name(session, name)
            if row is not None:
                noted = {"with": "second factor", "reason": reason}
                audit.note(session, NOBODY, self._clock.now(), "staff.sign_in_failed", row.id, changed=noted)

        await self._db.transact(note)
